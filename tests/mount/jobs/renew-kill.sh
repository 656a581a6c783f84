#!/usr/bin/env bash
# jobs/renew-kill: a daemon killed at any moment of a renewal goes on with it after the next mount; every byte is there meanwhile and afterwards, no block of before is left, and no record of an old key.
# vaults: local azure
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
FORMAT=$TOP/tests/format
KILLS=10 LARGE=$((96 << 20)) SMALL=60
case $KIND in
asan | tsan) KILLS=3 LARGE=$((24 << 20)) SMALL=20 ;;
esac
[ "${DEPFS_LONG:-0}" = 0 ] || KILLS=100
depfs_start_policies
mkdir -p "$MNT/mailbox/ann" "$WORK/plain"
python3 - "$WORK/plain" "$LARGE" "$SMALL" <<'PY'
import os, sys
top, large, small = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(f'{top}/large', 'wb') as f:
    for i in range(large >> 20):
        f.write(os.urandom(1 << 20))
for i in range(small):
    with open(f'{top}/{i}', 'wb') as f:
        f.write(os.urandom(i * 700))
PY
cp "$WORK/plain"/* "$MNT/mailbox/ann"
sync -f "$MNT"
cp -a "$STORE/mailbox/ann" "$WORK/before"

records() # of old keys in the state
{
	/usr/bin/python3 - "$STORE" "$KEY" "$FORMAT" <<'PY'
import sys
sys.path.insert(0, sys.argv[3])
import reader
store = reader.Store(sys.argv[1], sys.argv[2])
print(sum(k.startswith(b'renew/') for k, _ in store.newest_state().records('meta')), len(store.renewals))
PY
}

kills=0 half=0 rounds=0
while [ $kills -lt "$KILLS" ]; do
	depctl renew mailbox/ann >/dev/null
	n=$(newest_job)
	rounds=$((rounds + 1))
	while [ $kills -lt "$KILLS" ] && ! job_ended "$n"; do
		sleep 0.0$((RANDOM % 10))
		depfs_kill
		kills=$((kills + 1))
		! "$BIN/depctl" inspect "$STORE/mailbox/ann/large" | grep -q renewing || half=$((half + 1))
		depfs_mount
		[ $((kills % 3)) != 0 ] || diff -r "$WORK/plain" "$MNT/mailbox/ann" || fail "wrong bytes after kill $kills"
	done
	job_done "$n"
	[ "$rounds" -lt 200 ] || fail "only $kills kills in $rounds renewals"
done
diff -r "$WORK/plain" "$MNT/mailbox/ann" || fail "wrong bytes in the end"
depctl events --verify >/dev/null
depfs_umount
python3 - "$WORK/before" "$STORE/mailbox/ann" <<'PY' || fail "a block of before is left"
import os, sys
for name in os.listdir(sys.argv[1]):
    with open(f'{sys.argv[1]}/{name}', 'rb') as f, open(f'{sys.argv[2]}/{name}', 'rb') as g:
        for i, (a, b) in enumerate(zip(iter(lambda: f.read(4096), b''), iter(lambda: g.read(4096), b''))):
            assert len(a) < 4096 or a[-4000:] != b[-4000:], (name, i)
PY
if /usr/bin/python3 -c 'import cryptography, lmdb' 2>/dev/null; then
	assert_eq "$(records)" "0 0" "records of old keys in the state and its snapshot"
fi
echo "killed $kills times in $rounds renewals, $half times with the large file half done"
