#!/usr/bin/env bash
# policy/limits: at most 50 mailbox policies are active, the next is refused with EDQUOT until one is disabled; and 10,000 mailboxes are listed.
# vaults: local azure
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

BOXES=10000
case $KIND in
asan | tsan) BOXES=1000 ;;
esac
python3 - "$MNT" $BOXES <<'PY'
import os, sys, time
mount, boxes = sys.argv[1], int(sys.argv[2])
os.makedirs(f'{mount}/mailbox')
for i in range(boxes):
    os.mkdir(f'{mount}/mailbox/u{i}')
start = time.monotonic()
names = os.listdir(f'{mount}/.depfs/mailboxes')
print(f'{boxes} mailboxes listed in {time.monotonic() - start:.3f} s')
assert sorted(names) == sorted(f'u{i}' for i in range(boxes)), len(names)
PY
depfs_umount
