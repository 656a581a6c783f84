#!/usr/bin/env bash
# policy/access: only root and the group of admin_gid see inside the control directory, whatever other users try.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
ADMIN=13888
depfs_start_policies "admin_gid=$ADMIN"
policy_create Tenant
as()
{
	setpriv --reuid 12555 --regid "$1" --clear-groups "${@:2}"
}
# a store is born with mode 0700, which keeps the group out too: depctl says which of the two it is
chmod 755 "$WORK"
refused_as() # GROUP WORDS
{
	! as "$1" "$BIN/depctl" -m "$MNT" status 2>"$WORK/message" || fail "group $1 sees it"
	assert_match "$(cat "$WORK/message")" "$2"
}
refused_as $ADMIN "its own mode keeps you out: chmod go\+x"
chmod 755 "$MNT"
as $ADMIN "$BIN/depctl" -m "$MNT" status >/dev/null
refused_as 12555 "only its owner and its admin group"
assert_fails_with EACCES as 12555 ls "$MNT/.depfs"
assert_fails_with EACCES as 12555 cat "$MNT/.depfs/status"
assert_fails_with EACCES as 12555 cat "$MNT/.depfs/policies/Tenant/status"
assert_fails_with EACCES as 12555 bash -c "echo Tenant >'$MNT/.depfs/assignment'"
assert_fails_with EACCES as 12555 mkdir "$MNT/.depfs/policies/mine"
assert_match "$(as $ADMIN cat "$MNT/.depfs/status")" "policies: 1"
assert_match "$(as $ADMIN ls "$MNT/.depfs/policies")" Tenant
assert_match "$(setpriv --reuid 12555 --regid 12555 --groups 5,$ADMIN cat "$MNT/.depfs/version")" format
assert_eq "$(stat -c '%a %u %g' "$MNT/.depfs")" "750 0 $ADMIN"
assert_eq "$(cat "$MNT/.depfs/assignment")" none
# an open descriptor that is handed to another user gives no rights
assert_fails_with EACCES bash -c "exec 3>'$MNT/.depfs/assignment'
	setpriv --reuid 12555 --regid 12555 --clear-groups bash -c 'echo Tenant >&3'"
assert_eq "$(cat "$MNT/.depfs/assignment")" none
as $ADMIN bash -c "echo Tenant >'$MNT/.depfs/assignment'"
assert_match "$(as $ADMIN cat "$MNT/.depfs/assignment")" "name: Tenant"
as $ADMIN mkdir "$MNT/.depfs/policies/made by the group"
assert_event assign-tenant "\"uid\":12555,\"gid\":$ADMIN"
depfs_umount
