#!/usr/bin/env bash
# posix/links: hard links are one file: same inode, same size, same bytes through every name, until the last goes.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

os.mkdir('chat')
os.chdir('chat')  # one scope
put('a', b'x' * 5000)
os.link('a', 'b')
sa, sb = os.stat('a'), os.stat('b')
same(sa.st_ino, sb.st_ino, 'inode')
same((sa.st_nlink, sb.st_nlink), (2, 2), 'links')
with opened('b', os.O_WRONLY | os.O_APPEND) as fd:
    os.write(fd, b'y' * 5000)
    same(os.stat('a').st_size, 10000, 'size through the other name, still open')
same(get('a'), b'x' * 5000 + b'y' * 5000)
os.truncate('a', 1)
same(get('b'), b'x')
os.unlink('a')
same(os.stat('b').st_nlink, 1)
same(get('b'), b'x')
with fails('EEXIST'):
    put('c', b'')
    os.link('b', 'c')
os.mkdir('d')
with fails('EPERM'):
    os.link('d', 'd2')
os.link('b', 'd/b')
os.symlink('b', 's')
os.link('s', 's2', follow_symlinks=False)
same(os.lstat('s').st_nlink, 2, 'links of a symbolic link')
END
depfs_umount
