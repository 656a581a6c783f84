#!/usr/bin/env bash
# scale/many: 100,000 files (a million with --long) made, listed, read and deleted by a daemon of few descriptors: it never
# has more open than it may, 100,000 inodes that the kernel remembers cost it at most 64 MiB, and rounds of use do not add up.
# builds: release
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
export FOLDERS=400 EACH=250 # 100,000
limit=1024
[ "$LONG" = 0 ] || FOLDERS=4000 limit=20000
depfs_mkfs
MOUNT_WRAPPER="prlimit --nofile=$limit:$limit"
depfs_mount
memory() { awk '/^Rss(Anon|Shmem)/ { n += $2 } END { print n }' "/proc/$DAEMON_PID/status"; } # KiB
descriptors() { find "/proc/$DAEMON_PID/fd" -mindepth 1 | wc -l; }

watch_descriptors() # the most ever seen is in $WORK/most
{
	local n most=0

	while n=$(descriptors 2>/dev/null); do
		[ "$n" -le $most ] || echo "$((most = n))" >"$WORK/most"
		sleep 0.2
	done
}

cat >"$WORK/files.py" <<'END'
import os
import sys

FOLDERS, EACH = int(os.environ['FOLDERS']), int(os.environ['EACH'])
act, top, part = sys.argv[1], sys.argv[2], int(sys.argv[3])
for d in range(part, FOLDERS, 2):
    folder = f'{top}/mailbox/u{d % 20}/d{d}'
    if act == 'make':
        os.makedirs(folder)
    for i in range(EACH):
        name = f'{folder}/{i}'
        if act == 'make':
            with open(name, 'xb') as f:
                f.write(b'file %d of %d' % (i, d))
        elif act == 'read' and (d * EACH + i) % 97 == 0:
            with open(name, 'rb') as f:
                assert f.read() == b'file %d of %d' % (i, d), name
END
both() # ACT - by two processes
{
	local other

	python3 "$WORK/files.py" "$1" "$MNT" 0 &
	other=$!
	python3 "$WORK/files.py" "$1" "$MNT" 1
	wait $other
}

# reading, by many at once, makes every thread's buffers: they are not what inodes cost
mkdir -p "$MNT/mailbox/warm"
for i in 1 2 3 4 5 6 7 8; do head -c 3000000 /dev/zero >"$MNT/mailbox/warm/$i"; done
echo 3 >/proc/sys/vm/drop_caches
printf '%s\0' "$MNT"/mailbox/warm/* | xargs -0 -n 1 -P 8 cat >/dev/null
empty=$(memory)
background watch_descriptors
watcher=$!
both make
count=$(find "$MNT/mailbox" -type f -newermt 2000-01-01 -printf x | wc -c) # a stat of each
assert_eq "$count" $((FOLDERS * EACH + 8)) "files"
full=$(memory)
cached=$((FOLDERS * EACH))
cost=$(((full - empty) * 1000 / cached))
echo "memory: $empty KiB empty, $full KiB with $cached inodes, $cost KiB for each 1,000"
[ $cost -le 655 ] || fail "100,000 cached inodes cost $((cost / 10)) MiB, more than 64"
both read
echo 3 >/proc/sys/vm/drop_caches
for round in 1 2; do
	find "$MNT/mailbox" -type f -newermt 2000-01-01 -printf x | wc -c >/dev/null
	echo 3 >/proc/sys/vm/drop_caches
done
again=$(memory)
[ "$again" -le $((full + full / 5)) ] || fail "memory grows: $full KiB, then $again KiB"

# thousands of handles at once: a clear error at the limit, and everything goes on
python3 - "$MNT" "$limit" <<'END'
import errno
import os
import resource
import sys

top, limit = sys.argv[1], int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
held, error = [], None
try:
    for i in range(min(19000, limit + 500)):
        held.append(os.open(f'{top}/mailbox/u{i // 250 % 20}/d{i // 250}/{i % 250}', os.O_RDONLY))
except OSError as e:
    error = e.errno
assert error in ((errno.EMFILE, errno.ENFILE) if limit < 19000 else (None,)), (error, len(held))
assert len(held) > limit // 3, len(held)  # the rest are the daemon's own, and its cache
assert os.read(held[-1], 100).startswith(b'file ')
for fd in held:
    os.close(fd)
with open(f'{top}/mailbox/u0/d0/after', 'wb') as f:
    f.write(b'goes on')
END
assert_eq "$(cat "$MNT/mailbox/u0/d0/after")" "goes on"

# one large folder: listed whole while it is emptied
mkdir "$MNT/chat"
python3 - "$MNT/chat" <<'END'
import os
import sys
for i in range(20000):
    os.close(os.open(f'{sys.argv[1]}/{i}', os.O_CREAT | os.O_WRONLY))
assert sorted(map(int, os.listdir(sys.argv[1]))) == list(range(20000))
END
rm -r "$MNT/chat" "$MNT/mailbox"
assert_eq "$(find "$STORE" -path "$STORE/.depfs" -prune -o -type f -print | wc -l)" 0 "files left"
end_process $watcher
echo "descriptors: at most $(cat "$WORK/most") of $limit"
[ "$(cat "$WORK/most")" -le "$limit" ] || fail "more descriptors than allowed were seen"
depfs_umount
