#!/usr/bin/env bash
# posix/locks: flock, fcntl and open-file-description locks exclude each other as they should, between processes.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

import fcntl
import struct

F_OFD_SETLK = 37
put('f', b'x' * 100)


def range_lock(fd, kind, start, length, cmd=fcntl.F_SETLK):
    fcntl.fcntl(fd, cmd, struct.pack('hhqqi4x', kind, 0, start, length, 0))


def child_refused(fn):
    def run():
        with opened('f', os.O_RDWR) as fd:
            with fails('EAGAIN', 'EACCES'):
                fn(fd)
    in_child(run)


def child_gets(fn):
    def run():
        with opened('f', os.O_RDWR) as fd:
            fn(fd)
    in_child(run)


fd = os.open('f', os.O_RDWR)
fcntl.flock(fd, fcntl.LOCK_EX)
child_refused(lambda c: fcntl.flock(c, fcntl.LOCK_EX | fcntl.LOCK_NB))
child_refused(lambda c: fcntl.flock(c, fcntl.LOCK_SH | fcntl.LOCK_NB))
fcntl.flock(fd, fcntl.LOCK_SH)
child_gets(lambda c: fcntl.flock(c, fcntl.LOCK_SH | fcntl.LOCK_NB))
fcntl.flock(fd, fcntl.LOCK_UN)
child_gets(lambda c: fcntl.flock(c, fcntl.LOCK_EX | fcntl.LOCK_NB))

range_lock(fd, fcntl.F_WRLCK, 10, 10)
child_refused(lambda c: range_lock(c, fcntl.F_WRLCK, 15, 1))
child_refused(lambda c: range_lock(c, fcntl.F_RDLCK, 0, 0))
child_gets(lambda c: range_lock(c, fcntl.F_WRLCK, 20, 1))
range_lock(fd, fcntl.F_UNLCK, 10, 10)
child_gets(lambda c: range_lock(c, fcntl.F_WRLCK, 15, 1))

other = os.open('f', os.O_RDWR)
range_lock(fd, fcntl.F_WRLCK, 0, 50, F_OFD_SETLK)
with fails('EAGAIN', 'EACCES'):
    range_lock(other, fcntl.F_WRLCK, 0, 1, F_OFD_SETLK)
range_lock(other, fcntl.F_WRLCK, 50, 1, F_OFD_SETLK)
os.close(fd)
range_lock(other, fcntl.F_WRLCK, 0, 50, F_OFD_SETLK)

# a waiter gets the lock when its holder lets go, also by dying
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    c = os.open('f', os.O_RDWR)
    fcntl.flock(c, fcntl.LOCK_EX)
    os.write(w, b'1')
    import time
    time.sleep(0.3)
    os._exit(0)
os.read(r, 1)
late = os.open('f', os.O_RDWR)
fcntl.flock(late, fcntl.LOCK_EX)
os.waitpid(pid, 0)
END
depfs_umount
