#!/usr/bin/env bash
# policy/one-vault-down: with one vault down only status shows it, through remounts, writes and a refresh that is refused.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies key_check=1
policy_create Tenant
control assignment Tenant
mkdir -p "$MNT/mailbox/anna"
echo one >"$MNT/mailbox/anna/1"
vault fault "$K2" transient >/dev/null
for i in 1 2 3 4; do
	depfs_remount key_check=1
	assert_eq "$(cat "$MNT/mailbox/anna/1")" one
	echo "n$i" >"$MNT/mailbox/anna/new$i"
done
state_is()
{
	[ "$(status_of Tenant state)" = "$1" ]
}
wait_until 20 state_is degraded || fail "state is $(status_of Tenant state), wanted degraded"
assert_match "$(cat "$MNT/.depfs/status")" "root keys failing: 1"
assert_match "$(cat "$MNT/.depfs/status")" "$K2"
assert_match "$(depctl Get-M365DataAtRestEncryptionPolicy)" "State *: degraded"
assert_eq "$(events availability-key-used)" ""
for i in 1 2 3 4; do
	assert_eq "$(cat "$MNT/mailbox/anna/new$i")" "n$i"
done
vault fault "$K2" none >/dev/null
wait_until 20 state_is ready || fail "state is $(status_of Tenant state), wanted ready"
depfs_umount
