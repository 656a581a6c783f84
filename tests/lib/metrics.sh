# tests/lib/metrics.sh - the file `metrics` of a mount, and Prometheus' own checks.
# shellcheck shell=bash

need_promtool()
{
	command -v promtool >/dev/null || skip "promtool is not installed"
}

# metric SERIES - a value, of a series as the page spells it but for the label mount:
# metric 'depfs_policies{state="ready"}'; nothing when there is no such series
metric()
{
	local name=${1%%\{*} labels=

	[[ $1 != *\{* ]] || labels=,${1#*\{}
	SERIES="$name{mount=\"$MNT\"${labels:-\}} " awk '
		index($0, ENVIRON["SERIES"]) == 1 { print substr($0, length(ENVIRON["SERIES"]) + 1) }
	' "$MNT/.depfs/metrics"
}

metric_is() # SERIES VALUE
{
	[ "$(metric "$1")" = "$2" ]
}

assert_metric() # SERIES VALUE - within seconds: a count comes a moment after its answer
{
	wait_until 10 metric_is "$1" "$2" || fail "$1 is '$(metric "$1")', wanted '$2'"
}

# requests OP - how many were answered
requests()
{
	local n

	n=$(metric "depfs_fuse_request_duration_seconds_count{op=\"$1\"}")
	echo "${n:-0}"
}

check_page() # promtool has nothing to say about the page as it is now
{
	cat "$MNT/.depfs/metrics" >"$WORK/page"
	promtool check metrics <"$WORK/page" >"$WORK/promtool" 2>&1 ||
		fail "promtool: $(cat "$WORK/promtool")"
	[ ! -s "$WORK/promtool" ] || fail "promtool: $(cat "$WORK/promtool")"
}
