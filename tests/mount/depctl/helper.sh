#!/usr/bin/env bash
# depctl/helper: mount.depfs hands what mount(8) gives it to the daemon, finds the one beside it, and
# says what is wrong with the exit codes of mount(8).
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
depfs_mkfs
helper=$BIN/mount.depfs

cleanup_mount()
{
	! is_mounted || fusermount3 -u "$MNT"
}

store_is_free() # the daemon ends some time after it was unmounted
{
	! pgrep -f "depfs $STORE " >/dev/null
}

mounted_with() # OPTION... - the kernel's options of the mount
{
	local option options

	options=,$(findmnt -no OPTIONS "$MNT"),
	for option in "$@"; do
		[[ $options == *,$option,* ]] || fail "'$option' is not among '$options'"
	done
}

# as mount(8) calls it: mount.depfs STORE MOUNT -o OPTIONS [-t TYPE]
"$helper" "$STORE" "$MNT" -n -o "rw,noatime,$(depfs_options)" -t depfs
mounted_with rw noatime nosuid nodev # which the store's writer could plant
assert_eq "$(findmnt -no FSTYPE,SOURCE "$MNT" | tr -s ' ')" "fuse.depfs $STORE"
mkdir "$MNT/chat"
echo hello >"$MNT/chat/x"
cleanup_mount
wait_until 20 store_is_free

# devices and set-id programs, each asked for by name
"$helper" "$STORE" "$MNT" -o "suid,$(depfs_options)"
mounted_with nodev
assert_no_match ",$(findmnt -no OPTIONS "$MNT")," ",nosuid,"
cleanup_mount
wait_until 20 store_is_free
"$helper" "$STORE" "$MNT" -o "$(depfs_options dev)"
mounted_with nosuid
assert_no_match ",$(findmnt -no OPTIONS "$MNT")," ",nodev,"
cleanup_mount
wait_until 20 store_is_free

# options in front and in pieces, and what is in fstab for others
"$helper" -o "ro,nosuid,_netdev,x-systemd.automount" "$STORE" -o "$(depfs_options nodev)" "$MNT"
mounted_with ro nosuid nodev
assert_eq "$(cat "$MNT/chat/x")" hello
cleanup_mount
wait_until 20 store_is_free

# mount.fuse3, which serves type fuse.depfs, finds the daemon in PATH
if [ -x /sbin/mount.fuse3 ]; then
	PATH=$BIN:$PATH /sbin/mount.fuse3 "$STORE" "$MNT" -o "rw,$(depfs_options)" -t fuse.depfs
	assert_eq "$(cat "$MNT/chat/x")" hello
	cleanup_mount
	wait_until 20 store_is_free
fi

# mount(8) itself, in a namespace whose /sbin has our programs as after an installation
cat >"$WORK/installed.sh" <<'END'
set -eu
mount -t overlay -o "lowerdir=$BIN:$(realpath /sbin)" overlay "$(realpath /sbin)"
for type in depfs fuse.depfs; do
	mount -t $type -o "noatime,$OPTIONS" "$STORE" "$MNT"
	findmnt -no FSTYPE,SOURCE,OPTIONS "$MNT"
	cat "$MNT/chat/x"
	umount "$MNT"
	while pgrep -f "depfs $STORE " >/dev/null; do sleep 0.1; done
done
echo "$STORE $MNT depfs noauto,$OPTIONS 0 0" >"$WORK/fstab"
mount -T "$WORK/fstab" "$MNT"
cat "$MNT/chat/x"
umount "$MNT"
END
if unshare -m mount -t overlay -o "lowerdir=$BIN:$(realpath /sbin)" overlay "$(realpath /sbin)"; then
	OPTIONS=$(depfs_options) BIN=$BIN STORE=$STORE MNT=$MNT WORK=$WORK \
		unshare -m timeout 60 bash "$WORK/installed.sh" >"$WORK/out" 2>&1 ||
		fail "mount(8): $(cat "$WORK/out")"
	assert_eq "$(grep -c '^fuse.depfs ' "$WORK/out")" 2 "mounts by both types"
	assert_eq "$(grep -c '^hello$' "$WORK/out")" 3 "reads through them and the line in fstab"
	wait_until 20 store_is_free
fi

ends_with() # CODE SENTENCE ARGUMENT...
{
	local code=$1 sentence=$2 r=0

	shift 2
	"$helper" "$@" >"$WORK/out" 2>&1 </dev/null || r=$?
	assert_eq $r "$code" "exit status of '$*'"
	[[ $(cat "$WORK/out") == *"$sentence"* ]] || fail "'$*' should say '$sentence': $(cat "$WORK/out")"
	! is_mounted || fail "'$*' mounted something"
}
ends_with 1 "STORE is missing"
ends_with 1 "MOUNT is missing" "$STORE"
ends_with 1 "third: one argument too many" "$STORE" "$MNT" third
ends_with 1 "-x: unknown option" -x "$STORE" "$MNT"
ends_with 1 "namespace" -N 1 "$STORE" "$MNT"
ends_with 1 "No such file" "$WORK/nothing" "$MNT" -o "$(depfs_options)"
ends_with 2 "bogus" "$STORE" "$MNT" -o "$(depfs_options bogus)"
ends_with 0 "" -f "$STORE" "$MNT"
cp "$helper" "$WORK/mount.depfs"
helper=$WORK/mount.depfs PATH=/nowhere:/bin:/usr/bin
ends_with 32 "depfs cannot be run" "$STORE" "$MNT"

# and about itself
assert_match "$("$helper" --help)" "usage: mount.depfs STORE MOUNT"
assert_match "$("$helper" --version)" "^mount.depfs [0-9]"

# the daemon itself as well
depfs_mount
mounted_with nosuid nodev
depfs_umount
depfs_mount dev,suid
assert_no_match ",$(findmnt -no OPTIONS "$MNT")," ",(nodev|nosuid)," "asked for"
depfs_umount
