#!/usr/bin/env bash
# backup/live: a copy made while the store is mounted and policies change, `.depfs` last, mounts elsewhere: each file that
# was not written meanwhile is equal, whichever policy it is under.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
policy_create First
control assignment First
mkdir -p "$MNT/mailbox/anna" "$MNT/chat"
for n in 1 2 3 4 5 6 7 8; do
	head -c $((n * 5000)) /dev/urandom >"$MNT/mailbox/anna/$n"
done

change_policies() # until $WORK/stop is there; a mail under each
{
	local n=0

	while [ ! -e "$WORK/stop" ]; do
		n=$((n + 1))
		depctl policy create "Next $n" "$K1" "$K2" >/dev/null
		depctl assign "Next $n" >/dev/null
		echo "mail $n" >"$MNT/chat/$n"
		depctl policy refresh First >/dev/null
	done
}

take_all() # tar's status 1 says that a file changed while it was read: so it is with a live store
{
	tar -C "$STORE" --exclude=./.depfs -cf - . || [ $? = 1 ]
}

background change_policies
changer=$!
for copy in 1 2 3; do
	seen=$(find "$MNT/chat" -type f | wc -l)
	new_one() { [ "$(find "$MNT/chat" -type f | wc -l)" -gt "$seen" ]; }
	wait_until 60 new_one
	mkdir "$WORK/copy$copy"
	find "$MNT/chat" -type f | sort >"$WORK/listed$copy"
	take_all | tar -C "$WORK/copy$copy" -xf -
	cp -a "$STORE/.depfs" "$WORK/copy$copy/" 2>"$WORK/cp$copy.out" ||
		grep -q "No such file" "$WORK/cp$copy.out" # a snapshot that was being replaced
done
touch "$WORK/stop"
wait "$changer"
mkdir "$WORK/plain"
cp -a "$MNT/mailbox" "$MNT/chat" "$WORK/plain/"
depfs_umount
for copy in 1 2 3; do
	STORE=$WORK/copy$copy
	depfs_mount
	diff -r "$WORK/plain/mailbox" "$MNT/mailbox"
	while read -r file; do
		[ "$file" = "$(tail -n 1 "$WORK/listed$copy")" ] || # may have been in the making
			[ ! -s "$file" ] || same_bytes "$WORK/plain/chat/${file##*/}" "$file"
		assert_exists "$file"
	done <"$WORK/listed$copy"
	depfs_umount
done
