#!/usr/bin/env bash
# azure/calls: opens under an open policy ask no vault; a herd on a closed policy asks once; a check
# of every policy costs what README states.
# builds: release tsan
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
FILES=1000 ROUNDS=100
[ "$KIND" = release ] || FILES=200 ROUNDS=5
depfs_start_policies key_check=3600
policy_create P
control assignment P
mkdir -p "$MNT/mailbox/anna"
python3 - "$MNT/mailbox/anna" $FILES <<'END'
import os, sys
for i in range(int(sys.argv[2])):
    with open(f'{sys.argv[1]}/{i}', 'w') as f:
        f.write('mail')
END
depfs_remount key_check=3600

# two hundred threads at once, while the vaults take their time
for host in "$V1" "$V2"; do
	fake fault "$host" unwrap slow 0.5
done
fake forget
python3 - "$MNT/mailbox/anna" <<'END'
import sys, threading
go = threading.Event()
got = []

def read(i):
    go.wait()
    with open(f'{sys.argv[1]}/{i}') as f:
        got.append(f.read())

threads = [threading.Thread(target=read, args=(i,)) for i in range(200)]
for t in threads:
    t.start()
go.set()
for t in threads:
    t.join()
assert got == ['mail'] * 200, got[:3]
END
assert_eq "$(fake calls act=unwrap authenticated=True)" 1 "unwraps for a herd of 200"
assert_eq "$(fake calls act=token)" 1 "tokens for it"

fake lift
fake forget
python3 - "$MNT/mailbox/anna" $FILES $ROUNDS <<'END'
import os, sys
for _ in range(int(sys.argv[3])):
    for i in range(int(sys.argv[2])):
        os.close(os.open(f'{sys.argv[1]}/{i}', os.O_RDONLY))
END
assert_eq "$(fake calls)" 0 "calls for $((FILES * ROUNDS)) opens"

# each check asks both vaults once, and never sooner than key_check says: 2 calls a policy and check
depfs_remount key_check=1
cat "$MNT/mailbox/anna/1" >/dev/null
fake forget
checked()
{
	[ "$(fake calls host="$V1")" -ge 5 ] && [ "$(fake calls host="$V2")" -ge 5 ]
}
wait_until 30 checked || fail "no checks"
fake log authenticated=True >"$WORK/checks" # without the probe for a challenge
python3 - "$WORK/checks" <<'END'
import json, sys
entries = [json.loads(line) for line in open(sys.argv[1])]
assert {e['act'] for e in entries} == {'unwrap'}, 'a check is an unwrap and nothing else'
for host in {e['host'] for e in entries}:
    times = [e['at'] for e in entries if e['host'] == host]
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert min(gaps) > 0.8, f'{host} was asked after {min(gaps)} s'
END
depfs_umount
