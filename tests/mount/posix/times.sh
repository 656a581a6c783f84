#!/usr/bin/env bash
# posix/times: each call changes the times it should and no others; utimensat sets them to the nanosecond.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" "$STORE" <<'END'
from posixlib import *

import time

OLD = 10**9 * 1000000000


def age(path):
    os.utime(path, ns=(OLD, OLD))


def changed(path, fn, wanted):
    age(path)
    before = os.stat(path)
    time.sleep(0.02)
    fn()
    after = os.stat(path)
    got = ''.join(n for n in 'mc' if getattr(after, f'st_{n}time_ns') != getattr(before, f'st_{n}time_ns'))
    same(got, wanted, path)


put('f', b'x' * 9000)
os.mkdir('d')
fd = os.open('f', os.O_RDWR)


def write():
    os.pwrite(fd, b'y', 5)
    os.fsync(fd)


changed('f', write, 'mc')
changed('f', lambda: os.ftruncate(fd, 5000), 'mc')
changed('f', lambda: os.pread(fd, 100, 0), '')
changed('f', lambda: os.chmod('f', 0o600), 'c')
changed('f', lambda: os.chown('f', 1, 1), 'c')
changed('f', lambda: os.link('f', 'f2'), 'c')
changed('f', lambda: os.unlink('f2'), 'c')
changed('f', lambda: put('f', b'new'), 'mc')
changed('d', lambda: put('d/x', b''), 'mc')
changed('d', lambda: os.unlink('d/x'), 'mc')
changed('d', lambda: os.listdir('d'), '')
for size in 6000, 40000:  # an fsync tells the times, and the answer to that the rest
    time.sleep(0.02)  # changes within one tick of the clock count once
    os.pwrite(fd, b'z' * size, 0)
    os.fsync(fd)
    seen, below = os.fstat(fd), os.stat(f'{sys.argv[2]}/f')
    for name in 'mtime_ns', 'mode', 'nlink', 'uid', 'gid':
        same(getattr(seen, f'st_{name}'), getattr(below, f'st_{name}'), name)
    same(seen.st_size, size)
os.close(fd)
for ns in ((1, 2), (OLD + 123456789, OLD + 987654321), (10**18, 0)):
    os.utime('f', ns=ns)
    st = os.stat('f')
    same((st.st_atime_ns, st.st_mtime_ns), ns)
UTIME_NOW, UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2


class Spec(ctypes.Structure):
    _fields_ = [('s', ctypes.c_long), ('ns', ctypes.c_long)]


os.utime('f', ns=(5, 7))
call('utimensat', AT_FDCWD, b'f', (Spec * 2)(Spec(0, UTIME_OMIT), Spec(9, 1)), 0)
same((os.stat('f').st_atime_ns, os.stat('f').st_mtime_ns), (5, 9 * 10**9 + 1), 'atime left out')
call('utimensat', AT_FDCWD, b'f', (Spec * 2)(Spec(0, UTIME_NOW), Spec(0, UTIME_OMIT)), 0)
same(os.stat('f').st_mtime_ns, 9 * 10**9 + 1, 'mtime left out')
check(abs(os.stat('f').st_atime - time.time()) < 60)
with opened('f', os.O_WRONLY) as fd:  # a time set by hand outlives writes from before it
    os.write(fd, b'data')
    os.utime(fd, ns=(OLD, OLD))
same(os.stat('f').st_mtime_ns, OLD, 'mtime set while dirty')
os.mkdir('chat')
os.rename('f', 'chat/f')
same(os.stat('chat/f').st_mtime_ns, OLD, 'a move to another scope keeps mtime')
before = os.stat('chat/f').st_ctime_ns
check(abs(before / 1e9 - time.time()) < 60)
END
depfs_umount
