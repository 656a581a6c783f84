#!/usr/bin/env bash
# depctl/mailbox-cmdlets: mailbox policies live their whole life by Customer Key's mailbox cmdlets, which take no other policies,
# and whose purge wants the policy's id and a denial by both vaults.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
. "$LIB/depctl.sh"
depfs_start_policies key_check=1
policy_create Tenant
mkdir -p "$MNT/mailbox/ann"
echo mail >"$MNT/mailbox/ann/1"

says "Name        : Board" depctl New-DataEncryptionPolicy -Name Board -AzureKeyIDs $K1,$K2 -Description top
assert_match "$(depctl policy show Board)" "kind: mailbox"
id=$(policy_id Board)
assert_eq "$(depctl Get-DataEncryptionPolicy | grep -c '^Identity')" 1 "mailbox policies"
says "Description : top" depctl get-dataencryptionpolicy -Id $id
refused 1 "Tenant is a multi-workload policy" depctl Get-DataEncryptionPolicy -Identity Tenant
refused 1 "Tenant is a multi-workload policy" depctl Set-DataEncryptionPolicy -Identity Tenant -Refresh
refused 1 "no policy 'Gone'" depctl Get-DataEncryptionPolicy -Identity Gone
depctl Set-DataEncryptionPolicy -Identity Board -Description "the board" -Name "The Board" >/dev/null
says "Description : the board" depctl Get-DataEncryptionPolicy "The Board"
depctl Set-DataEncryptionPolicy -Identity "The Board" -Refresh >/dev/null

says "What if: set the policy of mailbox 'ann' to The Board" \
	depctl Set-Mailbox ann -DataEncryptionPolicy "The Board" -WhatIf
assert_match "$(depctl mailbox show ann)" "source: service"
refused 1 "Tenant is a multi-workload policy" depctl Set-Mailbox ann -DataEncryptionPolicy Tenant
refused 2 "-DataEncryptionPolicy is missing" depctl Set-Mailbox ann
refused 2 "-Identity is missing" depctl Set-Mailbox -DataEncryptionPolicy $id
refused 1 "must not hold a '/'" depctl Set-Mailbox a/b -DataEncryptionPolicy $id
depctl Set-Mailbox -Identity ann -DataEncryptionPolicy "The Board" >/dev/null
assert_match "$(depctl mailbox show ann)" "policy: The Board"
depctl Set-Mailbox -Identity ann -DataEncryptionPolicy '$null' >/dev/null
assert_match "$(depctl mailbox show ann)" "source: service"
depctl Set-Mailbox -Identity ann -DataEncryptionPolicy $id >/dev/null
wait_until 20 grep -q mail "$MNT/mailbox/ann/1"

purge() { depctl Set-DataEncryptionPolicy -Identity "$1" -PermanentDataPurgeRequested "${@:2}"; }
refused 2 "need each other" purge $id
refused 2 "need each other" purge $id -PermanentDataPurgeReason leaving
refused 2 "-Name and a purge exclude" purge $id -PermanentDataPurgeReason leaving -PermanentDataPurgeContact ann -Name X
reason=(-PermanentDataPurgeReason leaving -PermanentDataPurgeContact "ann <ann@example.org>")
refused 1 "-Identity must be the policy's id, $id" purge "The Board" "${reason[@]}"
refused 1 "" purge $id "${reason[@]}" # the vaults still open it
assert_eq "$(cat "$MNT/mailbox/ann/1")" mail
says "What if: make all files under policy 'The Board' unreadable for ever" purge $id "${reason[@]}" -WhatIf
for key in "$K1" "$K2"; do
	vault deny "$key" unwrapKey >/dev/null
done
purge $id "${reason[@]}" >"$WORK/out"
assert_match "$(cat "$WORK/out")" "purged"
assert_fails_with EKEYREVOKED cat "$MNT/mailbox/ann/1"
depfs_umount
