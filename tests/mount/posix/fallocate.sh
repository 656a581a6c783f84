#!/usr/bin/env bash
# posix/fallocate: fallocate reserves, keeps the size, punches and zeroes: exactly the bytes it was asked to.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

N = FIRST + 5 * REST
data = noise(N)


def fresh():
    put('f', data)
    return os.open('f', os.O_RDWR)


fd = fresh()
fallocate(fd, 0, N - 10, 5000)
same(os.fstat(fd).st_size, N + 4990)
same(get('f'), data + b'\0' * 4990, 'default mode')
os.close(fd)
fd = fresh()
fallocate(fd, KEEP_SIZE, N, 100000)
same(os.fstat(fd).st_size, N)
same(get('f'), data, 'keep size')
os.close(fd)
ranges = [(0, 1), (0, FIRST), (FIRST - 1, 2), (FIRST, REST), (100, 3 * REST), (FIRST + REST, 2 * REST),
          (0, N), (N - 7, 7), (N - 100, 10000), (FIRST + 5, REST * 3 + 17)]
for mode in (PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE | KEEP_SIZE, ZERO_RANGE):
    for off, length in ranges:
        fd = fresh()
        try:
            fallocate(fd, mode, off, length)
        except OSError as e:
            check(e.errno == errno.EOPNOTSUPP and mode & ZERO_RANGE, e)
            os.close(fd)
            break  # the filesystem below has no zero range
        end = off + length
        wanted = bytearray(data[:off] + b'\0' * min(length, N - off) + data[end:])
        if not mode & KEEP_SIZE and end > N:
            wanted += b'\0' * (end - N)
        same(os.fstat(fd).st_size, len(wanted), 'size')
        same(get('f'), bytes(wanted), f'mode {mode} {off}+{length}')
        os.pwrite(fd, b'again', off)
        wanted[off:off + 5] = b'again'
        same(get('f'), bytes(wanted), 'written again')
        os.close(fd)
fd = fresh()
for bad in ((0, 0), (-1, 5), (0, -5)):
    with fails('EINVAL'):
        fallocate(fd, 0, *bad)
with fails('EOPNOTSUPP', 'EINVAL'):
    fallocate(fd, PUNCH_HOLE, 0, 10)
with fails('EOPNOTSUPP', 'EINVAL'):
    fallocate(fd, COLLAPSE_RANGE, 0, 4096)
with fails('EOPNOTSUPP', 'EINVAL'):
    fallocate(fd, INSERT_RANGE, 0, 4096)
same(get('f'), data, 'refusals change nothing')
os.close(fd)
with opened('f') as fd:
    with fails('EBADF'):
        fallocate(fd, 0, 0, 10)
END
depfs_umount
