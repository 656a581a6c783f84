#!/usr/bin/env bash
# data/seek-unwritten: SEEK_DATA finds what only the kernel's pages hold; a sparse-aware copy of a file being
# written would else leave it out.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
import os, sys
os.chdir(sys.argv[1])
for round in range(20):
    fd = os.open(f'f{round}', os.O_CREAT | os.O_RDWR)
    os.pwrite(fd, b'x' * 5000, 1 << 20)  # not synced, not closed
    other = os.open(f'f{round}', os.O_RDONLY)
    at = os.lseek(other, 1 << 20, os.SEEK_DATA)
    assert at == 1 << 20, at
    assert os.lseek(other, 1 << 20, os.SEEK_HOLE) == (1 << 20) + 5000
    os.close(other)
    os.close(fd)
END
depfs_umount
