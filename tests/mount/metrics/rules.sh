#!/usr/bin/env bash
# metrics/rules: the alert rules fire by what they are for, and rules, dashboard and manual name no metric or label that a mount does not show.
# vaults: local azure
# builds: release
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/metrics.sh"
need_promtool
DESTDIR=$WORK/root cmake --install "$BUILD" --prefix /usr >"$WORK/install.log" 2>&1 ||
	fail "cmake --install: $(cat "$WORK/install.log")"
share=$WORK/root/usr/share
rules=$share/depfs/prometheus/depfs.rules.yml
board=$share/depfs/grafana/depfs.json
promtool check rules "$rules" >"$WORK/out" 2>&1 || fail "$(cat "$WORK/out")"
cp "$rules" "$TOP/tests/prometheus/depfs.rules.test.yml" "$WORK"
promtool test rules "$WORK/depfs.rules.test.yml" >"$WORK/out" 2>&1 || fail "$(cat "$WORK/out")"
python3 "$TOP/tests/prometheus/names.py" --as-rules "$board" >"$WORK/board.yml"
promtool check rules "$WORK/board.yml" >"$WORK/out" 2>&1 || fail "the dashboard: $(cat "$WORK/out")"
assert_match "$(cat "$WORK/out")" "SUCCESS: [3-9][0-9] rules"
for alert in $(sed -n 's/^ *- alert: //p' "$rules"); do
	grep -q "$alert" "$WORK/depfs.rules.test.yml" || fail "$alert has no test"
done

depfs_start_policies job_rate=5
policy_create Tenant
mkdir -p "$MNT/mailbox/anna"
for i in $(seq 40); do
	echo "$i" >"$MNT/mailbox/anna/$i"
done
control assignment Tenant # a job runs while the page is made
! cat "$MNT/mailbox/anna/41" 2>/dev/null
! truncate -s 17T "$MNT/mailbox/anna/1" 2>/dev/null
wait_until 10 grep -q '^depfs_job_files{.*"total"' "$MNT/.depfs/metrics"
check_page
page=$share/man/man5/depfs-metrics.5
python3 "$TOP/tests/prometheus/names.py" "$WORK/page" "$page" "$rules" "$board"
# and the comparison finds what is wrong
sed 's/depfs_requests_waiting/depfs_requests_waits/' "$rules" >"$WORK/wrong.yml"
! python3 "$TOP/tests/prometheus/names.py" "$WORK/page" "$page" "$WORK/wrong.yml" "$board" >"$WORK/out" ||
	fail "a wrong name is not found"
assert_match "$(cat "$WORK/out")" "DepfsRequestsWaiting: no mount shows depfs_requests_waits"
depfs_umount
