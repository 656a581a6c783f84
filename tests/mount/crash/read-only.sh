#!/usr/bin/env bash
# crash/read-only: a store on a read-only filesystem is refused with EROFS or mounts for reading; nothing changes below.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
depfs_mkfs
depfs_mount
mkdir -p "$MNT/mailbox/anna"
echo "the mail" >"$MNT/mailbox/anna/1"
depfs_umount
before=$(cd "$STORE" && find . -printf '%p %s %T@ %m\n' | sort)
mount -o remount,ro "$WORK/back"
if "$BIN/depfs" "$STORE" "$MNT" -f -o "$(depfs_options)" >"$WORK/out" 2>&1 & then
	DAEMON_PID=$!
	PIDS+=($!)
	wait_until 20 mounted_or_ended $DAEMON_PID "$MNT"
fi
if is_mounted; then
	assert_eq "$(cat "$MNT/mailbox/anna/1")" "the mail"
	assert_fails_with EROFS touch "$MNT/mailbox/anna/2"
	depfs_umount
else
	DAEMON_PID=
	assert_match "$(cat "$WORK/out")" "[Rr]ead-only" "what the daemon says"
	assert_eq "$(wc -l <"$WORK/out")" 1 "lines it says"
fi
assert_eq "$(cd "$STORE" && find . -printf '%p %s %T@ %m\n' | sort)" "$before" "the store"
mount -o remount,rw "$WORK/back"

# A filesystem that turns read-only below a mount, as ext4 does when it finds an error.
truncate -s 64M "$WORK/disk"
mkfs.ext4 -q "$WORK/disk"
disk=$(losetup -f --show "$WORK/disk")
LOOPS+=("$disk")
mkdir "$WORK/ext4"
mount -o errors=remount-ro "$disk" "$WORK/ext4"
cp -a "$STORE" "$WORK/ext4/store"
sync -f "$WORK/ext4/store"
STORE=$WORK/ext4/store
depfs_mount
echo "kept" >"$MNT/mailbox/anna/kept"
sync -d "$MNT/mailbox/anna/kept"
echo 1 >"/sys/fs/ext4/${disk##*/}/trigger_fs_error"
assert_fails_with EROFS touch "$WORK/ext4/x"
assert_eq "$(cat "$MNT/mailbox/anna/1")" "the mail"
assert_fails_with EROFS touch "$MNT/mailbox/anna/2"
assert_fails_with EROFS rm "$MNT/mailbox/anna/1"
assert_eq "$(cat "$MNT/mailbox/anna/kept")" "kept"
umount "$MNT"
wait "$DAEMON_PID" || true # it may say that it could not note its clean end
DAEMON_PID=
umount "$WORK/ext4"
mount "$disk" "$WORK/ext4"
depfs_mount
assert_eq "$(cat "$MNT/mailbox/anna/1")" "the mail"
assert_eq "$(cat "$MNT/mailbox/anna/kept")" "kept"
echo "works again" >"$MNT/mailbox/anna/2"
assert_eq "$(cat "$MNT/mailbox/anna/2")" "works again"
depfs_umount
