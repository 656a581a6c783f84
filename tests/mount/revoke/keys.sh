#!/usr/bin/env bash
# revoke/keys: after a revocation no DEP key, data key or block key of the policy lies anywhere in the daemon's memory, although its files are open; other policies' do, and those of the policy when access is back. What a system request opens is wiped after it.
# vaults: local azure
# builds: release
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/revoke.sh"
revoke_start system_gid=4711
chmod 755 "$MNT"
cat >"$WORK/keys.py" <<'END'
"""keys.py PID STORE KEY CACHE - which files' keys are found in the process's memory, and which policies'."""
import os
import pickle
import sys

import reader

pid, store_path, key_file, cache = sys.argv[1:]


def keys():
    """Key -> what it is; unwrapped once, for that is slow."""
    store = reader.Store(store_path, key_file)
    wanted = {}
    for box in 'p', 'q':
        for name in '1', '2':
            header = reader.File(store, f'mailbox/{box}/{name}'.encode()).header
            dek = store.dek(header)
            wanted[dek] = f'{box}/{name}'
            wanted[reader.derive(dek, 'depfs 1 dek block')] = f'{box}/{name} block'
            wanted[reader.derive(dek, 'depfs 1 dek header mac')] = f'{box}/{name} mac'
            dep_key = store.dep_key(header['policy_id'], header['generation'])
            wanted[dep_key] = f'{box} DEP'
            # half of the wrapping key that is made from it
            wanted[reader.derive(dep_key, 'depfs 1 dep dek wrap', 64)[:32]] = f'{box} DEP wrap'
    return wanted


if not os.path.exists(cache):
    with open(cache, 'wb') as f:
        pickle.dump(keys(), f)
with open(cache, 'rb') as f:
    wanted = pickle.load(f)
found = set()


def is_mapped(low):
    with open(f'/proc/{pid}/maps', encoding='utf-8', errors='replace') as now:
        return any(line.startswith(f'{low:x}-') for line in now)


with open(f'/proc/{pid}/maps', encoding='utf-8', errors='replace') as maps, \
        open(f'/proc/{pid}/mem', 'rb', buffering=0) as mem:
    for line in maps:
        words = line.split()
        if not words[1].startswith('rw') or line.rstrip().endswith(('[vvar]', '[vsyscall]')):
            continue
        low, high = (int(x, 16) for x in words[0].split('-'))
        mem.seek(low)
        try:
            data = mem.read(high - low)
        except OSError:
            if is_mapped(low):
                raise
            continue  # the stack of a thread that has ended since
        found |= {what for key, what in wanted.items() if key in data}
print(' '.join(sorted(found)).replace('/', ''))
END
found()
{
	PYTHONPATH=$TOP/tests/format /usr/bin/python3 "$WORK/keys.py" "$DAEMON_PID" "$STORE" "$KEY" "$WORK/keys"
}
for box in p q; do
	for name in 1 2; do
		head -c 9000 /dev/urandom >"$MNT/mailbox/$box/$name"
		chmod 644 "$MNT/mailbox/$box/$name"
	done
done
sync -f "$MNT"
exec 5<>"$MNT/mailbox/p/1" 6<"$MNT/mailbox/p/2" 7<"$MNT/mailbox/q/1"
head -c 10 <&5 >/dev/null
head -c 10 <&6 >/dev/null
all=$(found)
echo "before: $all"
for what in "p1" "p1 block" "p1 mac" "p2 block" "p DEP wrap" "q1 block" "q DEP wrap"; do
	assert_match "$all" "$what" "keys in memory while files are open"
done
p_deny
revocation_done P 1
all=$(found)
echo "denied: $all"
assert_no_match "$all" "p[12]|p DEP" "keys in memory after the revocation"
assert_match "$all" "q1 block" "another policy's open file"

setpriv --reuid 7002 --regid 4711 --clear-groups cmp "$MNT/mailbox/p/1" "$MNT/mailbox/p/1"
[ "$(setpriv --reuid 7002 --regid 4711 --clear-groups cat "$MNT/mailbox/p/2" | wc -c)" = 9000 ] || fail "system"
all=$(found)
echo "after a system request: $all"
assert_no_match "$all" "p[12]" "data keys in memory after a system request"
no_dep() { [[ ! $(found) =~ "p DEP" ]]; }
wait_until 20 no_dep || fail "the DEP key stays: $(found)"

p_allow
readable() { head -c 10 "$MNT/mailbox/p/1" >/dev/null; }
wait_until 30 readable || fail "not readable again"
head -c 10 <&5 >/dev/null
all=$(found)
echo "allowed: $all"
assert_match "$all" "p1 block" "the handle's key is back"
exec 5<&- 6<&- 7<&-
depfs_umount
