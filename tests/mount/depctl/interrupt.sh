#!/usr/bin/env bash
# depctl/interrupt: a create that is interrupted is decided first, so no half-made policy is left; of
# two creates of one name at once, one wins and the other is told.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies vault_timeout=30 # a slow vault answers in time

draft_there()
{
	[ -d "$MNT/.depfs/policies/$1" ]
}

# refused by a slow vault, and interrupted while that takes
vault fault "$(vault_at v2)" slow 1500 >/dev/null
"$BIN/depctl" -m "$MNT" policy create Slow "$K1" "$(key_at v2 none)" 2>/dev/null &
pid=$!
PIDS+=("$pid")
wait_until 10 draft_there Slow || fail "no draft came up"
kill -TERM $pid
r=0
wait $pid || r=$?
assert_eq $r 143 "ended by the signal, but only then"
draft_there Slow && fail "a draft is left over"

# made by a slow vault, and interrupted while that takes
"$BIN/depctl" -m "$MNT" policy create Whole "$K1" "$K2" >/dev/null &
pid=$!
PIDS+=("$pid")
wait_until 10 draft_there Whole || fail "no draft came up"
kill -TERM $pid
wait $pid || true
vault fault "$(vault_at v2)" none >/dev/null
says "state: ready" depctl policy show Whole

# two at once
pids=()
for i in 1 2 3 4; do
	"$BIN/depctl" -m "$MNT" policy create Race "$K1" "$K2" >"$WORK/out.$i" 2>"$WORK/err.$i" &
	pids+=($!)
done
won=0
for i in 1 2 3 4; do
	if wait "${pids[i - 1]}"; then
		won=$((won + 1))
	else
		grep -q "^depctl: there is a .* named 'Race' already" "$WORK/err.$i" ||
			fail "a loser was told: $(cat "$WORK/err.$i")"
	fi
done
assert_eq $won 1 "creates that succeeded"
says "state: ready" depctl policy show Race
