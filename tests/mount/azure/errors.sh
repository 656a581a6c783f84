#!/usr/bin/env bash
# azure/errors: each row of a vault's errors, at an unwrap, becomes its outcome, errno, sentence and
# event, and is tried again or not, as the table below says.
# timeout: 180
# builds: release
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies vault_timeout=3
policy_create P
KID=$(fake show "$K1")

# check - what it says of key 1's recorded copy, in $line, and the unwraps it took, in $calls
check()
{
	fake forget
	control policies/P/check 1 2>/dev/null || true
	line=$(grep '^key 1 recorded copy' "$MNT/.depfs/policies/P/check")
	calls=$(fake calls host="$V1" act=unwrap)
}

# refused NAME OUTCOME ERRNO WORDS - persistent: judged at once, never tried again
refused()
{
	fake fault "$V1" unwrap error "$1"
	check
	fake lift
	assert_match "$line" "^key 1 recorded copy: $2, key $KID: .*" "$1"
	assert_match "$line" "$4" "$1"
	assert_eq "$calls" "${5:-2}" "$1: unwraps of a new copy and the recorded one"
	event=$(grep "\"vault_outcome\":\"$2\"\|key-copy-damaged" "$MNT/.depfs/events" | tail -n 1)
	assert_match "$event" "\"outcome\":\"$3\"" "$1: event"
	[ "$2" = damaged ] || assert_match "$event" "\"request_id\":\"[-0-9a-f]{36}\"" "$1: event"
	assert_no_match "$event" "appid=" "$1: who called is not for the log"
}

# retried NAME [OPTION...] - once: the next try's answer is what counts
retried()
{
	fake fault "$V1" unwrap "${@:2}" count=1
	check
	fake lift
	assert_match "$line" "^key 1 recorded copy: ok" "$1"
	assert_eq "$calls" 3 "$1: tries"
}

check
assert_eq "$line" "key 1 recorded copy: ok"
assert_eq "$calls" 2 "unwraps when nothing is wrong"

refused bad-parameter damaged EBADMSG "does not open|BadParameter"
refused forbidden-by-policy denied EACCES "unwrapKey|ForbiddenByPolicy"
refused forbidden-by-rbac denied EACCES "ForbiddenByRbac"
refused forbidden-by-firewall denied EACCES "ForbiddenByFirewall"
refused forbidden-by-connection denied EACCES "ForbiddenByConnection"
refused access-denied denied EACCES "AccessDenied"
refused key-disabled denied EKEYREVOKED "disabled"
refused key-operation-forbidden misconfigured EINVAL "KeyOperationForbidden"
refused key-outside-validity misconfigured EINVAL "KeyNotYetValidOrExpired|expired"
refused key-not-found "not found" ENOKEY "KeyNotFound|not found"
refused vault-not-found "not found" ENOKEY "VaultNotFound|not found"
refused no-token denied EACCES "401|token" 4

# what gateways answer, without a body that says anything
for row in "403 denied" "404 not.found" "400 damaged" "410 misconfigured" "418 misconfigured"; do
	fake fault "$V1" unwrap status "${row% *}"
	check
	fake lift
	assert_match "$line" "recorded copy: ${row#* }, " "an empty ${row% *}"
	assert_match "$line" "${row% *}" "an empty ${row% *}"
done

retried 408 error request-timeout
retried 429 error throttled
retried "429, Retry-After" error throttled retry_after=1
retried "429, a date" error throttled retry_after="Wed, 25 Nov 2020 00:00:00 GMT"
retried "429, ms" error throttled retry_after_ms=20
retried "429, x-ms" error throttled x_ms_retry_after_ms=20
retried "429, nonsense" error throttled retry_after=soon
retried 500 error internal
retried 502 error bad-gateway
retried 503 error unavailable
retried 504 error gateway-timeout
retried "empty 503" status 503
retried reset reset
retried close close
retried cut cut 60
retried 'half-open connection' hang # no answer on it any more: given up when the attempt's time is over, then a new connection
retried 401 error token-expired # answered by a new token

# a handshake that breaks off is no bad certificate, which would never be tried again
for how in reset-once close-once; do
	fake down "$V1" # breaks the connections that are open
	fake up "$V1" tls=$how
	check
	assert_match "$(cat "$MNT/.depfs/policies/P/check")" "key 1 describe: ok" "$how"
done

# persistent: until the deadline, no longer than that, and with an event
for what in "error unavailable" "error throttled retry_after=3600" reset hang; do
	# shellcheck disable=SC2086
	fake fault "$V1" unwrap $what
	since=$SECONDS
	check
	fake lift
	assert_match "$line" "recorded copy: transient, key $KID: " "$what"
	[ $((SECONDS - since)) -lt 30 ] || fail "$what: took $((SECONDS - since)) s"
	[ "$calls" -lt 12 ] || fail "$what: $calls calls are hammering"
	assert_event key-open '"vault_outcome":"transient"'
	[ "$what" != hang ] || assert_event key-open '"outcome":"ETIMEDOUT"'
	depfs_remount vault_timeout=3 # with no circuit breaker open
done
depfs_umount
