#!/usr/bin/env bash
# data/holes-again: SEEK_HOLE calls no data a hole in a file that is opened again, after a clean stop or a crash, whatever holes were declared while it was written; a sparse copy would leave that out.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

# islands NAME - all written data lies in what SEEK_DATA finds
islands()
{
	python3 - "$MNT/$1" "$2" "$3" <<'END'
import os, sys
path, count, step = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
fd = os.open(path, os.O_RDONLY)
found, at = [], 0
while at < os.fstat(fd).st_size:
    data = os.lseek(fd, at, os.SEEK_DATA)
    at = os.lseek(fd, data, os.SEEK_HOLE)
    found.append((data, at))
for i in range(count):
    assert any(a <= i * step and (i + 1) * step - step + 5000 <= b for a, b in found), (i, found)
assert len(found) > 1, 'there are holes at all'
END
}

write() # NAME COUNT STEP HOLD
{
	python3 - "$MNT/$1" "$2" "$3" "$4" <<'END'
import os, sys, time
path, count, step, hold = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
fd = os.open(path, os.O_CREAT | os.O_RDWR)
os.ftruncate(fd, count * step)
os.fsync(fd)
for i in range(count):
    os.pwrite(fd, b'data!' * 1000, i * step)
os.fsync(fd)
if hold == 'held':
    open(path + '.written', 'w').close()
    while os.path.exists(path + '.written'):  # until the daemon is gone
        time.sleep(0.1)
END
}

python3 - "$MNT/closed" <<'END' # more holes than a header declares
import sys
with open(sys.argv[1], 'wb') as f:
    for i in range(9):
        f.seek(i * 500000)
        f.write(b'data!' * 1000)
END

depfs_remount
islands closed 9 500000 || fail "data is called a hole after a clean stop"
for count in 3 40; do
	write "held$count" "$count" 400000 held &
	pid=$!
	PIDS+=("$pid")
	wait_until 20 test -e "$MNT/held$count.written"
	depfs_kill
	depfs_mount
	islands "held$count" "$count" 400000 || fail "data is called a hole after a crash"
done
depfs_umount
