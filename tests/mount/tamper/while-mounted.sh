#!/usr/bin/env bash
# tamper/while-mounted: damage that happens below a mount is found as soon as the block is read from disk again.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/tamper.sh"
tamper_start mailbox/anna/a
depfs_mount
same_bytes "$WORK/plain/mailbox/anna/a" "$MNT/mailbox/anna/a"
flip mailbox/anna/a 9000
python3 - "$MNT/mailbox/anna/a" <<'END'
import errno, os, sys

fd = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
try:
    os.pread(fd, 30000, 0)
except OSError as e:
    assert e.errno == errno.EIO, e
else:
    raise SystemExit('the damaged block was read')
os.close(fd)
fd = os.open(sys.argv[1], os.O_RDWR)
try:  # a write into part of a damaged block must not make it look good
    os.pwrite(fd, b'x', 8500)
    os.fsync(fd)
except OSError as e:
    assert e.errno == errno.EIO, e
else:
    raise SystemExit('part of a damaged block was overwritten')
END
assert_event block-damaged mailbox/anna/a
replaceable mailbox/anna/a
depfs_umount
