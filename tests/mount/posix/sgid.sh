#!/usr/bin/env bash
# posix/sgid: what is made in a set-group-id folder belongs to its group, and folders hand the bit on.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

G = 13002
os.chmod('.', 0o755)
os.mkdir('shared')
os.chown('shared', 0, G)
os.chmod('shared', 0o2777)


def user():
    os.umask(0o022)
    put('shared/f', b'x')
    os.mkdir('shared/d')
    os.mkfifo('shared/p')
    os.symlink('f', 'shared/l')
    put('shared/d/g', b'y')


in_child(user, 12003, 12003)
for path in ('f', 'd', 'p', 'l', 'd/g'):
    st = os.lstat('shared/' + path)
    same((st.st_uid, st.st_gid), (12003, G), path)
check(os.stat('shared/d').st_mode & stat.S_ISGID, 'a folder hands the bit on')
check(not os.stat('shared/f').st_mode & stat.S_ISGID, 'a file does not get it')
END
depfs_umount
