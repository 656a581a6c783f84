#!/usr/bin/env bash
# posix/statfs: statfs tells of the filesystem below, so that df and quota-minded programs are right.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

mnt, back = os.statvfs('.'), os.statvfs('../back')
same(mnt.f_blocks * mnt.f_frsize, back.f_blocks * back.f_frsize, 'bytes in all')
check(abs(mnt.f_bavail * mnt.f_frsize - back.f_bavail * back.f_frsize) < 1 << 24, 'bytes free')
same(mnt.f_files, back.f_files, 'files in all')
check(mnt.f_namemax == 255, 'longest name', mnt.f_namemax)
before = os.statvfs('.')
put('big', noise(1 << 20) * 32)
with opened('big') as fd:
    os.fsync(fd)
used = (before.f_bavail - os.statvfs('.').f_bavail) * before.f_frsize
check(32 << 20 <= used <= 34 << 20, '32 MiB took', used)
END
depfs_umount
