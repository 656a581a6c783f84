#!/usr/bin/env bash
# policy/revoked: denied on both root keys turns a mounted policy revoked: opens and cached pages are refused, others go on, and access comes back.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies key_check=1
policy_create Tenant
vault create "$(key_at v1 m1)" >/dev/null
vault create "$(key_at v2 m2)" >/dev/null
depctl policy create Board "$(key_at v1 m1)" "$(key_at v2 m2)" --kind mailbox >/dev/null
control assignment Tenant
mkdir -p "$MNT/mailbox/anna" "$MNT/mailbox/chief"
control mailboxes/chief/policy Board
head -c 50000 /dev/urandom >"$WORK/mail"
cp "$WORK/mail" "$MNT/mailbox/anna/1"
cp "$WORK/mail" "$MNT/mailbox/chief/1"
exec 5<>"$MNT/mailbox/anna/1" # open all the time
head -c 10 <&5 >/dev/null

vault disable "$K1" >/dev/null
vault disable "$K2" >/dev/null
state_is()
{
	[ "$(status_of Tenant state)" = "$1" ]
}
wait_until 30 state_is revoked || fail "state is $(status_of Tenant state), wanted revoked"
ctl_refused EKEYREVOKED "disabled" policies/Tenant/refresh 1
assert_event key-check '"outcome":"EKEYREVOKED"'
refuses()
{
	! cat "$MNT/mailbox/anna/1" >/dev/null 2>&1
}
wait_until 10 refuses || fail "still readable"
assert_fails_with EKEYREVOKED cat "$MNT/mailbox/anna/1"
assert_fails_with EKEYREVOKED cp "$WORK/mail" "$MNT/mailbox/anna/2"
assert_missing "$MNT/mailbox/anna/2"
assert_missing "$STORE/mailbox/anna/2"
! cat <&5 >/dev/null 2>&1 || fail "an open descriptor still reads"
! echo x >&5 2>/dev/null || fail "an open descriptor still writes"
assert_event policy-state '"state":"revoked"'
same_bytes "$WORK/mail" "$MNT/mailbox/chief/1"
cp "$WORK/mail" "$MNT/mailbox/chief/2"
ls -l "$MNT/mailbox/anna" >/dev/null # names and sizes need no key
assert_eq "$(stat -c %s "$MNT/mailbox/anna/1")" 50000

vault enable "$K1" >/dev/null
vault enable "$K2" >/dev/null
readable()
{
	cmp -s "$WORK/mail" "$MNT/mailbox/anna/1"
}
wait_until 30 readable || fail "not readable again"
exec 5<&-
wait_until 10 state_is ready || fail "state is $(status_of Tenant state), wanted ready"
depfs_umount
