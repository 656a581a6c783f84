#!/usr/bin/env bash
# tests/lib/steps.sh - the steps of tests/run.sh that are not tests of a mount: building, linting,
# fuzzing. Exit status 77 means skipped, and the last "skip: " line says why.
#
#   steps.sh build KIND TARGET...   these targets, or "all", of a build (release, clang, asan, tsan)
#   steps.sh format | man | bash    clang-format, mandoc and bash -n find no fault
#   steps.sh fuzz SOURCE SECONDS    one libFuzzer target, built by clang with ASan and UBSan
set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$TOP/tests/lib/builds.sh"

step_build() # KIND TARGET...
{
	build_targets "$@"
}

step_format()
{
	find "$TOP" \( -path "$TOP/build*" -o -path "$TOP/.git" \) -prune -o \
		-name '*.[ch]' -print0 | xargs -0r clang-format --dry-run -Werror
}

step_man()
{
	local pages=("$TOP"/man/*.[0-9])

	if [ ! -e "${pages[0]}" ]; then
		echo "skip: there are no man pages"
		return 77
	fi
	# style too; but what manuals the machine has, and their index, is no fault of a page. The
	# two streams are read apart: in one they cut each other's lines at a buffer's end.
	! {
		mandoc -T lint "${pages[@]}" 2>&3 | grep -v 'referenced manual not found'
	} 3>&1 | grep -v 'outdated mandoc\.db'
}

step_bash()
{
	local script r=0

	while read -r script; do
		bash -n "$script" || r=1
	done < <(find "$TOP/tests" "$TOP/tools" "$TOP/.ci" -name '*.sh' -o -path '*/.ci/run')
	return $r
}

# fuzz_binary SOURCE - builds one target and prints its path; targets take turns at building
fuzz_binary()
{
	local dir=$TOP/build-fuzz name

	name=$(basename "$1" .c)
	mkdir -p "$dir"
	(
		flock 9
		build_targets fuzz "$name"
	) 9>"$dir/.lock" >&2 && echo "$dir/bin/$name"
}

step_fuzz() # SOURCE SECONDS
{
	local binary work corpus r

	binary=$(fuzz_binary "$1") || return 1
	corpus=$TOP/tests/fuzz/corpus/$(basename "$1" .c)
	work=$(mktemp -d /tmp/depfs-fuzz.XXXXXX) || return 1
	mkdir "$work/new"
	[ ! -d "$corpus" ] || cp -r "$corpus/." "$work/new"
	(cd "$work" && "$binary" -max_total_time="$2" -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$work/" "$work/new") 2>&1 | tail -n 40
	r=${PIPESTATUS[0]}
	[ "$r" = 0 ] || find "$work" -maxdepth 1 -type f -exec sh -c \
		'echo "$1:" && od -An -tx1 "$1" | head -n 64' - {} \;
	rm -rf "$work"
	return "$r"
}

"step_$1" "${@:2}"
