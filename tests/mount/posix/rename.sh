#!/usr/bin/env bash
# posix/rename: rename replaces, refuses and exchanges as rename(2) says, and open files stay open.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

os.mkdir('chat')
os.chdir('chat')  # one scope
put('a', b'A')
put('b', b'B')
with fails('EEXIST'):
    renameat2('a', 'b', RENAME_NOREPLACE)
renameat2('a', 'c', RENAME_NOREPLACE)
check(not os.path.exists('a'))
renameat2('c', 'b', RENAME_EXCHANGE)
same((get('b'), get('c')), (b'A', b'B'), 'exchanged')
with fails('ENOENT'):
    renameat2('b', 'none', RENAME_EXCHANGE)
with fails('EINVAL'):
    renameat2('b', 'c', RENAME_EXCHANGE | RENAME_NOREPLACE)
fd = os.open('c', os.O_RDWR)
os.rename('b', 'c')
same(os.pread(fd, 9, 0), b'B', 'the replaced file is still open')
os.pwrite(fd, b'still', 0)
same(os.fstat(fd).st_nlink, 0)
os.close(fd)
same(get('c'), b'A')
os.makedirs('d1/sub')
os.mkdir('d2')
put('d1/sub/f', b'F')
with fails('ENOTEMPTY', 'EEXIST'):
    os.rename('d2', 'd1')
os.rename('d1', 'd2')
same(get('d2/sub/f'), b'F')
with fails('EINVAL'):
    os.rename('d2', 'd2/sub/deeper')
with fails('EISDIR'):
    os.rename('c', 'd2')
with fails('ENOTDIR'):
    os.rename('d2', 'c')
renameat2('c', 'd2', RENAME_EXCHANGE)
same(get('d2'), b'A', 'a file and a folder exchanged')
same(get('c/sub/f'), b'F')
put('h', b'H')
os.link('h', 'h2')
os.rename('h', 'h2')  # two names of one file: nothing happens
same(sorted(n for n in os.listdir('.') if n.startswith('h')), ['h', 'h2'])
fd = os.open('h', os.O_RDWR)
os.rename('h', 'moved')
os.write(fd, b'written after the move')
os.close(fd)
same(get('moved'), b'written after the move')
END
depfs_umount
