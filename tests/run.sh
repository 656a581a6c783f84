#!/usr/bin/env bash
# tests/run.sh - installs what is missing, builds depfs in four ways and runs every test.
#
#   --only TEST       only this test: its name, the path of its file, a part of the name or a shell
#                     pattern; may be given again. Only what these tests need is installed and built.
#                     They are run by the release build, unless --build or a name that ends in
#                     " [KIND]" says otherwise
#   --build KIND      only this build: release, clang, asan or tsan; may be given again
#   --long            longer fuzzing, more rounds, a million files
#   --list            names of the tests, nothing is run
#   --keep            leave the working folders of failed tests where they are
#
# Mount tests, benchmarks and the installation of packages need root, all the others do not. A line
# for each test, the end of a failed one's output below it; then the names of those that failed and
# "N passed, N failed, N skipped". Exit status 0 when nothing failed. See tests/README.md.
set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$TOP/tests/lib/packages.sh"
. "$TOP/tests/lib/builds.sh"
STEPS=$TOP/tests/lib/steps.sh

JOBS=3 # two processors: many tests wait for a vault, a lock or a clock most of their time
list=0
wanted=() # patterns of --only
chosen=() # builds
export DEPFS_LONG=0 DEPFS_KEEP=0

die()
{
	echo "tests/run.sh: $*" >&2
	exit 2
}

