#!/usr/bin/env bash
# jobs/renew-budget: near 2^32 block writes under one data key an event asks to renew the file, at the limit writes are refused, and a renewal gives it a whole budget again.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
/usr/bin/python3 -c 'import cryptography, lmdb' || skip "python3-cryptography and python3-lmdb are needed"

# spend FILE BUDGET - its header says so much, under a MAC that holds
spend()
{
	/usr/bin/python3 - "$STORE" "$KEY" "$TOP/tests/format" "$1" "$2" <<'PY'
import struct, sys
sys.path.insert(0, sys.argv[3])
import reader
store = reader.Store(sys.argv[1], sys.argv[2])
path = f'{sys.argv[1]}/{sys.argv[4]}'
with open(path, 'r+b') as f:
    head = f.read(256)
    dek = store.dek(reader.header_decode(head))
    maced = head[:168] + struct.pack('<Q', int(sys.argv[5])) + head[176:224]
    f.seek(0)
    f.write(maced + reader.mac_of(reader.derive(dek, 'depfs 1 dek header mac'), maced))
PY
}

overwrite() # FILE AT
{
	printf 'over' | dd of="$MNT/$1" bs=1 seek="$2" conv=notrunc,fsync status=none
}

depfs_start
mkdir "$MNT/edm"
for name in low full "it's"; do
	head -c 100000 /dev/urandom >"$WORK/$name"
	cp "$WORK/$name" "$MNT/edm/$name"
done
depfs_umount
spend edm/low $(((1 << 32) - (1 << 24)))
spend edm/full $((1 << 32))
spend "edm/it's" $(((1 << 32) - (1 << 24)))
depfs_mount
overwrite edm/low 50000
printf 'over' | dd of="$WORK/low" bs=1 seek=50000 conv=notrunc status=none
assert_event write-budget-low "depctl renew '$MNT/edm/low'"
overwrite "edm/it's" 50000
[[ $(events write-budget-low) == *"depctl renew '$MNT/edm/it'"*"''s'"* ]] || fail "a quote in a name: $(events write-budget-low)"
rm "$MNT/edm/it's"
assert_eq "$(events write-budget-used-up)" "" "events about the other one"
assert_fails_with ENOSPC overwrite edm/full 50000
assert_fails_with ENOSPC truncate -s 200000 "$MNT/edm/full"
assert_event write-budget-used-up "writing to it is refused: depctl renew '$MNT/edm/full'"
depfs_remount # drops the pages that could not be written
same_bytes "$WORK/full" "$MNT/edm/full"

depctl renew "$MNT/edm/full" >/dev/null
job_done
(cd "$MNT/edm" && depctl renew low >/dev/null)
job_done
for name in low full; do
	budget=$(inspect edm/$name budget)
	[ "${budget%% *}" -lt 1000 ] || fail "the budget of $name is $budget"
	overwrite edm/$name 60000
	printf 'over' | dd of="$WORK/$name" bs=1 seek=60000 conv=notrunc status=none
done
depfs_remount
same_bytes "$WORK/low" "$MNT/edm/low"
same_bytes "$WORK/full" "$MNT/edm/full"
depfs_umount
