#!/usr/bin/env bash
# badinput/mount: whatever is wrong with arguments, mount point, key or store, depfs says it in one sentence that names it,
# ends with an exit status that is not 0, mounts nothing, and leaves store, key and vaults as they were.
# timeout: 180
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
depfs_start_policies
policy_create Tenant
control assignment Tenant
mkdir -p "$MNT/mailbox/anna"
echo "the mail" >"$MNT/mailbox/anna/1"
depfs_umount
DOT=$STORE/.depfs
cp -a "$STORE" "$WORK/good" # outside of what is looked at

# everything_as_it_is - names, kinds, modes, times and bytes
everything_as_it_is()
{
	(
		cd "$WORK"
		find back service.key* vaults -printf '%p %y %m %U %G %s %T@ %l\n' | sort
		find back service.key* vaults -type f -exec sha256sum {} + | sort
	)
}

# refused WORDS ARGUMENT... - depfs with these arguments, in the foreground and in the background
refused()
{
	local words=$1 before mode out r

	shift
	before=$(everything_as_it_is)
	for mode in -f ""; do
		r=0
		# shellcheck disable=SC2086
		out=$(timeout 60 "$BIN/depfs" "$@" $mode 2>&1 </dev/null) || r=$?
		[ $r = 1 ] || [ $r = 2 ] || fail "depfs $* $mode: status $r: $out"
		[ "$(wc -l <<<"$out")" = 1 ] || fail "depfs $* $mode: more than one sentence: $out"
		assert_match "$out" "$words" "depfs $*"
		! grep -q " $WORK/.* fuse" /proc/self/mounts || fail "depfs $*: something is mounted"
		[ -z "$(pgrep -f "^$BIN/depfs $STORE")" ] || fail "depfs $*: a process is left"
	done
	diff <(echo "$before") <(everything_as_it_is) >&2 || fail "depfs $*: changed something"
}

# store_refused WORDS - the store as it now lies; afterwards it is whole again
store_refused()
{
	refused "$1" "$STORE" "$MNT" -o "$(depfs_options)"
	mend_store
}

mend_store()
{
	rm -rf "$STORE"
	cp -a "$WORK/good" "$STORE"
}

OPTIONS=$(depfs_options)
# arguments
refused "MOUNT is missing" "$STORE"
refused "STORE is missing"
refused "extra: one argument too many" "$STORE" "$MNT" extra -o "$OPTIONS"
refused "--what: unknown argument" --what "$STORE" "$MNT" -o "$OPTIONS"
refused "-o strange: unknown option" "$STORE" "$MNT" -o "$OPTIONS,strange"
refused "-o strange=3: unknown option" "$STORE" "$MNT" -o "$OPTIONS,strange=3"
for option in service_key vaults admin_gid system_gid key_check writeback; do
	refused "-o $option=: its value is missing" "$STORE" "$MNT" -o "$OPTIONS,$option="
done
refused "key_check=0: " "$STORE" "$MNT" -o "$OPTIONS,key_check=0"
refused "key_check=12x: " "$STORE" "$MNT" -o "$OPTIONS,key_check=12x"
refused "key_check=99999999999999999999: " "$STORE" "$MNT" -o "$OPTIONS,key_check=99999999999999999999"
refused "admin_gid=nobodys-group: no such group" "$STORE" "$MNT" -o "$OPTIONS,admin_gid=nobodys-group"
refused "system_gid=-1: " "$STORE" "$MNT" -o "$OPTIONS,system_gid=-1"
refused "writeback=maybe: on or off" "$STORE" "$MNT" -o "$OPTIONS,writeback=maybe"

# mount points
mkdir "$WORK/full" "$WORK/around"
touch "$WORK/full/x"
refused "$WORK/full is not empty" "$STORE" "$WORK/full" -o "$OPTIONS"
refused "$WORK/nowhere: No such file" "$STORE" "$WORK/nowhere" -o "$OPTIONS"
refused "$WORK/full/x is not a folder" "$STORE" "$WORK/full/x" -o "$OPTIONS"
refused "$STORE lies in the store" "$STORE" "$STORE" -o "$OPTIONS"
refused "$STORE/mailbox lies in the store" "$STORE" "$STORE/mailbox" -o "$OPTIONS"
refused "$STORE lies below the mount point" "$STORE" "$WORK/back" -o "$OPTIONS"

