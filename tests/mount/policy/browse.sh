#!/usr/bin/env bash
# policy/browse: ls, find, grep -r, cp -r and tail behave in the control directory as a person expects.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
policy_create "EUR Policy" --description "for Europe"
mkdir -p "$MNT/mailbox/anna"
C=$MNT/.depfs
ls -laR "$C" >"$WORK/ls" 2>&1
assert_match "$(cat "$WORK/ls")" "EUR Policy"
assert_eq "$(find "$C" -name key_ids | wc -l)" 1
assert_eq "$(find "$C" -type d -name anna)" "$C/mailboxes/anna"
assert_match "$(grep -rl "for Europe" "$C")" "description"
grep -r Nothing-like-this "$C" && fail "found what is not there"
cp -r "$C" "$WORK/copy"
assert_eq "$(cat "$WORK/copy/policies/EUR Policy/description")" "for Europe"
assert_eq "$(find "$C" -type f ! -size 0)" "" "files whose size is not 0"
tar -C "$MNT" -cf "$WORK/control.tar" .depfs # waits for no bytes that never come
assert_eq "$(head -c 5 "$C/version")" depfs
for word in depfs format store; do
	assert_match "$(cat "$C/version")" "$word:"
done
for word in mailbox chat edm signals; do
	assert_match "$(cat "$C/workloads")" "$word"
done
assert_match "$(cat "$C/README")" "policies"
python3 - "$C" <<'END' # each line of events is JSON and chained to the one before
import hashlib, json, sys

prev = '0' * 64
for line in open(sys.argv[1] + '/events', 'rb'):
    event = json.loads(line)
    body = line[:line.rindex(b',"hash"')]
    assert hashlib.sha256(body).hexdigest() == event['hash'], line
    assert event['prev'] == prev, line
    prev = event['hash']
END
exec 3<>"$C/policies/EUR Policy/refresh" # the answer to what the same handle wrote
echo 1 >&3
assert_match "$(cat <&3)" "^ok: "
exec 3<&-
exec 3<>"$C/assignment"
! echo Missing >&3 2>/dev/null || fail "an unknown policy was assigned"
assert_match "$(cat <&3)" "no policy"
exec 3<&-
assert_fails_with EPERM mv "$MNT/.depfs" "$MNT/x"
assert_fails_with "" rmdir "$MNT/.depfs"
depfs_umount
