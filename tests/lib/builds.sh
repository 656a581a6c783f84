# tests/lib/builds.sh - the ways depfs is built for testing. Each is a preset of CMakePresets.json.
# shellcheck shell=bash

BUILD_KINDS=(release clang asan tsan)
PROGRAMS=(depfs mkfs_depfs mount_depfs depctl) # targets: what a mount test runs

build_dir() # KIND
{
	if [ "$1" = release ]; then
		echo build
	else
		echo "build-$1"
	fi
}

# build_configure KIND ON|OFF - with or without the unit tests; nothing happens when that is done,
# for the build itself runs CMake again when a CMakeLists.txt has changed. A folder that was configured
# otherwise starts anew: CMake forgets the other variables when the compiler changes.
build_configure()
{
	local dir=$TOP/$(build_dir "$1") fresh=()

	if [ -e "$dir/build.ninja" ] && [ "$dir/.configured" -nt "$TOP/CMakePresets.json" ] &&
		{ [ "$2" = OFF ] || grep -q '^DEPFS_TESTS:[A-Z]*=ON$' "$dir/CMakeCache.txt"; }; then
		return 0
	fi
	[ -e "$dir/.configured" ] || fresh=(--fresh)
	cmake -S "$TOP" --preset "$1" -DDEPFS_TESTS="$2" "${fresh[@]}" && touch "$dir/.configured"
}

# build_targets KIND TARGET... - "all": everything, unit tests too
build_targets()
{
	local dir=$TOP/$(build_dir "$1") tests=OFF

	[[ " ${*:2} " != *" all "* && " ${*:2}" != *" test_"* ]] || tests=ON
	build_configure "$1" $tests && cmake --build "$dir" -j 2 --target "${@:2}"
}
