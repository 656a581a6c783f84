#!/usr/bin/env bash
# jobs/faults: whichever call that changes the disk fails during a job, no header is half written, what was not done is listed or tried again, and in the end all is done.
# timeout: 300
# vaults: local azure-long
# builds: release
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
FILES=4
[ "${DEPFS_LONG:-0}" = 0 ] || FILES=100
faultio=$(helper faultio -shared -fPIC)
head -c 8 /dev/zero >"$WORK/fault"
depfs_mkfs
vaults_init
MOUNT_WRAPPER="env FAULTIO=$WORK/fault LD_PRELOAD=$faultio" depfs_mount key_check=1
policy_create P
for ((i = 0; i < FILES; i++)); do
	mkdir -p "$MNT/mailbox/u$((i % 3))"
	head -c $((i * 1000)) /dev/urandom >"$WORK/plain$i"
	cp "$WORK/plain$i" "$MNT/mailbox/u$((i % 3))/$i"
done
sync -f "$MNT"

# fail_next N - the Nth call from now on; 0: none. Prints what is left of the last count.
fail_next()
{
	python3 - "$WORK/fault" "$1" <<'PY'
import struct, sys
with open(sys.argv[1], 'r+b') as f:
    print(struct.unpack('=q', f.read(8))[0])
    f.seek(0)
    f.write(struct.pack('=q', int(sys.argv[2])))
PY
}

bad=0
# with_fault N UNDER ACT... - the act and its job; prints nothing, sets $left
with_fault()
{
	local nth=$1 wanted=$2 n r=0

	shift 2
	fail_next "$nth" >/dev/null
	depctl "$@" >"$WORK/act.log" 2>&1 || r=$?
	n=$(newest_job)
	[ -z "$n" ] || wait_until 30 job_ended "$n" || fail "call $nth: $(cat "$MNT/.depfs/jobs/$n/status")"
	left=$(fail_next 0)
	if [ $r != 0 ]; then # refused whole: nothing began, and it can be repeated
		bad=$((bad + 1))
		depctl "$@" >"$WORK/act.log" 2>&1 || fail "call $nth: again: $(cat "$WORK/act.log")"
		n=$(newest_job)
		wait_until 30 job_ended "$n" || fail "call $nth: $(cat "$MNT/.depfs/jobs/$n/status")"
	fi
	if job_state_is "$n" failed; then
		bad=$((bad + 1))
		[ -n "$(cat "$MNT/.depfs/jobs/$n/failed")" ] || fail "call $nth: failed, and lists no file"
		echo retry >"$MNT/.depfs/jobs/$n/control"
		wait_until 30 job_ended "$n" || fail "call $nth: $(cat "$MNT/.depfs/jobs/$n/status")"
	fi
	job_state_is "$n" "done" || fail "call $nth: $(cat "$MNT/.depfs/jobs/$n/status")"
	sync -f "$MNT"
	assert_eq "$(under "$wanted" mailbox/)" "$FILES" "call $nth: files that the job has done"
}

id=$(hex_id P)
nth=0
while :; do
	nth=$((nth + 1))
	with_fault $nth "$id" assign P
	assigned=$left
	with_fault $nth "$SERVICE" unassign
	# a count that is left was not reached, by either
	[ "$assigned" -le 0 ] || [ "$left" -le 0 ] || break
done
echo "$nth calls, $bad of them in the way of an act or a file"
[ $bad -gt 0 ] || fail "no fault was felt"
for ((i = 0; i < FILES; i++)); do
	cmp "$WORK/plain$i" "$MNT/mailbox/u$((i % 3))/$i" || fail "file $i"
done
depctl events --verify >/dev/null
depfs_umount
