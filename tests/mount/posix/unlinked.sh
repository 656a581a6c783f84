#!/usr/bin/env bash
# posix/unlinked: a file that is open can be unlinked and goes on working; its room is given back at close.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

data = noise(300000)
put('u', data)
fd = os.open('u', os.O_RDWR)
os.unlink('u')
check(not os.path.exists('u'))
same(os.listdir('.').count('u'), 0)
same(os.pread(fd, len(data), 0), data)
os.pwrite(fd, b'still here', 1000)
os.ftruncate(fd, 200000)
os.fsync(fd)
same(os.pread(fd, 10, 1000), b'still here')
st = os.fstat(fd)
same((st.st_nlink, st.st_size), (0, 200000))
os.fchmod(fd, 0o600)
same(stat.S_IMODE(os.fstat(fd).st_mode), 0o600)
put('u', b'another file of that name')
same(os.pread(fd, 10, 1000), b'still here')
same(get('u'), b'another file of that name')
os.close(fd)
same(get('u'), b'another file of that name')
os.mkdir('d')
dfd = os.open('d', os.O_RDONLY)
os.rmdir('d')
same(os.listdir(dfd), [])
with fails('ENOENT'):
    os.open('x', os.O_CREAT | os.O_WRONLY, dir_fd=dfd)
os.close(dfd)
files = [os.open(f'o{i}', os.O_CREAT | os.O_RDWR) for i in range(200)]
for i, f in enumerate(files):
    os.write(f, b'%d' % i * 100)
    os.unlink(f'o{i}')
for i, f in enumerate(files):
    same(os.pread(f, 1000, 0), b'%d' % i * 100)
    os.close(f)
END
depfs_umount
