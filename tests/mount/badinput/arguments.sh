#!/usr/bin/env bash
# badinput/arguments: whatever is wrong with command line, options or mount point, depfs says it in one sentence that names
# it, ends with a status that is not 0, mounts nothing, and leaves store, key and vaults as they were.
# builds: release asan
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/badinput.sh"
need_depfs
need unshare setpriv
depfs_mkfs # never served yet: a refusal must not even leave a lock file
OPTIONS=$(depfs_options)

# the command line
refused_line "STORE is missing"
refused_line "MOUNT is missing" "$STORE"
refused_line "extra: one argument too many" "$STORE" "$MNT" extra -o "$OPTIONS"
refused_line "--what: unknown argument" --what "$STORE" "$MNT" -o "$OPTIONS"
refused_line "-x: unknown argument" "$STORE" "$MNT" -x -o "$OPTIONS"
refused_by 2 "^depfs: -o: options are missing" "$BIN/depfs" "$STORE" "$MNT" -f -o

# options
option_refused() # WORDS OPTION
{
	refused_line "-o $1" "$STORE" "$MNT" -o "$OPTIONS,$2"
}

option_refused "strange: unknown option" strange
option_refused "strange=3: unknown option" strange=3
option_refused "fsname=x: unknown option" fsname=x
for option in ro rw strict list_control allow_other; do
	option_refused "$option=1: unknown option" "$option=1"
done
for option in service_key vaults admin_gid system_gid key_check events_size writeback; do
	option_refused "$option=: its value is missing" "$option="
	option_refused "$option: unknown option, or its value is missing" "$option"
done
for value in 0 -1 12x 86401 0x10 ' 5' 99999999999999999999; do
	option_refused "key_check=$value: a number of seconds from 1 to 86400" "key_check=$value"
done
for value in -1 1G 99999999999; do
	option_refused "events_size=$value: a number of MiB from 0 to 4294967295" "events_size=$value"
done
for value in nobodys-group -1 4294967295 99999999999 0x10; do
	option_refused "admin_gid=$value: no such group" "admin_gid=$value"
	option_refused "system_gid=$value: no such group" "system_gid=$value"
done
for value in maybe ON 1; do
	option_refused "writeback=$value: on or off is needed" "writeback=$value"
done
option_refused "remount: a mount's options stay as they are; unmount it" remount
option_refused "vaults=here: an absolute path is needed" vaults=here
refused "-o vaults=$KEY: not a folder" "$STORE" "$MNT" -o "$OPTIONS,vaults=$KEY"

# mount points
mkdir "$WORK/full" "$WORK/a b" "$STORE/mailbox"
touch "$WORK/full/x"
ln -s "$STORE/mailbox" "$WORK/link"
refused "mount point $WORK/full is not empty" "$STORE" "$WORK/full" -o "$OPTIONS"
refused "mount point $WORK/nowhere: No such file" "$STORE" "$WORK/nowhere" -o "$OPTIONS"
refused "mount point $WORK/full/x is not a folder" "$STORE" "$WORK/full/x" -o "$OPTIONS"
refused "mount point $STORE lies in the store" "$STORE" "$STORE" -o "$OPTIONS"
refused "mount point $STORE/mailbox lies in the store" "$STORE" "$STORE/mailbox" -o "$OPTIONS"
refused "mount point $STORE/mailbox lies in the store" "$STORE" "$WORK/link" -o "$OPTIONS"
refused "$STORE lies below the mount point $WORK/back" "$STORE" "$WORK/back" -o "$OPTIONS"
refused "the path of the store is empty" "" "$WORK/a b" -o "$OPTIONS"
refused "the path of the mount point is empty" "$STORE" "" -o "$OPTIONS"
refused "store $WORK/nostore: No such file" "$WORK/nostore" "$WORK/a b" -o "$OPTIONS"
refused "store $KEY: Not a directory" "$KEY" "$MNT" -o "$OPTIONS"
refused "$WORK/full is not a store" "$WORK/full" "$MNT" -o "$OPTIONS"

# an ordinary user's, who may not write there
chown 34:34 "$KEY"
chown -R 34:34 "$STORE"
refused_by 1 "^depfs: mount point $MNT: Permission denied" \
	setpriv --reuid 34 --regid 34 --clear-groups "$BIN/depfs" "$STORE" "$MNT" -o "$OPTIONS"
chown 0:0 "$KEY"
chown -R 0:0 "$STORE"

# where FUSE is missing, or will not mount: libfuse's words are part of the sentence
refused_by 1 "^depfs: /dev/fuse: No such file" \
	unshare -m sh -c "mount -t tmpfs none /dev; exec '$BIN/depfs' '$STORE' '$MNT' -f -o '$OPTIONS'"
run_it unshare -m sh -c "mount --bind /dev/null /dev/fuse; exec '$BIN/depfs' '$STORE' '$MNT' -o '$OPTIONS'"
assert_eq "$STATUS" 1
one_sentence "^depfs: $MNT cannot be mounted: mount failed: Invalid argument" depfs

# a second daemon, and one that has died
depfs_mount
as_it_is() { everything_as_it_is | sed '/lock.mdb/d'; } # which the daemon at work uses itself
before=$(as_it_is)
for mode in -f ""; do
	# shellcheck disable=SC2086
	run_it "$BIN/depfs" "$STORE" "$WORK/a b" -o "$OPTIONS" $mode
	assert_eq "$STATUS" 1
	one_sentence "^depfs: store $STORE: .* in use by process $DAEMON_PID on host $(hostname)$" depfs
	! is_mounted "$WORK/a b" || fail "two daemons on a store"
	diff <(echo "$before") <(as_it_is) || fail "the second daemon changed something"
done
run_it "$BIN/depfs" "$STORE" "$MNT" -o "$OPTIONS"
assert_eq "$STATUS" 1
one_sentence "^depfs: mount point $MNT: a filesystem is mounted there already" depfs
kill -KILL "$DAEMON_PID"
wait "$DAEMON_PID" 2>/dev/null || true
DAEMON_PID=
"$BIN/depfs" "$STORE" "$MNT" -o "$OPTIONS" >"$WORK/out.log" 2>"$WORK/err.log" && fail "mounted over a dead mount"
MESSAGE=$(cat "$WORK/err.log")
one_sentence "^depfs: mount point $MNT: the daemon of a mount there has ended; unmount it" depfs
umount "$MNT"
