#!/usr/bin/env bash
# revoke/system: while a policy is revoked, system requests open its files by the availability key, and what they read or write reaches no program that opened or mapped the file before: nothing of it enters the page cache.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/revoke.sh"
revoke_start system_gid=4711
chmod 755 "$MNT"
chmod 777 "$MNT/mailbox/p"
cat >"$WORK/system.py" <<'END'
from posixlib import *

import mmap
import signal

SIZE = 40000
data = noise(SIZE)
system = {'uid': 7002, 'gid': 4711}


def asked(question):
    print(question, file=ask, flush=True)
    same(answer.readline(), 'ok\n', question)


def maps(fd):
    pid = os.fork()
    if pid == 0:
        mmap.mmap(fd, SIZE, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)[0]
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    check(status == 0 or os.WTERMSIG(status) == signal.SIGBUS, status)
    return status == 0


ask, answer = open(sys.argv[2], 'w'), open(sys.argv[3])
put('mailbox/p/f', data, 0o666)
os.chmod('mailbox/p/f', 0o666)
fd = os.open('mailbox/p/f', os.O_RDWR)  # a user's
view = mmap.mmap(fd, SIZE)
same(view[:], data)
check(resident(view) > 5, 'few pages in the cache')
asked('deny')


def read_as_system():
    with opened('mailbox/p/f', os.O_RDWR) as mine:
        same(os.read(mine, SIZE), data, 'a system request reads')
        check(not maps(mine), 'a page that everybody would see')
        same(os.lseek(mine, 0, os.SEEK_END), SIZE)
        os.pwrite(mine, b'by the system', 100)
        same(os.pread(mine, 13, 100), b'by the system')
        os.ftruncate(mine, SIZE + 1)
        os.ftruncate(mine, SIZE)
        os.fsync(mine)


for _ in range(3):
    in_child(read_as_system, **system)
    with fails('EKEYREVOKED', 'EIO'):
        os.pread(fd, 100, 0)
    same(resident(view), 0, 'pages in the cache')
    with fails('EKEYREVOKED'):
        os.write(fd, b'x')
    with fails('EKEYREVOKED'):
        os.open('mailbox/p/f', os.O_RDONLY)
    data = data[:100] + b'by the system' + data[113:]


def make_as_system():
    put('mailbox/p/made', b'new')
    same(get('mailbox/p/made'), b'new')
    os.rename('mailbox/p/made', 'mailbox/p/renamed')
    same(get('mailbox/p/renamed'), b'new')


in_child(make_as_system, **system)
with fails('EKEYREVOKED'):
    os.open('mailbox/p/renamed', os.O_RDONLY)
# a system request brings another policy's open file under the revoked one: its readers lose it too
put('mailbox/q/g', data)
os.chmod('mailbox/q', 0o777)
moved = os.open('mailbox/q/g', os.O_RDWR)
moved_view = mmap.mmap(moved, SIZE)
same(moved_view[:], data)
os.pwrite(moved, b'dirty', 0)
in_child(lambda: os.rename('mailbox/q/g', 'mailbox/p/g'), **system)
with fails('EKEYREVOKED', 'EIO'):
    os.pread(moved, 100, 0)
same(resident(moved_view), 0, 'pages in the cache')
with fails('EKEYREVOKED'):
    os.write(moved, b'x')
asked('allow')
same(os.pread(fd, SIZE, 0), data, 'the user again')
same(view[:], data)
same(os.pread(moved, SIZE, 0), b'dirty' + data[5:])
same(moved_view[:5], b'dirty')
END
revoke_asked "$WORK/system.py"
depfs_umount