# test_name TEXT - what --only was given, as the names of tests are spelt: no folder above tests/
# and no suffix when it is the path of a file
test_name()
{
	local name=$1

	[ ! -f "$name" ] || name=$(realpath -s "$name")
	name=${name#"$TOP/"}
	name=${name#./}
	name=${name#tests/}
	case $name in
	*.sh) name=${name%.sh} ;;
	*test_*.c | *fuzz_*.c) name=${name%.c} ;;
	esac
	echo "$name"
}

add_kind() # KIND
{
	[[ " ${BUILD_KINDS[*]} " == *" $1 "* ]] ||
		die "unknown build '$1'; there are ${BUILD_KINDS[*]}"
	is_chosen "$1" || chosen+=("$1")
}

is_chosen() # KIND
{
	[[ " ${chosen[*]-} " == *" $1 "* ]]
}

add_wanted() # TEXT
{
	local text=$1

	if [[ $text == *' ['*']' ]]; then
		add_kind "$(sed 's/.* \[\(.*\)\]$/\1/' <<<"$text")"
		text=${text% \[*}
	fi
	wanted+=("$(test_name "$text")")
}

while [ $# -gt 0 ]; do
	case $1 in
	--long) DEPFS_LONG=1 ;;
	--keep) DEPFS_KEEP=1 ;;
	--list) list=1 ;;
	--only | --build)
		[ $# -ge 2 ] || die "$1 wants a value"
		if [ "$1" = --only ]; then
			add_wanted "$2"
		else
			add_kind "$2"
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
if [ ${#chosen[@]} = 0 ]; then
	chosen=("${BUILD_KINDS[@]}")
	[ ${#wanted[@]} = 0 ] || chosen=(release)
fi

# ---- the plan: what would run, in this order ----

plan_names=() plan_kinds=() plan_needs=() plan_limits=() plan_commands=()
declare -A EXISTS=() # names of all tests there are

# plan NAME KIND NEEDS TIMEOUT_S COMMAND... - a test of a build, or of none (-), and which targets of
# that build it needs. What is no test of several builds has no build in its name.
plan()
{
	local name=$1 command

	EXISTS[$1]=1
	[ "$2" = - ] || is_chosen "$2" || return 0
	[ "$2" = - ] || [[ $1 =~ ^(build|bench|lint)/ ]] || name+=" [$2]"
	printf -v command '%q ' "${@:5}"
	plan_names+=("$name")
	plan_kinds+=("$2")
	plan_needs+=("$3")
	plan_limits+=("$4")
	plan_commands+=("$command")
}

plan_lint()
{
	plan lint/clang-format - '' 120 bash "$STEPS" format
	plan lint/man - '' 60 bash "$STEPS" man
	plan lint/bash - '' 60 bash "$STEPS" bash
	plan lint/rooms release build.ninja 120 python3 "$TOP/tests/lib/rooms.py" check
	plan lint/circles release "${PROGRAMS[*]}" 60 python3 "$TOP/tests/lib/circles.py"
	plan lint/citations - '' 60 python3 "$TOP/tests/lib/prose.py" citations
	plan lint/words - '' 60 python3 "$TOP/tests/lib/prose.py" words
}

plan_unit() # KIND
{
	local src name dir

	dir=$TOP/$(build_dir "$1")
	for src in "$TOP"/tests/unit/test_*.c; do
		name=${src##*/}
		name=${name%.c}
		plan "unit/$name" "$1" "$name" 300 ctest --test-dir "$dir" -R \
			"^unit/$name\$" --no-tests=error --output-on-failure
	done
}

# Each fuzzer runs for 30 s at most, all of them together for four minutes on one core.
plan_fuzz()
{
	local src name n seconds

	set -- "$TOP"/tests/fuzz/fuzz_*.c
	n=$#
	seconds=$((240 / n < 30 ? 240 / n : 30))
	[ $DEPFS_LONG = 0 ] || seconds=300
	for src in "$@"; do
		name=${src##*/}
		plan "fuzz/${name%.c}" - '' $((seconds + 240)) bash "$STEPS" fuzz "$src" $seconds
	done
}

plan_bench()
{
	plan bench/check release "${PROGRAMS[*]}" 300 \
		env DEPFS_BIN="$TOP/build/bin/depfs" bash "$TOP/tests/bench/check.sh"
}

# What the first lines of the mount tests say: HEADER[path builds], HEADER[path timeout],
# HEADER[path vaults], HEADER[path cases]; HEADER[path fake] when it is about Azure alone.
declare -A HEADER=()
MOUNT_TESTS=()
read_headers()
{
	local path word value

	mapfile -t MOUNT_TESTS < <(find "$TOP/tests/mount" -name '*.sh' | sort)
	while read -r path word value; do
		HEADER["$path $word"]=$value
	done < <(awk 'FNR > 12 { nextfile }
		/^# (builds|timeout|vaults|cases): / { sub(/^# /, ""); sub(/:/, ""); print FILENAME, $0 }
		/^VAULTS_KIND=azure/ { print FILENAME, "fake 1" }' "${MOUNT_TESTS[@]}")
}

# The builds of a mount test that has no "# builds:" line. What the second compiler made is tried
# where the data goes through; the sanitizers see all of it.
default_builds() # SCRIPT VARIABLE
{
	case ${1#"$TOP/tests/mount/"} in
	crash/* | data/* | format/* | posix/*) printf -v "$2" %s "${BUILD_KINDS[*]}" ;;
	*) printf -v "$2" %s "release asan tsan" ;;
	esac
}

# plan_script SCRIPT KIND DIR [CASE] - once, and once more where it is to be run with its root keys in
# the fake of Azure Key Vault: "# vaults: local azure", or with --long "# vaults: local azure-long"
plan_script()
{
	local script=$1 kind=$2 case=${4-} slow=1 vaults name limit command

	[ "$kind" = release ] || [ "$kind" = clang ] || slow=4
	[ $DEPFS_LONG = 0 ] || slow=$((slow * 20))
	limit=$((${HEADER["$script timeout"]:-120} * slow))
	name=${script#"$TOP/tests/"}
	name=${name%.sh}${case:+-$case}
	command=(env DEPFS_BUILD="$3" DEPFS_BUILD_KIND="$kind")
	plan "$name" "$kind" "${PROGRAMS[*]}" $limit "${command[@]}" bash "$script" $case
	vaults=" ${HEADER["$script vaults"]-} "
	if [[ $kind == release && ($vaults == *" azure "* ||
		($DEPFS_LONG == 1 && $vaults == *" azure-long "*)) ]]; then
		plan "$name-azure" "$kind" "${PROGRAMS[*]}" $limit "${command[@]}" \
			DEPFS_TEST_VAULTS=azure bash "$script" $case
	fi
}

# plan_mount KIND - the mount tests. A script's "# builds:" line names the builds it is run with,
# "# timeout:" its limit in seconds, of which --long allows 20 times as many, "# cases:" the words
# it is run with, one after the other.
plan_mount()
{
	local script builds case dir

	dir=$TOP/$(build_dir "$1")
	for script in "${MOUNT_TESTS[@]}"; do
		builds=${HEADER["$script builds"]-}
		[ -n "$builds" ] || default_builds "$script" builds
		[[ " $builds " == *" $1 "* ]] || continue
		for case in ${HEADER["$script cases"]:-""}; do
			plan_script "$script" "$1" "$dir" $case
		done
	done
}

plan_all()
{
	local kind

	read_headers
	for kind in "${BUILD_KINDS[@]}"; do
		plan "build/$kind" "$kind" all 0 true
	done
	is_chosen release && plan_lint
	for kind in "${BUILD_KINDS[@]}"; do
		plan_unit "$kind"
		plan_mount "$kind"
	done
	plan_bench
	is_chosen release && plan_fuzz
}

# ---- which of them --only wants ----

selected=() # indices of the plan

# is_wanted NAME PATTERN - a whole name wants just that test, or that script in all its cases
is_wanted()
{
	if [ -n "${EXISTS[$2]-}" ]; then
		[ "$1" = "$2" ] || [ "$1" = "$2-azure" ]
	else
		# shellcheck disable=SC2053
		[[ $1 == $2 || $1 == *"$2"* ]]
	fi
}

select_tests()
{
	local i pattern name found
	local -A taken=()

	if [ ${#wanted[@]} = 0 ]; then
		selected=("${!plan_names[@]}")
		return
	fi
	for pattern in "${wanted[@]}"; do
		found=0
		for i in "${!plan_names[@]}"; do
			name=${plan_names[i]% \[*}
			! is_wanted "$name" "$pattern" || found=1 taken[$i]=1
		done
		[ $found = 1 ] || no_such_test "$pattern"
	done
	for i in "${!plan_names[@]}"; do
		[ -z "${taken[$i]-}" ] || selected+=("$i")
	done
}

no_such_test() # PATTERN
{
	local name near

	for name in "${!EXISTS[@]}"; do
		! is_wanted "$name" "$1" ||
			die "$name is not run by ${chosen[*]}; choose with --build"
	done
	near=$(printf '%s\n' "${!EXISTS[@]}" | python3 -c '
import difflib, sys

names = {name: name for name in sys.stdin.read().split()}
names.update({name.split("/", 1)[1]: name for name in names.values()})
names.update({name.rsplit("/", 1)[1]: name for name in names.values()})
near = difflib.get_close_matches(sys.argv[1], names, 5, 0.6)
print(", ".join(dict.fromkeys(names[n] for n in near)))' "$1" 2>/dev/null)
	die "no test matches '$1'${near:+; near it are $near}. --list shows them all"
}

# ---- running ----

OUT=$(mktemp -d /tmp/depfs-run.XXXXXX) || exit 2
declare -A PID_JOB=() BROKEN=() # builds that failed
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
		[[ $name != build/* ]] || BROKEN[${name#build/}]=1
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

# prepare - what the selected tests need: root, FUSE, packages
prepare()
{
	local i name names=() root=

	for i in "${selected[@]}"; do
		name=${plan_names[i]% \[*}
		names+=("$name")
		[ "${plan_kinds[i]}" = - ] || names+=("build/${plan_kinds[i]}")
		case $name in
		fuzz/*) names+=(build/fuzz) ;;
		mount/* | bench/*)
			root=$name
			[[ ${plan_commands[i]} != *DEPFS_TEST_VAULTS=azure* ]] || names+=(mount-azure)
			;;
		esac
	done
	[ -z "$root" ] || [ "$(id -u)" = 0 ] ||
		die "$root mounts, which needs root; use sudo, or --only unit/, lint/ or fuzz/"
	mapfile -t names < <(printf '%s\n' "${names[@]}" | sort -u)
	packages_install "${PACKAGES_BUILD[@]}" $(packages_of "${names[@]}") || exit 2
	[ -z "$root" ] || [ -e /dev/fuse ] || die "/dev/fuse is missing: no FUSE on this machine"
}

# build_selected - one build after the other, and of each only what the selected tests run
build_selected()
{
	local kind i
	local -A targets=()

	for kind in "${BUILD_KINDS[@]}"; do
		targets=()
		for i in "${selected[@]}"; do
			[ "${plan_kinds[i]}" != "$kind" ] || for target in ${plan_needs[i]}; do
				targets[$target]=1
			done
		done
		[ ${#targets[@]} -gt 0 ] || continue
		[ -z "${targets[all]-}" ] || targets=([all]=1)
		job "build/$kind" 900 bash "$STEPS" build "$kind" "${!targets[@]}"
		jobs_done
	done
}

run_selected()
{
	local i kind

	for i in "${selected[@]}"; do
		kind=${plan_kinds[i]}
		[[ ${plan_names[i]} != build/* ]] || continue
		if [ -n "${BROKEN[$kind]-}" ]; then
			[ "${BROKEN[$kind]}" = reported ] ||
				echo "      $kind was not built: its tests are left out"
			BROKEN[$kind]=reported
			continue
		fi
		eval "job \"\${plan_names[i]}\" ${plan_limits[i]} ${plan_commands[i]}"
	done
	jobs_done
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
	local i

	plan_all
	select_tests
	if [ $list = 1 ]; then
		for i in "${selected[@]}"; do
			echo "${plan_names[i]}"
		done
		return 0
	fi
	prepare
	build_selected
	run_selected
	summary
	[ $failed = 0 ]
}

main
