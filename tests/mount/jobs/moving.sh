#!/usr/bin/env bash
# jobs/moving: while programs append to, rename, link, cut, delete and make files and folders, a job misses none of them, and no program sees an error or loses a byte.
# vaults: local azure
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
FILES=4000 ROUNDS=3
case $KIND in
asan | tsan) FILES=800 ROUNDS=2 ;;
esac
depfs_start_policies
policy_create P
policy_create Q
python3 - "$MNT" "$FILES" <<'PY'
import os, sys
mount, files = sys.argv[1], int(sys.argv[2])
for i in range(files):
    folder = f'{mount}/mailbox/u{i % 5}/f{i % 40:02}'
    os.makedirs(folder, exist_ok=True)
    with open(f'{folder}/{i}', 'wb') as f:
        f.write(b'%d ' % i * 400)
PY
cat >"$WORK/programs.py" <<'PY'
"""programs.py MOUNT STOP ROUND - each thread its own files; what it wrote, it compares."""
import os
import random
import sys

from threads import run_threads

mount, stop, round_no = sys.argv[1:]
acts = [0]


def work(seed):
    rnd = random.Random(f'{round_no} {seed}')
    box = f'{mount}/mailbox/u{seed}'
    known = {}
    for folder, _, names in os.walk(box):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, 'rb') as f:
                known[path] = f.read()
    while not os.path.exists(stop):
        path = rnd.choice(list(known))
        act = rnd.randrange(9)
        if act == 0:
            with open(path, 'ab') as f:
                f.write(b'more')
            known[path] += b'more'
        elif act in (1, 2, 3):
            target = f'{box}/f{rnd.randrange(40):02}'
            os.makedirs(target, exist_ok=True)
            target += f'/{rnd.getrandbits(40)}'
            os.rename(path, target)
            known[target] = known.pop(path)
        elif act == 4:
            target = path + f'.{rnd.getrandbits(40)}'
            os.link(path, target)
            os.unlink(path)
            known[target] = known.pop(path)
        elif act == 5:
            size = rnd.randrange(len(known[path]) + 1)
            os.truncate(path, size)
            known[path] = known[path][:size]
        elif act == 6:
            target = f'{os.path.dirname(path)}/{rnd.getrandbits(40)}'
            with open(target, 'wb') as f:
                f.write(b'new' * 3000)
            known[target] = b'new' * 3000
        elif act == 7 and len(known) > 100:
            os.unlink(path)
            del known[path]
        elif act == 8:
            old = os.path.dirname(path)
            new = f'{box}/f{rnd.randrange(40):02}.{rnd.getrandbits(40)}'
            os.rename(old, new)
            for p in [p for p in known if p.startswith(old + '/')]:
                known[new + p[len(old):]] = known.pop(p)
        acts[0] += 1
    for path, data in known.items():
        with open(path, 'rb') as f:
            if f.read() != data:
                raise AssertionError(path)


run_threads(work, 5)
print(acts[0], 'acts')
PY
run_python() # in the background until $WORK/stop is there
{
	rm -f "$WORK/stop"
	python3 "$WORK/programs.py" "$MNT" "$WORK/stop" "$round" >"$WORK/programs.log" 2>&1 &
	PROGRAMS=$!
	PIDS+=("$PROGRAMS")
	sleep 0.5
}

programs_end()
{
	touch "$WORK/stop"
	wait "$PROGRAMS" || fail "the programs: $(tail -n 5 "$WORK/programs.log")"
}

# nothing_left POLICY_HEX [GENERATION] - by an independent look at every header
nothing_left()
{
	sync -f "$MNT"
	assert_eq "$(headers | awk -F '\t' -v id="$1" -v g="${2:-}" \
		'$2 == id && (g == "" || $3 == g)' | head -n 3)" "" "files that the job missed"
}

for ((round = 0; round < ROUNDS; round++)); do
	run_python
	depctl assign P >/dev/null
	n=$(newest_job)
	wait_until 200 job_ended "$n" || fail "job $n: $(cat "$MNT/.depfs/jobs/$n/status")"
	job_state_is "$n" "done" || fail "$(cat "$MNT/.depfs/jobs/$n/failed")"
	nothing_left "$SERVICE"
	generation=$(status_of P generation)
	depctl policy rotate P >/dev/null
	n=$(newest_job)
	wait_until 200 job_ended "$n" || fail "job $n: $(cat "$MNT/.depfs/jobs/$n/status")"
	nothing_left "$(hex_id P)" "$generation"
	depctl unassign >/dev/null
	n=$(newest_job)
	wait_until 200 job_ended "$n" || fail "job $n: $(cat "$MNT/.depfs/jobs/$n/status")"
	job_state_is "$n" "done" || fail "$(cat "$MNT/.depfs/jobs/$n/failed")"
	nothing_left "$(hex_id P)"
	programs_end
	nothing_left "$(hex_id P)" # now that nothing moves
	cat "$WORK/programs.log"
done
depfs_umount
