#!/usr/bin/env bash
# depctl/refusals: each refusal of a policy's acts has exit status 1 and the daemon's sentence, leaves
# things as they were, and a create that fails leaves no draft.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies
policy_create "NAM Policy"
policy_create Board --kind mailbox
before=$(policies)
absent="no key of that name" disabled="the key is disabled" # as each kind of vault says it
if [ "$VAULTS_KIND" = azure ]; then
	absent="no such key or version" disabled="the key or its version is disabled"
fi

refused 1 "there is a policy named 'nam policy' already" depctl policy create "nam policy" $K1 $K2
refused 1 "both keys are in vault v1" depctl policy create X $K1 "$(key_at v1 k2)"
refused 1 "$absent" depctl policy create X $K1 "$(key_at v2 none)"
refused 1 "key id" depctl policy create X $K1 nonsense
refused 1 "no blanks" depctl policy create X "$K1 $K2" $K2
refused 1 "a key id is empty" depctl policy create X $K1 ""
refused 1 "blank" depctl policy create " X" $K1 $K2
refused 1 "control characters" depctl policy create $'X\nY' $K1 $K2
refused 1 "must not hold a '/'" depctl policy create X/Y $K1 $K2
refused 1 "must not hold a '/'" depctl policy create ../policies/X $K1 $K2
refused 1 "must not be empty" depctl policy create "" $K1 $K2
refused 1 "too long" depctl policy create "$(printf '%0300d' 0)" $K1 $K2
refused 1 "at most 64 bytes" depctl policy create "$(printf '%065d' 0)" $K1 $K2
refused 1 "shaped like an id" depctl policy create 2f1c9a0e-6f4b-4a53-9f27-2b9a7d1c0e55 $K1 $K2
refused 1 "description" depctl policy create X $K1 $K2 --description "$(printf '%02000d' 0)"
vault create "$(key_at v1 old)" --expires 2027-01-01 >/dev/null
refused 1 "expir" depctl policy create X "$(key_at v1 old)" $K2
vault create "$(key_at v1 curve)" --type ec >/dev/null
refused 1 "RSA" depctl policy create X "$(key_at v1 curve)" $K2
vault create "$(key_at v1 half)" --ops wrapKey >/dev/null
refused 1 "unwrapKey" depctl policy create X "$(key_at v1 half)" $K2
vault deny $K2 wrapKey >/dev/null
refused 1 "key 2" depctl policy create X $K1 $K2
vault allow $K2 >/dev/null
vault fault "$(vault_at v2)" transient >/dev/null
refused 1 "key 2" depctl policy create X $K1 $K2
vault fault "$(vault_at v2)" none >/dev/null

for act in show enable disable refresh check; do
	refused 1 "there is no policy 'nope'" depctl policy $act nope
	refused 1 "there is no policy '2f1c9a0e-6f4b-4a53-9f27-2b9a7d1c0e55'" \
		depctl policy $act 2f1c9a0e-6f4b-4a53-9f27-2b9a7d1c0e55
done
refused 1 "there is no policy 'nope'" depctl policy rename nope X
refused 1 "there is no policy 'nope'" depctl policy describe nope X
refused 1 "there is no policy 'nope'" depctl policy replace-keys nope $K1 $K2
refused 1 "there is no policy 'nope'" depctl assign nope
refused 1 "there is no policy 'nam polciy'; did you mean 'NAM Policy'?" depctl assign "nam polciy"
refused 1 "there is no policy 'nope'" depctl mailbox assign u1 nope
refused 1 "there is no policy 'none'" depctl assign none # only unassign may unassign
refused 1 "must not be '..'" depctl policy show ..

refused 1 "already" depctl policy rename Board "nam POLICY"
refused 1 "must not hold a '/'" depctl policy rename Board a/b
refused 1 "kind mailbox" depctl assign Board
refused 1 "kind multi-workload" depctl mailbox assign u1 "NAM Policy"
refused 1 "both keys are in vault v1" depctl policy replace-keys Board $K1 "$(key_at v1 k2)"
assert_eq "$(policies)" "$before" "policies after refusals"

depctl assign "NAM Policy" >/dev/null
refused 1 "assigned" depctl policy disable "NAM Policy"
depctl mailbox assign u1 Board >/dev/null
refused 1 "assigned" depctl policy disable Board
depctl unassign >/dev/null
depctl policy disable "NAM Policy" >/dev/null
refused 1 "disabled" depctl assign "NAM Policy"

# a draft that another administrator left: named as such, with how to go on
mkdir "$MNT/.depfs/policies/Half"
refused 1 "there is a draft named 'Half' already" depctl policy create half $K1 $K2
refused 1 "draft" depctl policy replace-keys Half $K1 $K2
refused 1 "draft" depctl assign Half
rmdir "$MNT/.depfs/policies/Half"

# the findings of a check are printed one by one, and the sentence names the first
vault disable $K2 >/dev/null
r=0
depctl policy check Board >"$WORK/out" 2>"$WORK/err" || r=$?
assert_eq $r 1 "exit status of a check that fails"
assert_match "$(cat "$WORK/err")" "^depctl: .*the key is disabled"
assert_match "$(cat "$WORK/out")" "key 1 wrap: ok"
r=0
depctl policy refresh Board 2>"$WORK/err" || r=$?
assert_eq $r 1 "exit status of a refresh that fails"
assert_match "$(cat "$WORK/err")" "^depctl: .*$disabled"