MOUNT_WRAPPER="" depfs_mount
kill -KILL "$DAEMON_PID"
wait "$DAEMON_PID" 2>/dev/null || true
DAEMON_PID=
dead=$("$BIN/depfs" "$STORE" "$MNT" -o "$OPTIONS" 2>&1) && fail "mounted over a dead mount"
assert_match "$dead" "mount point $MNT: the daemon of a mount there has ended; unmount it"
umount "$MNT"
mend_store

# the service key
cp -p "$KEY" "$WORK/kept-key"
refused "service key file $WORK/none: No such file" "$STORE" "$MNT" -o "service_key=file:$WORK/none,vaults=$VAULTS"
refused "'$KEY' is not of the form file:PATH" "$STORE" "$MNT" -o "service_key=$KEY,vaults=$VAULTS"
for mode in 604 640 660; do
	chmod $mode "$KEY"
	refused "service key file $KEY.*(others|readable|mode)" "$STORE" "$MNT" -o "$OPTIONS"
done
chmod 600 "$KEY"
for length in 0 50 121; do
	head -c $length "$WORK/kept-key" >"$KEY"
	refused "service key file $KEY" "$STORE" "$MNT" -o "$OPTIONS"
done
tr 0-9a-f 1-9a-f0 <"$WORK/kept-key" >"$KEY"
refused "service key file $KEY" "$STORE" "$MNT" -o "$OPTIONS"
"$BIN/mkfs.depfs" --service-key "file:$WORK/service.key2" "$WORK/other" >/dev/null 2>&1
refused "service.key2.*another store" "$STORE" "$MNT" -o "service_key=file:$WORK/service.key2,vaults=$VAULTS"
id=$(cut -d' ' -f2 "$WORK/kept-key") # the right store's name over another store's key
sed "s/ [0-9a-f-]\{36\} / $id /" "$WORK/service.key2" >"$KEY"
refused "key" "$STORE" "$MNT" -o "$OPTIONS"
cp -p "$WORK/kept-key" "$KEY"

# the store
refused "$WORK/full is not a store" "$WORK/full" "$MNT" -o "$OPTIONS"
refused "$WORK/nostore: No such file" "$WORK/nostore" "$MNT" -o "$OPTIONS"
sed -i 's/^depfs 1/depfs 2/' "$DOT/format"
store_refused "version"
sed -i 's/flags=0/flags=4/' "$DOT/format"
store_refused "flags|features"
for length in 0 7 20 40 47; do
	truncate -s $length "$DOT/format"
	store_refused "store $STORE.*(format|damaged)"
done
head -c 60 /dev/urandom >"$DOT/format"
store_refused "store $STORE.*(format|damaged)"
rm "$DOT/format"
store_refused "store $STORE|$DOT/format"
rm -rf "$DOT/state" "$DOT/state.snapshot"
store_refused "snapshot|state"

# state/ damaged: the sentence names the file and the way out
state=$DOT/state/data.mdb
truncate -s 4096 "$state"
store_refused ".depfs/state/data.mdb"
truncate -s 0 "$state"
store_refused ".depfs/state/data.mdb"
dd if=/dev/zero of="$state" bs=4096 count=2 conv=notrunc status=none
store_refused ".depfs/state/data.mdb"
dd if=/dev/urandom of="$state" bs=4096 seek=2 count=400 conv=notrunc status=none
store_refused ".depfs/state/data.mdb"
truncate -s 4096 "$state"
refused "move .depfs/state out" "$STORE" "$MNT" -o "$OPTIONS"
mv "$DOT/state" "$WORK/state-aside"
depfs_mount # as the sentence said
assert_eq "$(cat "$MNT/mailbox/anna/1")" "the mail"
for mode in -f ""; do
	# shellcheck disable=SC2086
	out=$("$BIN/depfs" "$STORE" "$WORK/around" $mode -o "$OPTIONS" 2>&1 </dev/null) && fail "two daemons on a store"
	assert_match "$out" "^depfs: [^"$'\n'"]*$STORE[^"$'\n'"]*(pid|process) $DAEMON_PID" "a second daemon"
done
depfs_umount
