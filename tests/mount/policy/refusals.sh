#!/usr/bin/env bash
# policy/refusals: every refusal of an act on a policy has the errno of depfs-control(5) and one sentence, and changes nothing.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
P=policies
vault create "$(key_at v1 other)" >/dev/null
vault create "$(key_at v3 k3)" >/dev/null
vault create "$(key_at v1 old)" --expires 2027-01-01 >/dev/null
vault create "$(key_at v1 curve)" --type ec >/dev/null
vault create "$(key_at v1 half)" --ops wrapKey >/dev/null
vault create "$(key_at v1 forever)" --expires 9999-12-31 >/dev/null

policy_create One
assert_fails_with EEXIST mkdir "$MNT/.depfs/policies/one"
assert_fails_with ENAMETOOLONG mkdir "$MNT/.depfs/policies/$(printf 'n%.0s' {1..65})"
for name in " lead" "trail " $'ctl\001x' 6f9619ff-8b86-d011-b42d-00cf4fc964ff none; do
	assert_fails_with EINVAL mkdir "$MNT/.depfs/policies/$name"
done
assert_eq "$(ls "$MNT/.depfs/policies")" One "policies after refusals"

D=$P/Draft
mkdir "$MNT/.depfs/$D"
ctl_refused EINVAL "two" $D/key_ids "$K1"
ctl_refused EINVAL "two" $D/key_ids "$K1 $K2 $(key_at v3 k3)"
# bash writes a line at a time: the message is why the first was refused, not that the rest is blank.
! printf '%s\n%s\n' "$K1" "$K2" 2>"$WORK/why" >"$MNT/.depfs/$D/key_ids" || fail "two writes were one"
assert_match "$(cat "$MNT/.depfs/$D/last_error")" "why: key_ids: write two key ids in one write.*bash"
ctl_refused EINVAL "not a comma" $D/key_ids "$K1,$K2"
ctl_refused EINVAL "vault v1" $D/key_ids "$K1 $(key_at v1 other)"
ctl_refused EINVAL "vault v1" $D/key_ids "$K1 $K1"
ctl_refused EINVAL "key id" $D/key_ids "$K1 ftp://v2/keys/k2"
ctl_refused ENOKEY "gone" $D/key_ids "$K1 $(key_at v2 gone)"
ctl_refused EINVAL "expir" $D/key_ids "$(key_at v1 old) $K2"
ctl_refused EINVAL "RSA" $D/key_ids "$(key_at v1 curve) $K2"
ctl_refused EINVAL "unwrapKey" $D/key_ids "$(key_at v1 half) $K2"
for op in get wrapKey unwrapKey; do
	vault deny "$K2" $op >/dev/null
	ctl_refused EACCES "$K2" $D/key_ids "$K1 $K2"
	vault allow "$K2" >/dev/null
done
vault disable "$K2" >/dev/null
ctl_refused EKEYREVOKED "disabled" $D/key_ids "$K1 $K2"
vault enable "$K2" >/dev/null
vault fault "$K2" transient >/dev/null
assert_fails_with "" control $D/key_ids "$K1 $K2"
assert_match "$(cat "$MNT/.depfs/$D/last_error")" "errno: (EAGAIN|ETIMEDOUT)"
vault fault "$K2" none >/dev/null
assert_eq "$(cat "$MNT/.depfs/$D/key_ids")" none "keys of the draft after refusals"
assert_eq "$(status_of Draft state)" draft

ctl_refused EINVAL "draft" assignment Draft
ctl_refused EINVAL "kind" $D/kind tenant
control $D/kind mailbox
control $D/key_ids "$(key_at v1 forever) $K2"
ctl_refused EBUSY "kind" $D/kind multi-workload
ctl_refused EINVAL "mailbox" assignment Draft
ctl_refused EINVAL "multi-workload" mailboxes/anna/policy One
ctl_refused ENOENT "there is no policy" assignment Missing
ctl_refused ENOENT "there is no policy" mailboxes/anna/policy Missing
ctl_refused EINVAL "." assignment ""
ctl_refused EINVAL "0.*1|1.*0" $P/One/enabled 2
ctl_refused EINVAL "1" $P/One/refresh 2
ctl_refused EINVAL "1" $P/One/check yes
assert_fails_with EEXIST mv -T "$MNT/.depfs/$P/One" "$MNT/.depfs/$P/Draft"

control assignment One
assert_fails_with EBUSY rmdir "$MNT/.depfs/$P/One"
ctl_refused EBUSY "assigned to the tenant" $P/One/remove force
ctl_refused EBUSY "assigned" $P/One/enabled 0
control mailboxes/anna/policy Draft
ctl_refused EBUSY "assigned" $P/Draft/enabled 0
control mailboxes/anna/policy none
control $P/Draft/enabled 0
ctl_refused EINVAL "disabled" mailboxes/anna/policy Draft
control assignment none
control $P/One/enabled 0
ctl_refused EINVAL "disabled" assignment One
assert_eq "$(cat "$MNT/.depfs/assignment")" none

control $P/One/enabled 1 # a refresh and a replacement that fail leave the old copies
before=$(cat "$MNT/.depfs/$P/One/key_ids")
vault rotate "$K1" >/dev/null
vault fault "$K2" transient >/dev/null
assert_fails_with "" control $P/One/refresh 1
vault fault "$K2" none >/dev/null
vault deny "$K2" wrapKey >/dev/null
ctl_refused EACCES "$K2" $P/One/refresh 1
vault allow "$K2" >/dev/null
ctl_refused ENOKEY "gone" $P/One/key_ids "$K1 $(key_at v2 gone)"
assert_eq "$(cat "$MNT/.depfs/$P/One/key_ids")" "$before" "key versions after failed refreshes"
control $P/One/check 1
assert_eq "$(cat "$MNT/.depfs/$P/One/key_ids")" "$before" "a check changes nothing"

assert_match "$(wc -l <"$MNT/.depfs/error_log")" '^[2-9][0-9]$' "lines of error_log"
assert_eq "$(grep -c $'\t' "$MNT/.depfs/error_log")" "$(wc -l <"$MNT/.depfs/error_log")"
assert_event assign-tenant '"outcome":"EINVAL"'
for path in status version README; do
	assert_fails_with EACCES setpriv --reuid 0 --bounding-set=-all --inh-caps=-all \
		bash -c "echo x >'$MNT/.depfs/$path'"
done
assert_fails_with EPERM touch "$MNT/.depfs/new"
assert_fails_with EPERM rm "$MNT/.depfs/status"
assert_fails_with EPERM chmod 777 "$MNT/.depfs/status"
assert_fails_with EPERM mkdir "$MNT/.depfs/folder"
depfs_umount
