#!/usr/bin/env bash
# adversary/kill-load: kill -9 at random moments under appends, truncations, overwrites, holes, renames across mailboxes
# and removals: what fsync confirmed is there after the remount, every file opens, and nothing reads as a wrong byte.
# timeout: 280
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
ROUNDS=8
[ "$LONG" = 0 ] || ROUNDS=60
depfs_start
mkdir -p "$MNT/mailbox/a" "$MNT/mailbox/b" "$MNT/chat"

cat >"$WORK/load.py" <<'PY'
# Each line of the log is a fact that held when it was written: "start NAME ..." before a change, "done" after fsync.
import os, random, sys
top, log, seed = sys.argv[1], open(sys.argv[2], 'a'), int(sys.argv[3])
rnd = random.Random(seed)

def say(*what):
    log.write(' '.join(map(str, what)) + '\n')
    log.flush()

def piece(n, tag):
    return random.Random(tag).randbytes(n)

os.chdir(top)
try:
    n = 0
    while True:
        n += 1
        name = f'chat/{seed}.{n}'
        fd = os.open(name, os.O_CREAT | os.O_RDWR)
        size = 0
        for step in range(rnd.randrange(1, 8)):
            kind = rnd.choice(('append', 'append', 'cut', 'gap', 'punch', 'over', 'start'))
            tag = f'{name}/{step}'
            length = rnd.choice((1, 100, 3808, 4064, 5000, 40000, 300000))
            say('start', name, step, kind, length, size)
            if kind == 'append':
                os.pwrite(fd, piece(length, tag), size); size += length
            elif kind == 'cut':
                size = size // 2; os.ftruncate(fd, size)
            elif kind == 'gap':
                os.pwrite(fd, piece(length, tag), size + 50000); size += 50000 + length
            elif kind == 'punch':
                os.system(f'fallocate -p -o {size // 4} -l {size // 2 + 1} {name} 2>/dev/null')
            elif kind == 'over' and size > 10:
                os.pwrite(fd, piece(min(length, size // 2), tag), size // 3)
            elif kind == 'start':
                os.ftruncate(fd, 0); size = 0
            os.fsync(fd)
            # kept by hand on the side: what an ordinary filesystem would hold
            with open(f'{sys.argv[2]}.d/{seed}.{n}.{step}', 'wb') as ref:
                os.lseek(fd, 0, 0)
                got = os.read(fd, size + 1)
                if len(got) != size:
                    raise OSError('the daemon died while this was read')
                ref.write(got)
            say('done', name, step, size)
        os.close(fd)
        if rnd.random() < .3:
            box = rnd.choice('ab')
            say('move', name, f'mailbox/{box}/{seed}.{n}')
            os.rename(name, f'mailbox/{box}/{seed}.{n}')
            os.rename(f'mailbox/{box}/{seed}.{n}', f'mailbox/{"b" if box == "a" else "a"}/{seed}.{n}')
        elif rnd.random() < .2:
            say('gone', name)
            os.unlink(name)
except OSError:
    pass
PY
cat >"$WORK/check.py" <<'PY'
import glob, os, sys
top, log = sys.argv[1], sys.argv[2]
os.chdir(top)
last, pending, gone, bad = {}, {}, set(), []
for line in open(log):
    w = line.split()
    if w[0] == 'start': pending[w[1]] = w
    elif w[0] == 'done': last[w[1]] = (int(w[2]), int(w[3])); pending.pop(w[1], None)
    elif w[0] == 'gone': gone.add(w[1])
names = {os.path.basename(p): p for p in glob.glob('chat/*') + glob.glob('mailbox/*/*')}
for path in names.values():
    try:
        open(path, 'rb').read()
    except OSError as e:
        bad.append(f'{path}: {e.strerror}, disk size {os.stat(sys.argv[3] + "/" + path).st_size}')
for name, (step, size) in last.items():
    base = os.path.basename(name)
    if name in gone:
        continue
    if base not in names:
        bad.append(f'{name}: lost')
        continue
    want = open(f'{log}.d/{base}.{step}', 'rb').read()
    try:
        got = open(names[base], 'rb').read()
    except OSError:
        continue
    p = pending.get(name)
    if p is None:
        if got != want: bad.append(f'{name}: {len(got)} bytes differ from {len(want)} confirmed')
    elif p[3] in ('append', 'gap') and got[:len(want)] != want:
        bad.append(f'{name}: confirmed bytes lost by {p[3]}: {len(got)} of {len(want)}')
print('\n'.join(bad))
sys.exit(bool(bad))
PY
mkdir "$WORK/log.d"
for ((i = 0; i < ROUNDS; i++)); do
	PY=()
	for j in 1 2 3 4; do
		python3 "$WORK/load.py" "$MNT" "$WORK/log" $((i * 10 + j)) 2>/dev/null &
		PIDS+=($!)
		PY+=($!)
	done
	sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))"
	depfs_crash "${PY[@]}"
	python3 "$WORK/check.py" "$MNT" "$WORK/log" "$STORE" || fail "after kill number $i"
	rm -rf "$MNT"/chat/* "$MNT"/mailbox/?/* "$WORK/log" "$WORK"/log.d/*
done
depfs_umount
