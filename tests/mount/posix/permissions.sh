#!/usr/bin/env bash
# posix/permissions: modes, owners, groups and sticky folders bind other users as on any filesystem.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

A, B, G = 12001, 12002, 13001
os.chmod('.', 0o755)
os.mkdir('home')
os.chown('home', A, A)
os.chmod('home', 0o755)


def as_a():
    put('home/f', b'of a', 0o640)
    same((os.stat('home/f').st_uid, os.stat('home/f').st_gid), (A, A), 'owner of a new file')
    os.mkdir('home/d', 0o700)
    os.symlink('f', 'home/l')
    same(os.lstat('home/l').st_uid, A)
    os.mkfifo('home/p')
    same(os.stat('home/p').st_uid, A)
    os.chmod('home/f', 0o604)
    os.chmod('home/f', 0o640)
    with fails('EPERM'):
        os.chown('home/f', B, -1)


def as_b():
    with fails('EACCES'):
        os.open('home/f', os.O_RDONLY)
    with fails('EACCES'):
        os.open('home/f', os.O_WRONLY)
    with fails('EACCES'):
        put('home/new', b'')
    with fails('EACCES'):
        os.listdir('home/d')
    with fails('EACCES'):
        os.unlink('home/f')
    with fails('EACCES'):
        os.rename('home/f', 'home/g')
    with fails('EPERM'):
        os.chmod('home/f', 0o777)
    with fails('EPERM', 'EACCES'):
        os.truncate('home/f', 0)
    with fails('EPERM'):
        os.utime('home/f', (1, 1))
    same(os.stat('home/f').st_size, 4, 'stat needs no right to the file')


in_child(as_a, A, A)
in_child(as_b, B, B)
os.chown('home/f', -1, G)
os.chmod('home/f', 0o660)


def as_group():  # by a supplementary group
    same(get('home/f')[:4], b'of a')
    with opened('home/f', os.O_WRONLY | os.O_APPEND) as fd:
        os.write(fd, b' and b')


in_child(as_group, B, B, groups=[G])
in_child(as_group, B, G)
same(get('home/f'), b'of a and b and b')
os.mkdir('team')
os.chown('team', 0, G)
os.chmod('team', 0o770)
in_child(lambda: put('team/x', b'x'), B, B, groups=[5, G, 7])
same((os.stat('team/x').st_uid, os.stat('team/x').st_gid), (B, B))
os.mkdir('sticky')
os.chmod('sticky', 0o1777)
in_child(lambda: put('sticky/a', b'a', 0o666), A, A)


def not_mine():
    with fails('EPERM', 'EACCES'):
        os.unlink('sticky/a')
    with fails('EPERM', 'EACCES'):
        os.rename('sticky/a', 'sticky/b')


in_child(not_mine, B, B)
in_child(lambda: os.unlink('sticky/a'), A, A)


def suid_lost():
    with opened('home/s', os.O_CREAT | os.O_WRONLY, 0o755) as fd:
        os.write(fd, b'1')
    os.chmod('home/s', 0o4755)
    with opened('home/s', os.O_WRONLY) as fd:
        os.write(fd, b'2')
    same(stat.S_IMODE(os.stat('home/s').st_mode), 0o755, 'writing drops the set-user-id bit')


in_child(suid_lost, A, A)
same(os.access('home/f', os.R_OK), True)


def access():
    same(os.access('home/f', os.R_OK), False)
    same(os.access('home', os.R_OK | os.X_OK), True)
    same(os.access('home', os.W_OK), False)


in_child(access, B, B)
END
depfs_umount
