#!/usr/bin/env bash
# metrics/azure: a Key Vault that stops answering is seen by its calls and its circuit, the token service beside it, and both recover.
# builds: release
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/metrics.sh"
need_promtool
depfs_start_policies key_check=1,vault_timeout=1
policy_create Tenant
control assignment Tenant
mkdir -p "$MNT/mailbox/anna"
echo mail >"$MNT/mailbox/anna/1"
assert_metric "depfs_vault_circuit_closed{vault=\"$V1\"}" 1
assert_metric "depfs_vault_circuit_closed{vault=\"$V2\"}" 1
[ "$(metric "depfs_vault_requests_total{vault=\"$LOGIN\",operation=\"token\",outcome=\"ok\"}")" -ge 1 ] ||
	fail "tokens are not counted"
[ "$(metric "depfs_vault_requests_total{vault=\"$V1\",operation=\"get\",outcome=\"ok\"}")" -ge 1 ] ||
	fail "looks at keys are not counted"
check_page

fake fault "$V2" '*' hang
wait_until 60 metric_is "depfs_vault_circuit_closed{vault=\"$V2\"}" 0 ||
	fail "the circuit does not open: $(grep vault "$MNT/.depfs/metrics")"
assert_metric "depfs_vault_circuit_closed{vault=\"$V1\"}" 1
assert_metric "depfs_root_key_up{policy=\"Tenant\",key=\"2\",vault=\"$V2\"}" 0
[ "$(metric "depfs_vault_requests_total{vault=\"$V2\",operation=\"unwrapKey\",outcome=\"transient\"}")" -ge 3 ] ||
	fail "calls that failed are not counted"
check_page
fake lift
wait_until 60 metric_is "depfs_vault_circuit_closed{vault=\"$V2\"}" 1 || fail "the circuit stays open"
assert_metric "depfs_vault_retry_seconds{vault=\"$V2\"}" 0
depfs_umount
