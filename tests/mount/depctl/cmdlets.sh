#!/usr/bin/env bash
# depctl/cmdlets: what is typed for Customer Key works as it is typed there: names in any case,
# shortened, with blanks, -Name value and -Name:value; an unknown identity is never all policies.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
. "$LIB/depctl.sh"
depfs_start_policies
new=New-M365DataAtRestEncryptionPolicy
set=Set-M365DataAtRestEncryptionPolicy
get=Get-M365DataAtRestEncryptionPolicy
vault create "$(key_at v1 a)" >/dev/null
vault create "$(key_at v2 b)" >/dev/null

# New-: the object that was made, in Microsoft's property names
out=$(depctl $new -Name "NAM Policy" -AzureKeyIDs $K1,$K2 -Description "North America")
assert_eq "$out" "Identity    : $(policy_id "NAM Policy")
Name        : NAM Policy
Description : North America
Enabled     : True
AzureKeyIDs : {$K1, $K2}
State       : ready
Progress    : Unregistered" "object"
says "Name        : B" depctl new-m365DATAATRESTencryptionpolicy -NAME B -azurekeyids $K1, $K2
says "Name        : C" depctl $new -Name:C -Azure:$K1,$K2 -Desc:"x y"
says "Description : x y" depctl $get C
says "Enabled     : False" depctl $new -Name D -AzureKeyIDs "@(\"$K1\",\"$K2\")" -Enabled '$false'
says "Enabled     : True" depctl $new -Name E -AzureKeyIDs "@('$K1'," "'$K2')" -Enabled:'$TRUE'
says "AzureKeyIDs : {$K1, $K2}" depctl $new F -AzureKeyIDs $K1 , $K2
says "Name        : G H" depctl $new -Name "G H" -AzureKeyIDs "$K1 , $K2" -Enabled true
says "State       : disabled" depctl $get d

before=$(policies)
says_line "What if: create policy 'X' with the keys $K1 and $K2" \
	depctl $new -Name X -AzureKeyIDs $K1,$K2 -WhatIf
refused 1 "there is a policy named 'nam policy' already" depctl $new -Name "nam policy" -AzureKeyIDs $K1,$K2
refused 1 "both keys are in vault v1" depctl $new -Name X -AzureKeyIDs $K1,"$(key_at v1 a)"
refused 1 "no confirmation can be asked for" depctl $new -Name X -AzureKeyIDs $K1,$K2 -Confirm
refused 2 "two key ids are needed, 1 given" depctl $new -Name X -AzureKeyIDs $K1
refused 2 "two key ids are needed, 3 given" depctl $new -Name X -AzureKeyIDs $K1,$K2,$K1
refused 2 "two key ids are needed, 12 given" depctl $new -Name X -AzureKeyIDs a,b,c,d,e,f,g,h,i,j,k,l
refused 2 "two key ids are needed, 0 given" depctl $new -Name X
refused 2 "-Name is missing" depctl $new -AzureKeyIDs $K1,$K2
refused 2 "-Name: given twice" depctl $new -Name X -Name Y -AzureKeyIDs $K1,$K2
refused 2 "no parameter is named 'Bogus'" depctl $new -Name X -AzureKeyIDs $K1,$K2 -Bogus
refused 2 "-Name: a value is missing" depctl $new -Name -AzureKeyIDs $K1,$K2
refused 2 "belongs to no parameter" depctl $new -Name X -AzureKeyIDs $K1 $K2
refused 2 "quote them" depctl $new -Name X -AzureKeyIDs $K1,$K2 -Enabled # a shell took $false
refused 2 "quote them" depctl $new -Name X -AzureKeyIDs $K1,$K2 -Confirm:
refused 2 "quote them" depctl $new -Name X -AzureKeyIDs $K1,$K2 -Enabled maybe
assert_eq "$(policies)" "$before" "policies after refusals"

# Set-
vault rotate $K1 >/dev/null
says "policy NAM Policy refreshed" depctl $set -Identity "NAM Policy" -Refresh
says "policy NAM Policy refreshed" depctl $set "nam policy" -ref
says "What if: set -Enabled, -Name of policy 'NAM Policy'" \
	depctl $set -Identity "$(policy_id "NAM Policy")" -Name Other -Enabled '$false' -WhatIf
