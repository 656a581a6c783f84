#!/usr/bin/env bash
# crash/kill: what fsync or O_SYNC acknowledged is there after kill -9 of the daemon, however heavy the writing and however often.
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
crashwriter=$(helper crashwriter)
rounds=12
[ "$LONG" = 0 ] || rounds=200
[ "$KIND" = release ] || rounds=5
depfs_mkfs
depfs_mount
mkdir -p "$MNT/mailbox/anna" "$MNT/chat"
echo "kept from before" >"$MNT/mailbox/anna/old"
noise() # writes without fsync, creations and deletions all the while
{
	local i

	for ((i = 0; ; i++)); do
		head -c $((i * 997 % 60000)) /dev/urandom >"$MNT/chat/n$((i % 20))" || return 0
		rm -f "$MNT/chat/n$((i * 7 % 20))"
	done 2>/dev/null
}
for ((round = 1; round <= rounds; round++)); do
	pids=()
	background noise
	pids+=($!)
	for mode in fsync osync append; do
		rm -f "$MNT/mailbox/anna/$mode"
		background "$crashwriter" write "$MNT/mailbox/anna/$mode" $round $mode "$WORK/acks.$mode"
		pids+=($!)
	done
	sleep "0.$((RANDOM % 7 + 2))"
	depfs_crash "${pids[@]}"
	for mode in fsync osync append; do
		"$crashwriter" check "$MNT/mailbox/anna/$mode" $round $mode "$WORK/acks.$mode" ||
			fail "round $round, $mode: acknowledged bytes are lost"
	done
	for file in "$MNT"/chat/*; do # not promised, but never damage
		[ ! -e "$file" ] || cat "$file" >/dev/null || fail "$file does not read after round $round"
	done
	assert_eq "$(cat "$MNT/mailbox/anna/old")" "kept from before"
done
assert_match "$(cat "$MNT/.depfs/status")" "last stop: unclean"
depfs_umount
depfs_mount
assert_match "$(cat "$MNT/.depfs/status")" "last stop: clean"
depfs_umount
