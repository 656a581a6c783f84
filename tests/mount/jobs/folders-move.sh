#!/usr/bin/env bash
# jobs/folders-move: a job ends, and has done everything, though folders never stop moving, and move faster than it can walk them.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
depfs_start_policies
policy_create P
cat >"$WORK/move.py" <<'PY'
"""move.py BOX STOP - full folders, renamed without a pause until STOP is there."""
import os
import sys

box, stop = sys.argv[1:]
for i in range(40):
    os.makedirs(f'{box}/{i:03}/inner')
    for k in range(60):
        with open(f'{box}/{i:03}/inner/{k}', 'wb') as f:
            f.write(b'%d' % i)
print('made', flush=True)
rounds = 0
while not os.path.exists(stop):
    for i in range(40):
        old, new = (f'{box}/{i:03}', f'{box}/x{999 - i:03}')[::-1 if rounds % 2 else 1]
        os.rename(old, new)
    rounds += 1
print(rounds, 'rounds')
PY
python3 "$WORK/move.py" "$MNT/mailbox/u" "$WORK/stop" >"$WORK/move.log" 2>&1 &
mover=$!
PIDS+=("$mover")
wait_until 60 grep -q made "$WORK/move.log"
for act in "assign P" "policy rotate P" unassign; do
	# shellcheck disable=SC2086
	depctl $act >/dev/null
	n=$(newest_job)
	wait_until 100 job_ended "$n" || fail "$act: $(cat "$MNT/.depfs/jobs/$n/status")"
	job_state_is "$n" "done" || fail "$act: $(cat "$MNT/.depfs/jobs/$n/failed")"
done
touch "$WORK/stop"
wait "$mover" || fail "$(tail -n 3 "$WORK/move.log")"
cat "$WORK/move.log"
assert_eq "$(under "$SERVICE" mailbox/u)" 2400 "files that are back under the service key"
depfs_umount
