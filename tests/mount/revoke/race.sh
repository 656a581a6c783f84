#!/usr/bin/env bash
# revoke/race: while programs make, open, rename, cut, append to and keep files open, and jobs re-wrap them, denials come at random moments; once one is done, no call succeeds on any file whose header names the policy, and when access is back no byte is wrong.
# vaults: local azure-long
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/revoke.sh"
. "$LIB/jobs.sh"
ROUNDS=2
case $KIND in
asan | tsan) ROUNDS=1 ;;
esac
[ "$LONG" = 0 ] || ROUNDS=20
revoke_start
cat >"$WORK/programs.py" <<'END'
"""Each thread its own files, in both mailboxes; a line "TIME INODE ACT" for each success on a file."""
from posixlib import *

import time

from threads import run_threads

stop, log = sys.argv[2:]
lines = []
ALLOWED = (errno.EKEYREVOKED, errno.EIO, errno.ETIMEDOUT, errno.EAGAIN)


def block(path, version):
    return f'{os.path.basename(path)} {version} '.encode().ljust(64, b'.')


def act(rnd, seed, kept, files):
    """One act; (inode, what) of the file it had success with, or None."""
    box, name = rnd.choice('pq'), f'{seed}-{rnd.randrange(30)}'
    path, other = f'mailbox/{box}/{name}', f'mailbox/{"q" if box == "p" else "p"}/{name}'
    what = rnd.randrange(8)
    if what < 3 and kept:
        fd, name = rnd.choice(kept)
        data = os.pread(fd, 4096, 0)
        check(all(data[i:i + len(name)] == name.encode() for i in range(0, len(data), 64)),
              name, 'holds', data[:80])
        return (os.fstat(fd).st_ino, 'read of a handle') if data else None
    if what == 3 and kept:
        fd, name = rnd.choice(kept)
        os.write(fd, block(name, rnd.random()))
        return os.fstat(fd).st_ino, 'append'
    if what == 4:
        if path in files or other in files:
            path = path if path in files else other
            target = other if path != other else f'mailbox/{box}/{name}'
            os.rename(path, target)
            files.discard(path)
            files.add(target)
        return None
    if what == 5 and path in files:
        fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
        inode = os.fstat(fd).st_ino
        os.close(fd)
        return inode, 'cut'
    if other in files:
        path = other
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    files.add(path)
    kept.append((fd, name))
    if len(kept) > 20:
        os.close(kept.pop(0)[0])
    return os.fstat(fd).st_ino, 'open'


def work(seed):
    rnd, kept, files = random.Random(seed), [], set()
    while not os.path.exists(stop):
        began = time.time()
        try:
            done = act(rnd, seed, kept, files)
            if done:
                lines.append(f'{began:.6f} {done[0]} {done[1]}')
        except OSError as e:
            if e.errno not in ALLOWED:
                raise


run_threads(work, 4)
with open(log, 'w') as f:
    print('\n'.join(lines), file=f)
print(len(lines), 'successes')
END
inodes_under_p()
{
	headers | awk -F '\t' -v id="$(hex_id P)" '$2 == id { print $1 }' |
		(cd "$STORE" && xargs -r -d '\n' stat -c %i) | sort
}
background python3 "$WORK/programs.py" "$MNT" "$WORK/stop" "$WORK/successes" >"$WORK/programs.log" 2>&1
programs=$!
many_under_p() { [ "$(inodes_under_p | wc -l)" -ge 10 ]; }
wait_until 60 many_under_p || fail "the programs make no files: $(tail -n 5 "$WORK/programs.log")"
: >"$WORK/intervals"
for ((round = 1; round <= ROUNDS; round++)); do
	control mailboxes/p/policy Q
	sleep "0.$((RANDOM % 4))"
	control mailboxes/p/policy P
	sleep "0.$((RANDOM % 9))"
	p_deny
	revocation_done P "$round"
	wait_until 100 job_ended "$(newest_job)" || fail "the job does not end"
	began=$(date +%s.%6N)
	inodes_under_p >"$WORK/under.$round"
	sleep 0.7
	inodes_under_p >"$WORK/under.after"
	cmp "$WORK/under.$round" "$WORK/under.after" || fail "files came under P, or left it, without its key"
	echo "$began $(date +%s.%6N) $WORK/under.$round" >>"$WORK/intervals"
	p_allow
	wait_until 60 policy_state_is P ready || fail "P is $(status_of P state)"
	! gone $programs || fail "the programs ended: $(tail -n 5 "$WORK/programs.log")"
	sleep 0.3
done
touch "$WORK/stop"
wait $programs || fail "the programs: $(tail -n 5 "$WORK/programs.log")"
cat "$WORK/programs.log"
python3 - "$WORK/intervals" "$WORK/successes" <<'END'
import sys

with open(sys.argv[1]) as f:
    intervals = [(float(a), float(b), path) for a, b, path in (line.split() for line in f)]
with open(sys.argv[2]) as f:
    successes = [(float(at), inode, what) for at, inode, what in (line.strip().split(' ', 2) for line in f)]
for began, ended, path in intervals:
    with open(path) as f:
        under = set(f.read().split())
    within = [s for s in successes if began < s[0] < ended]
    bad = [s for s in within if s[1] in under]
    print(len(under), 'files under P,', len(within), 'successes with others while it was denied')
    if bad or not within or not under:
        raise SystemExit(f'{len(bad)} successes with files of the denied policy: {bad[:5]}')
END
depfs_umount
