#!/usr/bin/env bash
# posix/huge: a sparse file reaches 15.875 TiB (crypto/README.md, Limits), and a byte more is EFBIG.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start writeback=off
need_depfs

python3 - "$MNT" <<'END'
from posixlib import *

MAX = FIRST + 0xffffffff * REST
try:
    with opened('probe', os.O_CREAT | os.O_RDWR) as fd:
        for off in (1 << 32, 1 << 40, 15 << 40):
            os.pwrite(fd, b'far out', off)
            same(os.pread(fd, 7, off), b'far out')
            same(os.fstat(fd).st_size, off + 7)
            same(os.pread(fd, 9, off - 9), b'\0' * 9)
except OSError as e:
    if e.errno != errno.EFBIG:
        raise
    skip('the filesystem below has a lower limit')
with opened('huge', os.O_CREAT | os.O_RDWR) as fd:
    os.pwrite(fd, b'the very end', MAX - 12)
    same(os.fstat(fd).st_size, MAX)
    same(os.pread(fd, 100, MAX - 12), b'the very end')
    with fails('EFBIG'):
        os.pwrite(fd, b'x', MAX)
        os.fsync(fd)
    with fails('EFBIG'):
        os.ftruncate(fd, MAX + 1)
    with fails('EFBIG'):
        fallocate(fd, 0, MAX, 1)
    same(os.fstat(fd).st_size, MAX, 'size after refusals')
    same(os.pread(fd, 100, MAX - 12), b'the very end')
END
depfs_remount writeback=on
python3 - "$MNT" <<'END' # the cache takes the byte, and the error comes when it is written back
from posixlib import *

MAX = FIRST + 0xffffffff * REST
with opened('huge', os.O_RDWR) as fd:
    with fails('EFBIG'):
        os.pwrite(fd, b'x', MAX)
        os.fsync(fd)
END
depfs_umount
depfs_mount
assert_eq "$(tail -c 12 "$MNT/huge")" "the very end"
depfs_umount
