#!/usr/bin/env bash
# adversary/deep-folders: folders in folders without end, which any user can make, neither keep jobs from ending nor
# a store that was not stopped cleanly from being mounted: what lies too deep is reported, and its policy is not removed.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
DEPTH=12000 FILES=4000 # more than there are descriptors; and of stack in the sanitizers' builds
ulimit -n $FILES
depfs_start_policies
policy_create P
policy_create Q
control assignment P
job_done
mkdir -p "$MNT/mailbox/anna"
echo mail >"$MNT/mailbox/anna/1"
python3 - "$MNT/mailbox/anna" $DEPTH <<'PY'
import os, sys
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
    if i == 500:
        open('mail', 'w').write('high')
    os.mkdir('d')
    os.chdir('d')
open('mail', 'w').write('deep')
PY
control assignment Q
n=$(newest_job)
wait_until 60 job_ended "$n" || fail "the job does not end: $(cat "$MNT/.depfs/jobs/$n/status")"
job_state_is "$n" failed || fail "$(cat "$MNT/.depfs/jobs/$n/status")"
assert_eq "$(job_field "$n" "done") $(job_field "$n" failed)" "2 1"
assert_match "$(cat "$MNT/.depfs/jobs/$n/failed")" "/d: lies in too many folders"
depctl scan >/dev/null
n=$(newest_job)
wait_until 60 job_ended "$n" || fail "the scan does not end"
assert_eq "$(sed -n 's/^unreadable: //p' "$MNT/.depfs/scan")" 1
assert_fails_with EBUSY control policies/P/remove 1
depfs_kill
depfs_mount
assert_eq "$(cat "$MNT/mailbox/anna/1")" mail
python3 - "$MNT/mailbox/anna" $DEPTH <<'PY'
import os, sys
os.chdir(sys.argv[1])
for _ in range(int(sys.argv[2])):
    os.chdir('d')
assert open('mail').read() == 'deep'
PY
depfs_umount
