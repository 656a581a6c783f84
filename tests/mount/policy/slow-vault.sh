#!/usr/bin/env bash
# policy/slow-vault: a control write that waits for a slow vault holds up no program that uses files.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
policy_create Tenant
control assignment Tenant
mkdir -p "$MNT/mailbox/anna" "$MNT/chat"
echo warm >"$MNT/mailbox/anna/0"
mkdir "$MNT/.depfs/policies/Slow"
vault create "$(key_at v1 s1)" >/dev/null
vault fault "$(key_at v1 s1)" slow 4000 >/dev/null
background control policies/Slow/key_ids "$(key_at v1 s1) $K2"
writer=$!
sleep 0.3
for i in {1..30}; do
	echo "mail $i" >"$MNT/mailbox/anna/$i"
	cat "$MNT/mailbox/anna/$i" >"$WORK/got"
	mv "$MNT/mailbox/anna/$i" "$MNT/chat/$i"
done
cat "$MNT/.depfs/status" "$MNT/.depfs/policies/Tenant/status" >/dev/null
! gone $writer || fail "the slow write ended before thirty files were written"
assert_eq "$(status_of Slow state)" draft
vault fault "$(key_at v1 s1)" none >/dev/null # the call under way takes its time, those after it do not
wait $writer
assert_eq "$(status_of Slow state)" ready
assert_eq "$(cat "$MNT/chat/30")" "mail 30"
depfs_umount
