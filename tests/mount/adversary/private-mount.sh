#!/usr/bin/env bash
# adversary/private-mount: a folder of the store that root cannot read, because its owner has a private FUSE mount on it, is reported by jobs, and stops neither them, nor a count, nor recovery and the next mount.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/namespace.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need setpriv unshare fusermount3
fuse_for_users
depfs_start_policies
policy_create A
policy_create B --kind mailbox
mkdir -p "$MNT/mailbox/a" "$MNT/mailbox/m" "$MNT/mailbox/z"
for box in a z; do echo 1 >"$MNT/mailbox/$box/f"; done
chown -R nobody "$MNT/mailbox/m"
chmod 755 "$STORE" # by default its owner alone gets in
mkdir "$WORK/own"
chown nobody "$WORK/own"
user() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
user "$BIN/mkfs.depfs" --service-key "file:$WORK/own/key" "$WORK/own/store" >/dev/null
private=$STORE/mailbox/m
private_mount()
{
	background user "$BIN/depfs" "$WORK/own/store" "$private" -f -o "service_key=file:$WORK/own/key"
	wait_until 60 is_mounted "$private" || fail "the private mount does not come up"
}
private_mount
assert_fails_with EACCES ls "$private"
control assignment A
job_ended() { grep -q '^state: failed' "$MNT/.depfs/jobs/$1/status"; }
wait_until 30 job_ended 1 || fail "the job goes on: $(cat "$MNT/.depfs/jobs/1/status")"
assert_eq "$(cat "$MNT/.depfs/jobs/1/failed")" "mailbox/m: Permission denied"
for box in a z; do
	assert_eq "$(inspect mailbox/$box/f "policy id")" "$(policy_id A)" "mailbox $box"
done
assert_fails_with EACCES depctl renew mailbox/m
control mailboxes/m/policy B
wait_until 30 job_ended 2 || fail "its own job goes on: $(cat "$MNT/.depfs/jobs/2/status")"
assert_eq "$(cat "$MNT/.depfs/jobs/2/failed")" "mailbox/m: Permission denied"
assert_match "$(timeout 60 "$BIN/depctl" -m "$MNT" coverage)" "1 of unreadable header" "a count"
depfs_kill
depfs_mount
assert_match "$(events '"event":"recovery"')" '"outcome":"ok".*"left":1' "recovery"
assert_eq "$(cat "$MNT/mailbox/z/f")" 1
user fusermount3 -u "$private"
depfs_remount
assert_eq "$(ls "$MNT/mailbox/m")" ""
depfs_umount
