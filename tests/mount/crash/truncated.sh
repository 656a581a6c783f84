#!/usr/bin/env bash
# crash/truncated: files that were being cut and extended when the daemon was killed read without an error afterwards.
# timeout: 200
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
rounds=8
[ "$LONG" = 0 ] || rounds=100
[ "$KIND" = release ] || rounds=4
depfs_mkfs
depfs_mount
mkdir "$MNT/edm"
for ((round = 0; round < rounds; round++)); do
	background python3 - "$MNT/edm" $round <<'END'
import os, random, sys

r = random.Random(int(sys.argv[2]))
fds = [os.open(f'{sys.argv[1]}/f{i}', os.O_CREAT | os.O_RDWR) for i in range(8)]
try:
    while True:
        fd = r.choice(fds)
        size = os.fstat(fd).st_size
        what = r.randrange(4)
        if what == 0:
            os.ftruncate(fd, r.randrange(40000))
        elif what == 1:
            os.pwrite(fd, b'x' * r.randrange(1, 9000), r.randrange(size + 20000))
        elif what == 2:
            os.pwrite(fd, b'y' * r.randrange(1, 5000), size)
        else:
            os.fsync(fd)
except OSError:
    pass
END
	writer=$!
	sleep "0.$((RANDOM % 5 + 2))"
	depfs_crash $writer
	for file in "$MNT"/edm/f*; do
		[ -e "$file" ] || continue # killed before anything was made
		r=0
		cat "$file" >"$WORK/got" || r=$?
		[ $r = 0 ] || fail "round $round: ${file##*/} does not read after a crash"
		assert_eq "$(stat -c %s "$WORK/got")" "$(stat -c %s "$file")" "bytes of ${file##*/}"
		assert_eq "$(tr -d 'xy\0' <"$WORK/got" | wc -c)" 0 "foreign bytes in ${file##*/}"
	done
done
assert_eq "$(events damage)" "" "damage events"
depfs_umount
