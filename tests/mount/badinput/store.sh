#!/usr/bin/env bash
# badinput/store: a service key or a format file that is missing, damaged, open to others, of another store or of a later
# version gets one sentence that names it, in the foreground and in the background, and changes nothing.
# vaults: local azure
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/badinput.sh"
depfs_start_policies
policy_create Tenant
control assignment Tenant
mkdir -p "$MNT/mailbox/anna"
echo "the mail" >"$MNT/mailbox/anna/1"
depfs_umount
DOT=$STORE/.depfs
keep_store

# the service key
with_key() # WORDS SPEC
{
	refused "$1" "$STORE" "$MNT" -o "service_key=$2,vaults=$VAULTS"
}

key_refused() # WORDS - as it now lies; afterwards it is whole again
{
	with_key "service key file $KEY.*$1" "file:$KEY"
	rm -rf "$KEY"
	cp -p "$WORK/kept-key" "$KEY"
}

cp -p "$KEY" "$WORK/kept-key"
id=$(cut -d' ' -f3 "$KEY")
with_key "service key file $WORK/none: No such file" "file:$WORK/none"
with_key "service key '$KEY' is not of the form file:PATH" "$KEY"
with_key "service key: the path 'here' is not absolute" file:here
with_key "service key: the path '$WORK/' names a folder" "file:$WORK/"
refused "service key file /var/lib/depfs/keys/$id.key: No such file" "$STORE" "$MNT"
for mode in 604 640 660 610; do
	chmod $mode "$KEY"
	key_refused "is open to others than its owner \(mode 0$mode\): chmod 600 it"
done
chown 34 "$KEY"
key_refused "belongs to another user \(uid 34\)"
for length in 0 1 19 50 121; do
	truncate -s $length "$KEY"
	key_refused "is damaged"
done
echo >>"$KEY"
key_refused "is damaged"
head -c 122 /dev/urandom >"$KEY"
key_refused "is damaged"
sed -i 's/[0-9a-f]$/x/' "$KEY"
key_refused "is damaged"
sed -i 's/^depfs-service-key 1/depfs-service-key 2/' "$KEY"
key_refused "later version"
for kind in mkfifo mkdir; do
	rm "$KEY"
	$kind -m 600 "$KEY"
	key_refused "is not a regular file"
done
"$BIN/mkfs.depfs" --service-key "file:$WORK/key2" "$WORK/store2" >/dev/null 2>&1
with_key "service key file $WORK/key2 is the key of another store" "file:$WORK/key2"
sed "s/ [0-9a-f-]\{36\} / $id /" "$WORK/key2" >"$WORK/key3" # says that it is this store's
chmod 600 "$WORK/key3"
with_key "store $STORE: the service key is not the one this store was made with" "file:$WORK/key3"

# the format file
sed -i 's/^depfs 1/depfs 2/' "$DOT/format"
store_refused "store $STORE: the store has format version 2, this depfs knows 1 only"
echo "depfs 17" >"$DOT/format"
store_refused "format version 17"
printf 'depfs 3 %0500d\n' 1 >"$DOT/format"
store_refused "format version 3"
sed -i 's/flags=0/flags=4/' "$DOT/format"
store_refused "store $STORE: the store uses features \(flags=4\)"
for length in 0 1 6 7 8 20 44 52; do
	truncate -s $length "$DOT/format"
	store_refused "store $STORE: the format line is damaged or cut short"
done
head -c 60 /dev/urandom >"$DOT/format"
store_refused "store $STORE: the format line is damaged"
printf '\0' >>"$DOT/format"
store_refused "store $STORE: the format line is damaged"
rm "$DOT/format"
store_refused "store $STORE: not a store: its format file is missing"
for kind in mkfifo mkdir; do
	rm "$DOT/format"
	$kind "$DOT/format"
	store_refused "store $STORE: the format file cannot be read"
done
rm -rf "$DOT"
store_refused "$STORE is not a store: it has no folder .depfs"
rm -rf "$DOT"
touch "$DOT"
store_refused "$DOT: Not a directory"
rm "$DOT/lock"
mkdir "$DOT/lock"
store_refused "store $STORE: the lock file cannot be opened: Is a directory"
depfs_mount # nothing of that was of consequence
assert_eq "$(cat "$MNT/mailbox/anna/1")" "the mail"
depfs_umount
