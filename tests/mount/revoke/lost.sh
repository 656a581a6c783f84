#!/usr/bin/env bash
# revoke/lost: dirty pages that the disk does not take hold up no revocation: their bytes are counted as lost, the writer's fsync fails, and writers that never stop dirtying end with the denial.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/revoke.sh"
. "$LIB/metrics.sh"
revoke_start
mount -o remount,size=8m "$WORK/back"
head -c 100000 /dev/zero >"$MNT/mailbox/p/f"
cat >"$WORK/writer.py" <<'END'
from posixlib import *

import mmap
import signal

fd = os.open('mailbox/p/f', os.O_RDWR)
full = os.open('mailbox/p/full', os.O_RDWR | os.O_CREAT)
fill = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT)
os.write(full, b'x')
os.fsync(full)
with fails('ENOSPC'):
    while True:
        os.write(fill, bytes(65536))
os.pwrite(full, noise(300000), 1)  # only in the page cache
print('dirty', flush=True)
n, view = 0, mmap.mmap(fd, 100000)
pid = os.fork()
if pid == 0:
    end_with_parent()
while pid == 0:  # dirties by a mapping, until that is taken away
    view[n % 100000] = n % 256
    n += 1
with fails('EKEYREVOKED'):
    while True:
        os.pwrite(fd, n.to_bytes(8, 'big') * 512, n % 24 * 4096)
        n += 1
same(os.WTERMSIG(os.waitpid(pid, 0)[1]), signal.SIGBUS, 'how the mapping ends')
with fails('EIO', 'EKEYREVOKED', 'ENOSPC'):
    os.fsync(full)
print('refused', flush=True)
END
background python3 "$WORK/writer.py" "$MNT" "$WORK/back/fill" >"$WORK/printed"
writer=$!
printed() { grep -q "$1" "$WORK/printed"; }
wait_until 30 printed dirty || fail "the writer does not begin"
sleep 0.2
p_deny
revocation_done P 1
wait $writer
printed refused || fail "the writer was not refused"
rm "$WORK/back/fill"
echo "flushed $(status_of P "last revocation flushed"), lost $(status_of P "last revocation lost")"
lost=$(status_of P "last revocation lost")
[ "${lost% bytes}" -ge 200000 ] || fail "lost: $lost"
assert_event revocation-done '"outcome":"EIO"'
assert_event revocation-done "\"lost_bytes\":${lost% bytes},"
assert_metric 'depfs_revoked_dirty_bytes_total{result="lost"}' "${lost% bytes}"
flushed=$(status_of P "last revocation flushed")
assert_metric 'depfs_revoked_dirty_bytes_total{result="flushed"}' "${flushed% bytes}"
p_allow
readable() { [ "$(head -c 1 "$MNT/mailbox/p/full")" = x ]; }
wait_until 30 readable || fail "not readable again"
depfs_umount
