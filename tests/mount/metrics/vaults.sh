#!/usr/bin/env bash
# metrics/vaults: calls of each vault by outcome, uses of the availability key by reason, a revocation and the age of the last proof stand in metrics.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/metrics.sh"
need_promtool
depfs_start_policies key_check=1
policy_create 'EUR "1" \ Policy'
policy='policy="EUR \"1\" \\ Policy"'
control assignment 'EUR "1" \ Policy'
mkdir -p "$MNT/mailbox/anna"
echo mail >"$MNT/mailbox/anna/1"
check_page
assert_metric "depfs_policy_state{$policy,state=\"ready\"}" 1
assert_metric "depfs_policy_assigned{$policy}" 1
assert_metric "depfs_policy_key_open{$policy}" 1
assert_metric "depfs_root_key_up{$policy,key=\"1\",vault=\"$V1\"}" 1
assert_metric 'depfs_key_check_interval_seconds' 1
assert_metric "depfs_vault_requests_total{vault=\"$V2\",operation=\"wrapKey\",outcome=\"ok\"}" 2 # check, wrap

proof_is_older() # SECONDS
{
	[ "$(metric "depfs_policy_access_proof_age_seconds{$policy}")" -gt "$1" ]
}
! proof_is_older 3 || fail "access is proved each second"

# one vault down: its calls are counted as such, and the availability key is not needed
vault fault "$K2" transient >/dev/null
assert_metric "depfs_root_key_up{$policy,key=\"2\",vault=\"$V2\"}" 0
[ "$(metric "depfs_vault_requests_total{vault=\"$V2\",operation=\"unwrapKey\",outcome=\"transient\"}")" -ge 1 ] ||
	fail "calls that failed are not counted"
n=$(metric "depfs_vault_request_duration_seconds_count{vault=\"$V2\",operation=\"unwrapKey\"}")
[ "$n" -ge 2 ] || fail "calls of v2: $n"
assert_metric "depfs_policy_state{$policy,state=\"degraded\"}" 1
assert_metric 'depfs_availability_key_uses_total{reason="outage"}' 0

# both down: no proof any more, and after a remount only the availability key opens
vault fault "$K1" transient >/dev/null
wait_until 20 proof_is_older 2 || fail "access is proved though no vault answers"
depfs_remount key_check=1
assert_eq "$(metric "depfs_policy_access_proof_age_seconds{$policy}")" "" "proof after a mount"
cat "$MNT/mailbox/anna/1" >/dev/null
[ "$(metric 'depfs_availability_key_uses_total{reason="outage"}')" -ge 1 ] || fail "outage"

# denied: revoked, and back
vault fault "$K1" none >/dev/null
vault fault "$K2" none >/dev/null
assert_metric "depfs_policy_state{$policy,state=\"ready\"}" 1
exec 5<"$MNT/mailbox/anna/1" 6<"$MNT/mailbox/anna/1"
vault deny "$K1" >/dev/null
vault deny "$K2" >/dev/null
assert_metric "depfs_policy_state{$policy,state=\"revoked\"}" 1
assert_metric 'depfs_policies{state="revoked"}' 1
assert_metric 'depfs_revocations_total' 1
assert_metric "depfs_policy_revocations_total{$policy}" 1
assert_metric 'depfs_revoked_open_files_total' 1
assert_metric 'depfs_revoked_data_keys_total' 1
assert_metric 'depfs_revocations_under_way' 0
assert_event revocation-done '"open_files":1,"handles":2,"cached_files":0,"flushed_bytes":0,"lost_bytes":0,"data_keys_wiped":1,"policy_keys_wiped":1,'
refused()
{
	! cat "$MNT/mailbox/anna/1" 2>/dev/null && [ "$(metric 'depfs_fuse_errors_total{op="open",class="key"}')" != "" ]
}
wait_until 10 refused || fail "no refused open is counted"
exec 5<&- 6<&-
vault allow "$K1" >/dev/null
vault allow "$K2" >/dev/null
assert_metric "depfs_policy_state{$policy,state=\"revoked\"}" 0
wait_until 10 cat "$MNT/mailbox/anna/1" >/dev/null || fail "access did not come back"
check_page
depfs_umount
