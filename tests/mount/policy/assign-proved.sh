#!/usr/bin/env bash
# policy/assign-proved: a policy is assigned only after both its root keys have opened its key; a refusal has the vault's errno and leaves the one before in force, and force assigns all the same.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies key_check=1
set_assignment=Set-M365DataAtRestEncryptionPolicyAssignment
policy_create Good
vault create "$(key_at v1 a)" >/dev/null
vault create "$(key_at v2 b)" >/dev/null
depctl policy create Bad "$(key_at v1 a)" "$(key_at v2 b)" >/dev/null
depctl policy create --kind mailbox Box "$(key_at v1 a)" "$(key_at v2 b)" >/dev/null
control assignment Good
mkdir -p "$MNT/mailbox/m"
echo mail >"$MNT/mailbox/m/1"

checked() { depctl policy check "$1" >/dev/null 2>&1; }
refuses_all() # ERRNO SENTENCE
{
	refused 1 "$2" depctl assign Bad
	refused 1 "$2" depctl $set_assignment -DataEncryptionPolicy Bad
	refused 1 "$2" depctl mailbox assign m Box
	ctl_refused "$1" "policy \"Bad\" is not assigned.*$2" assignment Bad
	ctl_refused "$1" "policy \"Box\" is not assigned.*$2" mailboxes/m/policy Box
	assert_match "$(cat "$MNT/.depfs/assignment")" "name: Good"
	echo mail >>"$MNT/mailbox/m/1"
}

vault disable "$(key_at v1 a)" >/dev/null
refuses_all EKEYREVOKED "key 1 "
vault disable "$(key_at v2 b)" >/dev/null
refuses_all EKEYREVOKED "key 2 "
sleep 2 # a denial would have taken effect
cat "$MNT/mailbox/m/1" >/dev/null
vault enable "$(key_at v1 a)" >/dev/null
vault enable "$(key_at v2 b)" >/dev/null

vault deny "$(key_at v2 b)" >/dev/null
refuses_all EACCES "key 2 "
vault allow "$(key_at v2 b)" >/dev/null

# an outage: try again, or force
vault fault "$(key_at v1 a)" transient >/dev/null
refused 1 "key 1 " depctl assign Bad
says "policy Bad is assigned to the tenant; job" depctl assign Bad --force
depctl assign --force Good >/dev/null
says "policy Bad is assigned to the tenant; job" depctl $set_assignment Bad -Force
depctl assign --force Good >/dev/null
control assignment "Bad force"
assert_match "$(cat "$MNT/.depfs/assignment")" "name: Bad"
assert_event assign-tenant '"forced":"yes"'
control assignment "Good force"
says "is assigned policy Box; job" depctl mailbox assign --force m Box
depctl mailbox unassign m >/dev/null
control mailboxes/m/policy "box   force"
assert_match "$(cat "$MNT/.depfs/mailboxes/m/policy")" "policy: Box"
# one that is assigned there already changes nothing, and nothing is asked
depctl mailbox assign m Box >/dev/null

# a name that ends in the word is a name
vault fault "$(key_at v1 a)" none >/dev/null
wait_until 60 checked Good # the circuit of the vault closes again
policy_create "Good force"
control assignment "Good force"
assert_match "$(cat "$MNT/.depfs/assignment")" "name: Good force"
