#!/usr/bin/python3
"""tests/format/shapes.py - files of every shape that the format knows, and what they hold.

    shapes.py write FOLDER PREFIX [SHAPE...]   makes them; all of them when none is named
    shapes.py list FOLDER                      one line for each entry, as reader.py's "tree" does

What a file holds follows from PREFIX and its shape, so that the same call on a mount and on an
ordinary folder gives the same files.
"""
import ctypes
import hashlib
import os
import random
import stat
import sys

FIRST, REST = 3808, 4064  # plaintext bytes of block 0 and of every later one
SIZES = {'empty': 0, 'one-byte': 1, 'block0-less': FIRST - 1, 'block0': FIRST,
         'block0-more': FIRST + 1, 'block1-less': FIRST + REST - 1, 'block1': FIRST + REST,
         'block1-more': FIRST + REST + 1, 'five-blocks': FIRST + 3 * REST + 1234}
PUNCH_HOLE = 3  # with the size kept
libc = ctypes.CDLL(None, use_errno=True)


def start(block):
    return 0 if block == 0 else FIRST + (block - 1) * REST


class Shape:
    """One file under way; what is written into it comes from its name."""

    def __init__(self, path, seed):
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        self.random = random.Random(seed)

    def put(self, off, size):
        data = self.random.randbytes(size)
        assert os.pwrite(self.fd, data, off) == size

    def punch(self, block, count):
        off, length = start(block), start(block + count) - start(block)
        if libc.fallocate(self.fd, PUNCH_HOLE, ctypes.c_long(off), ctypes.c_long(length)) < 0:
            raise OSError(ctypes.get_errno(), 'fallocate')


def make_sized(shape, size):
    shape.put(0, size)


def make_sparse(shape):
    """Four holes, as many as a header declares; blocks 0, 10, 20 and 30 hold something."""
    for block in (0, 10, 20, 30):
        shape.put(start(block) + 900, 700)
    os.ftruncate(shape.fd, start(41) + 77)


def make_sparse_start(shape):
    """Nothing but an end: made by truncate(2) alone."""
    os.ftruncate(shape.fd, start(9) + 11)


def make_punched(shape):
    """One hole in the middle of data, its edges within blocks."""
    shape.put(0, start(7) + 9)
    shape.punch(2, 4)


def make_refilled(shape):
    """Holes that were written to again, so that the declaration had to shrink."""
    os.ftruncate(shape.fd, start(12))
    shape.put(start(5), REST)
    shape.put(0, FIRST)


def make_loose(shape):
    """Seven holes, more than a header declares: loose holes."""
    for block in range(0, 42, 6):
        shape.put(start(block) + 900, 500)
    os.ftruncate(shape.fd, start(42) + 1)


def make_shrunk(shape):
    """Longer once."""
    shape.put(0, start(6))
    os.ftruncate(shape.fd, start(2) + 50)


SHAPES = {'sparse': make_sparse, 'sparse-start': make_sparse_start, 'punched': make_punched,
          'refilled': make_refilled, 'loose': make_loose, 'shrunk': make_shrunk}
SHAPES.update({n: lambda shape, size=s: make_sized(shape, size) for n, s in SIZES.items()})


def write(folder, prefix, names):
    os.makedirs(folder, exist_ok=True)
    for name in names or SHAPES:
        shape = Shape(os.path.join(folder, prefix + name), prefix + name)
        SHAPES[name](shape)
        os.close(shape.fd)


def list_tree(top, folder=b''):
    for name in sorted(os.listdir(os.path.join(top, folder))):
        path = os.path.join(folder, name)
        full = os.path.join(top, path)
        mode = os.lstat(full).st_mode
        if path == b'.depfs':
            continue
        if stat.S_ISDIR(mode):
            line = b'd ' + path
        elif stat.S_ISLNK(mode):
            line = b'l ' + path + b' -> ' + os.readlink(full)
        elif stat.S_ISREG(mode):
            with open(full, 'rb') as f:
                data = f.read()
            assert len(data) == os.stat(full).st_size, path
            line = b'f %d %s ' % (len(data), hashlib.sha256(data).hexdigest().encode()) + path
        else:
            line = b'o ' + path
        sys.stdout.buffer.write(line + b'\n')
        if stat.S_ISDIR(mode):
            list_tree(top, path)


if __name__ == '__main__':
    if sys.argv[1] == 'write':
        write(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        list_tree(os.fsencode(sys.argv[2]))
