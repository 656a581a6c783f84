#!/usr/bin/env bash
# posix/mmap: shared mappings read and write the file, together with plain calls and other mappings.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

import mmap

N = FIRST + 10 * REST + 123
data = bytearray(noise(N))
put('m', data)
fd = os.open('m', os.O_RDWR)
a = mmap.mmap(fd, N)
same(a[:], bytes(data), 'mapped')
for off, length in ((0, 10), (FIRST - 5, 10), (4090, 12), (N - 9, 9), (8192, 4096)):
    piece = noise(length, off)
    a[off:off + length] = piece
    data[off:off + length] = piece
    same(os.pread(fd, length, off), piece, 'written by mapping, read by pread')
a.flush()
same(get('m'), bytes(data))
os.pwrite(fd, b'by pwrite', 5000)
data[5000:5009] = b'by pwrite'
same(a[5000:5009], b'by pwrite', 'written by pwrite, seen in the mapping')


def child():
    with opened('m', os.O_RDWR) as c:
        b = mmap.mmap(c, N)
        b[7000:7005] = b'child'
        b.flush()


in_child(child)
same(a[7000:7005], b'child', 'written by another process')
data[7000:7005] = b'child'
private = mmap.mmap(fd, N, flags=mmap.MAP_PRIVATE)
private[0:7] = b'private'
same(get('m'), bytes(data), 'a private mapping changes nothing')
os.close(fd)
a[100:104] = b'late'  # the mapping outlives the descriptor
data[100:104] = b'late'
a.flush()
a.close()
same(get('m'), bytes(data))
with opened('m', os.O_RDWR) as fd:  # extend, then write the new part through a mapping
    os.ftruncate(fd, N + 100000)
    b = mmap.mmap(fd, N + 100000)
    same(b[N:], b'\0' * 100000)
    b[N + 50000:N + 50003] = b'new'
    b.close()
same(get('m'), bytes(data) + b'\0' * 50000 + b'new' + b'\0' * 49997)
with opened('m') as fd:
    with fails('EACCES'):
        mmap.mmap(fd, 10, prot=mmap.PROT_WRITE)
END
depfs_umount
