#!/usr/bin/env bash
# policy/unproved: a policy whose keys were not asked since the mount is "unproved" in status, list and metrics, until a vault answers; when a key was last opened is shown.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
. "$LIB/metrics.sh"
depfs_start_policies
policy_create P
assert_eq "$(status_of P state)" ready
assert_match "$(status_of P proved)" "^20[0-9-]+T[0-9:]+Z$"
depctl policy disable P >/dev/null
depfs_remount
assert_eq "$(status_of P state)" disabled
assert_eq "$(status_of P proved)" never
depctl policy enable P >/dev/null

assert_eq "$(status_of P state)" unproved
assert_match "$(depctl policy list)" "P +multi-workload +unproved +never +yes"
json_holds "j[0]['state'] == 'unproved' and j[0]['proved'] is None" depctl policy list --json
assert_match "$(depctl status)" "policies unproved: 1"
assert_metric 'depfs_policies{state="unproved"}' 1
assert_metric 'depfs_policy_state{policy="P",state="unproved"}' 1
assert_metric 'depfs_policy_state{policy="P",state="ready"}' 0

depctl policy check P >/dev/null
assert_eq "$(status_of P state)" ready
assert_match "$(depctl policy list)" "P +multi-workload +ready +[0-9]+ s +yes"
json_holds "j[0]['proved'].endswith('Z')" depctl policy list --json

# keys that were asked and denied are not unproved; no key opened since the mount
depfs_remount
vault deny "$K1" >/dev/null
vault deny "$K2" >/dev/null
! depctl policy check P >/dev/null 2>&1 || fail "a check of denied keys passed"
assert_eq "$(status_of P state)" degraded
assert_match "$(depctl policy list)" "P +multi-workload +degraded +never +yes"