says "Name        : NAM Policy" depctl $get "NAM Policy"
out=$(depctl $set -Identity "NAM Policy" -Name "Nordamerika" -Description "neu" -Enabled:\$false)
assert_eq "$out" "policy NAM Policy is disabled
policy NAM Policy described
policy NAM Policy is now named Nordamerika" "what was done"
says "Enabled     : False" depctl $get Nordamerika
says "policy Nordamerika is enabled" depctl $set $'\u2013Identity' Nordamerika $'\u2013Enabled' '$true'
says "policy Nordamerika" depctl $set -Identity Nordamerika -Replace -AzureKeyIDs "$(key_at v1 a),$(key_at v2 b)"
says "AzureKeyIDs : {$(key_at v1 a), $(key_at v2 b)}" depctl $get Nordamerika
says "policy Nordamerika described" depctl $set Nordamerika -Description:"" -Confirm:'$false'
refused 2 "parameter 'Re' is ambiguous" depctl $set -Identity B -Re
refused 2 "need each other" depctl $set -Identity B -Replace
refused 2 "need each other" depctl $set -Identity B -AzureKeyIDs $K1,$K2
refused 2 "exclude each other" depctl $set -Identity B -Refresh -Replace -AzureKeyIDs $K1,$K2
refused 2 "-Identity is missing" depctl $set -Refresh
refused 2 "nothing is named" depctl $set -Identity B
refused 1 "there is no policy 'nope'" depctl $set -Identity nope -Refresh
refused 1 "already" depctl $set -Identity B -Name c

# Get-: all, one, or an error
assert_eq "$(depctl $get | grep -c '^Identity    : ')" 7 "objects"
assert_eq "$(depctl $get | grep -c '^$')" 6 "blank lines between objects"
refused 1 "there is no policy 'nope'" depctl $get -Identity nope
refused 1 "must not be empty" depctl $get -Identity ''
refused 2 "-Identity: a value is missing" depctl $get -Identity
json_holds "len(j) == 7 and j[0]['Name'] == 'B' and j[0]['AzureKeyIDs'] == ['$K1', '$K2']" \
	depctl $get --json
json_holds "j['Name'] == 'D' and j['Enabled'] is False and j['State'] == 'disabled'" \
	depctl $get d --json
json_holds "j['Done'] == ['policy D is enabled'] and j['Enabled'] is True" \
	depctl $set D -Enabled 1 --json

# the assignment
assert_eq "$(depctl ${get}Assignment 2>/dev/null)" "" "no assignment"
json_holds "j is None" depctl ${get}Assignment --json
says "What if: assign policy 'B' to the tenant" depctl ${set}Assignment -DataEncryptionPolicy b -WhatIf
assert_eq "$(depctl assignment)" none "assignment after -WhatIf"
says "policy B is assigned to the tenant; job" depctl ${set}Assignment -DataEncryptionPolicy b
says "Name        : B" depctl ${get}Assignment
json_holds "j['Name'] == 'B'" depctl ${get}Assignment --json
says "policy C is assigned" depctl ${set}Assignment -data "$(policy_id C)"
refused 1 "assigned" depctl $set C -Enabled '$false'
refused 1 "there is no policy 'nope'" depctl ${set}Assignment -DataEncryptionPolicy nope
refused 2 "use depctl unassign" depctl ${set}Assignment -DataEncryptionPolicy '$null'
refused 2 "-DataEncryptionPolicy is missing" depctl ${set}Assignment
refused 2 "belongs to no parameter" depctl ${get}Assignment C

# progress, in Customer Key's words
progress_is() # POLICY WORDS
{
	[ "$(depctl $get "$1" | sed -n 's/^Progress    : //p')" = "$2" ]
}
shows() # POLICY WORDS - soon
{
	wait_until 20 progress_is "$1" "$2" || fail "$1: wanted '$2': $(depctl $get "$1")"
}
shows C Registered
shows B Unregistered # C took its place
mkdir -p "$MNT/mailbox/anna"
for i in 1 2 3 4; do
	echo "$i" >"$MNT/mailbox/anna/$i"
done
sync -f "$MNT"
depfs_remount job_rate=1
depctl ${set}Assignment -DataEncryptionPolicy B >/dev/null
shows B "Registering (50%)"
says "Progress    : Registering (" depctl ${get}Assignment
job=$(newest_job)
depctl job pause "$job" >/dev/null
wait_until 10 job_state_is "$job" paused || fail "not paused"
assert_match "$(depctl $get B)" "Progress    : Registering \((50|75)%\), paused"
json_holds "[p['Progress'].endswith('%), paused') for p in j if p['Name'] == 'B'] == [True]" depctl $get --json
depctl job resume "$job" >/dev/null
depctl job rate "$job" 0 >/dev/null
shows B Registered
depctl policy rotate B >/dev/null
shows B "Rolling (50%)"
depctl job rate "$(newest_job)" 0 >/dev/null
shows B Registered
printf X | dd of="$STORE/mailbox/anna/1" bs=1 conv=notrunc status=none # no header any more
depctl unassign >/dev/null
shows B "Unregistering (50%)"
depctl job rate "$(newest_job)" 0 >/dev/null
shows B "Unregistering (75%), 1 failed"
rm "$MNT/mailbox/anna/1"
depctl job retry "$(newest_job)" >/dev/null
shows B Unregistered
