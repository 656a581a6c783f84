#!/usr/bin/env bash
# data/cut-leaves-nothing: what lies behind the last block of a file that was cut is a hole, not the remains of a
# block that was there: a later hole over it must read as zeros.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
import os, sys
os.chdir(sys.argv[1])
for size in (1, 3807, 3808, 3809, 7872, 11936, 11937, 20000):
    fd = os.open('f', os.O_CREAT | os.O_RDWR | os.O_TRUNC)
    data = os.urandom(60000)
    os.pwrite(fd, data, 0)
    os.fsync(fd)
    os.ftruncate(fd, size)
    os.pwrite(fd, b'tail', 50000)
    os.fsync(fd)
    os.close(fd)
    open('/proc/sys/vm/drop_caches', 'w').write('1')
    got = open('f', 'rb').read()
    assert got == data[:size] + bytes(50000 - size) + b'tail', size
END
depfs_umount
