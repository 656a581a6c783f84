#!/usr/bin/env bash
# posix/tmpfile: O_TMPFILE makes a nameless file that linkat gives a name, or that vanishes.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

os.mkdir('mailbox')
try:
    fd = os.open('mailbox', os.O_TMPFILE | os.O_RDWR, 0o600)
except OSError as e:
    if e.errno in (errno.EOPNOTSUPP, errno.EISDIR):
        skip('the kernel has no O_TMPFILE here')
    raise
data = noise(10000)
os.write(fd, data)
same(os.fstat(fd).st_nlink, 0)
same(os.listdir('mailbox'), [])
linkat_fd(fd, 'mailbox/named')
same(os.fstat(fd).st_nlink, 1)
same(get('mailbox/named'), data)
os.write(fd, b'more')
os.close(fd)
same(get('mailbox/named'), data + b'more')
fd = os.open('mailbox', os.O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o600)
os.write(fd, b'gone')
with fails('ENOENT'):
    linkat_fd(fd, 'mailbox/never')
os.close(fd)
same(os.listdir('mailbox'), ['named'])
END
depfs_umount
