#!/usr/bin/env bash
# azure/outages: while both vaults and the token service fail in every way, files of an open policy
# are read and written without one error; a closed one opens by the availability key, with an event;
# afterwards the vaults are used again within a check.
# timeout: 180
# builds: release tsan
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
OPTIONS=key_check=1,vault_timeout=2
depfs_start_policies "$OPTIONS"
policy_create P
control assignment P
mkdir -p "$MNT/mailbox/anna"
for i in {1..40}; do
	echo "mail $i" >"$MNT/mailbox/anna/$i"
done
state_is()
{
	[ "$(status_of P state)" = "$1" ]
}

use_files() # until $WORK/enough is there: every file opened, read, one written anew
{
	local i n=0

	while [ ! -e "$WORK/enough" ]; do
		for i in {1..40}; do
			[ "$(<"$MNT/mailbox/anna/$i")" = "mail $i" ] || return 1
		done
		echo "new $n" >"$MNT/mailbox/anna/new" || return 1
		n=$((n + 1))
	done
	echo $n >"$WORK/rounds"
}

broken() # FAULT... - on the two vaults and the token service
{
	local host

	for host in "$V1" "$V2" "$LOGIN"; do
		fake fault "$host" '*' "$@"
	done
}

fails_in_both()
{
	[ "$(sed -n 's/^root keys failing: //p' "$MNT/.depfs/status")" = 2 ]
}

background use_files
user=$!
fake lifetime 1 # tokens do not outlive an outage
for what in "error unavailable" "status 500" hang reset close "drip 0.3" "error throttled" down; do
	case $what in
	down) fake down "$V1" "$V2" "$LOGIN" ;;
	"error "*) # a token service has no such answer
		fake fault "$V1" '*' error "${what#* }"
		fake fault "$V2" '*' error "${what#* }"
		fake fault "$LOGIN" '*' status 503
		;;
	*) # shellcheck disable=SC2086
		broken $what
		;;
	esac
	wait_until 30 fails_in_both || fail "$what: not noticed"
	! gone "$user" || fail "$what: a read failed"
	depctl status >/dev/null # and the control directory answers
	fake lift
	fake up "$V1" "$V2" "$LOGIN"
	wait_until 30 state_is ready || fail "after $what: $(status_of P state)"
	! gone "$user" || fail "after $what: a read failed"
done
touch "$WORK/enough"
wait "$user" || fail "a file could not be used"
assert_ne "$(cat "$WORK/rounds")" 0
assert_eq "$(events availability-key-used)" "" "an open policy needs no availability key"
fake lifetime 3599

# closed, and both out of reach: by the availability key; one of them says no: not for users
broken status 503
depfs_remount "$OPTIONS"
assert_eq "$(cat "$MNT/mailbox/anna/1")" "mail 1"
assert_event availability-key-used '"outcome":"ok"'
fake lift
wait_until 30 state_is ready || fail "not used again: $(status_of P state)"
for pair in "$V1 $V2" "$V2 $V1"; do
	fake fault "${pair% *}" '*' error forbidden-by-rbac
	fake fault "${pair#* }" '*' error unavailable
	depfs_remount "$OPTIONS"
	assert_fails_with EKEYREVOKED cat "$MNT/mailbox/anna/1"
	fake lift
done

# a name that does not resolve, a certificate that ran out, a server that says nothing
depfs_remount "$OPTIONS"
cat "$MNT/mailbox/anna/1" >/dev/null
why()
{
	[[ "$(status_of P "key 1 outcome"): $(status_of P "key 1 why")" =~ $1 ]]
}
for row in "expired|transient.*certificate.*(expired|date)" "unknown-ca|transient.*certificate" \
	"wrong-name|transient.*certificate" "old-tls|transient.*(TLS|version|protocol)"; do
	fake down "$V1" # breaks the connections that are open
	fake up "$V1" tls="${row%%|*}"
	wait_until 20 why "${row#*|}" || fail "${row%%|*}: $(status_of P "key 1 why")"
done
hosts=$(grep -v "$V1" /etc/hosts)
echo "$hosts" >/etc/hosts # mounted there: its bytes can be replaced, the file cannot
depfs_remount "$OPTIONS"
cat "$MNT/mailbox/anna/1" >/dev/null
wait_until 20 why "transient.*resolve" || fail "name: $(status_of P "key 1 why")"
assert_eq "$(cat "$MNT/mailbox/anna/1")" "mail 1"
depfs_umount
