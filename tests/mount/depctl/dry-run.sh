#!/usr/bin/env bash
# depctl/dry-run: --dry-run, -WhatIf and "dry-run" in front of a control file's command are refused where the act would be, by the same errno, and change nothing where it would pass.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies
new=New-M365DataAtRestEncryptionPolicy
set=Set-M365DataAtRestEncryptionPolicy
policy_create Taken
policy_create Off
depctl policy disable Off >/dev/null
depctl policy create --kind mailbox Box $K1 $K2 >/dev/null
control assignment Taken
same_vault=$(key_at v1 other)
vault create "$same_vault" >/dev/null

# what was asked may show in the state, as after a check
listed()
{
	policies | sed -E "s/ +/ /g; s/degraded/ready/"
}

nothing_changed()
{
	assert_eq "$(listed)" "$before" "policies after '$*'"
	assert_eq "$(depctl job list)" "$jobs" "jobs after '$*'"
	assert_eq "$(depctl assignment)" "$assignment" "assignment after '$*'"
	assert_eq "$(depctl mailbox list)" "$mailboxes" "mailboxes after '$*'"
	assert_eq "$(cat "$MNT"/.depfs/policies/*/key_ids)" "$keys" "keys after '$*'"
}
before=$(listed)
job_over() { [ "$(sed -n 's/^state: //p' "$MNT/.depfs/jobs/1/status")" = done ]; }
wait_until 20 job_over
jobs=$(depctl job list)
assignment=$(depctl assignment)
mailboxes=$(depctl mailbox list)
keys=$(cat "$MNT"/.depfs/policies/*/key_ids)

no() # SENTENCE COMMAND...
{
	refused 1 "$@"
	nothing_changed "${@:2}"
}
yes() # COMMAND...
{
	says "nothing is changed; no check refuses it" "$@"
	nothing_changed "$@"
}
what_if() # COMMAND...
{
	says "What if: " "$@"
	nothing_changed "$@"
}

no "there is a policy \"Taken\" already" depctl $new -Name taken -AzureKeyIDs $K1,$K2 -WhatIf
no "there is a policy \"Taken\" already" depctl policy create --dry-run taken $K1 $K2
no "key 2 \"nonsense\"" depctl $new -Name X -AzureKeyIDs $K1,nonsense -WhatIf
no "both keys are in vault v1" depctl policy create X $K1 "$same_vault" --dry-run
no "shaped like an id" depctl policy create 12345678-1234-1234-1234-123456789abc $K1 $K2 --dry-run
no "$(key_at v1 missing)" depctl policy create X "$(key_at v1 missing)" $K2 --dry-run
yes depctl policy create X $K1 $K2 --kind mailbox --description "a name= in it" --dry-run
what_if depctl $new -Name X -AzureKeyIDs $K1,$K2 -WhatIf

depctl policy disable Box >/dev/null
before=$(listed)
no "is disabled" depctl Set-Mailbox -Identity m -DataEncryptionPolicy Box -WhatIf
depctl policy enable Box >/dev/null
before=$(listed)
what_if depctl Set-Mailbox -Identity m -DataEncryptionPolicy Box -WhatIf
no "there is a policy \"Box\" already" depctl New-DataEncryptionPolicy -Name box -AzureKeyIDs $K1,$K2 -WhatIf
no "is disabled" depctl assign --dry-run Off
no "is disabled" depctl ${set}Assignment -DataEncryptionPolicy Off -WhatIf
no "kind mailbox" depctl assign --dry-run Box
no "kind multi-workload" depctl mailbox assign --dry-run m Taken
yes depctl assign --dry-run Taken
yes depctl mailbox assign --dry-run m Box

no "is assigned" depctl policy disable Taken --dry-run
no "is assigned" depctl $set Taken -Enabled '$false' -WhatIf
no "there is a policy \"Box\" already" depctl $set Taken -Name box -WhatIf
no "both keys are in vault v1" depctl $set Taken -Replace -AzureKeyIDs $K1,"$same_vault" -WhatIf
yes depctl policy enable Off --dry-run
yes depctl policy refresh Taken --dry-run
yes depctl policy rotate Taken --dry-run
vault rotate $K1 >/dev/null
what_if depctl $set Taken -Refresh -Name Other -Description text -WhatIf

# a denied key: by the vault's errno
vault deny "$K2" >/dev/null
no "keeps its old copies: key 2" depctl policy refresh Off --dry-run
no "is not assigned" depctl mailbox assign --dry-run m Box
yes depctl mailbox assign --dry-run --force m Box
ctl_refused EACCES "is not assigned" mailboxes/m/policy "dry-run Box"
ctl_refused EEXIST "already" create "dry-run name=Box keys=$K1 $K2"
assert_event assign-mailbox '"dry_run":"yes"'
vault allow "$K2" >/dev/null

# the same words without dry-run do it
control create "name=Made by one write keys=$K1 $K2 description=as it is"
assert_eq "$(cat "$MNT/.depfs/policies/Made by one write/description")" "as it is"
control "policies/Made by one write/name" "Renamed"
assert_eq "$(cat "$MNT/.depfs/policies/Renamed/name")" Renamed
ctl_refused EINVAL "keys=" create "name=Y"
ctl_refused EINVAL "kind=" create "name=Y keys=$K1 $K2 kind=none"
