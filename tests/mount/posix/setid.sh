#!/usr/bin/env bash
# posix/setid: whatever takes set-id bits on a plain folder takes them here, at once and for every caller.
BACKING=disk
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need setfacl setpriv
depfs_start dev,suid
mkdir "$WORK/plain"

python3 - "$MNT" "$WORK/plain" "$STORE" <<'PYTHON'
import mmap
import subprocess
from posixlib import *

PLACES = {'depfs': sys.argv[1], 'plain': sys.argv[2]}
STORE = sys.argv[3] if os.path.isdir(sys.argv[3] + '/.depfs') else sys.argv[1]
A, B, G = 12021, 12022, 13021
CALLERS = {'root': (0, 0, []), 'owner': (A, A, []), 'owner in group': (A, A, [G]), 'other': (B, B, []),
           'member': (B, G, []), 'by supplementary group': (B, B, [7, G])}


def write(path, flags=os.O_WRONLY):
    with opened(path, flags) as fd:
        os.write(fd, b'new')


def space(mode):
    def act(path):
        with opened(path, os.O_WRONLY) as fd:
            fallocate(fd, mode, 0, 4096)
    return act


def copied(path):
    with opened(os.path.dirname(path) + '/source') as src, opened(path, os.O_WRONLY) as dst:
        os.copy_file_range(src, dst, 10)


def ftruncated(path):
    with opened(path, os.O_WRONLY) as fd:
        os.ftruncate(fd, 3)


def written_direct(path):
    page = mmap.mmap(-1, 4096)
    with opened(path, os.O_WRONLY | os.O_DIRECT) as fd:
        os.writev(fd, [page])


def acl(path):
    subprocess.run(['setfacl', '-m', f'u:{B}:rwx', path], check=True)


ACTS = {'write': write, 'append': lambda p: write(p, os.O_WRONLY | os.O_APPEND),
        'direct write': written_direct, 'copy_file_range': copied,
        'O_TRUNC': lambda p: os.close(os.open(p, os.O_WRONLY | os.O_TRUNC)),
        'truncate': lambda p: os.truncate(p, 2), 'ftruncate': ftruncated,
        'fallocate': space(0), 'keep size': space(KEEP_SIZE), 'punch': space(PUNCH_HOLE | KEEP_SIZE),
        'zero range': space(ZERO_RANGE)}
OWN = {'acl': acl, 'chgrp': lambda p: os.chown(p, -1, os.getgid()), 'chmod': lambda p: os.chmod(p, 0o2767)}


def outcome(place, act, mode, who, folder=False):
    path = PLACES[place] + '/f'
    if folder:
        os.mkdir(path)
    else:
        put(path, b'x' * 5000)
    os.chown(path, A, G)
    os.chmod(path, mode)
    same(stat.S_IMODE(os.stat(path).st_mode), mode)  # and in the kernel's cache
    uid, gid, groups = CALLERS[who]
    in_child(lambda: act(path), uid, gid, groups)
    known = stat.S_IMODE(os.stat(path).st_mode)
    if place == 'depfs':
        stored = stat.S_IMODE(os.stat(STORE + '/f').st_mode)
        same(f'{known:o}', f'{stored:o}', 'the mode in the kernel, beside that of the store')
    os.rmdir(path) if folder else os.unlink(path)
    return f'{known:o}'


def compare(name, *what):
    wanted, got = outcome('plain', *what), outcome('depfs', *what)
    same(got, wanted, f'{name}, mode {what[1]:o}, by {what[2]}')
    return got


for place in PLACES.values():
    os.chmod(place, 0o755)
    put(place + '/source', noise(9000))
os.chmod(os.path.dirname(PLACES['plain']), 0o755)
results = {}
for mode in 0o4777, 0o2777, 0o6777, 0o2767, 0o6767:
    for who in CALLERS:
        for name, act in ACTS.items():
            results[name, mode, who] = compare(name, act, mode, who)
        if who in ('root', 'owner', 'owner in group'):
            for name, act in OWN.items():
                compare(name, act, mode, who)
for who in ('root', 'owner', 'owner in group'):
    compare('acl of a folder', acl, 0o2775, who, True)
same(results['write', 0o4777, 'other'], '777', 'the test itself')
same(results['fallocate', 0o4777, 'root'], '4777', 'the test itself')
PYTHON

# what was root's program a moment ago runs as its caller: the kernel must ask for the mode again
cp "$(command -v id)" "$MNT/own"
chmod 4777 "$MNT/own"
stat "$MNT/own" >/dev/null # known for an hour
assert_eq "$(setpriv --reuid 12022 --regid 12022 --clear-groups "$MNT/own" -u)" 0 "as was asked for"
python3 - "$MNT/own" >"$WORK/ran" <<'PYTHON'
import os
import sys

with open(sys.argv[1], 'rb') as f:
    program = f.read()
os.setgroups([])
os.setgid(12022)
os.setuid(12022)
fd = os.open(sys.argv[1], os.O_WRONLY)
os.write(fd, program)
os.close(fd)
os.execv(sys.argv[1], ['id', '-u'])
PYTHON
assert_eq "$(cat "$WORK/ran")" 12022 "overwritten"
depfs_umount
