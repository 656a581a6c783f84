#!/usr/bin/env bash
# policy/control: a policy is made, assigned and refreshed with mkdir and echo, and each step shows at once.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
C=$MNT/.depfs
cmdlet()
{
	depctl Get-M365DataAtRestEncryptionPolicy -Identity "EUR Policy"
}

assert_eq "$(cat "$C/assignment")" none
mkdir "$C/policies/EUR Policy"
assert_eq "$(status_of "EUR Policy" state)" draft
assert_match "$(cmdlet)" "State *: draft"

echo "$K1 $K2" >"$C/policies/EUR Policy/key_ids"
assert_eq "$(status_of "EUR Policy" state)" ready
assert_eq "$(status_of "EUR Policy" generation)" 1
assert_match "$(cmdlet)" "State *: ready"
assert_match "$(cmdlet)" "AzureKeyIDs *: \{$K1, $K2\}"
assert_match "$(cmdlet)" "Enabled *: True"
id=$(cat "$C/policies/EUR Policy/id")
assert_match "$id" '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'

echo 0 >"$C/policies/EUR Policy/enabled"
assert_eq "$(status_of "EUR Policy" state)" disabled
assert_match "$(cmdlet)" "Enabled *: False"
echo 1 >"$C/policies/EUR Policy/enabled"
assert_eq "$(cat "$C/policies/EUR Policy/enabled")" 1
echo "for Europe" >"$C/policies/EUR Policy/description"
assert_match "$(cmdlet)" "Description *: for Europe"

echo "eur policy" >"$C/assignment" # case-blind
assert_match "$(cat "$C/assignment")" "name: EUR Policy"
assert_match "$(cat "$C/assignment")" "id: $id"
assert_match "$(cat "$C/status")" "tenant policy: EUR Policy"
assert_match "$(depctl Get-M365DataAtRestEncryptionPolicyAssignment)" "Name *: EUR Policy"
assert_eq "$(status_of "EUR Policy" assigned)" yes
mkdir -p "$MNT/mailbox/anna"
echo before >"$MNT/mailbox/anna/1"
assert_eq "$(inspect mailbox/anna/1 "policy id")" "$id"

old=$(status_of "EUR Policy" "key 1 version")
vault rotate "$K1" >/dev/null
vault rotate "$K2" >/dev/null
assert_eq "$(status_of "EUR Policy" "key 1 version")" "$old" "version before the refresh"
echo 1 >"$C/policies/EUR Policy/refresh"
new=$(status_of "EUR Policy" "key 1 version")
assert_ne "$new" "$old" "version after the refresh"
assert_match "$(cat "$C/policies/EUR Policy/key_ids")" "$K1 $new"
assert_match "$(vault show "$K1")" "$new"
assert_eq "$(cat "$MNT/mailbox/anna/1")" before

mv "$C/policies/EUR Policy" "$C/policies/EU"
assert_match "$(cat "$C/assignment")" "name: EU"
echo none >"$C/assignment"
assert_eq "$(cat "$C/assignment")" none
mkdir "$C/policies/draft"
rmdir "$C/policies/draft"
assert_missing "$C/policies/draft"

depfs_remount # everything of it is durable
assert_eq "$(cat "$C/policies/EU/id")" "$id"
assert_eq "$(status_of EU "key 1 version")" "$new"
assert_eq "$(cat "$C/policies/EU/description")" "for Europe"
assert_eq "$(cat "$MNT/mailbox/anna/1")" before
for kind in policy-draft policy-keys assign-tenant; do
	assert_event $kind '"uid":0'
done
depctl events --verify >/dev/null
depfs_umount
