# tests/lib/revoke.sh - policies that are denied and allowed again.
# shellcheck shell=bash

# revoke_start [OPTIONS] - policies P over $K1, $K2 and Q over two keys of its own in the same vaults; mailbox p and
# mailbox q are under them
revoke_start()
{
	depfs_start_policies "key_check=1${1:+,$1}"
	M1=$(key_at v1 m1) M2=$(key_at v2 m2)
	vault create "$M1" >/dev/null
	vault create "$M2" >/dev/null
	policy_create P --kind mailbox
	depctl policy create Q "$M1" "$M2" --kind mailbox >/dev/null
	mkdir -p "$MNT/mailbox/p" "$MNT/mailbox/q"
	control mailboxes/p/policy P
	control mailboxes/q/policy Q
}

# what takes away one key alone: an access policy of Azure's is a whole vault's
DENY=deny ALLOW=allow
[ "$VAULTS_KIND" = local ] || DENY=disable ALLOW=enable

p_deny()
{
	vault $DENY "$K1" >/dev/null
	vault $DENY "$K2" >/dev/null
}

p_allow()
{
	vault $ALLOW "$K1" >/dev/null
	vault $ALLOW "$K2" >/dev/null
}

revocation_is_done() # POLICY COUNT
{
	[ "$(status_of "$1" revocations)" = "$2" ] &&
		status_of "$1" "last revocation" | grep -q done
}

# revocation_done POLICY COUNT - waits for the so-many-th revocation
revocation_done()
{
	wait_until 60 revocation_is_done "$1" "$2" ||
		fail "no revocation $2 of $1: $(cat "$MNT/.depfs/policies/$1/status")"
}

# revoke_asked SCRIPT - runs it with the mount, a pipe to ask `deny` and then `allow` in, and one for the answers,
# which come when P is
revoke_asked()
{
	local python question

	mkfifo "$WORK/ask" "$WORK/answer"
	background python3 "$1" "$MNT" "$WORK/ask" "$WORK/answer"
	python=$!
	exec 3<"$WORK/ask" 4>"$WORK/answer"
	read -r -u 3 question || wait "$python"
	assert_eq "$question" deny
	p_deny
	revocation_done P 1
	echo ok >&4
	read -r -u 3 question || wait "$python"
	assert_eq "$question" allow
	p_allow
	wait_until 30 policy_state_is P ready || fail "P is $(status_of P state)"
	echo ok >&4
	wait "$python"
}

policy_state_is() # POLICY STATE
{
	[ "$(status_of "$1" state)" = "$2" ]
}
