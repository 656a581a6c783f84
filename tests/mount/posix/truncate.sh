#!/usr/bin/env bash
# posix/truncate: truncate in both directions at and beside every block edge keeps what is below and shows zeros above.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

MAX = max(EDGES)
data = noise(MAX)
for frm in EDGES:
    for to in EDGES:
        put('t', data[:frm])
        os.truncate('t', to)
        same(os.stat('t').st_size, to, f'size {frm} -> {to}')
        wanted = data[:min(frm, to)] + b'\0' * (to - frm)
        same(get('t'), wanted, f'{frm} -> {to}')
        with opened('t', os.O_RDWR) as fd:  # and a write after it, beyond it
            os.ftruncate(fd, to + 10)
            os.pwrite(fd, b'after', to + 20)
        same(get('t'), wanted + b'\0' * 20 + b'after', f'{frm} -> {to}, extended')
for a in EDGES:  # what was cut off never comes back
    put('t', data)
    os.truncate('t', a)
    os.truncate('t', MAX)
    same(get('t'), data[:a] + b'\0' * (MAX - a), f'cut at {a}')
with fails('EINVAL'):
    os.truncate('t', -1)
with fails('EISDIR'):
    os.truncate('.', 0)
END
depfs_umount
