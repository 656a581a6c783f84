# tests/lib/proc.sh - processes, waiting and leaving nothing behind.
# shellcheck shell=bash

skip() # REASON
{
	echo "skip: $*"
	exit 77
}

need() # PROGRAM...
{
	local program

	for program in "$@"; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# on_error FILE LINE COMMAND - says what ended the test; once, not by every subshell on the way out
on_error()
{
	[ "$BASH_SUBSHELL" -gt 0 ] || echo "failed: $1:$2: ${3%%$'\n'*}" >&2
}

# need_depfs - the test is about depfs itself, not about any filesystem
need_depfs()
{
	[ "$PLAIN" = 0 ] || skip "only means something on depfs"
	[ -x "$BIN/depfs" ] || skip "$BIN/depfs is not built"
}

# helper NAME [GCC_OPTION...] - path of tests/lib/NAME.c compiled; built when it is older than its
# source
helper()
{
	local dir=$BUILD/test-helpers out

	out=$dir/$1
	mkdir -p "$dir"
	(
		flock 9
		[ "$out" -nt "$LIB/$1.c" ] ||
			gcc -std=gnu17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -pthread "${@:2}" \
				"$LIB/$1.c" -o "$out.new" && [ ! -e "$out.new" ] ||
			mv "$out.new" "$out"
	) 9>"$dir/.lock" >&2
	echo "$out"
}

# background COMMAND... - starts it, to be ended by cleanup at the latest; its id is in $!
background()
{
	"$@" &
	PIDS+=($!)
}

# free_port - a TCP port of the loopback that no process listens on
free_port()
{
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); \
print(s.getsockname()[1])'
}

# wait_until SECONDS COMMAND... - until the command succeeds; fails when it does not in time
wait_until()
{
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

gone() # PID - has it ended?
{
	! kill -0 "$1" 2>/dev/null
}

# is_child PID - is it still a process that this test started? A number whose process has ended may
# belong to an unrelated process by now, and must not be signalled.
is_child()
{
	[ "$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)" = $$ ]
}

# end_process PID - SIGTERM, and SIGKILL when that does not help within 5 s
end_process()
{
	is_child "$1" || return 0
	kill -TERM "$1" 2>/dev/null || return 0
	wait_until 5 gone "$1" || ! is_child "$1" || kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

# sanitizer_complaints - lines of any log in $WORK by which a sanitizer reported something
sanitizer_complaints()
{
	find "$WORK" -maxdepth 1 -name '*.log' -exec grep -aHE \
		'ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:' {} +
}

unmount_all()
{
	local pass target

	for pass in 1 2 3; do
		while read -r target; do
			umount -l "${target//\\040/ }" 2>/dev/null || true
		done < <(awk -v w="$WORK/" 'index($2, w) == 1 { print $2 }' /proc/self/mounts |
			sort -r)
	done
}

# cleanup STATUS - ends the test; cleanup_more, when the test has one, is called first
cleanup()
{
	local status=$1 i

	trap - ERR EXIT
	trap '' TERM INT HUP
	set +eE
	cd /
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		show_logs
	fi
	! declare -F cleanup_more >/dev/null || cleanup_more
	for ((i = ${#PIDS[@]} - 1; i >= 0; i--)); do
		[ "${PIDS[i]}" = "$DAEMON_PID" ] || end_process "${PIDS[i]}"
	done
	[ -z "$DAEMON_PID" ] || depfs_umount_quietly
	unmount_all
	for i in "${LOOPS[@]+"${LOOPS[@]}"}"; do
		losetup -d "$i" 2>/dev/null
	done
	sanitizer_complaints >"$WORK/complaints"
	if [ -s "$WORK/complaints" ]; then
		[ "$status" != 0 ] && [ "$status" != 77 ] || show_logs
		echo "a sanitizer complained:"
		cat "$WORK/complaints"
		status=1
	fi
	if [ "$status" != 0 ] && [ "$status" != 77 ] && [ "${DEPFS_KEEP:-0}" = 1 ]; then
		echo "kept: $WORK"
	else
		rm -rf --one-file-system "$WORK"
	fi
	exit "$status"
}

show_logs()
{
	local log

	for log in "$WORK"/*.log; do
		[ ! -s "$log" ] || { echo "--- ${log##*/}" && tail -n 60 "$log"; }
	done >&2
}
