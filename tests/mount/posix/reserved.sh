#!/usr/bin/env bash
# posix/reserved: the blocks that ext4 keeps for root are root's; other users get ENOSPC where the filesystem below gives it.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need mkfs.ext4 losetup
truncate -s 128M "$WORK/disk"
mkfs.ext4 -q -m 40 "$WORK/disk"
disk=$(losetup -f --show "$WORK/disk")
LOOPS+=("$disk")
mkdir "$WORK/ext4"
mount "$disk" "$WORK/ext4"
STORE=$WORK/ext4/store
for options in writeback=on writeback=off; do
	rm -rf "$STORE" "$KEY"
	depfs_mkfs
	depfs_mount $options
	chmod 1777 "$MNT"
	python3 - "$MNT" <<'PYTHON'
from posixlib import *

A = 12041


def available():
    v = os.statvfs('.')
    return v.f_bavail * v.f_frsize


def whole(act):
    with opened('mine', os.O_CREAT | os.O_RDWR, 0o666) as fd:
        act(fd)


def fill(fd):
    while True:
        os.write(fd, noise(1 << 20))
        os.fsync(fd)


def refused():
    for k in range(100):
        put(f'attr{k}', b'')
    with fails('ENOSPC'):
        whole(fill)
    check(available() < 2 << 20, 'all that is for users was used:', available())
    with fails('ENOSPC'):
        with opened('mine', os.O_RDWR) as fd:
            fallocate(fd, KEEP_SIZE, 200 << 20, 8 << 20)
    with fails('ENOSPC'):
        for k in range(4000):
            put(f'small{k}', b'x' * 5000)
            with opened(f'small{k}') as fd:
                os.fsync(fd)
    with fails('ENOSPC'):
        for k in range(4000):
            os.mkdir(f'folder{k}')
    with fails('ENOSPC'):
        for k in range(10000):
            os.link('mine', 'link%0200d' % k)
    with fails('ENOSPC'):
        for k in range(100):
            os.setxattr(f'attr{k}', 'user.big', noise(3000, k))
    same(available(), 0)


os.umask(0)
in_child(refused, A, A)
free = os.statvfs('.')
check(free.f_bfree * free.f_frsize > 30 << 20, "root's blocks are left")
with opened('mine', os.O_WRONLY | os.O_APPEND) as fd:  # root goes on, in another user's file too
    for _ in range(8):
        os.write(fd, noise(1 << 20))
    os.fsync(fd)
put('of root', noise(1 << 20))
in_child(lambda: os.truncate('mine', 5), A, A)  # and room can be made
in_child(lambda: put('again', noise(1 << 20)), A, A)
same(get('again'), noise(1 << 20))
PYTHON
	depfs_umount
done
umount "$WORK/ext4"
