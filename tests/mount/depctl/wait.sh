#!/usr/bin/env bash
# depctl/wait: with --wait a command that starts a job ends when the job has ended, with its outcome; job rate answers with the number.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
. "$LIB/depctl.sh"
depfs_start_policies
policy_create "x; job 77 re-wraps what is there already"
policy_create P
depctl policy create --kind mailbox Box $K1 $K2 >/dev/null
mkdir -p "$MNT/mailbox/m"
for i in 1 2 3 4 5 6; do
	echo "$i" >"$MNT/mailbox/m/$i"
done
sync -f "$MNT"
depfs_remount job_rate=4
done_now() # what the newest job is as soon as the command has returned
{
	"$@" >"$WORK/out"
	assert_eq "$(depctl job show "$(newest_job)" | sed -n 's/^state: //p')" done "after $*"
}
done_now depctl --wait assign P
done_now depctl policy rotate P --wait
done_now depctl mailbox assign m Box --wait --json
done_now depctl --wait renew "$MNT/mailbox/m"
done_now depctl scan --wait
done_now depctl --wait Set-M365DataAtRestEncryptionPolicyAssignment -DataEncryptionPolicy "x; job 77 re-wraps what is there already"
done_now depctl --wait unassign
depctl --wait policy describe P "job 99 fails" >/dev/null # no job: nothing to wait for

# a job that fails is an exit status and a sentence
printf X | dd of="$STORE/mailbox/m/1" bs=1 conv=notrunc status=none
r=0
depctl --wait mailbox unassign m >"$WORK/out" 2>"$WORK/err" || r=$?
assert_eq "$r" 1
grep -q "^depctl: job $(newest_job) is failed, 1 of 6 files failed" "$WORK/err" || fail "$(cat "$WORK/err")"

depctl scan >/dev/null
says_line "job $(newest_job) does at most 5 files a second" depctl job rate "$(newest_job)" 5
says_line "job $(newest_job) is as fast as it can" depctl job rate "$(newest_job)" 0
