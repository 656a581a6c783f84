#!/usr/bin/env bash
# policy/limits: at most 50 mailbox policies are active; the next is refused with EDQUOT until one is disabled.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
for i in {1..50}; do
	policy_create "P$i" --kind mailbox
done
assert_fails_with "50" policy_create P51 --kind mailbox
assert_match "$(tail -n 1 "$MNT/.depfs/error_log")" EDQUOT
policy_create tenant # of the other kind there is no limit
control policies/P1/enabled 0
policy_create P51 --kind mailbox
ctl_refused EDQUOT "50" policies/P1/enabled 1
depfs_umount
