#!/usr/bin/env bash
# posix/sync-hangs: while a disk does not finish to sync, what waits for it (fsync of files and folders, holes punched, ranges zeroed) holds up no other call, nor opens of the same files.
# builds: release tsan
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
faultio=$(helper faultio -shared -fPIC)
head -c 8 /dev/zero >"$WORK/fault"
depfs_mkfs
MOUNT_WRAPPER="env FAULTIO=$WORK/fault LD_PRELOAD=$faultio" depfs_mount
cat >"$WORK/sync.py" <<'END'
from posixlib import *

import threading
import time

ACTS = {
    'fsync of a folder': lambda fd, folder: os.fsync(folder),
    'fdatasync of a folder': lambda fd, folder: os.fdatasync(folder),
    'punch': lambda fd, folder: fallocate(fd, KEEP_SIZE | PUNCH_HOLE, 8192, 40000),
    'zero': lambda fd, folder: fallocate(fd, ZERO_RANGE, 8192, 40000),
    'fsync': lambda fd, folder: os.fsync(fd),
}
act = ACTS[sys.argv[2]]
number = 2 * os.cpu_count() + 4  # more than there are serving threads
failed, threads = [], []


def run(fd, folder):
    try:
        act(fd, folder)
    except OSError as e:
        failed.append(e)


os.makedirs('other', exist_ok=True)
for n in range(number):
    os.makedirs(f'd{n}', exist_ok=True)
    put(f'd{n}/f', noise(100000))
    threads.append(threading.Thread(target=run, args=(os.open(f'd{n}/f', os.O_RDWR), os.open(f'd{n}', os.O_RDONLY))))
with open(sys.argv[3], 'r+b') as fault:
    fault.write((-1 & (1 << 64) - 1).to_bytes(8, sys.byteorder))
for t in threads:
    t.start()
time.sleep(1)
print('held', flush=True)
for n in range(number):
    same(os.stat(f'd{n}/f').st_size, 100000)
    os.close(os.open(f'd{n}/f', os.O_RDWR))
    put(f'other/{n}', b'text')  # the kernel locks a folder while it is synced
    same(get(f'other/{n}'), b'text')
    os.rename(f'other/{n}', f'other/moved{n}')
    check(f'moved{n}' in os.listdir('other'), 'not listed')
    os.unlink(f'other/moved{n}')
same(sum(t.is_alive() for t in threads), number, 'that wait for the disk')
print('served', flush=True)
with open(sys.argv[3], 'r+b') as fault:
    fault.write(bytes(8))
for t in threads:
    t.join()
same(failed, [])
END
for act in 'fsync of a folder' 'fdatasync of a folder' punch zero fsync; do
	background python3 "$WORK/sync.py" "$MNT" "$act" "$WORK/fault" >"$WORK/out"
	child=$!
	wait_until 30 gone $child || {
		dd if=/dev/zero of="$WORK/fault" bs=8 count=1 conv=notrunc status=none # or nothing could be unmounted
		fail "$act: other calls wait too: $(cat "$WORK/out")"
	}
	wait $child
done
depfs_umount
