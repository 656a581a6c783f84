"""tests/lib/posixlib.py - system calls that Python lacks, and claims, for mount tests.

A test that is mostly system calls is a Python program inside its shell script:

    python3 - "$MNT" <<'END'
    from posixlib import *
    ...
    END
"""
import contextlib
import ctypes
import errno
import os
import random
import signal
import stat
import sys
import traceback

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE, INSERT_RANGE = 1, 2, 8, 16, 32

FIRST, REST = 3808, 4064  # plaintext bytes of block 0 and of every later one
EDGES = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + REST - 1, FIRST + REST, FIRST + REST + 1,
         4095, 4096, 4097, FIRST + 2 * REST, 3 * FIRST + 7 * REST]

MNT = sys.argv[1] if len(sys.argv) > 1 else None
if MNT:
    os.chdir(MNT)


def check(holds, *what):
    if not holds:
        raise AssertionError(' '.join(map(str, what)))


def same(got, wanted, what=''):
    if got == wanted:
        return
    if isinstance(got, (bytes, bytearray)) and isinstance(wanted, (bytes, bytearray)):
        at = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b),
                  min(len(got), len(wanted)))
        raise AssertionError(f'{what}: {len(got)} bytes, wanted {len(wanted)}; they differ at '
                             f'{at}: {bytes(got[at:at + 8])!r}, wanted {bytes(wanted[at:at + 8])!r}')
    raise AssertionError(f'{what}: got {got!r}, wanted {wanted!r}')


@contextlib.contextmanager
def fails(*codes):
    """The block inside must end with one of these errnos (names or numbers)."""
    codes = [getattr(errno, c) if isinstance(c, str) else c for c in codes]
    try:
        yield
    except OSError as e:
        if e.errno not in codes:
            raise AssertionError(f'{errno.errorcode.get(e.errno, e.errno)}, wanted '
                                 f'{[errno.errorcode[c] for c in codes]}') from e
        return
    raise AssertionError(f'succeeded, wanted {[errno.errorcode[c] for c in codes]}')


def skip(why):
    print('skip:', why)
    sys.exit(77)


def call(name, *args):
    ctypes.set_errno(0)
    fn = getattr(libc, name)
    r = fn(*args)  # an int
    if r == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), name)
    return r


def renameat2(old, new, flags):
    call('renameat2', AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags)


def fallocate(fd, mode, off, length):
    call('fallocate', fd, mode, ctypes.c_long(off), ctypes.c_long(length))


def linkat_fd(fd, new):
    call('linkat', AT_FDCWD, f'/proc/self/fd/{fd}'.encode(), AT_FDCWD, os.fsencode(new), 0x400)


def put(path, data, mode=0o644):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view):]
    finally:
        os.close(fd)


def get(path):
    with open(path, 'rb', buffering=0) as f:
        return f.readall()


def resident(view):
    """Pages of a writable mapping that the kernel holds; of a file of one's own, says mincore(2)."""
    vec = (ctypes.c_ubyte * ((len(view) + 4095) // 4096))()
    at = ctypes.addressof(ctypes.c_char.from_buffer(view))
    call('mincore', ctypes.c_void_p(at), ctypes.c_size_t(len(view)), vec)
    return sum(v & 1 for v in vec)


def noise(n, seed=0):
    return random.Random(seed).randbytes(n)


@contextlib.contextmanager
def opened(path, flags=os.O_RDONLY, mode=0o644):
    fd = os.open(path, flags, mode)
    try:
        yield fd
    finally:
        os.close(fd)


def end_with_parent():
    """For a child that loops: a test that fails must not leave it behind."""
    call('prctl', 1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def in_child(fn, uid=None, gid=None, groups=()):
    """Runs fn in a child process, as another user if asked; its failure is ours."""
    pid = os.fork()
    if pid == 0:
        try:
            if gid is not None:
                os.setgroups(list(groups))
                os.setgid(gid)
            if uid is not None:
                os.setuid(uid)
            fn()
        except BaseException as e:
            traceback.print_exc()
            os._exit(77 if isinstance(e, SystemExit) and e.code == 77 else 1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    check(status == 0, 'the child failed')
