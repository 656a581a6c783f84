#!/usr/bin/env bash
# azure/fake: each fault of the fake vault does what it says, seen by curl: a fault that did nothing
# would let a test of depfs pass for no reason.
# builds: release
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need curl
vaults_init
token=$(curl -sS --cacert "$SSL_CERT_FILE" "https://$LOGIN/$TENANT/oauth2/v2.0/token" \
	-d grant_type=client_credentials -d "client_id=$CLIENT" -d "client_secret=$SECRET" -d scope=https://vault.azure.net/.default |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

answer() # status line, headers and body, or what curl says; at most 1 s and 2000 bytes
{
	curl -m 1 -sSi --cacert "$SSL_CERT_FILE" -H "Authorization: Bearer $token" \
		"$K1?api-version=7.4" 2>&1 | head -c 2000 || true
}

# seen REGEX ACT WORDS... - the answer under that fault, and the true one after it
seen()
{
	local got

	fake fault "$V1" get "${@:2}"
	got=$(answer)
	fake lift
	assert_match "$got" "$1" "${*:2}"
}

assert_match "$(answer)" "^HTTP/1.1 200 .*\"kty\": \"RSA\""
seen "^HTTP/1.1 429 .*Retry-After: 3.*Throttled" error throttled retry_after=3
seen "^HTTP/1.1 403 .*\"innererror\": \{\"code\": \"ForbiddenByRbac\"" error forbidden-by-rbac
seen "^HTTP/1.1 403 .*Content-Length: 0" status 403
seen "\"innererror\": \{\"code\": \"Y\"" status 403 code=X inner=Y
seen "timed out" hang
seen "reset by peer" reset
seen "Empty reply" close
seen "bytes remaining to read" cut 300
seen "timed out" drip 0.3
seen "Content-Length: 9000000000" huge 9000000000
seen "chunked" huge 9000000000 chunked=1
seen "X-Filler" headers
seen "X-Filler: xxx" header 10000
seen "no JSON" text "no JSON"
seen "\[\[\[\]\]\]" bomb 3
seen "302 .*Location: https://evil.example/" redirect https://evil.example/ status=302
seen "401 .*WWW-Authenticate: Bearer x=y" challenge "Bearer x=y"
seen "\"kid\": \"u\"" edit '{"key":{"kid":"u"}}'
fake fault "$V1" get status 503 skip=1 count=1
assert_match "$(answer)" "^HTTP/1.1 200"
assert_match "$(answer)" "^HTTP/1.1 503"
assert_match "$(answer)" "^HTTP/1.1 200"
for row in "expired|has expired" "not-yet|not yet valid" "wrong-name|match" \
	"unknown-ca|issuer certificate" "old-tls|SSL routines|version" "hang|timed out"; do
	fake tls "$V1" "${row%%|*}"
	assert_match "$(answer)" "${row#*|}" "TLS ${row%%|*}"
done
fake tls "$V1" good
fake down "$V1"
assert_match "$(answer)" "connect to" "down"
fake up "$V1"
fake clock 7200
assert_match "$(answer)" "401 .*expired"
assert_fails_with "there is no fault" fake fault "$V1" get nonsense
