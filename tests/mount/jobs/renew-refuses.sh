#!/usr/bin/env bash
# jobs/renew-refuses: what cannot be renewed is refused with a sentence and starts no job; what goes wrong with one file is listed and leaves it readable.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
. "$LIB/depctl.sh"
depfs_start
mkdir -p "$MNT/chat" "$MNT/edm"
head -c 30000 /dev/urandom >"$WORK/plain"
cp "$WORK/plain" "$MNT/chat/good"
cp "$WORK/plain" "$MNT/chat/bad"
mkfifo "$MNT/chat/fifo"
ln -s good "$MNT/chat/symlink"
ctl_refused ENOENT "'chat/nothing' in the mount: No such file" renew chat/nothing
ctl_refused EINVAL "neither a file nor a folder" renew chat/fifo
ctl_refused EINVAL "leads through a symbolic link" renew chat/symlink
ctl_refused EINVAL "is no path" renew ../back
ctl_refused EINVAL "is no path" renew .depfs/status
ctl_refused EINVAL "is no path" renew chat//good
ctl_refused EINVAL "is not below $MNT" renew "$MNT.other/chat"
ctl_refused ENOTDIR "Not a directory" renew chat/good/more
ctl_refused EINVAL "renew" renew ""
refused 2 "wrong number of arguments" depctl renew
refused 1 "No such file" depctl renew nothing
assert_eq "$(find "$MNT/.depfs/jobs" -mindepth 1)" "" "jobs"
says_line "job 1 gives chat/good a fresh key" depctl renew "$MNT/chat/good/"
job_done 1
json_holds "j['kind'] == 'renew' and j['path'] == 'chat/good' and j['done'] == 1" depctl --json job show 1
says chat/good depctl job list

# a block of another file's
depfs_umount
dd if="$STORE/chat/good" of="$STORE/chat/bad" bs=4096 skip=5 seek=5 count=1 conv=notrunc status=none
depfs_mount
depctl renew chat >/dev/null
wait_until 50 job_ended 2 || fail "job 2 does not end"
job_state_is 2 failed || fail "job 2: $(cat "$MNT/.depfs/jobs/2/status")"
assert_eq "$(cat "$MNT/.depfs/jobs/2/failed")" "chat/bad: damaged; events say where"
assert_event block-damaged chat/bad
same_bytes "$WORK/plain" "$MNT/chat/good"
head -c 16000 "$WORK/plain" | cmp - <(dd if="$MNT/chat/bad" bs=4000 count=4 status=none) || fail "what is not damaged cannot be read"
tail -c 4000 "$WORK/plain" | cmp - <(tail -c 4000 "$MNT/chat/bad") || fail "the same of the end"

# damage that is written over is none, and the renewal comes to its end
python3 - "$MNT/chat/bad" "$WORK/plain" <<'PY'
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)  # the whole block, and nothing read
with open(sys.argv[2], 'rb') as f:
    f.seek(3808 + 4 * 4064)
    os.pwrite(fd, f.read(4064), 3808 + 4 * 4064)
PY
sync -f "$MNT"
depctl job retry 2 >/dev/null
wait_until 50 job_state_is 2 "done" || fail "job 2: $(cat "$MNT/.depfs/jobs/2/"*)"
depfs_remount
same_bytes "$WORK/plain" "$MNT/chat/bad"
assert_eq "$(inspect chat/bad flags)" none
depfs_umount
