#!/usr/bin/env bash
# posix/symlinks: symbolic links keep their target, dangling or not, and are followed.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

os.symlink('target', 'l')
same(os.readlink('l'), 'target')
same(os.lstat('l').st_size, 6, 'size of a link is the length of its target')
check(stat.S_ISLNK(os.lstat('l').st_mode))
with fails('ENOENT'):
    os.stat('l')
put('l', b'through the link')
same(get('target'), b'through the link')
long = 'x/' * 2000 + 'end'
os.symlink(long, 'long')
same(os.readlink('long'), long)
os.symlink('b', 'a')
os.symlink('a', 'b')
with fails('ELOOP'):
    open('a')
with fails('EEXIST'):
    os.symlink('x', 'l')
with fails('EINVAL'):
    os.readlink('target')
os.mkdir('d')
put('d/f', b'inside')
os.symlink('d', 'ld')
same(get('ld/f'), b'inside')
os.unlink('ld')
same(get('d/f'), b'inside')
os.chown('l', 1, 2, follow_symlinks=False)
same((os.lstat('l').st_uid, os.lstat('l').st_gid), (1, 2))
same(os.stat('target').st_uid, 0)
os.utime('l', ns=(10**9, 2 * 10**9), follow_symlinks=False)
same(os.lstat('l').st_mtime_ns, 2 * 10**9)
END
depfs_umount
