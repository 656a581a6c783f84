#!/usr/bin/env bash
# policy/workloads: chat and EDM keep the old wrap until they are written, new data and mailbox writes carry the new one, and a mailbox with its own policy is untouched.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
policy_create Tenant
policy_create Board --kind mailbox
tenant=$(policy_id Tenant) board=$(policy_id Board)
service=00000000-0000-0000-0000-000000000000
mkdir -p "$MNT"/mailbox/{anna,chief} "$MNT"/{chat,edm,signals,planner}
control mailboxes/chief/policy Board
areas="mailbox/anna mailbox/chief chat edm signals planner"
for area in $areas; do
	for name in old written appended cut stays; do
		head -c 9000 /dev/urandom >"$MNT/$area/$name"
	done
	cp -r "$MNT/$area" "$WORK/${area//\//-}"
done

# wrap_is FILE ID - under whose key it is, by its header
wrap_is()
{
	assert_match "$(inspect "$1" "policy id")" "^$2" "policy of $1"
}

for area in mailbox/anna chat edm signals planner; do
	wrap_is $area/old "$service"
done
wrap_is mailbox/chief/old "$board"

control assignment Tenant
for area in $areas; do
	printf x | dd of="$MNT/$area/written" bs=1 seek=5000 conv=notrunc status=none
	printf y >>"$MNT/$area/appended"
	: >"$MNT/$area/cut"
	echo new >"$MNT/$area/new"
	printf x | dd of="$WORK/${area//\//-}/written" bs=1 seek=5000 conv=notrunc status=none
	printf y >>"$WORK/${area//\//-}/appended"
	: >"$WORK/${area//\//-}/cut"
	echo new >"$WORK/${area//\//-}/new"
	cat "$MNT/$area/stays" >/dev/null # reading re-wraps nothing
done
sync -f "$MNT"
for area in mailbox/anna chat edm signals; do
	for name in written appended cut new; do
		wrap_is $area/$name "$tenant"
	done
done
for area in chat edm; do
	wrap_is $area/old "$service"
	wrap_is $area/stays "$service"
done
for name in old written appended cut new stays; do
	wrap_is mailbox/chief/$name "$board"
	wrap_is planner/$name "$service"
done

depfs_remount
for area in $areas; do
	diff -r "$MNT/$area" "$WORK/${area//\//-}" || fail "bytes of $area changed"
done
assert_match "$(cat "$MNT/.depfs/mailboxes/chief/policy")" "source: mailbox"
assert_match "$(cat "$MNT/.depfs/mailboxes/anna/policy")" "source: tenant"
control mailboxes/chief/policy none
assert_match "$(cat "$MNT/.depfs/mailboxes/chief/policy")" "source: tenant"
echo more >>"$MNT/mailbox/chief/old"
sync -f "$MNT"
wrap_is mailbox/chief/old "$tenant"
control assignment none
assert_match "$(cat "$MNT/.depfs/mailboxes/anna/policy")" "source: service"
echo more >>"$MNT/mailbox/anna/new"
sync -f "$MNT"
wrap_is mailbox/anna/new "$service"
depfs_umount
