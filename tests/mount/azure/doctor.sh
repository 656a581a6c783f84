#!/usr/bin/env bash
# azure/doctor: depctl doctor and depctl key check name the first cause of each broken set-up, with
# its remedy, and find nothing wrong with a good one.
# timeout: 120
# builds: release asan
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
vaults_init
STEPS=(dns tls credential token vault key permission)
export DEPFS_VAULT_TIMEOUT=3

# healthy - all seven steps, in order
healthy()
{
	local found

	found=$("$BIN/depctl" doctor "$K1") || fail "doctor refuses: $found"
	assert_eq "$(cut -d: -f1 <<<"$found" | tr '\n' ' ')" "${STEPS[*]} " "steps"
	assert_eq "$(grep -vc ': ok, ' <<<"$found" || true)" 0 "all are ok: $found"
}

# sick STEP WORDS REMEDY - STEP is the first that fails and the last that is tried
sick()
{
	local found printed=$WORK/printed

	! found=$("$BIN/depctl" doctor "$K1" 2>"$printed") || fail "$1: doctor finds nothing: $found"
	assert_match "$(tail -n 1 <<<"$found")" "^$1: [a-z ]+, .*($2)" "$1"
	assert_eq "$(grep -vc ': ok, ' <<<"$found")" 1 "only the last one failed: $found"
	assert_match "$(cat "$printed")" "^depctl: $1: .*($3)" "remedy of $1"
	cat "$printed" >>"$WORK/all-printed"
	echo "$found" >>"$WORK/all-printed"
}

healthy
assert_match "$("$BIN/depctl" --json doctor "$K1" | python3 -c '
import json, sys
print([s["step"] for s in json.load(sys.stdin) if s["ok"]])')" "dns.*permission"

# which credential is taken, as depfs-azure(5) says
credential_is() # WORDS, what the line of that step says
{
	assert_match "$("$BIN/depctl" doctor "$K1" 2>/dev/null)" "(^|"$'\n'")credential: ok, .*$1" "the credential"
}
credential_is client-secret
(export AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential && credential_is managed-identity)
(export AZURE_TOKEN_CREDENTIALS=environmentcredential && credential_is client-secret)
(export AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential DEPFS_CREDENTIAL=client-secret && credential_is client-secret)
(export AZURE_TOKEN_CREDENTIALS=WorkloadIdentityCredential &&
	assert_match "$("$BIN/depctl" doctor "$K1" 2>&1)" "AZURE_FEDERATED_TOKEN_FILE is not set")
(export AZURE_TOKEN_CREDENTIALS=dev && assert_match "$("$BIN/depctl" doctor "$K1" 2>&1)" "=dev: depfs has prod, ")
(unset AZURE_TENANT_ID && credential_is "managed-identity.*; AZURE_CLIENT_SECRET is set, but AZURE_TENANT_ID is not")
(unset AZURE_CLIENT_SECRET AZURE_CLIENT_ID && export AZURE_FEDERATED_TOKEN_FILE=/x &&
	credential_is "managed-identity.*; AZURE_FEDERATED_TOKEN_FILE is set, but AZURE_CLIENT_ID is not")
(unset AZURE_CLIENT_SECRET AZURE_TENANT_ID AZURE_CLIENT_ID &&
	assert_no_match "$("$BIN/depctl" doctor "$K1" 2>/dev/null)" "but")
(export AZURE_CLIENT_SECRET="'$AZURE_CLIENT_SECRET'" && credential_is "begins with a quotation mark")
(export AZURE_TENANT_ID=\"$AZURE_TENANT_ID\" && assert_match "$("$BIN/depctl" doctor "$K1" 2>&1)" "AZURE_TENANT_ID holds the character \"")
(export AZURE_CLIENT_ID=$AZURE_CLIENT_ID$'\r' && assert_match "$("$BIN/depctl" doctor "$K1" 2>&1)" "AZURE_CLIENT_ID holds a character with the code 13")
(printf '%s\r\n' "$SECRET" >"$WORK/own" && chmod 600 "$WORK/own" && unset AZURE_CLIENT_SECRET && cd "$WORK" &&
	export DEPFS_CLIENT_SECRET_FILE=own && healthy)
(echo other >"$WORK/secret" && chmod 600 "$WORK/secret" && export DEPFS_CLIENT_SECRET_FILE=$WORK/secret && healthy)

# a file of authorities that is not there, or is none
(export DEPFS_CA_FILE=$WORK/none.pem && assert_match "$("$BIN/depctl" doctor "$K1" 2>&1)" "CA file .*none.pem: No such file")
(export DEPFS_CA_FILE=$WORK/secret && assert_match "$("$BIN/depctl" doctor "$K1" 2>&1)" "CA file .*no certificate in PEM")

