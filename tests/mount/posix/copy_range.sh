#!/usr/bin/env bash
# posix/copy_range: copy_file_range copies any range to any place, also within one file and between scopes.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

python3 - "$MNT" <<'END'
from posixlib import *

os.mkdir('chat')
data = noise(50000)
put('a', data)
for to in ('b', 'chat/b'):
    for off, length, at in ((0, 50000, 0), (1, 49999, 0), (3800, 20, 4060), (FIRST, REST, FIRST),
                            (100, 40000, 7), (49990, 100, 3)):
        put(to, b'')
        with opened('a') as src, opened(to, os.O_RDWR) as dst:
            left, s, d = min(length, 50000 - off), off, at
            while left:
                n = os.copy_file_range(src, dst, left, s, d)
                check(n > 0, 'nothing copied')
                left, s, d = left - n, s + n, d + n
            same(os.copy_file_range(src, dst, 10, 50000, 0), 0, 'at the end')
        same(get(to), b'\0' * at + data[off:off + length], f'{to} {off}+{length} to {at}')
with opened('a', os.O_RDWR) as fd:
    same(os.copy_file_range(fd, fd, 1000, 0, 20000), 1000)
    with fails('EINVAL'):
        os.copy_file_range(fd, fd, 1000, 0, 500)
same(get('a'), data[:20000] + data[:1000] + data[21000:])
END
depfs_umount
