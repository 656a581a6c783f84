# tests/lib/builds.sh - the ways depfs is built for testing: folder and CMake variables of each.
# shellcheck shell=bash

BUILD_KINDS=(release clang asan tsan)

build_dir() # KIND
{
	if [ "$1" = release ]; then
		echo build
	else
		echo "build-$1"
	fi
}

build_args() # KIND
{
	case $1 in
	release) echo "-DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=gcc" ;;
	clang) echo "-DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang" ;;
	asan)
		echo "-DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=gcc" \
			"-DDEPFS_SANITIZE=address,undefined"
		;;
	tsan)
		echo "-DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=gcc" \
			"-DDEPFS_SANITIZE=thread"
		;;
	esac
}
