#!/usr/bin/env bash
# posix/edges: reads and writes of every length at and beside block edges give the right bytes.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

N = FIRST + 4 * REST + 100
offs = sorted({e + d for e in (0, FIRST, FIRST + REST, FIRST + 2 * REST, 4096, 8192)
               for d in (-1, 0, 1) if e + d >= 0})
lens = (1, 2, 255, FIRST, REST, REST + 1, 4096, 2 * REST)
model = bytearray(noise(N))
put('e', model)
seed = 1
with opened('e', os.O_RDWR) as fd:
    for off in offs:
        for length in lens:
            seed += 1
            piece = noise(length, seed)
            same(os.pwrite(fd, piece, off), length, 'written')
            model[off:off + length] = piece
            same(os.pread(fd, length + 10, max(0, off - 5)),
                 bytes(model[max(0, off - 5):max(0, off - 5) + length + 10]), f'{off}+{length}')
    same(os.pread(fd, 10, len(model)), b'', 'read at the end')
    same(os.pread(fd, 10, len(model) + 100000), b'', 'read behind the end')
    same(os.pread(fd, 100, len(model) - 3), bytes(model[-3:]), 'read across the end')
same(get('e'), bytes(model))
END
depfs_umount
