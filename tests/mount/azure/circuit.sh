#!/usr/bin/env bash
# azure/circuit: a vault that fails again and again is probed instead of hammered, which `status`
# shows; readers of an open policy notice nothing, and the vault is asked again when it is back.
# timeout: 90
# builds: release asan
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies key_check=1,vault_timeout=1
policy_create P
control assignment P
mkdir -p "$MNT/mailbox/anna"
echo mail >"$MNT/mailbox/anna/1"

circuit() # words of v1's line
{
	sed -n "s/^vault circuit [0-9]*: $V1 //p" "$MNT/.depfs/status"
}
is_open()
{
	[ -n "$(circuit)" ]
}
is_closed()
{
	! is_open
}

is_closed || fail "a vault that answers has a circuit: $(circuit)"
fake fault "$V1" '*' error unavailable # kept connections too
wait_until 40 is_open || fail "the circuit of a vault that is down stays closed"
assert_match "$(circuit)" "is (open|half-open), [3-9][0-9]* calls in a row failed" "status"
assert_no_match "$(cat "$MNT/.depfs/status")" "vault circuit [0-9]*: $V2 " "the other vault"
says_why() # a call that is not the probe
{
	control policies/P/check 1 2>/dev/null || true
	grep -q "the vault failed again and again, and is asked again in .* s; the last time: the vault is out of order (503" \
		"$MNT/.depfs/policies/P/check"
}
wait_until 20 says_why || fail "no cause: $(cat "$MNT/.depfs/policies/P/check")"
assert_eq "$(cat "$MNT/mailbox/anna/1")" mail
fake lift
wait_until 40 is_closed || fail "the vault is back, its circuit is not: $(circuit)"

# the token service's trouble is not the vault's: that one has asked for no pause
depfs_remount key_check=60,vault_timeout=2
fake fault "$LOGIN" token status 503
for _ in 1 2; do
	control policies/P/check 1 2>/dev/null || true
done
checked=$(grep describe "$MNT/.depfs/policies/P/check")
assert_eq "$(grep -c "transient, key https.*: token service $LOGIN" <<<"$checked")" 2 "the cause: $checked"
assert_no_match "$(circuit)" . "v1's circuit"
fake lift
depfs_umount
