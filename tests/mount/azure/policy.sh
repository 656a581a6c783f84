#!/usr/bin/env bash
# azure/policy: root keys in two Azure vaults, one with access policies and one with roles: a key
# rotated there is taken by a refresh, and with the old versions disabled everything stays readable;
# without the refresh it would not.
# builds: release
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
fake vault "$V2" rbac=1
depfs_start_policies vault_timeout=3
policy_create Tenant
control assignment Tenant
mkdir -p "$MNT/mailbox/anna"
echo "wrapped before" >"$MNT/mailbox/anna/1"
old1=$(fake show "$K1") old2=$(fake show "$K2")
assert_eq "$(status_of Tenant "key 1 version")" "${old1##*/}"
fake rotate "$K1" >/dev/null
fake rotate "$K2" >/dev/null
echo "wrapped between" >"$MNT/mailbox/anna/2"

fake disable "$old1" # not refreshed yet: the recorded versions are these
fake disable "$old2"
depfs_remount vault_timeout=3
assert_fails_with EKEYREVOKED cat "$MNT/mailbox/anna/1"
fake enable "$old1"
fake enable "$old2"
control policies/Tenant/refresh 1
assert_eq "$(status_of Tenant "key 1 version")" "$(fake show "$K1" | sed 's,.*/,,')" "refreshed"
assert_eq "$(status_of Tenant "key 2 version")" "$(fake show "$K2" | sed 's,.*/,,')" "refreshed"
fake disable "$old1"
fake disable "$old2"
depfs_remount vault_timeout=3
for i in 1 2; do
	assert_match "$(cat "$MNT/mailbox/anna/$i")" "^wrapped"
done
echo "wrapped after" >"$MNT/mailbox/anna/3"
depfs_remount vault_timeout=3
assert_eq "$(cat "$MNT/mailbox/anna/3")" "wrapped after"
assert_eq "$(events availability-key-used)" ""

# warned EXPECTED COMMAND... - it is done, and its warnings are those sentences on standard error
warned()
{
	local expected=$1

	shift
	"$@" >"$WORK/out" 2>"$WORK/err" || fail "$*: $(cat "$WORK/err")"
	assert_match "$(cat "$WORK/err")" "^$expected\$" "$*"
	assert_eq "$(grep -c warning "$WORK/out" || true)" 0 "$* says it once"
}

# a newest version that "create" refuses is taken, since the older copies would be no better
expires='depctl: warning: key 2 expiry: the key expires on 2030-03-17 17:46 UTC: a root key must have no expiry date'
fake set "$K2" exp=1900000000
assert_fails_with "expires on" depctl policy create No "$K1" "$K2"
warned "$expires" depctl policy refresh Tenant
warned "$expires" depctl policy rotate Tenant
warned "$expires" depctl Set-M365DataAtRestEncryptionPolicy Tenant -Refresh
assert_match "$(cat "$MNT/.depfs/policies/Tenant/rotate")" "key 2 expiry: warning, the key expires on "
assert_match "$(depctl --json policy refresh Tenant 2>/dev/null)" '"key_2_expiry": "warning, the key expires on '
fake set "$K2" exp=0
warned "" depctl policy refresh Tenant

# one that can be purged is taken, unless by the option strict
fake vault "$V1" recovery_level=Recoverable+Purgeable
purgeable="depctl: warning: key 1 recovery level: purgeable"
warned "$purgeable" depctl policy create Lax "$K1" "$K2"
warned "$purgeable" depctl policy replace-keys Lax "$K1" "$K2"
warned "$purgeable" depctl New-M365DataAtRestEncryptionPolicy -Name Laxer -AzureKeyIDs "$K1,$K2"
assert_event policy-keys '"warnings":"key 1 recovery level: warning, purgeable"'
fake vault "$V1" recovery_level=Recoverable+ProtectedSubscription

# a version that is named must be there, and wraps take the newest
none=$K1/$(printf '%032d' 0)
assert_fails_with "named version: key $none: the vault has no such key or version" \
	depctl policy create No "$none" "$K2"
assert_fails_with "$old1: this version is disabled" depctl policy replace-keys Lax "$old1" "$K2"
fake enable "$old1"
depctl policy replace-keys Lax "$old1" "$K2" >/dev/null
assert_eq "$(status_of Lax "key 1 version")" "$(fake show "$K1" | sed 's,.*/,,')" "the newest wraps"
fake disable "$old1"
assert_match "$(depctl policy check Lax)" "key 1 named version: warning, this version is disabled"

# a key that expired opens what it wrapped, as Azure means it, but wraps no more
fake set "$K1" exp=1000000000
depfs_remount vault_timeout=3
assert_eq "$(cat "$MNT/mailbox/anna/1")" "wrapped before"
fake fault "$V2" '*' error unavailable
depfs_remount vault_timeout=3
assert_eq "$(cat "$MNT/mailbox/anna/1")" "wrapped before"
fake lift
assert_fails_with "" control policies/Tenant/refresh 1
assert_eq "$(events availability-key-used)" ""

# Managed HSM, a vault that IPv6 alone reaches, and a sovereign cloud
for key in https://h1.managedhsm.azure.net/keys/h https://v6.vault.azure.net/keys/six; do
	fake create "$key" type=RSA-HSM >/dev/null
done
depctl policy create Board https://h1.managedhsm.azure.net/keys/h \
	https://v6.vault.azure.net/keys/six --kind mailbox >/dev/null
control mailboxes/board/policy Board
mkdir -p "$MNT/mailbox/board"
echo board >"$MNT/mailbox/board/1"
depfs_umount

fake create https://v1.vault.test:8443/keys/own >/dev/null
depfs_mount
assert_fails_with "vault_domains" depctl policy create Own https://v1.vault.test:8443/keys/own "$K2"
depfs_remount vault_domains=vault.test
depctl policy create Own https://v1.vault.test:8443/keys/own "$K2" >/dev/null
assert_match "$(cat "$MNT/.depfs/policies/Own/key_ids")" "https://v1.vault.test:8443/keys/own"
assert_eq "$(cat "$MNT/mailbox/board/1")" board
depfs_umount
