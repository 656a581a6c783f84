#!/usr/bin/env bash
# posix/open: open's flags and modes do what open(2) says.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

put('a', b'one')
same(get('a'), b'one')
with fails('EEXIST'):
    os.open('a', os.O_CREAT | os.O_EXCL | os.O_WRONLY)
with fails('ENOENT'):
    os.open('none', os.O_RDONLY)
with fails('EISDIR'):
    os.open('.', os.O_WRONLY)
with fails('ENOTDIR'):
    os.open('a/b', os.O_RDONLY)
with fails('ENOTDIR'):
    os.open('a', os.O_RDONLY | os.O_DIRECTORY)
os.symlink('a', 'link')
with fails('ELOOP'):
    os.open('link', os.O_RDONLY | os.O_NOFOLLOW)
with opened('a', os.O_WRONLY) as fd:
    with fails('EBADF'):
        os.read(fd, 1)
with opened('a', os.O_RDONLY) as fd:
    with fails('EBADF'):
        os.write(fd, b'x')
with opened('a', os.O_WRONLY | os.O_TRUNC):
    same(os.stat('a').st_size, 0, 'size after O_TRUNC')
os.umask(0o027)
for mode, wanted in ((0o666, 0o640), (0o777, 0o750), (0o400, 0o400), (0o4755, 0o4750)):
    with opened('m', os.O_CREAT | os.O_RDWR | os.O_EXCL, mode) as fd:
        os.write(fd, b'written whatever the mode')  # the descriptor decides, not the mode
    same(stat.S_IMODE(os.stat('m').st_mode), wanted, 'mode')
    os.unlink('m')
with fails('ENAMETOOLONG'):
    put('n' * 256, b'')
put('n' * 255, b'long name')
same(get('n' * 255), b'long name')
for odd in ('tab\there', 'new\nline', 'blank ', '-dash', 'ünï', '\udcff\udc80', '..a', "q'\"`$x"):
    put(odd, b'odd')
    check(odd in os.listdir('.'), odd)
    same(get(odd), b'odd', odd)
END
depfs_umount
