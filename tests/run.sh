#!/usr/bin/env bash
# tests/run.sh - installs what is needed, builds depfs in four ways and runs every test.
#
#   --long            longer fuzzing, more rounds, a million files
#   --only PATTERN    only tests whose name matches the shell pattern (or contains the word)
#   --build KIND      only this build: release, clang, asan or tsan; may be given again
#   --list            names of the tests, nothing is run
#   --keep            leave the working folders of failed tests where they are
#
# A line for each test, the end of a failed one's output below it; then the names of those that
# failed and "N passed, N failed, N skipped". Exit status 0 when nothing failed.
set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$TOP/tests/lib/packages.sh"
. "$TOP/tests/lib/builds.sh"
STEPS=$TOP/tests/lib/steps.sh

JOBS=3 # two processors: many tests wait for a vault, a lock or a clock most of their time
only=
list=0
chosen=()
export DEPFS_LONG=0 DEPFS_KEEP=0

die()
{
	echo "tests/run.sh: $*" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--long) DEPFS_LONG=1 ;;
	--keep) DEPFS_KEEP=1 ;;
	--list) list=1 ;;
	--only | --build)
		[ $# -ge 2 ] || die "$1 wants a value"
		if [ "$1" = --only ]; then
			only=$2
		else
			[[ " ${BUILD_KINDS[*]} " == *" $2 "* ]] ||
				die "unknown build '$2'; there are ${BUILD_KINDS[*]}"
			chosen+=("$2")
		fi
		shift
		;;
	-h | --help)
		sed -n '2,/^set -u/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
		exit 0
		;;
	*) die "unknown option '$1', see --help" ;;
	esac
	shift
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${BUILD_KINDS[@]}")

OUT=$(mktemp -d /tmp/depfs-run.XXXXXX) || exit 2
declare -A PID_JOB=()
passed=0 failed=0 skipped=0 next_job=0
failures=()

finish()
{
	trap - EXIT INT TERM HUP
	local pid

	for pid in "${!PID_JOB[@]}"; do
		kill -TERM "$pid" 2>/dev/null
	done
	wait
	rm -rf "$OUT"
}
trap finish EXIT
trap 'finish; exit 143' INT TERM HUP

is_chosen() # KIND
{
	[[ " ${chosen[*]} " == *" $1 "* ]]
}

# matches NAME - is the test wanted by --only?
matches()
{
	# shellcheck disable=SC2053
	[ -z "$only" ] || [[ $1 == $only || $1 == *"$only"* ]]
}

# header_word FILE WORD - value of a "# WORD: value" line at the top of a test script
header_word()
{
	sed -n "1,12s/^# $2: *//p" "$1" | head -n 1
}

report() # NAME RC SECONDS LOG
{
	local name=$1 rc=$2 took=$3 log=$4

	case $rc in
	0)
		passed=$((passed + 1))
		printf 'ok    %-58s %5ss\n' "$name" "$took"
		;;
	77)
		skipped=$((skipped + 1))
		printf 'skip  %-58s %5ss  %s\n' "$name" "$took" \
			"$(grep -a '^skip: ' "$log" | tail -n 1 | cut -c7-)"
		;;
	*)
		failed=$((failed + 1))
		failures+=("$name")
		printf 'FAIL  %-58s %5ss\n' "$name" "$took"
		tail -n 60 "$log" | sed 's/^/      | /'
		;;
	esac
}

reap() # waits for one job to end and reports it
{
	local pid rc=0 name start log took

	wait -n -p pid || rc=$?
	[ -n "${pid:-}" ] || return 1
	IFS=$'\t' read -r name start log <<<"${PID_JOB[$pid]}"
	unset "PID_JOB[$pid]"
	took=$((${EPOCHREALTIME/[.,]/} - start))
	took=$(printf '%d.%d' $((took / 1000000)) $((took / 100000 % 10)))
	[ "$rc" != 124 ] || echo "ended after its time limit" >>"$log"
	report "$name" "$rc" "$took" "$log"
}

