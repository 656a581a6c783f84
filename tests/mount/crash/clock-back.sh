#!/usr/bin/env bash
# crash/clock-back: what was written after the wall clock was set back to before the mount is recovered like the rest:
# at boot a clock is often wrong by hours until the network tells the time.
# builds: release
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
command -v faketime >/dev/null || skip "needs faketime"
depfs_mkfs
echo +2h >"$WORK/offset"
export FAKETIME_TIMESTAMP_FILE="$WORK/offset" FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1
MOUNT_WRAPPER="env LD_PRELOAD=$(faketime -f +0 printenv LD_PRELOAD)" depfs_mount
echo +0 >"$WORK/offset"
mkdir "$MNT/chat"
head -c 5000 /dev/zero >"$MNT/chat/tail"
: >"$MNT/chat/begun"
sync "$MNT/chat/tail"
sleep 6 # the daemon looks at the clock every 5 s
depfs_kill
truncate -s 8192 "$STORE/chat/tail" # as between a block and the length
truncate -s 0 "$STORE/chat/begun" # as between a file and its first block
depfs_mount
assert_eq "$(stat -c %s "$MNT/chat/tail")" 5000
cmp "$MNT/chat/tail" <(head -c 5000 /dev/zero)
assert_eq "$(cat "$MNT/chat/begun")" ""
assert_event file-completed chat/tail
depfs_umount
