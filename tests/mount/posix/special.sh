#!/usr/bin/env bash
# posix/special: fifos, sockets and device nodes are what they are, and pass data past depfs.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

import socket

os.mkfifo('fifo', 0o640)
check(stat.S_ISFIFO(os.stat('fifo').st_mode))
same(os.stat('fifo').st_size, 0)
pid = os.fork()
if pid == 0:
    with opened('fifo', os.O_WRONLY) as fd:
        os.write(fd, b'through the pipe')
    os._exit(0)
with opened('fifo') as fd:
    same(os.read(fd, 100), b'through the pipe')
os.waitpid(pid, 0)
s = socket.socket(socket.AF_UNIX)
s.bind('sock')
s.listen(1)
check(stat.S_ISSOCK(os.stat('sock').st_mode))
c = socket.socket(socket.AF_UNIX)
c.connect('sock')
p, _ = s.accept()
c.sendall(b'hello')
same(p.recv(10), b'hello')
for fmt, is_it in ((stat.S_IFCHR, stat.S_ISCHR), (stat.S_IFBLK, stat.S_ISBLK)):
    try:
        os.mknod('node', fmt | 0o600, os.makedev(1, 3))
    except PermissionError:
        skip('device nodes may not be made here')
    st = os.stat('node')
    check(is_it(st.st_mode))
    same(st.st_rdev, os.makedev(1, 3))
    os.unlink('node')
os.mknod('plain', 0o600 | stat.S_IFREG)  # a regular file by mknod has its header too
same(get('plain'), b'')
put('plain', b'usable')
same(get('plain'), b'usable')
os.rename('fifo', 'fifo2')
os.link('fifo2', 'fifo3')
same(os.stat('fifo3').st_nlink, 2)
END
depfs_umount
