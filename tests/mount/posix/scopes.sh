#!/usr/bin/env bash
# posix/scopes: a file moves between scopes, a folder or a hard link does not (EXDEV): its key belongs to its scope.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start
need_depfs

python3 - "$MNT" <<'END'
from posixlib import *

for d in ('mailbox', 'mailbox/a', 'mailbox/b', 'chat', 'edm', 'other', 'mailbox/a/deep'):
    os.mkdir(d)
body = noise(20000)
put('mailbox/a/f', body)
path = 'mailbox/a/f'
for to in ('mailbox/b/f', 'chat/f', 'edm/f', 'other/f', 'mailbox/a/deep/f'):
    before = os.stat(path)
    os.rename(path, to)
    path = to
    same(get(path), body, to)
    same(os.stat(path).st_mtime_ns, before.st_mtime_ns, 'mtime')
    same(os.stat(path).st_ino, before.st_ino, 'inode')
for to in ('mailbox/b/l', 'chat/l', 'l', 'other/l'):
    with fails('EXDEV'):
        os.link(path, to)
for to in ('mailbox/b/d', 'chat/d', 'd'):
    with fails('EXDEV'):
        os.rename('mailbox/a/deep', to)
os.link(path, 'mailbox/a/l')  # the same scope
with fails('EXDEV'):  # one of several names would end up in the wrong scope
    os.rename('mailbox/a/l', 'chat/l')
same(get('mailbox/a/l'), body)
put('chat/x', b'chat')
put('edm/x', b'edm')
with fails('EXDEV'):  # two headers cannot change in one step
    renameat2('chat/x', 'edm/x', RENAME_EXCHANGE)
same((get('chat/x'), get('edm/x')), (b'chat', b'edm'), 'after the refusal')
os.rename('chat/x', 'edm/x')
same(get('edm/x'), b'chat', 'replaced across scopes')
put('chat/old', b'old')
os.rename('edm/x', 'chat/old')
same(get('chat/old'), b'chat', 'and back')
os.symlink('nowhere', 'chat/s')
os.rename('chat/s', 'edm/s')  # no key is in a symbolic link
same(os.readlink('edm/s'), 'nowhere')
put('chat/empty', b'')
os.rename('chat/empty', 'edm/empty')
same(get('edm/empty'), b'')
END
depfs_umount
