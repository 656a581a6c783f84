#!/usr/bin/env bash
# adversary/no-memory: a daemon that gets no more memory refuses what it cannot do, keeps what it acknowledged, goes
# on when it gets some again, and ends well when it is unmounted without.
# builds: release clang
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start
mkdir "$MNT/chat"
echo kept >"$MNT/chat/kept"
sync "$MNT/chat/kept"
no_more() { prlimit --pid "$DAEMON_PID" --as="$(awk '{ print $1 * 4096 }' "/proc/$DAEMON_PID/statm")": ; }
no_more
python3 - "$MNT/chat" <<'PY'
import errno, os, sys, threading
wrong = []
def work(n):
    for i in range(30):
        data = os.urandom(150000)
        try:
            fd = os.open(f'{sys.argv[1]}/{n}-{i}', os.O_CREAT | os.O_RDWR)
            data = data[:os.write(fd, data)]
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            got = os.pread(fd, len(data), 0)
            if got != data[:len(got)]: # fewer, where a later page failed
                wrong.append((n, i, len(got)))
            os.close(fd)
        except OSError as e:
            if e.errno not in (errno.ENOMEM, errno.EAGAIN):
                wrong.append(e)
threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
[t.start() for t in threads]
[t.join() for t in threads]
assert not wrong, wrong # all may be refused: what there is left is a matter of luck
PY
prlimit --pid "$DAEMON_PID" --as=unlimited:
head -c 300000 /dev/urandom >"$WORK/more"
cp "$WORK/more" "$MNT/chat/more"
no_more
depfs_umount
depfs_mount
assert_eq "$(cat "$MNT/chat/kept")" kept
cmp "$WORK/more" "$MNT/chat/more" || fail "what was written with memory again"
depfs_umount
