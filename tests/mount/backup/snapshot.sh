#!/usr/bin/env bash
# backup/snapshot: a store whose state/ is missing, as in a plain copy of a live one, opens from state.snapshot.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
policy_create Tenant
control assignment Tenant
mkdir -p "$MNT/mailbox/anna"
echo "the mail" >"$MNT/mailbox/anna/1"
sync -f "$MNT"
cp -a "$STORE" "$WORK/live" # while it is mounted
vault rotate "$K1" >/dev/null
control policies/Tenant/refresh 1
cp -a "$STORE" "$WORK/live2" # the snapshot is never older than what was acknowledged
id=$(policy_id Tenant)
version=$(status_of Tenant "key 1 version")
policy_create Late
depfs_umount
for copy in live live2; do
	STORE=$WORK/$copy
	rm -rf "$STORE/.depfs/state" "$STORE/.depfs/lock"
	depfs_mount
	assert_eq "$(cat "$MNT/mailbox/anna/1")" "the mail"
	assert_eq "$(policy_id Tenant)" "$id"
	assert_event state-rebuilt ok
	assert_match "$(cat "$MNT/.depfs/assignment")" "name: Tenant"
	echo more >"$MNT/mailbox/anna/2"
	assert_eq "$(inspect mailbox/anna/2 "policy id")" "$id"
	depfs_umount
	depfs_mount # and is an ordinary store from then on
	assert_eq "$(cat "$MNT/mailbox/anna/2")" more
	assert_eq "$(events state-rebuilt | wc -l)" 1 "events of a rebuilt state"
	[ $copy = live ] || assert_eq "$(status_of Tenant "key 1 version")" "$version"
	depfs_umount
done
