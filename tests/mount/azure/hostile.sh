#!/usr/bin/env bash
# azure/hostile: two hostile vaults get no token for anything but themselves, nothing is sent to
# where they point, and whatever they answer is refused with a sentence by a daemon that lives on.
# timeout: 240
# builds: release asan
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
OPTIONS=vault_timeout=6
depfs_start_policies "$OPTIONS"
policy_create P
control assignment P
mkdir -p "$MNT/mailbox/anna"
echo mail >"$MNT/mailbox/anna/1"
GOOD="authorization=\"https://$LOGIN/$TENANT\""

# check - what a check of both keys says
check()
{
	control policies/P/check 1 2>/dev/null || true
	cat "$MNT/.depfs/policies/P/check"
}

# challenged CHALLENGE WORDS - both vaults' first answer; no token may be asked for
challenged()
{
	local checked

	fake fault "$V1" '*' challenge "$1"
	fake fault "$V2" '*' challenge "$1"
	fake forget
	depfs_remount "$OPTIONS"
	checked=$(check)
	assert_match "$checked" "key 1 recorded copy: (denied|misconfigured|transient), key [^ ]+: .*$2" "$1"
	assert_eq "$(fake calls act=token)" 0 "tokens asked for: $1"
	assert_eq "$(fake calls authenticated=True)" 0 "tokens sent: $1"
	fake lift
}

challenged "Bearer $GOOD, resource=\"https://vault.example\"" "vault.example"
challenged "Bearer $GOOD, resource=\"https://ault.azure.net\"" "ault.azure.net"
challenged "Bearer $GOOD, resource=\"https://azure.net\"" "azure.net"
challenged "Bearer $GOOD, resource=\"https://net\"" "net"
challenged "Bearer $GOOD, resource=\"https://$V1.evil.example\"" "evil.example"
challenged "Bearer $GOOD, resource=\"https://vault.azure.net@evil.example\"" "resource"
challenged "Bearer $GOOD, resource=\"http://vault.azure.net\"" "resource"
challenged "Bearer $GOOD" "resource|challenge"
challenged "Bearer authorization=\"https://evil.example/$TENANT\", resource=\"https://vault.azure.net\"" \
	"evil.example"
challenged "Bearer authorization=\"https://login.chinacloudapi.cn/$TENANT\", resource=\"https://vault.azure.net\"" \
	"login.chinacloudapi.cn" # another cloud's
challenged "Bearer authorization=\"http://$LOGIN/$TENANT\", resource=\"https://vault.azure.net\"" \
	"https"
challenged "Bearer authorization=\"https://$LOGIN/22222222-bbbb-4bbb-8bbb-222222222222\", resource=\"https://vault.azure.net\"" \
	"tenant|22222222"
challenged "Basic realm=\"x\"" "challenge"
challenged "" "challenge"
challenged "Bearer $GOOD, resource=\"$(printf 'x%.0s' {1..30000})\"" ""

# answered ACT FAULT... -- OUTCOME WORDS: vault 1's answer to one act
answered()
{
	local act=$1 fault=() checked which

	shift
	while [ "$1" != -- ]; do
		fault+=("$1")
		shift
	done
	fake fault "$V1" "$act" "${fault[@]}"
	fake forget
	checked=$(check)
	fake lift
	which=recorded.copy
	[ "$act" = unwrap ] || which="$act"
	[ "$which" != get ] || which=describe
	assert_match "$checked" "key 1 $which: ($2), key [^"$'\n'"]*: [^"$'\n'"]*($3)" "${fault[*]}"
	assert_match "$checked" "key 2 recorded copy: ok" "the other vault, ${fault[*]:0:2}"
	assert_eq "$(fake calls host=evil.example)" 0 "calls to where ${fault[*]} points"
}

depfs_remount "$OPTIONS"
BAD="misconfigured|transient"
for act in get wrap unwrap; do
	answered "$act" redirect "https://evil.example/keys/k1" -- "$BAD" "redirect|307"
	answered "$act" redirect "http://169.254.169.254/metadata" status=302 -- "$BAD" "redirect|302"
	answered "$act" huge 1000000000 -- "$BAD" "large|bytes|big|size|long"
	answered "$act" text "nothing like JSON" -- "$BAD" "JSON|parse|unusable"
	answered "$act" text "" -- "$BAD" "JSON|parse|empty|unusable"
	answered "$act" text '{"value":{"kid":["x"]},"kid":7,"key":[]}' -- "$BAD" "."
	answered "$act" bomb 100000 -- "$BAD" "JSON|parse|large|deep|unusable"
