#!/usr/bin/env bash
# adversary/planted-state: pipes, links and giants that the owner of the store's folder puts where the daemon keeps its
# log and its receipts hold nothing up, fill no memory, and have it write to and overwrite nothing of the system.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
depfs_start_policies events_size=1,key_check=1
mkdir "$WORK/victim"
for name in data.mdb purge-x; do
	echo "a file of the system" >"$WORK/victim/$name"
done

# the file that older events go into
mkfifo "$STORE/.depfs/events/new"
python3 - "$MNT/.depfs/assignment" <<'PY'
import sys
for i in range(900):
    try:
        open(sys.argv[1], 'w').write(f'no such policy {i} ' + 'x' * 40)
    except OSError:
        pass
PY
rotated()
{
	[ -n "$(find "$STORE/.depfs/events" -name '0*.jsonl')" ]
}
wait_until 30 rotated || fail "no event went into a file"
mkfifo "$STORE/.depfs/events/00000000000000000007.jsonl"
ln -s "$WORK/victim/data.mdb" "$STORE/.depfs/events/00000000000000000008.jsonl"
timeout 60 "$BIN/depctl" -m "$MNT" events --verify >/dev/null
rm "$STORE/.depfs/events/"0*[78].jsonl

# states set aside, and receipts
policy_create Leaver --kind mailbox
leaver=$(policy_id Leaver)
mkdir -p "$MNT/mailbox/leaver"
echo mail >"$MNT/mailbox/leaver/1"
ln -s "$WORK/victim" "$STORE/.depfs/state.copied-1"
ln -s "$WORK/victim" "$STORE/.depfs/receipts"
vault deny "$K1" >/dev/null
vault deny "$K2" >/dev/null
depctl policy purge Leaver --reason left --contact dpo --confirm "$leaver" >/dev/null
n=$(newest_job)
held_up()
{
	grep -q "why: .*folder of receipts cannot be opened" "$MNT/.depfs/jobs/$n/status"
}
wait_until 30 held_up || fail "$(cat "$MNT/.depfs/jobs/$n/status")"
assert_eq "$(cat "$WORK/victim/"*)" $'a file of the system\na file of the system'
assert_eq "$(find "$WORK/victim" -type f | wc -l)" 2 "files behind the links"
rm "$STORE/.depfs/receipts"
job_done "$n"
receipt=$STORE/.depfs/receipts/purge-$leaver
purge=$MNT/.depfs/policies/Leaver/purge
assert_match "$(cat "$purge")" "^receipt: purge"
rm "$receipt"
mkfifo "$receipt"
assert_match "$(timeout -s KILL 60 cat "$purge")" "not a plain file"
rm "$receipt"
truncate -s 100G "$receipt"
assert_match "$(cat "$purge")" "too long to be shown"
rm -r "${receipt%/*}"
ln -s "$WORK/victim" "${receipt%/*}"
assert_match "$(cat "$purge")" "not a plain file"
depfs_umount
assert_eq "$(cat "$WORK/victim/"*)" $'a file of the system\na file of the system'
