#!/usr/bin/env bash
# policy/check-down: a check asks a vault that does not answer once, not for each step and generation; a refresh whose root keys are both lost names replace-keys.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies
policy_create P
depctl policy rotate P >/dev/null
depctl policy rotate P >/dev/null

vault fault "$K1" transient >/dev/null
seconds=$SECONDS
! depctl policy check P >"$WORK/check" 2>&1 || fail "a check of a vault that is down passed"
[ $((SECONDS - seconds)) -lt 40 ] || fail "it took $((SECONDS - seconds)) s, more than one deadline"
grep -q "^key 1 describe: transient, " "$WORK/check" || fail "$(cat "$WORK/check")"
for what in "key 1 wrap" "generation [123] key 1 recorded copy"; do
	grep -qE "^$what:.* not asked, for the vault does not answer" "$WORK/check" || fail "$(cat "$WORK/check")"
done
assert_eq "$(grep -c "^generation [123] key 2 recorded copy: ok" "$WORK/check")" 3
assert_eq "$(status_of P state)" degraded
vault fault "$K1" none >/dev/null
works() { depctl policy check P >/dev/null 2>&1; }
wait_until 60 works
assert_eq "$(status_of P state)" ready

vault deny "$K1" >/dev/null
vault deny "$K2" >/dev/null
refused 1 "are both lost, give it two others: depctl policy replace-keys" depctl policy refresh P
vault allow "$K2" >/dev/null
refused 1 "key 1" depctl policy refresh P
! grep -q replace-keys "$WORK/err" || fail "one of the two is not lost"
