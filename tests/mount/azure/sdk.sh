#!/usr/bin/env bash
# azure/sdk: Microsoft's own SDK, unchanged, creates, rotates, disables, lists, wraps and unwraps in
# the fake vault with challenge authentication and every credential: what proves the fake. It and
# depfs open each other's copies of a DEP key, and ask for the same things in the same way.
# builds: release
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/sdk.sh"
sdk_install
export TENANT CLIENT SECRET ADMIN ADMIN_SECRET
H1=https://h1.managedhsm.azure.net/keys/k1

sdk acts "https://$V1/keys/acts" "https://v6.vault.azure.net/keys/acts" "${H1%k1}acts"
# no secret went out before a challenge was answered, and none came with the challenge probe
probes=$(fake calls authenticated=False status=401)
assert_ne "$probes" 0 "challenge probes"
assert_eq "$(fake calls authenticated=False status=401 body=)" "$probes" "challenge probes without a body"

vaults_init
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/cert.pem" -subj /CN=app -days 2 \
	-out "$WORK/only.pem" 2>/dev/null
cat "$WORK/only.pem" >>"$WORK/cert.pem"
assert_fails_with AADSTS700027 sdk certificate "$WORK/cert.pem" "$K1"
fake app "$TENANT" "$CLIENT" certificate="$WORK/only.pem"
sdk certificate "$WORK/cert.pem" "$K1"
printf %s "$(fake federated-token depfs)" >"$WORK/token"
assert_fails_with "AADSTS700213" sdk workload "$WORK/token" "$K1"
fake app "$TENANT" "$CLIENT" subject=depfs
sdk workload "$WORK/token" "$K1"

azure_credential none
sdk managed "$K1" # IMDS
export IDENTITY_ENDPOINT=http://127.0.0.1:40342/msi/token IDENTITY_HEADER=fake-SITE-header-853b9a84
sdk managed "$K1" # App Service
unset IDENTITY_HEADER
export IDENTITY_ENDPOINT=http://127.0.0.1:40342/metadata/identity/oauth2/token
export IMDS_ENDPOINT=http://127.0.0.1:40342
sdk managed "$K1" # Azure Arc

azure_credential secret
fake forget
sdk get "$K1"
fake deny "$K1" get
sdk remote "$(fake show "$K1")"
fake allow "$K1"
fake log >"$WORK/sdk.jsonl"

# a DEP key that depfs wrapped opens by the SDK
depfs_mkfs
fake forget
depfs_mount
policy_create Tenant
control assignment Tenant
fake log host="$V1" >"$WORK/depfs.jsonl"
fake log host="$LOGIN" >>"$WORK/depfs.jsonl"
mkdir -p "$MNT/mailbox/anna"
echo mail >"$MNT/mailbox/anna/1"
id=$(policy_id Tenant)
depfs_umount
copies()
{
	"$PYTHON" "$LIB/copies.py" "$1" "$STORE" "$KEY" "$id" "${@:2}"
}
dep_key=$(copies dep-key)
copies show >"$WORK/copies"
while read -r kid copy; do
	assert_eq "$(sdk unwrap "$kid" "$copy")" "$dep_key" "by the SDK, with $kid"
done <"$WORK/copies"

# and depfs opens what the SDK wrapped, with a version that is not the newest by then
for i in 0 1; do
	key=$K1
	[ "$i" = 0 ] || key=$K2
	fake rotate "$key" >/dev/null
	read -r kid copy < <(sdk wrap "$key" "$dep_key")
	fake rotate "$key" >/dev/null
	copies put "$i" "$kid" "$copy"
done
assert_ne "$(copies show)" "$(cat "$WORK/copies")" "copies in the store"
for host in "$V1" "$V2"; do # each alone
	depfs_mount
	fake fault "$host" '*' error unavailable
	assert_eq "$(cat "$MNT/mailbox/anna/1")" mail
	assert_eq "$(events availability-key-used)" ""
	fake lift
	depfs_umount
done
"$PYTHON" "$SDK_DIR/wire.py" "$WORK/sdk.jsonl" "$WORK/depfs.jsonl"

# that the SDK, too, refuses a challenge for another resource shows the fault to be one
fake fault "$V1" '*' challenge \
	"Bearer authorization=\"https://$LOGIN/$TENANT\", resource=\"https://other.example\""
fake forget
assert_fails_with "resource" sdk wrap "$K1" 00
assert_eq "$(fake calls act=token)" 0 "tokens asked for a foreign resource"
