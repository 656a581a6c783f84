# tests/lib/badinput.sh - for tests/mount/badinput: a program is refused, and nothing came of it.
# shellcheck shell=bash

# everything_as_it_is - names, kinds, modes, owners, sizes, times and bytes below $WORK, logs aside, and
# what a mount counts by itself
everything_as_it_is()
{
	(
		cd "$WORK" || exit
		control=() # in no listing
		[ ! -d "$MNT/.depfs" ] || control=("./${MNT#"$WORK/"}/.depfs")
		find . "${control[@]}" -mindepth 1 -path ./good -prune -o -name '*.log' -prune -o \
			-printf '%p %y %m %U %G %n %s %T@ %l\n' | sort
		find . "${control[@]}" -path ./good -prune -o -name '*.log' -prune -o -path '*/.depfs/metrics' -prune -o -type f \
			-exec sha256sum {} + | sort -k 2
	)
}

# run_it COMMAND... - its exit status goes to $STATUS, its standard error to $MESSAGE, the state before to $BEFORE
run_it()
{
	BEFORE=$(everything_as_it_is)
	STATUS=0
	timeout 60 "$@" >"$WORK/out.log" 2>"$WORK/err.log" </dev/null || STATUS=$?
	MESSAGE=$(cat "$WORK/err.log")
}

# nothing_came_of COMMAND... - which was just run: nothing is mounted, no process is left and everything is as it was
nothing_came_of()
{
	! grep -q " $WORK/[^ ]* fuse" /proc/self/mounts || fail "'$*': something is mounted"
	[ -z "$(pgrep -f "^$BIN/.*$WORK/")" ] || fail "'$*': a process is left"
	diff <(echo "$BEFORE") <(everything_as_it_is) >&2 || fail "'$*' changed something"
}

# one_sentence WORDS COMMAND... - which was just run: one line on standard error, matching the words
one_sentence()
{
	[ ! -s "$WORK/out.log" ] || fail "'${*:2}' prints $(cat "$WORK/out.log")"
	assert_eq "$(wc -l <"$WORK/err.log")" 1 "lines of '${*:2}', which says '$MESSAGE',"
	[ ${#MESSAGE} -lt 600 ] || fail "'${*:2}' says too much: $MESSAGE"
	assert_match "$MESSAGE" "$1" "what '${*:2}' says"
}

refused_by() # STATUS WORDS COMMAND...
{
	run_it "${@:3}"
	assert_eq "$STATUS" "$1" "exit status of '${*:3}', which says '$MESSAGE',"
	one_sentence "${@:2}"
	nothing_came_of "${@:3}"
}

# refused WORDS ARGUMENT... - depfs with these arguments, in the foreground and in the background
refused()
{
	refused_by 1 "^depfs: .*($1)" "$BIN/depfs" "${@:2}" -f
	refused_by 1 "^depfs: .*($1)" "$BIN/depfs" "${@:2}"
}

# refused_line WORDS ARGUMENT... - a wrong command line, which has an exit status of its own
refused_line()
{
	refused_by 2 "^depfs: .*($1).* \(see depfs --help\)$" "$BIN/depfs" "${@:2}" -f
	refused_by 2 "^depfs: .*($1).* \(see depfs --help\)$" "$BIN/depfs" "${@:2}"
}

keep_store() # as it is now, for mend_store
{
	cp -a "$STORE" "$WORK/good"
}

mend_store()
{
	rm -rf "$STORE"
	cp -a "$WORK/good" "$STORE"
}

# store_refused WORDS - the store as it now lies; afterwards it is whole again
store_refused()
{
	refused "$1" "$STORE" "$MNT" -o "$(depfs_options)"
	mend_store
}

store_is_free() # the daemon ends some time after it was unmounted
{
	[ -z "$(pgrep -f "^$BIN/depfs $STORE")" ]
}

# refused_or COMMAND WORDS - a damage that may lie where nothing is kept: the store is refused as above and
# $REFUSED counts it, or it is served, the command finds all right and $SERVED counts it
refused_or()
{
	run_it "$BIN/depfs" "$STORE" "$MNT" -o "$(depfs_options)"
	if [ "$STATUS" = 0 ]; then
		"$1"
		fusermount3 -u "$MNT"
		wait_until 30 store_is_free || fail "the daemon does not end"
		SERVED=$((SERVED + 1))
	else
		assert_eq "$STATUS" 1 "exit status of depfs, which says '$MESSAGE',"
		one_sentence "^depfs: .*($2)" depfs
		nothing_came_of depfs
		REFUSED=$((REFUSED + 1))
	fi
	mend_store
}
