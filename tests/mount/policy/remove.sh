#!/usr/bin/env bash
# policy/remove: a policy goes when it is not assigned and a scan proves that no file is under it; old backups still open, unless it went by force.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
. "$LIB/depctl.sh"
depfs_start_policies
for p in Old New Spare; do
	policy_create $p
done
mkdir -p "$MNT/mailbox/u" "$MNT/chat"
depctl assign Old >/dev/null
echo one >"$MNT/mailbox/u/1"
echo two >"$MNT/chat/2"
sync -f "$MNT"
cp -a "$STORE" "$WORK/backup"

# scan_now - and wait for its end
scan_now()
{
	depctl scan >/dev/null
	job_done
}

scanned_unreadable() { grep -qx "unreadable: 1" "$MNT/.depfs/scan"; }
refused 1 "is assigned to the tenant" depctl policy remove Old
depctl assign New >/dev/null
job_done
refused 1 "no complete scan since policy \"Old\" was last assigned" depctl policy remove Old
scan_now
refused 1 "1 file was under policy \"Old\" at the last scan" depctl policy remove Old
assert_fails_with EBUSY rmdir "$MNT/.depfs/policies/Old"
ctl_refused EINVAL "remove: write 1" policies/Old/remove yes
echo "two, again" >"$MNT/chat/2"
sync -f "$MNT"
refused 1 "under policy \"Old\" at the last scan" depctl policy remove Old
scan_now
says_line "policy Old is removed; its keys are kept for backups" depctl policy remove Old
refused 1 "there is no policy 'Old'" depctl policy show Old
assert_fails_with ENOENT ls "$MNT/.depfs/policies/Old"
policy_create Old # the name is free
depfs_remount

# a file copied back from a backup opens
cp -a "$WORK/backup/chat/2" "$STORE/chat/back"
assert_eq "$(cat "$MNT/chat/back")" two
depctl events | grep "policy-remove .* ok " >/dev/null # reads it all: no SIGPIPE

# a file that cannot be read may be under any policy but one that was never assigned
depctl policy create Never $K1 $K2 >/dev/null
depctl policy create "Never either" $K1 $K2 >/dev/null
cp -a "$STORE/chat/back" "$WORK/whole"
printf X | dd of="$STORE/chat/back" bs=1 conv=notrunc status=none
depctl scan >/dev/null
wait_until 20 scanned_unreadable || fail "no scan met the damaged file"
says "policy Never is removed" depctl policy remove Never
depfs_remount
says "policy Never either is removed" depctl policy remove "Never either"
rm "$MNT/chat/back"
cp -a "$WORK/whole" "$STORE/chat/back"

# one that was never assigned goes at once; by force nothing of it stays
says_line "policy Spare is removed; no key of it is left" depctl policy remove Spare --force
assert_fails_with EBUSY rmdir "$MNT/.depfs/policies/Old" # a ready one wants what remove wants
assert_match "$(cat "$MNT/.depfs/policies/Old/last_error")" "rmdir removes drafts only"
rm -rf "$MNT/.depfs/policies/Old" 2>/dev/null || true
assert_eq "$(cat "$MNT/.depfs/policies/Old/enabled")" 1
mkdir "$MNT/.depfs/policies/Draft"
rmdir "$MNT/.depfs/policies/Draft"
depctl unassign >/dev/null
job_done
scan_now
depctl policy remove New --force >/dev/null
cp -a "$STORE" "$WORK/later"
depfs_umount
STORE=$WORK/backup depfs_mount
assert_eq "$(cat "$MNT/mailbox/u/1")" one "the whole backup"
depfs_umount
