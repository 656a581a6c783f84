#!/usr/bin/env bash
# posix/append: O_APPEND always writes at the end, also from two descriptors and several processes.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

with opened('a', os.O_CREAT | os.O_WRONLY | os.O_APPEND) as one, \
        opened('a', os.O_WRONLY | os.O_APPEND) as two:
    wanted = b''
    for i in range(300):
        piece = bytes([65 + i % 26]) * (i * 7 % 97 + 1)
        os.write(one if i % 2 else two, piece)
        wanted += piece
    os.pwrite(one, b'tail', 0)  # on Linux pwrite appends too
    wanted += b'tail'
same(get('a'), wanted)
same(os.stat('a').st_size, len(wanted))


def writer(letter):
    def run():
        with opened('b', os.O_CREAT | os.O_WRONLY | os.O_APPEND) as fd:
            for _ in range(400):
                os.write(fd, letter * 49 + b'\n')
    return run


pids = []
for letter in (b'x', b'y', b'z'):
    pid = os.fork()
    if pid == 0:
        writer(letter)()
        os._exit(0)
    pids.append(pid)
for pid in pids:
    same(os.waitpid(pid, 0)[1], 0)
lines = get('b').split(b'\n')
same(len(lines), 1201, 'lines')
for letter in (b'x', b'y', b'z'):
    same(lines.count(letter * 49), 400, 'whole lines of one writer')
END
depfs_umount
