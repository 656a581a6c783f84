#!/usr/bin/env bash
# azure/credentials: each kind of credential opens a policy; a token that runs out, a secret that is
# rotated and an assertion file that is replaced are taken in stride; a refused credential is a
# denial, a token service that is down is not.
# timeout: 180
# builds: release asan
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
policy_create P
control assignment P
mkdir -p "$MNT/mailbox/anna"
echo mail >"$MNT/mailbox/anna/1"
OPTIONS=vault_timeout=4
SEEN=0

# opens [OPTIONS] - a new daemon opens the policy by a vault
opens()
{
	depfs_remount "$OPTIONS${1:+,$1}"
	assert_eq "$(cat "$MNT/mailbox/anna/1")" mail
	assert_eq "$(events availability-key-used | wc -l)" "$SEEN" "availability key used"
}

by() # WORD - the token request that came last had it
{
	local last

	last=$(fake log act=token | tail -n 1)
	assert_match "$last" "$1"
	fake forget
}

by "client_secret="
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/key.pem" -subj /CN=app -days 2 \
	-out "$WORK/app.pem" 2>/dev/null
(umask 077 && cat "$WORK/key.pem" "$WORK/app.pem" >"$WORK/cert.pem")
fake app "$TENANT" "$CLIENT" certificate="$WORK/app.pem"
unset AZURE_CLIENT_SECRET
export AZURE_CLIENT_CERTIFICATE_PATH=$WORK/cert.pem
for algorithm in PS256 RS256; do # the fake checks the signature by the certificate
	export DEPFS_ASSERTION_ALG=$algorithm
	opens
	by "client_assertion="
done
unset DEPFS_ASSERTION_ALG AZURE_CLIENT_CERTIFICATE_PATH

# workload identity: the file is read again for each token
fake app "$TENANT" "$CLIENT" subject=depfs
printf %s "$(fake federated-token depfs)" >"$WORK/token"
export AZURE_FEDERATED_TOKEN_FILE=$WORK/token
fake lifetime 1
opens key_check=1
printf %s "$(fake federated-token another-subject)" >"$WORK/token"
state_is()
{
	[ "$(status_of P state)" = "$1" ]
}
wait_until 20 state_is revoked || fail "the new file was not read: $(status_of P state)"
assert_match "$(status_of P "key 1 why")" "AADSTS700213|invalid_client"
printf %s "$(fake federated-token depfs)" >"$WORK/token"
wait_until 20 state_is ready || fail "still $(status_of P state)"
assert_eq "$(cat "$MNT/mailbox/anna/1")" mail
fake lifetime 3599
unset AZURE_FEDERATED_TOKEN_FILE

# managed identities
azure_credential none
fake forget
opens credential=managed-identity
assert_ne "$(fake calls host=169.254.169.254 act=identity)" 0 "IMDS"
export IDENTITY_ENDPOINT=http://127.0.0.1:40342/msi/token IDENTITY_HEADER=fake-SITE-header-853b9a84
opens
unset IDENTITY_HEADER
export IDENTITY_ENDPOINT=http://127.0.0.1:40342/metadata/identity/oauth2/token
export IMDS_ENDPOINT=http://127.0.0.1:40342
opens
# foreign_file WORDS - a file that Azure Arc has no business to ask for
foreign_file()
{
	fake forget
	depfs_remount "$OPTIONS"
	cat "$MNT/mailbox/anna/1" >/dev/null 2>&1 || true
	assert_match "$(status_of P "key 1 why")$(status_of P "key 2 why")" "$1"
	assert_eq "$(fake log act=identity | grep -c Basic)" 0 "contents of foreign files sent"
}
mkdir "$WORK/tokens"
ln -s "$WORK/tokens/passwd" /var/opt/azcmagent/tokens/link.key
fake arc name=link.key text=root:x:0:0
foreign_file "tokens/link.key is a symbolic link"
fake arc name=lines.key text=$'word\r\nHost: evil.example'
foreign_file "tokens/lines.key is not a key"
fake arc folder="$WORK/tokens"
foreign_file "names a file that is not /var/opt/azcmagent/tokens"
unset IDENTITY_ENDPOINT IMDS_ENDPOINT
export MSI_ENDPOINT=http://127.0.0.1:40342/msi/token MSI_SECRET=fake-SITE-header-853b9a84
SEEN=$(events availability-key-used | wc -l)
opens
unset MSI_ENDPOINT MSI_SECRET

