#!/usr/bin/env bash
# adversary/full-disk: a disk that fills in the middle of any change gives ENOSPC; what was confirmed before stays,
# sizes agree with what can be read, nothing is found damaged, then or after a remount, and room is given back.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
mount -o remount,size=2m "$WORK/back"
depfs_start writeback=off
python3 - "$MNT" "$WORK/model" <<'PY'
import errno, os, pickle, random, sys
os.chdir(sys.argv[1])
rnd = random.Random(5)
models = {}

def check(where):
    for name, want in models.items():
        got = open(name, 'rb').read()
        assert os.stat(name).st_size == len(got), (where, name, os.stat(name).st_size, len(got))
        assert got == bytes(want), (where, name, len(got), len(want),
                                    next((i for i in range(min(len(got), len(want))) if got[i] != want[i]), None))

refused = 0
for round in range(1500):
    name = f'f{rnd.randrange(6)}'
    kind = rnd.choice(('append', 'append', 'append', 'append', 'gap', 'gap', 'cut', 'over', 'over', 'grow', 'punch', 'trunc', 'new'))
    m = models.setdefault(name, bytearray())
    before = bytes(m)
    n = rnd.choice((1, 3000, 4064, 50000, 400000, 1000000))
    data = rnd.randbytes(n)
    try:
        fd = os.open(name, os.O_CREAT | os.O_RDWR)
    except OSError as e:
        assert e.errno == errno.ENOSPC, e
        refused += 1
        if not os.path.exists(name):
            del models[name]
        continue
    try:
        if kind == 'append':
            done = os.pwrite(fd, data, len(m)); m += data[:done]
        elif kind == 'gap':
            at = len(m) + 70000
            done = os.pwrite(fd, data, at); m += bytes(70000) + data[:done]
        elif kind == 'cut':
            os.ftruncate(fd, len(m) // 3); del m[len(m) // 3:]
        elif kind == 'over' and len(m) > 100:
            at = len(m) // 4
            done = os.pwrite(fd, data[:len(m) // 2], at); m[at:at + done] = data[:done]
        elif kind == 'grow':
            os.ftruncate(fd, len(m) + 90000); m += bytes(90000)
        elif kind == 'punch' and len(m) > 100:
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            off, ln = len(m) // 4, len(m) // 2
            if libc.fallocate(fd, 3, ctypes.c_long(off), ctypes.c_long(ln)) < 0:
                raise OSError(ctypes.get_errno(), 'punch')
            m[off:off + ln] = bytes(ln)
        elif kind == 'trunc':
            os.close(os.open(name, os.O_WRONLY | os.O_TRUNC)); del m[:]
        os.fsync(fd)
    except OSError as e:
        assert e.errno == errno.ENOSPC, (kind, e)
        refused += 1
        size = os.fstat(fd).st_size
        got = os.pread(fd, 10 << 20, 0)
        assert len(got) == size, (kind, len(got), size)
        if kind in ('append', 'grow'):
            assert got[:len(before)] == before, (kind, 'confirmed bytes changed')
        elif kind == 'gap':
            assert got == before, (kind, len(before), len(got), 'a write that failed moved the end')
        m[:] = got
    finally:
        os.close(fd)
    if rnd.random() < .06 and models:
        gone = rnd.choice(list(models)); os.unlink(gone); del models[gone]
check('live')
assert refused > 30, refused
with open(sys.argv[2], 'wb') as f:
    pickle.dump(models, f)
PY
depfs_remount writeback=off
python3 - "$MNT" "$WORK/model" <<'PY'
import os, pickle, sys
with open(sys.argv[2], 'rb') as f:
    models = pickle.load(f)
for name, want in models.items():
    with open(os.path.join(sys.argv[1], name), 'rb') as f:
        assert f.read() == bytes(want), name
    os.unlink(os.path.join(sys.argv[1], name))
assert models
PY
head -c 600000 /dev/urandom >"$WORK/again" # room is given back
cp "$WORK/again" "$MNT/again"
same_bytes "$WORK/again" "$MNT/again"
assert_eq "$(events '"event":"damage"')" "" "events of damage"
depfs_umount
