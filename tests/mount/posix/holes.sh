#!/usr/bin/env bash
# posix/holes: SEEK_HOLE and SEEK_DATA never call data a hole, and holes take no room below.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

BIG = 64 << 20
with opened('s', os.O_CREAT | os.O_RDWR) as fd:
    os.pwrite(fd, b'start', 0)
    os.pwrite(fd, b'middle', BIG)
    os.pwrite(fd, b'end', 2 * BIG)
    same(os.fstat(fd).st_size, 2 * BIG + 3)
    os.fsync(fd)
    same(os.pread(fd, 20, BIG - 4), b'\0' * 4 + b'middle' + b'\0' * 10)
    check(os.fstat(fd).st_blocks * 512 < 1 << 20, 'a sparse file takes', os.fstat(fd).st_blocks)
    found, off = [], 0
    while True:
        try:
            data = os.lseek(fd, off, os.SEEK_DATA)
        except OSError as e:
            same(e.errno, errno.ENXIO)
            break
        off = os.lseek(fd, data, os.SEEK_HOLE)
        found.append((data, off))
    for at, length in ((0, 5), (BIG, 6), (2 * BIG, 3)):
        check(any(a <= at and at + length <= b for a, b in found), 'data at', at, 'is in', found)
    same(found[-1][1], 2 * BIG + 3, 'the end of a file counts as a hole')
    check(len(found) == 3, 'three islands of data:', found)
    with fails('ENXIO'):
        os.lseek(fd, 2 * BIG + 3, os.SEEK_DATA)
    with fails('ENXIO'):
        os.lseek(fd, 2 * BIG + 3, os.SEEK_HOLE)
many = os.open('many', os.O_CREAT | os.O_RDWR)  # more holes than a header declares
for i in range(40):
    os.pwrite(many, bytes([i + 1]) * 10, i * 100000)
os.fsync(many)
for i in range(40):
    same(os.pread(many, 12, i * 100000), bytes([i + 1]) * 10 + (b'' if i == 39 else b'\0\0'), i)
    if i < 39:
        same(os.pread(many, 70000, i * 100000 + 20000), b'\0' * 70000, 'hole')
os.close(many)
END
depfs_umount
