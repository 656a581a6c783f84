#!/usr/bin/env bash
# crash/full: a full filesystem below gives ENOSPC, loses nothing that was acknowledged, and works again when there is room.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
STORE=$WORK/small/store
mkdir "$WORK/small"
mount -t tmpfs -o size=24m depfs-small "$WORK/small"
depfs_mkfs
depfs_mount
mkdir "$MNT/mailbox" "$MNT/mailbox/anna"
python3 - "$MNT" <<'END'
from posixlib import *

os.chdir('mailbox/anna')
kept = {}
full = 0
for i in range(2000):
    data = noise(20000 + i * 37 % 5000, i)
    try:
        with opened(f'{i}', os.O_CREAT | os.O_EXCL | os.O_WRONLY) as fd:
            at = 0
            while at < len(data):
                at += os.write(fd, data[at:])
            os.fsync(fd)
    except OSError as e:
        same(e.errno, errno.ENOSPC)
        full += 1
        if full == 20:
            break
        continue
    kept[f'{i}'] = data
check(full == 20 and len(kept) > 300, 'files kept:', len(kept), 'refused:', full)
for name, data in kept.items():
    same(get(name), data, name)
name = next(iter(kept))  # overwriting in place needs no room
with opened(name, os.O_RDWR) as fd:
    os.pwrite(fd, b'in place', 100)
    os.fsync(fd)
same(get(name)[100:108], b'in place')
with opened(name, os.O_RDWR) as fd:
    with fails('ENOSPC'):
        fallocate(fd, 0, 0, 1 << 30)
for n in list(kept)[:20]:
    os.unlink(n)
put('again', noise(100000))
with opened('again') as fd:
    os.fsync(fd)
same(get('again'), noise(100000))
import hashlib
with open('../../../sums', 'w') as f:
    for n in sorted(os.listdir('.')):
        if n in kept or n == 'again':
            f.write(hashlib.sha256(get(n)).hexdigest() + '  ' + n + '\n')
END
depfs_remount
(cd "$MNT/mailbox/anna" && sha256sum --quiet -c "$WORK/sums")
depfs_umount
