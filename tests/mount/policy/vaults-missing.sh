#!/usr/bin/env bash
# policy/vaults-missing: a mount that was given no vault folder, or a wrong one, or has Azure switched off, says so at once, in the log and in an event; and a root that failed while nothing was open is seen to answer again.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies key_check=1
policy_create P
depctl assign P >/dev/null
mkdir -p "$MNT/chat"
echo hello >"$MNT/chat/x"
assert_no_match "$(cat "$LOG")" "is missing"
depfs_umount
state_is() { [ "$(status_of P state)" = "$1" ]; }

folder_missing() # of local vaults
{
	mv "$VAULTS" "$WORK/elsewhere"
	depfs_mount key_check=1
	assert_match "$(cat "$LOG")" "root keys in local vaults, and their folder $VAULTS is missing"
	assert_event vaults-missing "$VAULTS"
	assert_eq "$(cat "$MNT/chat/x" 2>&1)" hello "by the availability key"
	assert_ne "$(status_of P state)" ready
	mv "$WORK/elsewhere" "$VAULTS"
	wait_until 20 state_is ready || fail "still $(status_of P state)"
	depfs_umount
}
[ "$VAULTS_KIND" != local ] || folder_missing

azure_switched_off()
{
	depfs_mount credential=none
	assert_match "$(cat "$LOG")" "root keys in Azure; credential none: Azure is switched off.*credential=none"
	assert_event vaults-missing "switched off"
	depfs_umount
}
[ "$VAULTS_KIND" != azure ] || azure_switched_off

# nothing is open, and a look finds a root denied: the checker finds out when it is not any more
depfs_mount key_check=1
vault deny "$K1" >/dev/null
depctl policy check P >/dev/null 2>&1 || true
wait_until 10 state_is degraded || fail "$(status_of P state)"
vault allow "$K1" >/dev/null
wait_until 20 state_is ready || fail "still $(status_of P state)"
depfs_umount
