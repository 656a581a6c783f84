# tests/lib/assert.sh - claims. Each ends the test with one sentence when it does not hold.
# shellcheck shell=bash

fail()
{
	local i

	echo "failed: $*" >&2
	for ((i = 1; i < ${#FUNCNAME[@]} - 1; i++)); do
		[[ ${BASH_SOURCE[i + 1]} == */lib/* ]] ||
			echo "        at ${BASH_SOURCE[i + 1]##*/}:${BASH_LINENO[i]}" >&2
	done
	trap - ERR
	exit 1
}

assert_eq() # GOT WANTED [WHAT]
{
	[ "$1" = "$2" ] || fail "${3:-value}: got '$1', wanted '$2'"
}

assert_ne() # GOT UNWANTED [WHAT]
{
	[ "$1" != "$2" ] || fail "${3:-value}: got '$1', wanted anything else"
}

assert_match() # TEXT REGEX [WHAT]
{
	[[ $1 =~ $2 ]] || fail "${3:-text}: '$1' does not match '$2'"
}

assert_no_match() # TEXT REGEX [WHAT]
{
	[[ ! $1 =~ $2 ]] || fail "${3:-text}: '$1' matches '$2'"
}

assert_exists() # PATH
{
	[ -e "$1" ] || [ -L "$1" ] || fail "$1 does not exist"
}

assert_missing() # PATH
{
	[ ! -e "$1" ] && [ ! -L "$1" ] || fail "$1 exists"
}

same_bytes() # FILE FILE
{
	cmp "$1" "$2" >&2 || fail "$1 and $2 differ"
}

# same_tree DIR DIR - names, kinds, modes, sizes, link targets and every byte are equal
same_tree()
{
	diff <(cd "$1" && tree_listing) <(cd "$2" && tree_listing) >&2 ||
		fail "the trees $1 and $2 differ"
	diff -r --no-dereference --exclude=.depfs "$1" "$2" >&2 || fail "files in $1 and $2 differ"
}

tree_listing()
{
	find . -path ./.depfs -prune -o \( -type d -printf '%P/ %m %U %G\n' \) -o \
		-printf '%P %y %m %U %G %s %n %T@ %l\n' | sort
}

errno_text() # EIO -> Input/output error
{
	case $1 in
	E*) python3 -c 'import os, errno, sys; print(os.strerror(getattr(errno, sys.argv[1])))' "$1" ;;
	*) echo "$1" ;;
	esac
}

# assert_fails_with ERRNO|SENTENCE COMMAND... - it fails, and what it prints holds that errno's text
# or the sentence, whatever the case of its letters
assert_fails_with()
{
	local wanted out r=0

	wanted=$(errno_text "$1")
	shift
	out=$("$@" 2>&1 </dev/null) || r=$?
	[ $r != 0 ] || fail "succeeded, but should say '$wanted': $*"
	[ $r -lt 126 ] || fail "could not run or was killed ($r): $*: $out"
	[[ ${out,,} == *"${wanted,,}"* ]] || fail "'$*' should say '$wanted' but says: $out"
}
