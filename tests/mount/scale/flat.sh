#!/usr/bin/env bash
# scale/flat: jobs over one flat folder of 20,000 files (a million with --long) reach every one and
# take no memory for them: what assign, scan and rotate add to the daemon is bounded whatever the
# number of files, by a daemon of few descriptors.
# builds: release
# timeout: 1500
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
FILES=20000 LIMIT=256
BOUND=8388608 # bytes that a job may add to what is resident; with --long 8 for each file
[ "$LONG" = 0 ] || FILES=1000000 LIMIT=20000
# shellcheck disable=SC2034 # read by mount.sh
MOUNT_WRAPPER="prlimit --nofile=$LIMIT:$LIMIT"
depfs_start_policies
policy_create P

# make PART - one of two processes
make()
{
	python3 - "$MNT/mailbox/flat" "$1" "$FILES" <<'PY'
import os, sys
folder, part, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.chdir(folder)
for i in range(part, files, 2):
    fd = os.open(f'message-{i:07}', os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.write(fd, b'message %d' % i)
    os.close(fd)
PY
}
mkdir -p "$MNT/mailbox/flat"
start=$SECONDS
make 0 &
other=$!
make 1
wait $other
echo "$FILES files made in $((SECONDS - start)) s"

resident() # WHAT - bytes; VmRSS now, VmHWM the most since begin_peak
{
	awk -v what="$1:" '$1 == what { print $2 * 1024 }' "/proc/$DAEMON_PID/status"
}

# job_bounded NAME COMMAND... - the job that the command starts is done, within the bound
job_bounded()
{
	local name=$1 from before peak ms

	shift
	depfs_remount # what the kernel remembered of the files is gone
	before=$(resident VmRSS)
	echo 5 >"/proc/$DAEMON_PID/clear_refs" # proc(5): the peak begins here
	from=${EPOCHREALTIME/[.,]/}
	"$@" >/dev/null
	wait_until 1000 job_ended "$(newest_job)" || fail "$name does not end"
	ms=$(((${EPOCHREALTIME/[.,]/} - from) / 1000))
	peak=$(resident VmHWM)
	job_done
	echo "$name: $ms ms, $((FILES * 1000 / (ms ? ms : 1))) files/s; $before bytes before, at most $peak"
	[ $((peak - before)) -le $BOUND ] || fail "$name took $((peak - before)) bytes, more than $BOUND"
	[ "$(find "/proc/$DAEMON_PID/fd" -mindepth 1 | wc -l)" -le "$LIMIT" ] || fail "descriptors"
}

# counted GENERATION - the last scan found every file under P's generation, and the headers agree
counted()
{
	assert_match "$(cat "$MNT/.depfs/scan")" "row 1: mailbox $(policy_id P) $1 $FILES "
	assert_no_match "$(cat "$MNT/.depfs/scan")" "row 2:"
	assert_eq "$(headers mailbox/flat | awk -F '\t' -v id="$(hex_id P)" -v gen="$1" \
		'$2 == id && $3 == gen { n++ } END { print n + 0 }')" $FILES "headers under generation $1"
}

job_bounded assign depctl assign P
assert_eq "$(job_field "$(newest_job)" "done")" $FILES "re-wrapped"
job_bounded scan depctl scan
counted 1
job_bounded rotate depctl policy rotate P
assert_eq "$(job_field "$(newest_job)" "done")" $FILES "re-wrapped"
job_bounded "scan again" depctl scan
counted 2
assert_eq "$(cat "$MNT/mailbox/flat/message-0012345")" "message 12345"
depfs_umount
