#!/usr/bin/env bash
# adversary/by-hand: files and folders that are linked or moved into another mailbox in the store, while the kernel knows them at their old place, are there what they would be after a remount: files do not open but can go, and what is new in a folder comes under its mailbox's policy. Coverage counts what is mounted in the store, as the mount shows it, and follows no link there.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_mkfs
vaults_init
mkdir -p "$STORE/mailbox/a/other"
mount -t tmpfs depfs-test "$STORE/mailbox/a/other"
depfs_mount
policy_create A --kind mailbox
mkdir -p "$MNT/mailbox/b/d"
control mailboxes/a/policy A
echo private >"$MNT/mailbox/b/f"
echo private >"$MNT/mailbox/b/d/f"
exec 5<"$MNT/mailbox/b/f"
ln "$STORE/mailbox/b/f" "$STORE/mailbox/a/f"
assert_fails_with EIO cat "$MNT/mailbox/a/f"
assert_event block-damaged mailbox/a/f
assert_eq "$(cat "$MNT/mailbox/b/f" - <&5)" "private
private" "at its own place"
rm "$MNT/mailbox/a/f"
assert_eq "$(cat "$MNT/mailbox/b/f")" private "once the link is gone"
exec 5<&-

mv "$STORE/mailbox/b/d" "$STORE/mailbox/a/d"
assert_fails_with EIO cat "$MNT/mailbox/a/d/f"
echo new >"$MNT/mailbox/a/d/new"
echo new >"$MNT/mailbox/a/other/new"
assert_eq "$(inspect mailbox/a/d/new "policy id")" "$(policy_id A)" "in the folder that was moved"
assert_match "$(depctl coverage mailbox/a)" "A, generation 1: 2 files, 8 B" "counted"
rm "$MNT/mailbox/a/d/f"
mkdir -p "$WORK/fake/other"
mv "$STORE/mailbox/a/d" "$STORE/mailbox/a/d.away"
ln -s "$WORK/fake" "$STORE/mailbox/a/d" # where the kernel still has the folder
assert_fails_with "through a symbolic link" depctl coverage mailbox/a/d
rm "$STORE/mailbox/a/d"
mv "$STORE/mailbox/a/d.away" "$STORE/mailbox/a/d"
depfs_remount
assert_eq "$(cat "$MNT/mailbox/a/d/new")" new "after a remount"
depfs_umount
