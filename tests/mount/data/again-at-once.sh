#!/usr/bin/env bash
# data/again-at-once: `umount` returns before the daemon has ended; mounting again in the same breath waits for it.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
depfs_start
mkdir "$MNT/chat"
for i in 1 2 3 4 5 6; do
	head -c 2000000 /dev/urandom >"$MNT/chat/$i"
	before=$DAEMON_PID
	umount "$MNT"
	depfs_mount
	wait "$before" || fail "the daemon before ended with status $?"
	assert_match "$(cat "$MNT/.depfs/status")" "last stop: clean"
	assert_eq "$(find "$MNT/chat" -size 2000000c | wc -l)" $i
done
depfs_umount
