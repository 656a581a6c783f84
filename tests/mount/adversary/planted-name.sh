#!/usr/bin/env bash
# adversary/planted-name: a file that came into the store below, where the kernel remembers that there is none, is
# opened by open(O_CREAT) under its own mode, not under the folder's alone.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start
chmod 755 "$MNT"
mkdir -m 777 "$MNT/chat"
echo private >"$MNT/chat/own"
chmod 600 "$MNT/chat/own"
user() { setpriv --reuid 7001 --regid 7001 --clear-groups "$@"; }
for name in copy pipe; do
	assert_fails_with ENOENT user cat "$MNT/chat/$name"
done
cp -p "$STORE/chat/own" "$STORE/chat/copy"
mkfifo -m 600 "$STORE/chat/pipe"
for name in copy pipe; do
	# shellcheck disable=SC2016
	assert_fails_with EACCES user bash -c 'exec 3<>"$1" && cat <&3' - "$MNT/chat/$name"
done
assert_eq "$(cat "$MNT/chat/copy")" private "what its owner reads"
depfs_umount
