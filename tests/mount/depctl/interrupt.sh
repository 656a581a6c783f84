#!/usr/bin/env bash
# depctl/interrupt: a change that is interrupted is carried through and its outcome printed, which
# the exit status is too, so that no half-made policy is left; of two creates of one name at once,
# one wins and the other is refused.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
. "$LIB/depctl.sh"
depfs_start_policies vault_timeout=30,job_rate=3 # a slow vault answers in time

absent="has no key of that name" # as each kind of vault says it
[ "$VAULTS_KIND" = local ] || absent="has no such key or version"

draft_there()
{
	[ -d "$MNT/.depfs/policies/$1" ]
}

# begin COMMAND... - depctl in the background, as $pid; its output in $WORK/printed
begin()
{
	# in the background a shell ignores SIGINT, and nohup SIGHUP
	env --default-signal=INT,HUP,TERM "$BIN/depctl" -m "$MNT" "$@" >"$WORK/printed" 2>&1 &
	pid=$!
	PIDS+=("$pid")
}

holds() # PID - it has begun a change: signals wait
{
	[ "$(sed -n 's/^SigBlk:\t0*//p' "/proc/$1/status")" = 4003 ] # TERM, INT, HUP
}

waits_no_more() # PID
{
	! holds "$1"
}

ends() # STATUS TEXT - $pid ends so and says that
{
	local r=0

	wait $pid || r=$?
	assert_eq $r "$1" "exit status; it printed: $(cat "$WORK/printed")"
	assert_match "$(cat "$WORK/printed")" "$2"
}

slow() # MS
{
	if [ "$1" = 0 ]; then
		vault fault "$(vault_at v2)" none >/dev/null
	else
		vault fault "$(vault_at v2)" slow "$1" >/dev/null
	fi
}

# refused by a slow vault, and interrupted while that takes: by each signal
slow 250
for signal in TERM INT HUP; do
	begin policy create Slow "$K1" "$(key_at v2 none)"
	wait_until 10 draft_there Slow || fail "no draft came up"
	kill -$signal $pid
	ends 1 "^depctl: .*$(key_at v2 none).*$absent"
	draft_there Slow && fail "a draft is left over"
done

# made by a slow vault, and interrupted while that takes
begin policy create Whole "$K1" "$K2"
wait_until 10 draft_there Whole || fail "no draft came up"
kill -TERM $pid
ends 0 "^policy Whole created: key 1"
says "state: ready" depctl policy show Whole

# an act of one write, done and refused
begin policy refresh Whole
wait_until 10 holds $pid || fail "no refresh has begun"
kill -INT $pid
ends 0 "^policy Whole refreshed: "
begin policy replace-keys Whole "$K1" "$(key_at v2 none)"
wait_until 10 holds $pid || fail "no replace-keys has begun"
kill -INT $pid
ends 1 "^depctl: .*$(key_at v2 none).*$absent"

# an act of several: the one that runs is the last
begin Set-M365DataAtRestEncryptionPolicy -Identity Whole -Refresh -Description changed -Name Other
wait_until 10 holds $pid || fail "no change has begun"
kill -TERM $pid
ends 1 "depctl: interrupted before -Description"
assert_match "$(cat "$WORK/printed")" "policy Whole refreshed: "
says "name: Whole" depctl policy show Whole
slow 0

# what only waits ends at once, and what it waits for goes on: a count at three files a second
mkdir -p "$MNT/mailbox/a"
for i in 1 2 3 4 5 6 7 8 9; do echo "$i" >"$MNT/mailbox/a/$i"; done
begin coverage --scan
wait_until 10 job_state_is 1 running || fail "no count has begun"
wait_until 10 waits_no_more $pid || fail "the count was begun, but signals wait"
kill -TERM $pid
ends 143 ""
job_state_is 1 running || fail "the count is $(job_field 1 state)"
depctl job rate 1 0 >/dev/null
job_done 1

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
			fail "a loser printed: $(cat "$WORK/err.$i")"
	fi
done
assert_eq $won 1 "creates that succeeded"
says "state: ready" depctl policy show Race
