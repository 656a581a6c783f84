#!/usr/bin/env bash
# jobs/kill: a daemon killed at any moment of a job goes on with it after the next mount; no file is done or counted twice, none is left out, and every file opens.
# vaults: local azure
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
FILES=3000 KILLS=8
case $KIND in
asan | tsan) FILES=600 KILLS=3 ;;
esac
[ "${DEPFS_LONG:-0}" = 0 ] || KILLS=100
depfs_start_policies "job_rate=$((FILES / 3))"
policy_create P
policy_create Q
mkdir -p "$MNT/chat"
python3 - "$MNT" "$FILES" <<'PY'
import os, sys
mount, files = sys.argv[1], int(sys.argv[2])
for i in range(files):
    folder = f'{mount}/mailbox/u{i % 30:02}/cur'
    os.makedirs(folder, exist_ok=True)
    with open(f'{folder}/{i}', 'wb') as f:
        f.write(str(i).encode() * (i % 3000))
PY
sync -f "$MNT"

# all_open - each file has the bytes it was made with
all_open()
{
	python3 - "$MNT" "$FILES" <<'PY' || fail "a file has other bytes"
import sys
mount, files = sys.argv[1], int(sys.argv[2])
for i in range(files):
    with open(f'{mount}/mailbox/u{i % 30:02}/cur/{i}', 'rb') as f:
        assert f.read() == str(i).encode() * (i % 3000), i
PY
}

# versions LESS - of the headers of one-block files; recovery after a crash rewrites those of longer ones
versions()
{
	headers | awk -F '\t' -v less="$1" '$5 < 8192 { print $1, $4 - less }' | sort
}

# kill_until_ended N - the daemon is killed at random moments of a job; prints how often
kill_until_ended()
{
	local kills=0

	while [ $kills -lt "$KILLS" ] && ! job_ended "$1"; do
		sleep 0.$((RANDOM % 5))$((RANDOM % 10))
		depfs_kill
		kills=$((kills + 1))
		depfs_mount "job_rate=$((FILES / 3))"
	done
	depctl job rate "$1" 0 >/dev/null 2>&1 || job_ended "$1" # as fast as it can
	job_done "$1"
	assert_eq "$(job_field "$1" total)" "$FILES" "files that the job has seen"
	echo "job $1: killed $kills times"
}

# killed_often ACT... - the act starts a job, which is killed again and again, the last time not
killed_often()
{
	local before after

	before=$(versions 0)
	depctl "$@" >/dev/null
	kill_until_ended "$(newest_job)"
	after=$(versions 1)
	[ "$before" = "$after" ] ||
		fail "not each header was rewritten once: $(diff <(echo "$before") <(echo "$after") | head -n 4)"
	all_open
}

killed_often assign P
assert_eq "$(under "$(hex_id P)")" "$FILES"
killed_often policy rotate P
assert_eq "$(headers | cut -f 2,3 | sort -u)" "$(hex_id P)"$'\t'2
killed_often unassign
assert_eq "$(under "$SERVICE")" "$FILES"
echo 1 >"$MNT/.depfs/scan"
kill_until_ended "$(newest_job)"
assert_match "$(depctl coverage --json)" "\"files\": ?$FILES[,}]" "what the scan has counted"
depctl events --verify >/dev/null
depfs_umount
