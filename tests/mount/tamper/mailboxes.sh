#!/usr/bin/env bash
# tamper/mailboxes: a whole ciphertext file moved by hand into another mailbox or workload does not open; moved back it does.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/tamper.sh"
tamper_start mailbox/anna/a mailbox/bob/b chat/c edm/e planner/p
for file in mailbox/anna/x chat/x edm/x planner/x x; do
	mkdir -p "$WORK/plain/$(dirname "$file")"
	cp "$WORK/plain/mailbox/bob/b" "$WORK/plain/$file"
	cp "$STORE/mailbox/bob/b" "$STORE/$file"
done
depfs_mount
for file in mailbox/anna/x chat/x edm/x planner/x x; do
	refuses_reading "$file"
done
same_bytes "$WORK/plain/mailbox/bob/b" "$MNT/mailbox/bob/b"
depfs_umount
mv "$STORE/mailbox/anna/x" "$STORE/mailbox/bob/x" # of its own mailbox: a second copy is fine
depfs_mount
same_bytes "$WORK/plain/mailbox/bob/b" "$MNT/mailbox/bob/x"
depfs_umount