# a secret in a file, rotated while mounted; tokens that run out in the middle
azure_credential secret
unset AZURE_CLIENT_SECRET
printf %s "$SECRET" >"$WORK/secret"
chmod 600 "$WORK/secret"
export DEPFS_CLIENT_SECRET_FILE=$WORK/secret
opens key_check=1
fake forget
fake clock 7200 # every token is two hours too old now
more_checks()
{
	[ "$(fake calls act=unwrap status=200)" -ge 4 ]
}
wait_until 20 more_checks || fail "no unwrap with a new token"
state_is ready || fail "$(status_of P state)"
assert_eq "$(fake calls act=token status=200)" 1 "token requests for the two vaults, after it ran out"
fake app "$TENANT" "$CLIENT" forget=secrets secret=the~NEW-secret
fake clock 7200
wait_until 20 state_is revoked || fail "an old secret is a denial, but: $(status_of P state)"
assert_match "$(status_of P "key 1 why")" "AADSTS7000215|invalid_client"
assert_fails_with EKEYREVOKED cat "$MNT/mailbox/anna/1"
printf %s "the~NEW-secret" >"$WORK/secret"
wait_until 20 state_is ready || fail "the new secret was not taken: $(status_of P state)"
assert_eq "$(cat "$MNT/mailbox/anna/1")" mail
assert_eq "$(events availability-key-used | wc -l)" "$SEEN" "denials used the availability key"

# a secret's file that is gone, empty or readable by all is no denial: as if the token service were down
file_fault() # COMMAND that spoils it
{
	eval "$1"
	depfs_remount "$OPTIONS"
	assert_match "$(cat "$LOG")" "credential client-secret: .*$WORK/secret"
	assert_event vaults-missing "$WORK/secret"
	assert_eq "$(cat "$MNT/mailbox/anna/1")" mail "by the availability key, after $1"
	assert_ne "$(status_of P state)" revoked "after $1"
	assert_match "$(status_of P "key 1 why")" "$WORK/secret"
	printf %s "the~NEW-secret" >"$WORK/secret"
	chmod 600 "$WORK/secret"
}
file_fault "rm $WORK/secret"
file_fault ": >$WORK/secret"
file_fault "chmod 644 $WORK/secret"
SEEN=$(events availability-key-used | wc -l)

# refused: a denial. Down: a system error, by the availability key with an event
for error in invalid_client unauthorized_client; do
	fake fault "$LOGIN" token oauth "$error"
	depfs_remount "$OPTIONS"
	assert_fails_with EKEYREVOKED cat "$MNT/mailbox/anna/1"
	fake lift
done
for down in "error" "hang" "oauth"; do
	case $down in
	error) fake fault "$LOGIN" token status 503 ;;
	hang) fake fault "$LOGIN" token hang ;;
	oauth) fake fault "$LOGIN" token oauth temporarily_unavailable status=400 ;;
	esac
	depfs_remount "$OPTIONS"
	assert_eq "$(cat "$MNT/mailbox/anna/1")" mail "token service: $down"
	assert_event availability-key-used '"outcome":"ok"'
	fake lift
done
fake down "$LOGIN"
depfs_remount "$OPTIONS"
assert_eq "$(cat "$MNT/mailbox/anna/1")" mail "token service refuses connections"
fake up "$LOGIN"
for word in "$SECRET" "the~NEW-secret" fake-SITE-header; do
	assert_eq "$(grep -acF -- "$word" "$LOG" "$MNT/.depfs/events" "$MNT/.depfs/error_log" |
		awk -F: '{ n += $2 } END { print n }')" 0 "$word in logs"
done
depfs_umount
