#!/usr/bin/env bash
# quickstart/readme: the README's transcript, typed line by line, gives the answers that stand in it ("#> " lines).
# builds: release
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
demo=$WORK/demo
unset -f depctl # the program itself, with the variables that the README sets
cleanup_more() { ! mountpoint -q "$demo/mnt" || umount -l "$demo/mnt"; }

sed -n '/^## By hand/,/^To keep one/s/^    //p' "$TOP/README.md" | sed "s|/tmp/demo|$demo|g" >"$WORK/transcript"
! grep -qE ' /(etc|srv|usr|var)' "$WORK/transcript" || fail "the README's transcript leaves $demo"
commands=0 answers=0 answer=
answered() # LINE - it stands in the last command's answer, "..." for whatever is too long to print
{
	local line pattern

	pattern=$(sed 's/[][\\*?]/\\&/g; s/\.\.\./*/g' <<<"$1")
	while read -r line; do
		# shellcheck disable=SC2053
		[[ $line != $pattern ]] || return 0
	done <"$answer"
	return 1
}

while IFS= read -r line; do
	case $line in
	'' | '# '*) ;;
	'#> '*)
		answered "${line#'#> '}" ||
			fail "the README promises '${line#'#> '}', the answer was: $(cat "$answer")"
		answers=$((answers + 1))
		;;
	'export PATH='*)
		# shellcheck disable=SC2086
		export PATH=$BIN:$PATH ${line#*build/bin:\$PATH }
		;;
	umount*) # what the line waits for is there before: else it would wait for nothing
		[ -s "$demo/store/.depfs/lock" ] || fail "the lock file of a mounted store is empty"
		# where the mount is in use, the line ends, and removes nothing
		! (cd "$demo/mnt" && timeout 30 bash -c "$line" >"$WORK/busy" 2>&1) || fail "a busy mount is removed"
		assert_match "$(cat "$WORK/busy")" "busy"
		mountpoint -q "$demo/mnt" && [ -s "$demo/mnt/mailbox/alice/1" ]
		;;&
	*)
		answer=$WORK/answer
		eval "$line" >"$answer" 2>&1 || fail "the README's '$line' fails: $(cat "$answer")"
		commands=$((commands + 1))
		;;
	esac
done <"$WORK/transcript"
[ $commands -ge 15 ] || fail "only $commands commands were found in the README"
[ $answers -ge 8 ] || fail "only $answers answers were found in the README"
[ ! -e "$demo" ]
