#!/usr/bin/env bash
# unprivileged/own: an ordinary user makes, mounts, steers and unmounts a private store, in the background too; no other user,
# root included, sees into it, and what only root may do is refused, never pretended.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/namespace.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
need fusermount3 setpriv unshare
fuse_for_users
chmod 755 "$WORK/back"
mkdir "$WORK/back/user" "$WORK/bin"
cp "$BIN/depfs" "$BIN/mkfs.depfs" "$BIN/depctl" "$WORK/bin/" # a clone in root's home is root's alone
BIN=$WORK/bin
chown 34:34 "$WORK/back/user" "$MNT"
STORE=$WORK/back/user/store
KEY=$WORK/back/user/key
VAULTS=$WORK/back/user/vaults
# `backup`, of every Debian: fusermount3 wants a user with a name
AS_USER="setpriv --reuid 34 --regid 34 --clear-groups"
# shellcheck disable=SC2086
user() { $AS_USER "$@"; }
user_says() { user sh -c "$1"; }

user "$BIN/mkfs.depfs" --service-key "file:$KEY" "$STORE" >/dev/null 2>&1
for key in "$K1" "$K2"; do
	if [ "$VAULTS_KIND" = local ]; then
		user "$BIN/depctl" key create "$key" --vaults "$VAULTS" >/dev/null 2>&1
	else
		vault create "$key" >/dev/null
	fi
done
MOUNT_WRAPPER=$AS_USER
# depfs_mount() looks at the mount as root would, who sees nothing here
# shellcheck disable=SC2086
$AS_USER "$BIN/depfs" "$STORE" "$MNT" -f -o "$(depfs_options)" >>"$LOG" 2>&1 </dev/null &
DAEMON_PID=$!
PIDS+=("$DAEMON_PID")
wait_until 60 mounted_or_ended "$DAEMON_PID" "$MNT"
is_mounted || fail "not mounted"
assert_fails_with EACCES ls "$MNT" # root, who is another user

user_says "mkdir -p '$MNT/mailbox/anna' && echo 'the mail' >'$MNT/mailbox/anna/1'"
assert_eq "$(user cat "$MNT/mailbox/anna/1")" "the mail"
user "$BIN/depctl" -m "$MNT" policy create Mine "$K1" "$K2" >/dev/null 2>&1
user_says "echo Mine >'$MNT/.depfs/assignment'"
user_says "echo more >'$MNT/mailbox/anna/2'"
assert_eq "$(inspect mailbox/anna/2 "policy id")" "$(user cat "$MNT/.depfs/policies/Mine/id")"
assert_eq "$(user stat -c '%u %g' "$MNT/mailbox/anna/2")" "34 34"
assert_fails_with EPERM user chown 0:0 "$MNT/mailbox/anna/2"
assert_fails_with EPERM user mknod "$MNT/mailbox/anna/device" b 7 0
assert_eq "$(user stat -c '%u' "$MNT/mailbox/anna/2")" 34
user ln "$MNT/mailbox/anna/2" "$MNT/mailbox/anna/3"
user mv "$MNT/mailbox/anna/3" "$MNT/mailbox/anna/4"
user setfattr -n user.note -v x "$MNT/mailbox/anna/4"
user fusermount3 -u "$MNT"
wait "$DAEMON_PID" || fail "the daemon ended with status $?"
DAEMON_PID=

# in the background, and ended by its owner's signal: it unmounts by itself
user "$BIN/depfs" "$STORE" "$MNT" -o "$(depfs_options)" </dev/null >"$WORK/out" 2>&1 || fail "$(cat "$WORK/out")"
assert_eq "$(user cat "$MNT/mailbox/anna/4")" more
daemon=$(pgrep -u 34 -f "^$BIN/depfs $STORE")
user kill -TERM "$daemon"
not_mounted() { ! is_mounted; }
wait_until 20 not_mounted || fail "still mounted after SIGTERM"
wait_until 20 gone "$daemon"

# other users only when root has allowed it in fuse.conf
if ! grep -qs '^user_allow_other' /etc/fuse.conf; then
	assert_fails_with "allow_other" user timeout 20 "$BIN/depfs" "$STORE" "$MNT" -f -o "$(depfs_options allow_other)"
	! is_mounted || fail "mounted for others without leave"
fi