# job NAME TIMEOUT_S COMMAND... - runs in the background, as soon as a place is free
job()
{
	local name=$1 limit=$2 log

	shift 2
	matches "$name" || return 0
	if [ $list = 1 ]; then
		echo "$name"
		return 0
	fi
	while [ ${#PID_JOB[@]} -ge $JOBS ]; do
		reap
	done
	log=$OUT/$((next_job++)).log
	timeout -k 20 "$limit" "$@" >"$log" 2>&1 </dev/null &
	PID_JOB[$!]="$name"$'\t'"${EPOCHREALTIME/[.,]/}"$'\t'"$log"
}

jobs_done()
{
	while [ ${#PID_JOB[@]} -gt 0 ]; do
		reap
	done
}

# The builds always happen, whatever --only says: tests need them.
build_all()
{
	local kind saved=$only

	only=
	for kind in "${chosen[@]}"; do
		job "build/$kind" 600 bash "$STEPS" build "$kind"
		[ $list = 1 ] || jobs_done
	done
	only=$saved
}

lint_jobs()
{
	job lint/clang-format 120 bash "$STEPS" format
	job lint/man 60 bash "$STEPS" man
	job lint/bash 60 bash "$STEPS" bash
}

unit_jobs() # KIND
{
	local dir=$TOP/$(build_dir "$1") name

	while read -r name; do
		job "$name [$1]" 300 ctest --test-dir "$dir" -R "^$name\$" --output-on-failure
	done < <(ctest --test-dir "$dir" -N 2>/dev/null | sed -n 's/^ *Test *#[0-9]*: //p')
}

# Each fuzzer runs for 30 s at most, all of them together for four minutes on one core.
fuzz_jobs()
{
	local src name n seconds

	set -- "$TOP"/tests/fuzz/fuzz_*.c
	[ -e "$1" ] || return 0
	n=$#
	seconds=$((240 / n < 30 ? 240 / n : 30))
	[ $DEPFS_LONG = 0 ] || seconds=300
	for src in "$@"; do
		name=$(basename "$src" .c)
		job "fuzz/$name" $((seconds + 240)) bash "$STEPS" fuzz "$src" $seconds
	done
}

bench_jobs()
{
	job bench/check 300 env DEPFS_BIN="$TOP/$(build_dir release)/bin/depfs" \
		bash "$TOP/tests/bench/check.sh"
}

# The builds of a mount test that has no "# builds:" line. What the second compiler made is tried
# where the data goes through; the sanitizers see all of it.
default_builds() # SCRIPT
{
	case ${1#"$TOP/tests/mount/"} in
	crash/* | data/* | format/* | posix/*) echo "${BUILD_KINDS[*]}" ;;
	*) echo "release asan tsan" ;;
	esac
}

with_azure() # SCRIPT KIND
{
	local vaults

	vaults=" $(header_word "$1" vaults) "
	[[ $2 == release ]] || return 1
	[[ $vaults == *" azure "* ]] || [[ $DEPFS_LONG == 1 && $vaults == *" azure-long "* ]]
}

# mount_jobs KIND - the mount tests and the second reader's. A script's "# builds:" line names the
# builds it is run with, "# timeout:" its limit in seconds, of which --long allows 20 times as many.
# One with "# vaults: local azure" is run once more by the release build, with its root keys in the
# fake of Azure Key Vault; one with "# vaults: local azure-long" only with --long.
mount_jobs()
{
	local kind=$1 script name builds limit slow=1

	[ "$kind" = release ] || [ "$kind" = clang ] || slow=4
	[ $DEPFS_LONG = 0 ] || slow=$((slow * 20))
	while read -r script; do
		builds=$(header_word "$script" builds)
		[ -n "$builds" ] || builds=$(default_builds "$script")
		[[ " $builds " == *" $kind "* ]] || continue
		limit=$(header_word "$script" timeout)
		name=${script#"$TOP/tests/"}
		job "${name%.sh} [$kind]" $((${limit:-120} * slow)) \
			env DEPFS_BUILD="$TOP/$(build_dir "$kind")" DEPFS_BUILD_KIND="$kind" \
			bash "$script"
		with_azure "$script" "$kind" || continue
		job "${name%.sh}-azure [$kind]" $((${limit:-120} * slow)) \
			env DEPFS_BUILD="$TOP/$(build_dir "$kind")" DEPFS_BUILD_KIND="$kind" \
			DEPFS_TEST_VAULTS=azure bash "$script"
	done < <(find "$TOP/tests/mount" "$TOP/tests/format" -mindepth 1 -name '*.sh' 2>/dev/null |
		sort)
}

summary()
{
	local name

	for name in "${failures[@]+"${failures[@]}"}"; do
		echo "failed: $name"
	done
	echo "$passed passed, $failed failed, $skipped skipped"
}

main()
{
	local kind

	if [ $list = 0 ]; then
		[ "$(id -u)" = 0 ] || die "mounting and installing packages need root; use sudo"
		packages_install "${PACKAGES_BUILD[@]}" "${PACKAGES_TEST[@]}" || exit 2
		[ -e /dev/fuse ] || die "/dev/fuse is missing: no FUSE on this machine"
	fi
	build_all
	is_chosen release && lint_jobs
	for kind in "${chosen[@]}"; do
		if [ $list = 0 ] && [ ! -x "$TOP/$(build_dir "$kind")/bin/depfs" ]; then
			echo "      nothing was built for $kind: its tests are left out"
			continue
		fi
		unit_jobs "$kind"
		mount_jobs "$kind"
	done
	is_chosen release && bench_jobs
	is_chosen release && fuzz_jobs
	jobs_done
	[ $list = 1 ] || summary
	[ $failed = 0 ]
}

main
