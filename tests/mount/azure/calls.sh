#!/usr/bin/env bash
# azure/calls: opens under an open policy ask no vault; a herd on a closed policy asks once; a check
# of every policy costs what README states.
# builds: release tsan
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/metrics.sh"
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

# A check asks each root key once, and never sooner than key_check says: with the default's seconds
# that is the number of calls a day that README states.
L1=$(key_at v1 k3) L2=$(key_at v2 k4)
vault create "$L1" >/dev/null
vault create "$L2" >/dev/null
depctl policy create Q "$L1" "$L2" --kind mailbox >/dev/null
depctl mailbox assign bert Q >/dev/null
mkdir "$MNT/mailbox/bert"
echo mail >"$MNT/mailbox/bert/1"
fake lifetime 6 # renewed after 3 s: what that costs shows too
depfs_remount
default=$(metric depfs_key_check_interval_seconds)
fake forget
depfs_remount key_check=1
cat "$MNT/mailbox/anna/1" "$MNT/mailbox/bert/1" >/dev/null
checked() # N - calls answered by each vault
{
	[ "$(fake calls host="$V1" status=200)" -ge "$1" ] &&
		[ "$(fake calls host="$V2" status=200)" -ge "$1" ]
}
wait_until 30 checked 1 || fail "no checks" # by now the clients of both have a token
fake forget
wait_until 30 checked 10 || fail "no checks"
{ fake log host="$V1" && fake log host="$V2"; } >"$WORK/checks"
assert_ne "$(fake calls act=token)" 0 "tokens renewed meanwhile"
python3 - "$WORK/checks" "$default" "$TOP/README.md" <<'END'
import json, re, sys
entries = [json.loads(line) for line in open(sys.argv[1])]
more = [e for e in entries if e['act'] != 'unwrap' or not e['authenticated']]
assert not more, f'a check is more than an unwrap: {more}'
keys = {}
for e in entries:
    keys.setdefault((e['host'], e['path'].split('/')[2]), []).append(e['at'])
assert len(keys) == 4, keys
for key, times in keys.items():
    took = times[-1] - times[0]
    # one may be late, and the next in time
    assert len(times) - 1 <= took + 1, f'{key} was asked {len(times)} times in {took} s'
day = 86400 // int(sys.argv[2]) * len(keys) // 2  # of two policies
promised = re.findall(r'([0-9,]+)\s+calls\s+a\s+day', open(sys.argv[3]).read())
print(f'{len(entries)} calls in {max(map(len, keys.values()))} rounds for 2 policies: '
      f'{day} a day for one, README: {promised}')
assert [int(n.replace(',', '')) for n in promised] == [day], f'{day} a day, README says {promised}'
END
depfs_umount
