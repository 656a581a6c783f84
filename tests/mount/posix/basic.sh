#!/usr/bin/env bash
# posix/basic: what is written is read back, before and after a remount; the first thing to know.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

mkdir "$MNT/mailbox" "$MNT/mailbox/anna"
printf 'Subject: hello\n\nfirst mail\n' >"$MNT/mailbox/anna/1"
head -c 100000 /dev/urandom >"$WORK/big"
cp "$WORK/big" "$MNT/mailbox/anna/2"
same_bytes "$WORK/big" "$MNT/mailbox/anna/2"
depfs_remount
assert_eq "$(tail -n 1 "$MNT/mailbox/anna/1")" "first mail"
same_bytes "$WORK/big" "$MNT/mailbox/anna/2"
assert_eq "$(stat -c %s "$MNT/mailbox/anna/1")" 27 "size"
depfs_umount