# 1: a name that nobody has; the id is right otherwise
(K1=https://no-such-vault.vault.azure.net/keys/k1 && sick dns "does not resolve" "vault's name")
(K1=https://v1.vault.azur.net/keys/k1 && sick dns "not in a domain of Azure's vaults" "spelling.*vault_domains=")
# 2: nobody is there; 3: a certificate that has expired
fake down "$V1"
sick tls "no connection" "reach the vault"
fake up "$V1"
(https_proxy=http://127.0.0.1:9 && export https_proxy && sick tls "no connection.*https_proxy" "proxy")
(https_proxy=http://127.0.0.1:9 no_proxy=.azure.net,.microsoftonline.com && export https_proxy no_proxy && healthy)
(https_proxy=http://127.0.0.1:9 no_proxy=.azure.net && export https_proxy no_proxy && sick token "no connection.*https_proxy" "proxy")
# what libcurl cannot read as a proxy's address it quotes, password and all
for proxy in "http://user:p4ss/w0rd@127.0.0.1:9" "ftp://user:p4ssw0rd@127.0.0.1:9" \
	"user:p4ss@w0rd@127.0.0.1:9"; do
	(https_proxy=$proxy && export https_proxy && sick tls "https_proxy" "proxy")
done
assert_no_match "$(cat "$WORK/all-printed")" "p4ss|w0rd"
# what a proxy answers is the proxy's
"$PYTHON" - <<'END' &
import socket, threading
def serve(port, answer):
    listener = socket.create_server(('127.0.0.1', port))
    while True:
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.sendall(b'HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n' % answer)
        connection.close()
threading.Thread(target=serve, args=(3128, b'407 X\r\nProxy-Authenticate: Basic realm=x')).start()
serve(3129, b'403 X')
END
PIDS+=($!)
is_listening()
{
	(: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
wait_until 20 is_listening 3128 && wait_until 20 is_listening 3129
export DEPFS_VAULT_TIMEOUT=1 no_proxy= # it is tried again until then
(https_proxy=http://127.0.0.1:3128 && export https_proxy && sick tls "the proxy wants a name and a password.*https_proxy.*407" "check the proxy")
(https_proxy=http://127.0.0.1:3129 && export https_proxy && sick tls "the proxy refuses.*https_proxy.*403" "check the proxy")
unset no_proxy
export DEPFS_VAULT_TIMEOUT=3
fake tls "$V1" expired
sick tls "certificate" "ca_file="
fake tls "$V1" good
# 4: the certificate of the application is missing
(unset AZURE_CLIENT_SECRET && AZURE_CLIENT_CERTIFICATE_PATH=$WORK/none.pem &&
	export AZURE_CLIENT_CERTIFICATE_PATH && sick credential "none.pem: No such file" "AZURE_CLIENT_CERTIFICATE_PATH")
(unset AZURE_CLIENT_SECRET && chmod 644 "$WORK/secret" && export DEPFS_CLIENT_SECRET_FILE=$WORK/secret &&
	sick credential "others may read it" "DEPFS_CLIENT_SECRET_FILE .*0600")
(unset AZURE_CLIENT_SECRET && export AZURE_FEDERATED_TOKEN_FILE=$WORK/none.jwt &&
	sick credential "none.jwt: No such file" "AZURE_FEDERATED_TOKEN_FILE")
(export DEPFS_CREDENTIAL=none && sick credential "switched off" "credential=")
# 5: a wrong secret; 6: another tenant's id
(AZURE_CLIENT_SECRET=no~such-secret && sick token "AADSTS7000215" "new secret in Entra")
(AZURE_TENANT_ID=22222222-bbbb-4bbb-8bbb-222222222222 && sick token "AZURE_TENANT_ID" "tenant")
# a vault that names a token service of nobody's; token services that are not what they should be
fake fault "$V1" get challenge "Bearer authorization=\"https://evil.example/$TENANT\", resource=\"https://vault.azure.net\""
sick token "evil.example.*not on the list" "AZURE_AUTHORITY_HOST.*stands between"
fake lift
(export AZURE_AUTHORITY_HOST=https://login.nobody.example && sick token "does not resolve" "check AZURE_AUTHORITY_HOST")
fake fault "$LOGIN" token text "<html>Please log in</html>"
sick token "does not parse" "no token service.*portal"
fake lift
fake fault "$LOGIN" token status 503 retry_after=60
sick token "answered 503" "later.*Microsoft's service health"
fake lift
fake tls "$LOGIN" expired
sick token "certificate is not accepted" "token service's certificate by ca_file="
fake tls "$LOGIN" good
# a cluster's token
fake app "$TENANT" "$CLIENT" subject=depfs
export AZURE_FEDERATED_TOKEN_FILE=$WORK/jwt
(unset AZURE_CLIENT_SECRET && fake federated-token depfs lifetime=-5 >"$WORK/jwt" && chmod 600 "$WORK/jwt" &&
	sick token "AZURE_FEDERATED_TOKEN_FILE has expired" "cluster still renews.*AZURE_FEDERATED_TOKEN_FILE")
(unset AZURE_CLIENT_SECRET && echo garbage >"$WORK/jwt" && sick token "AADSTS50027.*holds no valid token" "pod's service account")
unset AZURE_FEDERATED_TOKEN_FILE
# managed identities
export DEPFS_CREDENTIAL=managed-identity
(AZURE_CLIENT_ID=99999999-cccc-4ccc-8ccc-333333333333 && sick token "instance metadata service.* 400" "assign the identity AZURE_CLIENT_ID")
export IDENTITY_ENDPOINT=http://127.0.0.1:40342/msi/token
(export IDENTITY_HEADER=stale && sick token "App Service: answered 401" "IDENTITY_HEADER")
(export IMDS_ENDPOINT=http://127.0.0.1:40342 && sick credential "Azure Arc has no user-assigned" "take AZURE_CLIENT_ID away")
export IMDS_ENDPOINT=http://127.0.0.1:40342 IDENTITY_ENDPOINT=http://127.0.0.1:40342/metadata/identity/oauth2/token
fake arc folder="$WORK/elsewhere"
(unset AZURE_CLIENT_ID && sick token "names a file that is not" "not Azure Arc's agent")
(unset AZURE_CLIENT_ID && IDENTITY_ENDPOINT=ftp://x && sick credential "IDENTITY_ENDPOINT: an address http://" "as the platform sets it")
unset IMDS_ENDPOINT IDENTITY_ENDPOINT DEPFS_CREDENTIAL
# 7: the vault's firewall
fake fault "$V1" get error forbidden-by-firewall
sick vault "firewall" "network settings"
fake lift
fake fault "$V1" wrap error forbidden-by-firewall
sick permission "wrapKey: .*firewall" "network settings"
fake lift
fake fault "$V1" get error vault-not-found
sick vault "vault is gone" "recover it if it was deleted"
fake lift
fake fault "$V1" get error throttled retry_after=60
sick vault "too often|left alone" "later"
fake lift
(export DEPFS_AZURE_API_VERSION=1.1 && sick vault "malformed.*DEPFS_AZURE_API_VERSION is 1.1" "take DEPFS_AZURE_API_VERSION away")
# whichever request meets it first
for skip in 0 2 3; do
	fake fault "$V1" get error being-deleted skip="$skip"
	sick key "deleted or recovered" "wait until that has ended"
	fake lift
done
# what is no matter of who is let in
fake fault "$V1" get challenge "Bearer authorization=\"https://$LOGIN/$TENANT\", resource=\"https://vault.azure.net\""
sick vault "fresh token.*401" "AZURE_TENANT_ID"
fake lift
fake fault "$V1" get error unavailable skip=2 # those of the steps before
(DEPFS_VAULT_TIMEOUT=2 && export DEPFS_VAULT_TIMEOUT && sick vault "out of order" "later")
fake lift
fake fault "$V1" get redirect https://evil.example skip=2
sick vault "sends us elsewhere" "no key vault"
fake lift
# 8: a deleted key; 9: a disabled one
fake delete "$K1"
sick key "deleted, and can be recovered" "recover"
fake recover "$K1"
fake disable "$K1"
sick key "disabled" "enable"
fake enable "$K1"
# what policy create would refuse: each rule with its own remedy
fake set "$K1" exp=4000000000
sick key "expires on 2096-10-02" "expiry date"
fake set "$K1" exp=1000000000
sick key "expired on 2001-09-09" "expiry date"
fake set "$K1" exp=0
fake set "$K1" nbf=4000000000
sick key "not active before 2096-10-02" "activation date"
fake set "$K1" nbf=0
fake set "$K1" ops=unwrapKey
sick key "does not allow wrapKey" "key_ops"
fake set "$K1" ops=wrapKey,unwrapKey
# 10, 11: permissions
fake deny "$V1" get
sick permission "get: .*access policy" "wrapKey"
fake allow "$V1" get
fake deny "$V1" unwrapKey
sick permission "unwrapKey: .*access policy" "unwrapKey"
fake allow "$V1"
healthy
fake create https://h1.managedhsm.azure.net/keys/k type=RSA-HSM >/dev/null
fake deny h1.managedhsm.azure.net wrapKey
(K1=https://h1.managedhsm.azure.net/keys/k && sick permission "wrapKey: " "Managed HSM Crypto Service Encryption User.*local RBAC")
(K1=https://v1.vault.test:8443/keys/k && export DEPFS_VAULT_DOMAINS=v1.vault.test && sick dns "not in a domain" "not the vault's host")
assert_match "$("$BIN/depctl" doctor "$K1/" 2>&1)" "no '/' stands behind the name" "a slash at the end"

# key check: each precondition of a root key by name
check()
{
	"$BIN/depctl" key check "$K1" 2>/dev/null
}
good=$(check) || fail "key check refuses a good key: $good"
for line in "describe: ok" "type: ok, RSA 2048" "operations: ok" "enabled: ok" "expiry: ok, none" \
	"recovery level: ok" "wrap: ok" "unwrap: ok"; do
	assert_match "$good" "(^|.)$line" "$line"
done
fake set "$K1" exp=4000000000
! bad=$(check) || fail "a key that expires is fit: $bad"
assert_match "$bad" "expiry: refused" "expiry"
fake set "$K1" exp=0
fake set "$K1" ops=wrapKey
! bad=$(check) || fail "a key without unwrapKey is fit: $bad"
assert_match "$bad" "operations: refused, .*unwrapKey" "operations"
fake set "$K1" ops=wrapKey,unwrapKey

# cured KEY WORDS REMEDY - key check says the cause once, and what to do
cured()
{
	local bad printed=$WORK/printed

	! bad=$("$BIN/depctl" key check "$1" 2>"$printed") || fail "$1 is fit: $bad"
	assert_eq "$(grep -cE "$2" <<<"$bad")" 1 "once: $bad"
	assert_match "$(cat "$printed")" "^depctl: [a-z]+: .*($3)" "remedy: $bad"
	assert_match "$("$BIN/depctl" --json key check "$1" | python3 -c '
import json, sys
print(json.load(sys.stdin)["remedy"])')" "$3" "remedy in JSON"
	cat "$printed" >>"$WORK/all-printed"
	echo "$bad" >>"$WORK/all-printed"
}
(AZURE_CLIENT_SECRET=no~such-secret && cured "$K1" "AADSTS7000215" "new secret in Entra")
cured https://no-such-vault.vault.azure.net/keys/k1 "does not resolve" "vault's name"
cured "${K1}x" "no such key" "key's name"
fake delete "$K1"
cured "$K1" "may be deleted" "recover the key"
fake recover "$K1"
fake vault "$V1" recovery_level=Recoverable+Purgeable
assert_match "$(check)" "recovery level: warning, purgeable" "purgeable"

# a version that is named is looked at, though the newest is what wraps
old=$(fake show "$K1")
fake rotate "$K1" >/dev/null
assert_match "$(check)" "describe: ok, $(fake show "$K1")"
assert_match "$("$BIN/depctl" key check "$old")" "named version: ok, but wraps take the newest"
fake disable "$old"
for row in "$old=this version is disabled" "$K1/$(printf '%032d' 0)=no such key"; do
	! "$BIN/depctl" key check "${row%%=*}" >"$WORK/bad" 2>"$WORK/printed" || fail "$row is fit: $(cat "$WORK/bad")"
	assert_match "$(cat "$WORK/bad")" "named version: (refused|not found), .*${row#*=}" "$row"
	assert_match "$(cat "$WORK/printed")" "^depctl: .*${row%%=*}: .*${row#*=}" "$row"
done
fake enable "$old"

# key show: a look, with all versions; nothing was changed
fake deny "$V1" list
assert_match "$("$BIN/depctl" --json key show "$K1" 2>/dev/null)" '"versions": null' "versions not listed"
fake allow "$V1"
assert_eq "$("$BIN/depctl" key show "$K1" | grep -c '^version: ')" 2 "versions"
assert_match "$("$BIN/depctl" key show "$K1")" "recovery level: Recoverable" "level"
for act in rotate disable delete; do
	! "$BIN/depctl" key "$act" "$K1" 2>/dev/null || fail "key $act was tried in Azure"
done
assert_eq "$(fake calls method=PATCH)$(fake calls method=DELETE)$(fake calls method=PUT)" 000 "changes"
assert_eq "$(grep -cF -- "$SECRET" "$WORK/all-printed" || true)" 0 "the secret was printed"
