#!/usr/bin/env bash
# jobs/control: pause, resume, cancel, retry and rate do what they say within a second, a file that cannot be done is listed and done by retry, and every wrong command has its errno and sentence.
# vaults: local azure
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
depfs_start_policies job_rate=20
policy_create P
policy_create Q
for box in a b c; do
	mkdir -p "$MNT/mailbox/$box"
	for i in $(seq 100); do
		echo "$i" >"$MNT/mailbox/$box/$i"
	done
done
sync -f "$MNT"

depctl assign P >/dev/null
sleep 1
depctl job pause 1 >/dev/null
wait_until 2 job_state_is 1 paused || fail "not paused: $(job_field 1 state)"
done_then=$(job_field 1 "done")
assert_eq "$(job_field 1 "rate limit")" "20 files/s"
[ "$done_then" -lt 300 ] || fail "it was done at once: a rate of 20 is not kept"
sleep 1
assert_eq "$(job_field 1 "done")" "$done_then" "a paused job"
depfs_remount job_rate=20
assert_eq "$(job_field 1 state)" paused "after a remount"
depctl job resume 1 >/dev/null
depctl job rate 1 0 >/dev/null
job_done 1
assert_eq "$(under "$(hex_id P)")" 300

depctl assign Q >/dev/null
depctl job cancel 2 >/dev/null
wait_until 2 job_state_is 2 cancelled || fail "not cancelled: $(job_field 2 state)"
ctl_refused EINVAL "job 2 is cancelled: it cannot be paused" jobs/2/control pause
ctl_refused EINVAL "cannot be resumed" jobs/2/control resume
depctl job retry 2 >/dev/null
depctl job rate 2 0 >/dev/null
job_done 2
assert_eq "$(under "$(hex_id Q)")" 300
for word in pause resume cancel retry rate=5; do
	ctl_refused EINVAL "job 2 is done: it cannot be" jobs/2/control $word
done
for word in "" Pause "pause now" rate rate= rate=-1 rate=x rate=4294967296 "rate=1 2"; do
	ctl_refused EINVAL "control" jobs/2/control "$word"
done
assert_fails_with ENOENT ls "$MNT/.depfs/jobs/99"
assert_fails_with ENOENT ls "$MNT/.depfs/jobs/02"
refused=0
depctl job show 99 >/dev/null 2>"$WORK/err" || refused=$?
assert_eq $refused 1
assert_match "$(cat "$WORK/err")" "there is no job 99"

# a file that cannot be done
cp "$STORE/mailbox/b/7" "$WORK/good"
printf X | dd of="$STORE/mailbox/b/7" bs=1 seek=80 conv=notrunc status=none
depctl unassign >/dev/null
depctl job rate 3 0 >/dev/null
wait_until 60 job_ended 3
assert_eq "$(job_field 3 state)" failed
assert_eq "$(job_field 3 failed)" 1
assert_match "$(cat "$MNT/.depfs/jobs/3/failed")" "^mailbox/b/7: damaged"
assert_eq "$(depctl job failed 3 | wc -l)" 1
cp "$WORK/good" "$STORE/mailbox/b/7"
depctl job retry 3 >/dev/null
wait_until 60 job_ended 3
assert_eq "$(job_field 3 state)" "done" "$(cat "$MNT/.depfs/jobs/3/failed")"
assert_eq "$(cat "$MNT/.depfs/jobs/3/failed")" none
assert_eq "$(under "$SERVICE")" 300

# a later assignment ends the job of the one before
depctl assign P >/dev/null
depctl assign Q >/dev/null
depctl job rate 5 0 >/dev/null
wait_until 10 job_state_is 4 superseded || fail "job 4 is $(job_field 4 state)"
job_done 5
assert_eq "$(under "$(hex_id Q)")" 300
depctl job watch 5 >"$WORK/watch"
assert_match "$(tail -n 1 "$WORK/watch")" "^100% done: .* failed$"
assert_eq "$(depctl job show 5 | sed -n 's/^eta: //p')" none
depfs_umount
