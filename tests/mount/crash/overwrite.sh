#!/usr/bin/env bash
# crash/overwrite: a later write to a block of which fsync promised the bytes never endangers them: kill -9 in the middle leaves old or new.
# timeout: 200
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
rounds=8
[ "$LONG" = 0 ] || rounds=100
[ "$KIND" = release ] || rounds=4
depfs_mkfs
depfs_mount
mkdir "$MNT/edm"
python3 - "$MNT/edm/f" <<'END'
import os, sys

fd = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
os.write(fd, b'a' * 30000)
os.fsync(fd)
END
for ((round = 0; round < rounds; round++)); do
	background python3 - "$MNT/edm/f" <<'END'
import os, sys

fd = os.open(sys.argv[1], os.O_RDWR | os.O_SYNC)
i = 0
try:
    while True:  # one letter per call, over part of blocks that hold durable bytes
        i += 1
        os.pwrite(fd, bytes([97 + i % 26]) * 1000, i * 1111 % 29000)
except OSError:
    pass
END
	writer=$!
	sleep "0.$((RANDOM % 5 + 2))"
	depfs_crash $writer
	python3 - "$MNT/edm/f" <<'END' || fail "round $round: bytes that fsync promised are gone"
import os, sys

data = open(sys.argv[1], 'rb').read()
assert len(data) == 30000, len(data)
assert all(97 <= b < 123 for b in data), 'a byte that was never written'
END
done
depfs_umount
