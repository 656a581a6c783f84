#!/usr/bin/env bash
# adversary/lmdb-lock: the owner of the store's folder makes the daemon write to no other file of the system: a symlink
# in place of LMDB's lock file, or of state/, is refused by name.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start
depfs_umount
refused() # SENTENCE
{
	local out

	if out=$("$BIN/depfs" "$STORE" "$MNT" -o "$(depfs_options)" 2>&1); then
		fail "mounted"
	fi
	assert_match "$out" "$1"
}
state=$STORE/.depfs/state
echo "a file of the system" >"$WORK/victim"
mv "$state/lock.mdb" "$WORK/lock.mdb"
ln -s "$WORK/victim" "$state/lock.mdb"
refused "state/lock.mdb is not a plain file"
assert_eq "$(cat "$WORK/victim")" "a file of the system"
ln -sf "$WORK/none" "$state/lock.mdb"
refused "state/lock.mdb is not a plain file"
[ ! -e "$WORK/none" ] || fail "made through the symlink"
rm "$state/lock.mdb"
mv "$state" "$WORK/state"
ln -s "$WORK/state" "$state"
refused "state is not a folder"
[ ! -e "$WORK/state/lock.mdb" ] || fail "made behind the symlink"
rm "$state"
mv "$WORK/state" "$state"
depfs_mount
depfs_umount
