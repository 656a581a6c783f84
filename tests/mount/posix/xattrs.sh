#!/usr/bin/env bash
# posix/xattrs: extended attributes of every namespace come back as they were set, on files, folders and links.
BACKING=disk
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

put('f', b'x')
os.mkdir('d')
os.symlink('f', 'l')


def supported(ns):
    try:
        os.setxattr('f', ns + '.probe', b'')
        os.removexattr('f', ns + '.probe')
    except OSError as e:
        if e.errno in (errno.EOPNOTSUPP, errno.EPERM):
            return False
        raise
    return True


spaces = [ns for ns in ('user', 'trusted', 'security') if supported(ns)]
check('user' in spaces or 'trusted' in spaces, 'no namespace works')
for ns in spaces:
    for path in ('f', 'd'):
        for value in (b'', b'v', bytes(range(256)), noise(1000)):
            os.setxattr(path, ns + '.name', value)
            same(os.getxattr(path, ns + '.name'), value, ns)
        long = ns + '.' + 'n' * (255 - len(ns) - 1)
        os.setxattr(path, long, b'long name')
        same(os.getxattr(path, long), b'long name')
        check({ns + '.name', long} <= set(os.listxattr(path)))
        with fails('EEXIST'):
            os.setxattr(path, ns + '.name', b'', os.XATTR_CREATE)
        with fails('ENODATA'):
            os.setxattr(path, ns + '.none', b'', os.XATTR_REPLACE)
        os.setxattr(path, ns + '.name', b'replaced', os.XATTR_REPLACE)
        os.removexattr(path, ns + '.name')
        with fails('ENODATA'):
            os.getxattr(path, ns + '.name')
        with fails('ENODATA'):
            os.removexattr(path, ns + '.name')
        with fails('ERANGE', 'ENAMETOOLONG'):
            os.setxattr(path, ns + '.' + 'n' * 256, b'')
if 'trusted' in spaces:
    for size in (60000, 65536):
        try:
            os.setxattr('f', 'trusted.big', noise(size))
        except OSError as e:  # what the filesystem below does not hold is ENOSPC or E2BIG there too
            check(e.errno in (errno.ENOSPC, errno.E2BIG), e)
            break
        same(os.getxattr('f', 'trusted.big'), noise(size))
    os.setxattr('l', 'trusted.onlink', b'1', follow_symlinks=False)
    same(os.listxattr('f').count('trusted.onlink'), 0)
with fails('E2BIG'):
    os.setxattr('f', 'user.toobig', b'x' * 65537)


def names_of_others():
    wanted = [n for n in names if not n.startswith('trusted.')]
    same(sorted(os.listxattr('f')), wanted, 'trusted.* is for root alone')
    same(call('listxattr', b'f', None, 0), sum(len(n) + 1 for n in wanted), 'their length')


os.chmod('.', 0o755)
for ns in spaces:
    for k in range(3):
        os.setxattr('f', f'{ns}.listed{k}', b'x')
names = sorted(os.listxattr('f'))
check({f'{ns}.listed2' for ns in spaces} <= set(names), 'root sees all')
in_child(names_of_others, 12031, 12031)
os.rename('f', 'g')
os.setxattr('g', spaces[0] + '.kept', b'yes')
os.truncate('g', 0)
same(os.getxattr('g', spaces[0] + '.kept'), b'yes')
END
depfs_umount
