#!/usr/bin/env bash
# jobs/metadata: a job that re-wraps a file leaves its mode, set-id bits, times, attributes and capabilities as they were.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
mkdir -p "$MNT/mailbox/a"
cp /bin/true "$MNT/mailbox/a/f"
chown 7001:7001 "$MNT/mailbox/a/f"
chmod 6755 "$MNT/mailbox/a/f"
setfattr -n user.note -v kept "$MNT/mailbox/a/f"
setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= "$MNT/mailbox/a/f"
sync -f "$MNT"
look()
{
	stat -c '%a %u %g %y' "$MNT/mailbox/a/f"
	getfattr --absolute-names -d -m - "$MNT/mailbox/a/f"
}
look >"$WORK/before"
grep -q security.capability "$WORK/before" || skip "the backing filesystem takes no capabilities"
policy_create P
depctl assign P >/dev/null
wait_until 20 grep -q "state: done" "$MNT/.depfs/jobs/1/status"
assert_eq "$(inspect mailbox/a/f "policy id")" "$(policy_id P)"
depfs_remount # nothing that the kernel remembers
look >"$WORK/after"
diff "$WORK/before" "$WORK/after" >&2 || fail "changed by the job"
cmp "$MNT/mailbox/a/f" /bin/true
depfs_umount
