#!/usr/bin/env bash
# policy/two-admins: of two admins who write at once one wins, the other gets a sentence, and the result is one of the two.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
policy_create A
policy_create B
make() # WHO
{
	if mkdir "$MNT/.depfs/policies/New" 2>"$WORK/err$1"; then
		echo "$1" >>"$WORK/winners"
	fi
}
pids=()
for who in 1 2 3 4 5 6; do
	background make $who
	pids+=($!)
done
wait "${pids[@]}"
assert_eq "$(wc -l <"$WORK/winners")" 1 "winners of mkdir"
assert_eq "$(cat "$WORK"/err* | grep -c 'File exists')" 5 "creations refused with EEXIST"
assert_eq "$(find "$MNT/.depfs/policies" -mindepth 1 -maxdepth 1 -iname new | wc -l)" 1

keys()
{
	control policies/New/key_ids "$K1 $K2" || true
}
pids=()
for who in 1 2 3 4; do
	background keys
	pids+=($!)
done
wait "${pids[@]}"
assert_eq "$(status_of New state)" ready
assert_eq "$(status_of New generation)" 1

flip() # NAME
{
	for _ in {1..20}; do
		control assignment "$1"
	done
}
background flip A
a=$!
background flip B
b=$!
wait $a $b
assert_match "$(cat "$MNT/.depfs/assignment")" "name: (A|B)"
now=$(sed -n 's/^name: //p' "$MNT/.depfs/assignment")
mkdir -p "$MNT/mailbox/x"
echo x >"$MNT/mailbox/x/1"
assert_eq "$(inspect mailbox/x/1 "policy id")" "$(policy_id "$now")"
assert_eq "$(grep -l "assigned: yes" "$MNT"/.depfs/policies/*/status | wc -l)" 1
assert_eq "$(events '"event":"assign-tenant"' | wc -l)" 40 "events of the assignments"
depctl events --verify >/dev/null
depfs_umount
