#!/usr/bin/env bash
# policy/outcomes: each row of fs/README.md, Opening a DEP key: which outcomes of the two vaults open a key for a user, for the system, and with which event.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
SYSTEM_GID=13777
depfs_start_policies "system_gid=$SYSTEM_GID"
policy_create Tenant
control assignment Tenant
chmod 755 "$MNT"
mkdir -p "$MNT/mailbox/anna"
echo "the mail" >"$MNT/mailbox/anna/1"

as_system()
{
	setpriv --regid $SYSTEM_GID --clear-groups cat "$MNT/mailbox/anna/1"
}

as_user()
{
	cat "$MNT/mailbox/anna/1"
}

# with OUTCOME1 OUTCOME2 - remounts, so that no key is open, with what the vaults answer from now
with()
{
	vault fault "$K1" none >/dev/null
	vault fault "$K2" none >/dev/null
	depfs_remount "system_gid=$SYSTEM_GID"
	seen=$(wc -l <"$MNT/.depfs/events")
	vault fault "$K1" "$1" >/dev/null
	vault fault "$K2" "$2" >/dev/null
}

new_events()
{
	tail -n +$((seen + 1)) "$MNT/.depfs/events"
}

for pair in "none none" "none transient" "none denied" "none not-found" "none damaged"; do
	for turned in "$pair" "${pair#* } ${pair% *}"; do
		# shellcheck disable=SC2086
		with $turned
		assert_eq "$(as_user)" "the mail" "user, $turned"
		assert_eq "$(new_events | grep -c availability-key-used)" 0 "availability key, $turned"
		assert_eq "$(new_events | grep -c '"event":"key-open","outcome":"ok"')" 1 \
			"keys opened, $turned"
	done
done

with transient transient
assert_eq "$(as_user)" "the mail" "user, both transient"
assert_event availability-key-used '"outcome":"ok"'
# a vault over the network is tried until the deadline
assert_eq "$(new_events | grep -cE '"event":"key-open","outcome":"(EAGAIN|ETIMEDOUT)"')" 2
echo "written too" >"$MNT/mailbox/anna/2"
assert_eq "$(cat "$MNT/mailbox/anna/2")" "written too"
with transient transient
assert_eq "$(as_system)" "the mail" "system, both transient"

for pair in "denied denied" "denied transient" "not-found transient" "not-found not-found" \
	"denied damaged"; do
	for turned in "$pair" "${pair#* } ${pair% *}"; do
		# shellcheck disable=SC2086
		with $turned
		assert_fails_with EKEYREVOKED as_user
		assert_eq "$(new_events | grep -c availability-key-used)" 0 "for a user, $turned"
		assert_eq "$(as_system)" "the mail" "system, $turned"
		assert_eq "$(new_events | grep -c 'availability-key-used","outcome":"ok')" 1 \
			"for the system, $turned"
	done
done
depfs_umount
