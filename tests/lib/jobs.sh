# tests/lib/jobs.sh - jobs, and the headers they leave.
# shellcheck shell=bash

SERVICE=00000000000000000000000000000000

# hex_id NAME - a policy's id as headers() prints it
hex_id()
{
	policy_id "$1" | tr -d -
}

# headers [FOLDER] - path, policy, generation and header version of every file
headers()
{
	python3 "$LIB/headers.py" "$STORE" | grep "^${1:-}" || true
}

# under POLICY_HEX [FOLDER] - how many files are under it
under()
{
	headers "${2:-}" | awk -F '\t' -v id="$1" '$2 == id { n++ } END { print n + 0 }'
}

# job_field N FIELD
job_field()
{
	sed -n "s/^$2: *//p" "$MNT/.depfs/jobs/$1/status"
}

job_state_is() # N STATE
{
	[ "$(job_field "$1" state)" = "$2" ]
}

newest_job()
{
	find "$MNT/.depfs/jobs" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n | tail -n 1
}

# job_done [N] - waits for its end, which must be a good one, and checks that its counts add up
job_done()
{
	local n=${1:-$(newest_job)}

	wait_until 200 job_ended "$n" || fail "job $n does not end: $(cat "$MNT/.depfs/jobs/$n/status")"
	job_state_is "$n" "done" ||
		fail "job $n: $(cat "$MNT/.depfs/jobs/$n/status" "$MNT/.depfs/jobs/$n/failed")"
	assert_eq "$(job_field "$n" total)" \
		"$(($(job_field "$n" "done") + $(job_field "$n" skipped)))" "total of job $n"
}

job_ended() # N
{
	case $(job_field "$1" state) in
	done | failed | cancelled | superseded) return 0 ;;
	*) return 1 ;;
	esac
}
