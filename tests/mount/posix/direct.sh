#!/usr/bin/env bash
# posix/direct: O_DIRECT reads and writes the same bytes as everybody else, aligned or not.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

import mmap

size = 1 << 18
buf = mmap.mmap(-1, size)  # page-aligned memory
data = noise(size)
buf[:] = data
try:
    fd = os.open('d', os.O_CREAT | os.O_RDWR | os.O_DIRECT)
except OSError as e:
    if e.errno == errno.EINVAL:
        skip('no O_DIRECT below')
    raise
same(os.pwrite(fd, buf, 0), size)
same(get('d'), data, 'written directly, read through the cache')
back = mmap.mmap(-1, size)
same(os.preadv(fd, [back], 0), size)
same(back[:], data, 'read directly')
os.pwrite(fd, memoryview(buf)[:4096], 8192)
same(os.preadv(fd, [memoryview(back)[:4096]], 8192), 4096)
same(back[:4096], data[:4096])
with opened('d', os.O_WRONLY) as plain:  # the cache and the direct path see each other
    os.pwrite(plain, b'cached', 8192)
same(os.preadv(fd, [memoryview(back)[:4096]], 8192), 4096)
same(back[:6], b'cached', 'direct read after a cached write')
os.pwrite(fd, memoryview(buf)[4096:8192], 8192)
same(get('d')[8192:12288], data[4096:8192], 'cached read after a direct write')
model = bytearray(get('d'))
for off, length in ((1, 100), (512, 512), (3808, 4064), (4095, 2), (100001, 33333), (size - 5, 50)):
    try:
        n = os.pwrite(fd, memoryview(buf)[:length], off)
    except OSError as e:
        same(e.errno, errno.EINVAL, 'unaligned: done or refused')
        continue
    same(n, length)
    model[off:off + length] = data[:length]
    same(get('d'), bytes(model), f'direct, unaligned {off}+{length}')
os.close(fd)
END
depfs_umount
