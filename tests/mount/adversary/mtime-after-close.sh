#!/usr/bin/env bash
# adversary/mtime-after-close: a time set right after close stays, though the daemon may be writing the header of
# the closed file at that moment: rsync and tar do just this.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start
python3 - "$MNT" <<'PY'
import os, sys
os.chdir(sys.argv[1])
data = os.urandom(1 << 20)
for i in range(400):
    fd = os.open(f'f{i}', os.O_CREAT | os.O_RDWR)
    os.pwrite(fd, data[:20000], 0)
    os.pwrite(fd, data[:20000], 300000)
    os.fsync(fd)
    os.pwrite(fd, data[:280000], 20000)  # fills a hole: the header is due at the last close
    os.fsync(fd)
    os.close(fd)
    os.utime(f'f{i}', (1000000000 + i, 1000000000 + i))
PY
depfs_remount
python3 - "$MNT" <<'PY'
import os, sys
os.chdir(sys.argv[1])
wrong = [i for i in range(400) if os.stat(f'f{i}').st_mtime != 1000000000 + i]
assert not wrong, wrong
PY
depfs_umount