done
fake fault "$V1" get text "nothing like JSON"
ctl_refused EPROTO "JSON|unusable" policies/P/check 1
fake lift
answered unwrap huge 20000 -- "$BAD" "larger than 8 KiB"
answered unwrap huge 1000000000 chunked=1 -- "$BAD" "large|bytes|big|size|long"
answered unwrap headers -- "$BAD" "header|large"
answered unwrap header 10000000 -- "$BAD" "header|large|memory"
answered unwrap keys 200000 -- "$BAD" "."
answered unwrap raw 'HTTP/1.1 103 X\r\nA: b\r\n\r\n' times=20000 -- "$BAD" "none of Key Vault's|large"
answered unwrap raw 'HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}' -- "$BAD" "key id"
answered unwrap raw 'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nHTTP/1.1 401 X\r\n\r\n' \
	-- "$BAD" "."
answered unwrap cut 3 -- "$BAD" "."

# one that takes no token, while there is no new one, does not take it from the other vault
fake fault "$LOGIN" token status 503
answered unwrap challenge "Bearer $GOOD, resource=\"https://vault.azure.net\"" -- transient \
	"token service"

OTHER=0123456789abcdef0123456789abcdef
for act in wrap unwrap; do
	for kid in "https://$V2/keys/k1/$OTHER" "https://$V1/keys/another/$OTHER" \
		"https://$V1.evil.example/keys/k1/$OTHER" "http://$V1/keys/k1/$OTHER" \
		"https://$V1:444/keys/k1/$OTHER" "https://$V1/secrets/k1/$OTHER" \
		"https://$V1/keys/k1" "https://$V1/keys/k1/../k2" "x"; do
		answered "$act" edit "{\"kid\":\"$kid\"}" -- "$BAD" "kid|names|key"
	done
done
answered unwrap edit "{\"kid\":\"https://$V1/keys/k1/$OTHER\"}" -- "$BAD" "kid|version"
answered wrap edit '{"kid":null}' -- "$BAD" "key id"
answered unwrap edit '{"value":null}' -- "$BAD" "value|no unwrapped key"
answered unwrap edit '{"value":"AAAA"}' -- "$BAD|damaged" "32|length|bytes|no DEP key"
answered unwrap edit '{"value":"!!!!"}' -- "$BAD" "base64|value|no unwrapped key"
answered wrap edit '{"value":"AAAA"}' -- "$BAD|damaged" "length|bytes|modulus|value"
answered get edit "{\"key\":{\"kid\":\"https://$V2/keys/k1/$OTHER\"}}" -- "$BAD" "kid|names|key"
# a key of the right length that is not what was wrapped: nothing may be written under it
ANOTHER=$(printf 'A%.0s' {1..43})
answered unwrap edit "{\"value\":\"$ANOTHER\"}" -- damaged "another key"
fake fault "$V1" unwrap edit "{\"value\":\"$ANOTHER\"}"
for i in {2..7}; do # each opens by a vault taken at random
	depfs_remount "$OPTIONS"
	echo "mail $i" >"$MNT/mailbox/anna/$i"
	assert_eq "$(cat "$MNT/mailbox/anna/1")" mail
done
assert_event key-copy-damaged "another key"
fake down "$V2"
assert_fails_with "" control policies/P/refresh 1
fake up "$V2"
fake lift
depfs_remount "$OPTIONS"
for i in {2..7}; do
	assert_eq "$(cat "$MNT/mailbox/anna/$i")" "mail $i"
done
assert_eq "$(cat "$MNT/mailbox/anna/1")" mail
! gone "$DAEMON_PID" || fail "the daemon ended"
if [ "$KIND" = release ]; then # gigabytes were offered
	peak=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$DAEMON_PID/status")
	[ "$peak" -lt 300000 ] || fail "the daemon took $peak kB"
fi
assert_eq "$(grep -c evil.example "$FAKEVAULT_DIR/requests.jsonl" || true)" 0 "requests to evil.example"
depfs_umount
