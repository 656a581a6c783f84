#!/usr/bin/env bash
# posix/readdir: listings of 20,000 entries are complete, can be resumed, and stand deletions while they are read.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

import ctypes as c

N = 20000
os.makedirs('mailbox/a/new')
os.chdir('mailbox/a/new')
for i in range(N):
    os.mknod(f'{i:05}.mail')
names = {f'{i:05}.mail' for i in range(N)}
same(len(os.listdir('.')), N)
same(set(os.listdir('.')), names)
same({e.name for e in os.scandir('.') if e.is_file(follow_symlinks=False)}, names)


class Dirent(c.Structure):
    _fields_ = [('ino', c.c_uint64), ('off', c.c_int64), ('reclen', c.c_uint16),
                ('kind', c.c_uint8), ('name', c.c_char * 256)]


libc.opendir.restype = libc.readdir.restype = c.c_void_p
libc.telldir.restype = c.c_long
libc.telldir.argtypes = libc.rewinddir.argtypes = libc.closedir.argtypes = [c.c_void_p]
libc.seekdir.argtypes, libc.readdir.argtypes = [c.c_void_p, c.c_long], [c.c_void_p]
d = libc.opendir(b'.')


def entry():
    p = libc.readdir(d)
    return Dirent.from_address(p).name.decode() if p else None


places, order = [], []
while True:
    at = libc.telldir(d)
    name = entry()
    if name is None:
        break
    places.append(at)
    order.append(name)
same(set(order), names | {'.', '..'})
same(len(order), N + 2, 'each once')
for i in (0, 1, 2, 777, 5000, N, N + 1, 3):
    libc.seekdir(d, places[i])
    same(entry(), order[i], f'after seekdir to entry {i}')
libc.rewinddir(d)
same(entry(), order[0], 'after rewinddir')
libc.closedir(d)

seen = set()
with os.scandir('.') as it:  # what was not deleted must be listed, and nothing twice
    for n, e in enumerate(it):
        check(e.name not in seen, e.name, 'listed twice')
        seen.add(e.name)
        if n % 2 == 0:
            os.unlink(e.name)
same(seen, names, 'listed while half was deleted')
same(len(os.listdir('.')), N // 2)
for name in os.listdir('.'):
    os.unlink(name)
same(os.listdir('.'), [])
os.chdir('..')
os.rmdir('new')
END
depfs_umount
