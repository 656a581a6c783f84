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
