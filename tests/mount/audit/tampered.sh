#!/usr/bin/env bash
# audit/tampered: whatever is done to the log, in its files, in the state or in an export (a record changed, removed, inserted,
# moved, the rest made anew, a signature left out or another key's), depctl names the record; what a power cut leaves verifies.
# builds: release asan
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
PY=/usr/bin/python3 # Debian's, which has its packages
"$PY" -c 'import cryptography, lmdb' || skip "python3-cryptography and python3-lmdb are needed"
refusals() # N - each an event with a sentence of some length
{
	"$PY" - "$MNT/.depfs/assignment" "$1" <<'END'
import sys
for i in range(int(sys.argv[2])):
    try:
        open(sys.argv[1], 'w').write(f'no such policy {i} ' + 'x' * 40)
    except OSError:
        pass
END
}
verify() # what depctl says of the store as it lies
{
	"$BIN/depctl" events --verify --service-key "file:$KEY" "$STORE"
}

# Three files and a rest in the state, all signed.
depfs_mkfs
depfs_mount events_size=1
refusals 900
wait_until 30 test -e "$(find "$STORE/.depfs/events" -name '0*.jsonl' ! -name '*0001.jsonl' -print -quit)"
depctl events --verify >"$WORK/out"
assert_match "$(cat "$WORK/out")" "^[0-9]+ records verify"
audit_key=$(sed -n 's/^audit key: //p' "$MNT/.depfs/status")
depfs_umount
verify >"$WORK/out"
assert_match "$(cat "$WORK/out")" "by the key $audit_key"
assert_match "$(cat "$WORK/out")" "it ends with the signature of a clean stop"
depfs_mount events_size=1
refusals 20 # so that the state holds some too, however little was left for it before
cat "$MNT/.depfs/events" >"$WORK/export"
depfs_umount

"$PY" "$(dirname "${BASH_SOURCE[0]}")/tampered.py" "$BIN/depctl" "$STORE" "$KEY" "$audit_key" "$WORK/export" >"$WORK/variants" ||
	fail "$(cat "$WORK/variants")"
assert_match "$(tail -n 1 "$WORK/variants")" "^([5-9][0-9]|1[0-9][0-9]) variants, each found"
tail -n 1 "$WORK/variants"

# The second reader, written from depfs-format(5), sees the same log and proves it in its own way.
"$PY" "$TOP/tests/format/reader.py" --service-key "$KEY" "$STORE" events >"$WORK/read"
head -n "$(wc -l <"$WORK/export")" "$WORK/read" | cmp - "$WORK/export"

# The log of a daemon that was killed lacks nothing durable, and is distinguished from one whose end was
# removed.
depfs_mount
refusals 5
depfs_kill
verify >"$WORK/out"
assert_match "$(cat "$WORK/out")" "depfs did not stop cleanly, or runs; no record was removed from the end"
"$PY" - "$STORE/.depfs/state" <<'END'
import lmdb, sys
env = lmdb.open(sys.argv[1], max_dbs=8)
events = env.open_db(b'events', create=False)
with env.begin(write=True) as txn:
    cursor = txn.cursor(db=events)
    for _ in range(3):
        cursor.last()
        cursor.delete()
END
r=0
verify >"$WORK/out" 2>"$WORK/err" || r=$?
assert_eq $r 1 "exit status for a tail that was taken away"
assert_match "$(cat "$WORK/err")" "record [0-9]+ and all after it, up to [0-9]+, are missing"
depfs_mount # it is served all the same, and says so
assert_event events-damaged EBADMSG
assert_match "$(grep '"event":"mount"' "$MNT/.depfs/events" | tail -n 1)" '"last_stop":"unclean","in_use_since":[0-9]+'
