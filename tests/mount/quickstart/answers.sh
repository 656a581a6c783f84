#!/usr/bin/env bash
# quickstart/answers: what the README's "What to do when" says users notice, and what it says to do, is so: keys and vaults that
# fail, are rotated, lost or leaked, a lost service key, a killed daemon and a damaged file. (A full disk: crash/full; a purge:
# policy/purge.)
# vaults: local azure
# builds: release
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
. "$LIB/jobs.sh"
when() # WHAT-HAPPENED COMMAND - the README has that row, and the command stands in it
{
	grep -F "| $1 | " "$TOP/README.md" | grep -qF -- "$2" || fail "no row '$1' with '$2' in the README"
}

state_is() { [ "$(status_of P state)" = "$1" ]; }
reads() { assert_eq "$(cat "$MNT/mailbox/anna/1")" mail; }
look_again() # - until a check has seen what the vaults say now
{
	wait_until 20 state_is "$1" || fail "state $(status_of P state), wanted $1"
}

depfs_start_policies key_check=1
policy_create P
control assignment P
mkdir -p "$MNT/mailbox/anna"
echo mail >"$MNT/mailbox/anna/1"
sync -f "$MNT"

when "one vault is out of reach, or denies" "depctl status"
vault deny "$K1" >/dev/null
look_again degraded
reads
says "root key failing 1: P key 1, denied" depctl status

when "one denies, and none opens" "the next request opens the policy"
vault disable "$K2" >/dev/null
look_again revoked
assert_fails_with EKEYREVOKED cat "$MNT/mailbox/anna/1"
vault enable "$K2" >/dev/null
reads
vault allow "$K1" >/dev/null
look_again ready

when "both vaults are out of reach" "the availability key opens"
depfs_umount
vault fault "$(vault_at v1)" transient >/dev/null
vault fault "$(vault_at v2)" transient >/dev/null
depfs_mount key_check=1
reads
assert_event availability-key-used '"policy":"P"'
vault fault "$(vault_at v1)" none >/dev/null
vault fault "$(vault_at v2)" none >/dev/null
look_again ready

when "a root key was rotated in its vault" "depctl policy refresh P"
vault rotate "$K1" >/dev/null
says "key 2 version" depctl policy refresh P

when "a root key is lost, or both are" "depctl policy replace-keys P KEY1 KEY2"
vault delete "$K1" >/dev/null
vault delete "$K2" >/dev/null
look_again revoked
refused 1 "neither root key opens its copy" depctl policy refresh P
new1=$(key_at v1 new) new2=$(key_at v2 new)
vault create "$new1" >/dev/null 2>&1
vault create "$new2" >/dev/null 2>&1
depctl policy replace-keys P "$new1" "$new2" >/dev/null
reads
look_again ready

when "a root key may have leaked" "depctl policy rotate P"
when "a root key may have leaked" "depctl renew ."
file_id=$(inspect mailbox/anna/1 "file id")
depctl policy rotate P >/dev/null
job_done
depctl renew . >/dev/null
job_done
assert_eq "$(inspect mailbox/anna/1 generation)" 2
assert_ne "$(inspect mailbox/anna/1 "file id")" "$file_id" "the id that goes with the data key"
reads

when "the daemon was killed" "ENOTCONN"
kill -KILL "$DAEMON_PID"
wait "$DAEMON_PID" 2>/dev/null || true
DAEMON_PID=
assert_fails_with ENOTCONN cat "$MNT/mailbox/anna/1"
umount "$MNT"
depfs_mount
reads
depfs_umount

when "the service key is lost" "put its copy back"
mv "$KEY" "$WORK/copy.key"
assert_fails_with "service key file $KEY: No such file" "$BIN/depfs" "$STORE" "$MNT" -o "$(depfs_options)"
mv "$WORK/copy.key" "$KEY"
depfs_mount
reads
depfs_umount

when "a file is damaged" "block-damaged"
printf x | dd of="$STORE/mailbox/anna/1" bs=1 seek=1000 conv=notrunc status=none
depfs_mount
assert_fails_with EIO cat "$MNT/mailbox/anna/1"
assert_event block-damaged '"path":"mailbox/anna/1"'
rm "$MNT/mailbox/anna/1"
echo mail >"$MNT/mailbox/anna/1"
depfs_remount
reads
depfs_umount
