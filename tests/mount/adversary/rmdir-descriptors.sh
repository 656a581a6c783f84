#!/usr/bin/env bash
# adversary/rmdir-descriptors: an rmdir or a rename that is refused costs the daemon no descriptor for good: else any
# user could use them all up, and no file could be opened any more.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
ulimit -n 400
depfs_start
mkdir "$MNT/t"
python3 - "$MNT/t" <<'PY'
import errno, os, sys
os.chdir(sys.argv[1])
for i in range(1000):
    os.makedirs(f'd{i}/in')
for i in range(1000):
    try:
        os.rmdir(f'd{i}')
        raise SystemExit('a full folder went')
    except OSError as e:
        assert e.errno == errno.ENOTEMPTY, e
    try:
        os.rename(f'd{(i + 1) % 1000}', f'd{i}')
        raise SystemExit('a full folder was replaced')
    except OSError as e:
        assert e.errno == errno.ENOTEMPTY, e
open('after', 'w').write('works')
assert open('after').read() == 'works'
PY
depfs_umount
