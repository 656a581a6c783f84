#!/usr/bin/env bash
# depctl/events: the log is shown, followed as it grows, and verified; one changed byte is found and
# named by its record.
# vaults: local azure-long
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies
policy_create "My Policy"
refused 1 "there is no policy" depctl policy show nope

says 'policy="My Policy"' depctl events
depctl policy describe "My Policy" "first" >/dev/null
wait_until 10 has_event policy-describe "My Policy"
out=$(depctl events | tail -n 1)
assert_match "$out" "^20[0-9-]+T[0-9:.]+Z +policy-describe +ok +uid=0 gid=0 pid=[0-9]+ .*policy=\"My Policy\""

# --json is the log itself
assert_eq "$(depctl events --json | head -n 3)" "$(head -n 3 "$MNT/.depfs/events")" "raw lines"

# -f shows what comes later
depctl events -f --json >"$WORK/followed" &
follower=$!
PIDS+=("$follower")
wait_until 10 grep -q '"event":"mount"' "$WORK/followed"
depctl policy describe "My Policy" "while events are followed" >/dev/null
followed()
{
	[ "$(grep -c '"event":"policy-describe"' "$WORK/followed")" = 2 ]
}
wait_until 10 followed || fail "the follower saw: $(cat "$WORK/followed")"
kill $follower
wait $follower 2>/dev/null || true

assert_match "$(depctl status)" $'\nlast event: [0-9T:.-]+Z, [a-z-]+, [A-Za-z]+$'
n=$(depctl events --json | wc -l)
says "$n records verify, the last has hash $(depctl events --json | tail -n 1 | jq -r .hash)" \
	depctl events --verify
json_holds "j['verified'] == $n and j['ok'] and j['why'] is None" depctl events --verify --json

# A log that was changed: depctl reads a folder of plain files as it does a mount.
fake=$WORK/fake
mkdir -p "$fake/.depfs/policies"
changed() # RECORD WHY SED-COMMAND
{
	depctl events --json | sed "$3" >"$fake/.depfs/events"
	local r=0
	"$BIN/depctl" -m "$fake" events --verify >"$WORK/out" 2>"$WORK/err" || r=$?
	assert_eq $r 1 "exit status for '$3'"
	assert_match "$(cat "$WORK/err")" "^depctl: record $1 .*$2" "sentence for '$3'"
	assert_match "$(cat "$WORK/out")" "^$(($1 - 1)) record(s verify| verifies), "
}
says "$n records verify" depctl events --verify
changed 2 "hash is not that of its text" '2s/"uid":0/"uid":1/'
changed 2 "is missing" '2d'
changed 2 "stands behind record 3" '2{h;d;};3{G;}'
changed 3 "was changed" '3s/.*/{"seq":3}/'
changed 3 "was changed" '3s/.*//'
changed 3 "was changed" '3s/}$/,"more":1}/'
# a record that was made anew, hash and all, no longer fits the next one
depctl events --json >"$WORK/log"
python3 - "$WORK/log" >"$fake/.depfs/events" <<'END'
import hashlib, sys
lines = open(sys.argv[1]).read().splitlines()
head = lines[1].split(',"hash":')[0].replace('"uid":0', '"uid":7')
lines[1] = head + ',"hash":"' + hashlib.sha256(head.encode()).hexdigest() + '"}'
print('\n'.join(lines))
END
r=0
"$BIN/depctl" -m "$fake" events --verify >/dev/null 2>"$WORK/err" || r=$?
assert_eq $r 1 "exit status for a forged record"
assert_match "$(cat "$WORK/err")" "record 2 is not the one that the next was chained to"
head -c -20 "$WORK/log" >"$fake/.depfs/events"
r=0
"$BIN/depctl" -m "$fake" events --verify >/dev/null 2>"$WORK/err" || r=$?
assert_eq $r 1 "exit status for a log that is cut"
assert_match "$(cat "$WORK/err")" "record $(wc -l <"$WORK/log") is cut off"

# An export verifies by itself, by the key that status names; by another it does not.
key=$(sed -n 's/^audit key: //p' "$MNT/.depfs/status")
for ((i = 0; i < 300; i++)); do
	echo "no such policy" >"$MNT/.depfs/assignment"
done 2>/dev/null || true
depctl events --json >"$WORK/log"
says "1 signature holds, the newest is record 256, by the key $key" depctl events --verify --key "$key" "$WORK/log"
says "are not signed yet" depctl events --verify --key "$key" "$WORK/log"
says "by the key $key" depctl events --verify
refused_key() # KEY SENTENCE FILE
{
	local r=0
	depctl events --verify --key "$1" "$3" >/dev/null 2>"$WORK/err" || r=$?
	assert_eq $r 1 "exit status for the key $1"
	assert_match "$(cat "$WORK/err")" "$2"
}
refused_key "$(printf '%064d' 0)" "record 256 is signed by another key" "$WORK/log"
head -n 100 "$WORK/log" >"$WORK/young"
refused_key "$key" "no record is signed by that key" "$WORK/young"
refused 2 "a public key of 64 hex digits is needed" depctl events --verify --key 12 "$WORK/log"
refused 1 "$WORK/none: No such file" depctl events --verify "$WORK/none"
refused 2 "only --verify takes this" depctl events "$WORK/log"
refused 2 "is for one store" depctl events --verify --service-key "file:$KEY" "$WORK/log"
