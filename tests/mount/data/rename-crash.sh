#!/usr/bin/env bash
# data/rename-crash: a rename across mailboxes that kill -9 cut between header and name is completed; the same
# file moved by hand, without an unclean stop in the middle of a rename, does not open.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

mkdir -p "$MNT/mailbox/a" "$MNT/mailbox/b"
head -c 9000 /dev/urandom >"$WORK/ref"
truncate -s 200000 "$WORK/ref" # a hole, which the header declares
cp --sparse=always "$WORK/ref" "$MNT/mailbox/a/m"
cp "$WORK/ref" "$MNT/mailbox/a/byhand"
mv "$MNT/mailbox/a/m" "$MNT/mailbox/b/m"
cmp "$WORK/ref" "$MNT/mailbox/b/m"
depfs_kill
# what a crash between the two steps leaves: the new header under the old name
mv "$STORE/mailbox/b/m" "$STORE/mailbox/a/m"
mv "$STORE/mailbox/a/byhand" "$STORE/mailbox/b/byhand"
depfs_mount
cmp "$WORK/ref" "$MNT/mailbox/a/m"
if cat "$MNT/mailbox/b/byhand" >/dev/null 2>"$WORK/err"; then
	fail "a file moved by hand opened"
fi
grep -q 'Input/output error' "$WORK/err"
grep -q '"path":"mailbox/b/byhand"' "$MNT/.depfs/events"
depfs_umount

# after a clean stop nothing is under way any more
mv "$STORE/mailbox/a/m" "$STORE/mailbox/b/m"
depfs_mount
if cat "$MNT/mailbox/b/m" >/dev/null 2>&1; then
	fail "a file moved by hand after a clean stop opened"
fi
depfs_umount
