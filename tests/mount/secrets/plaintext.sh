#!/usr/bin/env bash
# secrets/plaintext: what was written into any workload, and every key, is found nowhere in the raw disk below the store,
# in the state, in the log, or in memory of the daemon that could be swapped out; names, which lie open, are found.
# vaults: local azure-long
# builds: release
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
truncate -s 96M "$WORK/disk"
mkfs.ext4 -q "$WORK/disk"
disk=$(losetup -f --show "$WORK/disk")
LOOPS+=("$disk")
mount "$disk" "$WORK/back"
depfs_start_policies
policy_create Tenant
policy_create Board --kind mailbox
seek() { PYTHONPATH=$TOP/tests/format /usr/bin/python3 "$HERE/seek.py" "$@"; }

# Marked content of every shape; the last mark that each file ever held is in $WORK/marks.
for area in mailbox/anna mailbox/chief chat edm signals planner; do
	mkdir -p "$MNT/$area"
	for round in none tenant; do
		dir=$MNT/$area/$round
		[ "$round" = none ] || control assignment Tenant
		[ "$round" = none ] || control mailboxes/chief/policy Board
		mkdir "$dir"
		seek write "$dir"
		mv "$dir/replaced" "$dir/renamed-NameThatLiesOpen"
		rm "$dir/removed"
		truncate -s 100 "$dir/shortened"
	done
	control assignment none
	control mailboxes/chief/policy none
done
control assignment Tenant
control mailboxes/chief/policy Board
sync -f "$MNT"
exec 8<"$MNT/mailbox/anna/tenant/long" 9<>"$MNT/mailbox/chief/tenant/long"
grep -qa PLAINMARK <&8 # the marks are what a reader sees
seek keys "$DAEMON_PID" "$STORE" "$KEY" # while files are open, their keys are in locked memory alone
exec 8<&- 9<&-
echo 3 >/proc/sys/vm/drop_caches
sync -f "$MNT"
seek keys "$DAEMON_PID" "$STORE" "$KEY"
seek memory "$DAEMON_PID"
assert_no_match "$(cat "$LOG" "$MNT/.depfs/events" "$MNT/.depfs/error_log")" "PLAINMARK"
depfs_umount
umount "$WORK/back"
seek image "$WORK/disk" # with everything that was removed, replaced or temporary
