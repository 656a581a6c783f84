#!/usr/bin/env bash
# revoke/paths: after a revocation no path leads to a byte of the policy's files: handles, mappings, the page cache, splice, copies, appends, space, sizes, ioctls, descriptors of paths; names and sizes still do, and the same handles go on when access is back.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/revoke.sh"
revoke_start
cat >"$WORK/paths.py" <<'END'
from posixlib import *

import fcntl
import mmap
import signal

PAGE, SIZE = 4096, 50000
data = noise(SIZE)
for name in ('p/f', 'p/map', 'q/f'):
    put(f'mailbox/{name}', data)
put('mailbox/p/saved', data)
os.symlink('f', 'mailbox/p/link')
rd = os.open('mailbox/p/f', os.O_RDONLY)
rw = os.open('mailbox/p/f', os.O_RDWR)
app = os.open('mailbox/p/f', os.O_WRONLY | os.O_APPEND)
direct = os.open('mailbox/p/f', os.O_RDWR | os.O_DIRECT)
path = os.open('mailbox/p/f', os.O_PATH)
saved = os.open('mailbox/p/saved', os.O_RDWR)
other = os.open('mailbox/q/f', os.O_RDWR)
map_fd = os.open('mailbox/p/map', os.O_RDWR)
shared = mmap.mmap(map_fd, SIZE)
private = mmap.mmap(map_fd, SIZE, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
buf = mmap.mmap(-1, PAGE)
null, pipe = os.open('/dev/null', os.O_WRONLY), os.pipe()
same(shared[:SIZE], data)
same(private[:SIZE], data)
same(os.pread(rd, SIZE, 0), data)
shared[PAGE:PAGE + 5] = b'dirty'  # pages that only the kernel has
os.pwrite(saved, b'also dirty', 8192)


def touch(act):
    """Whether a mapping's page can be had: a child that is refused dies of SIGBUS."""
    pid = os.fork()
    if pid == 0:
        act()
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    check(status == 0 or os.WTERMSIG(status) == signal.SIGBUS, 'the child:', status)
    return status == 0


def set_byte():
    shared[0] = 1


def peek_other(address):
    """process_vm_readv(2) goes through the same page table, and gets an errno where we get SIGBUS."""
    class Vec(ctypes.Structure):
        _fields_ = [('base', ctypes.c_void_p), ('len', ctypes.c_size_t)]
    into = ctypes.create_string_buffer(64)
    here, there = Vec(ctypes.addressof(into), 64), Vec(address, 64)
    call('process_vm_readv', os.getpid(), ctypes.byref(here), ctypes.c_ulong(1),
         ctypes.byref(there), ctypes.c_ulong(1), ctypes.c_ulong(0))


READS = {
    'read': lambda: os.read(rd, 10),
    'pread': lambda: os.pread(rd, PAGE, 0),
    'O_DIRECT': lambda: os.preadv(direct, [buf], 0),
    'sendfile': lambda: os.sendfile(null, rd, 0, 10),
    'splice': lambda: os.splice(rd, pipe[1], 10, offset_src=0),
    'copy_file_range out': lambda: os.copy_file_range(rd, other, 100, 0, 0),
    'open': lambda: os.open('mailbox/p/f', os.O_RDONLY),
    'open by a link': lambda: os.open('mailbox/p/link', os.O_RDONLY),
    'open by O_PATH': lambda: os.open(f'/proc/self/fd/{path}', os.O_RDONLY),
    'open by a handle': lambda: os.open(f'/proc/self/fd/{rd}', os.O_RDONLY),
    'SEEK_DATA': lambda: os.lseek(rd, 0, os.SEEK_DATA),
    'SEEK_HOLE': lambda: os.lseek(rd, 0, os.SEEK_HOLE),
    'process_vm_readv': lambda: peek_other(ctypes.addressof(ctypes.c_char.from_buffer(shared))),
}
WRITES = {
    'write': lambda: os.write(rw, b'x'),
    'pwrite of a page': lambda: os.pwrite(rw, bytes(PAGE), 0),
    'pwrite behind the end': lambda: os.pwrite(rw, b'x', SIZE + 10000),
    'append': lambda: os.write(app, b'x'),
    'O_DIRECT write': lambda: os.pwritev(direct, [buf], 0),
    'copy_file_range in': lambda: os.copy_file_range(other, rw, 100, 0, 0),
    'splice in': lambda: (os.write(pipe[1], b'abc'), os.splice(pipe[0], rw, 3, offset_dst=0)),
    'ftruncate': lambda: os.ftruncate(rw, 10),
    'ftruncate to nothing': lambda: os.ftruncate(rw, 0),
    'truncate': lambda: os.truncate('mailbox/p/f', 10),
    'O_TRUNC': lambda: os.open('mailbox/p/f', os.O_WRONLY | os.O_TRUNC),
    'fallocate': lambda: fallocate(rw, 0, 0, SIZE * 2),
    'fallocate, size kept': lambda: fallocate(rw, KEEP_SIZE, SIZE, SIZE),
    'punch': lambda: fallocate(rw, KEEP_SIZE | PUNCH_HOLE, 0, 20000),
    'zero': lambda: fallocate(rw, ZERO_RANGE, 0, 20000),
    'create': lambda: os.open('mailbox/p/new', os.O_CREAT | os.O_WRONLY),
    'O_TMPFILE': lambda: os.open('mailbox/p', os.O_TMPFILE | os.O_RDWR),
    'clone': lambda: fcntl.ioctl(rw, 0x40049409, other),  # FICLONE
    'clone out': lambda: fcntl.ioctl(other, 0x40049409, rw),
    'rename into it': lambda: os.rename('mailbox/q/f', 'mailbox/p/moved'),
    'rename out of it': lambda: os.rename('mailbox/p/f', 'mailbox/q/moved'),
}
REFUSED = ('EKEYREVOKED', 'EIO', 'EAGAIN', 'EFAULT', 'EOPNOTSUPP', 'ENOTTY', 'EXDEV', 'EINVAL')


def asked(question):
    print(question, file=ask, flush=True)
    same(answer.readline(), 'ok\n', question)


ask, answer = open(sys.argv[2], 'w'), open(sys.argv[3])
check(resident(shared) > 10, 'few pages in the cache')
asked('deny')
for name, act in {**READS, **WRITES}.items():
    try:
        with fails(*REFUSED):
            act()
    except AssertionError as e:
        raise AssertionError(f'{name}: {e}') from None
check(resident(shared) == 0, 'pages of the mapping in the cache')
for what, act in {'shared': lambda: shared[0], 'private': lambda: private[0], 'set': set_byte}.items():
    check(not touch(act), 'a mapping gives a page:', what)
same(os.pread(other, SIZE, 0), data, 'the other policy\'s file')
same(os.stat('mailbox/p/f').st_size, SIZE)  # names, sizes and targets of links lie open in the store
same(os.fstat(rd).st_size, SIZE)
same(os.readlink('mailbox/p/link'), 'f')
same(sorted(os.listdir('mailbox/p')), ['f', 'link', 'map', 'saved'])
os.fsync(saved)  # all that was dirty is there
asked('allow')
same(os.pread(rd, SIZE, 0), data, 'the same handle again')
same(os.preadv(direct, [buf], 0), PAGE)
same(buf[:], data[:PAGE])
same(shared[:SIZE], data[:PAGE] + b'dirty' + data[PAGE + 5:], 'the same mapping again')
same(private[:3], data[:3])
same(os.pread(saved, 10, 8192), b'also dirty')
os.pwrite(rw, b'again', 0)
os.write(app, b'end')
os.fsync(rw)
same(get('mailbox/p/f'), b'again' + data[5:] + b'end')
fallocate(rw, KEEP_SIZE | PUNCH_HOLE, 0, 20000)
os.ftruncate(rw, 30000)
same(get('mailbox/p/f'), bytes(20000) + data[20000:30000])
same(os.lseek(rd, 0, os.SEEK_DATA), 0)
END
revoke_asked "$WORK/paths.py"
depfs_remount key_check=1
assert_eq "$(head -c 30000 "$MNT/mailbox/p/f" | wc -c)" 30000
depfs_umount
