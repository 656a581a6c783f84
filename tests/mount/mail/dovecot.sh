#!/usr/bin/env bash
# mail/dovecot: a real Dovecot keeps Maildir, sdbox and mdbox accounts on a mount: mails delivered by several clients at
# once come back over IMAP byte for byte; what LMTP acknowledged survives kill -9 of the daemon and nothing is corrupt.
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need dovecot doveadm
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export MAILS=1000
[ "$KIND" = release ] || MAILS=200
depfs_start_policies
chmod 711 "$MNT" # a new store is its owner's alone; mail users pass through
policy_create Tenant
policy_create Board --kind mailbox
control assignment Tenant
control mailboxes/chief/policy Board
IMAP_PORT=$(free_port) LMTP_PORT=$(free_port)
export IMAP_PORT LMTP_PORT

account() # NAME MAIL_LOCATION
{
	mkdir -p "$MNT/mailbox/$1"
	chown 12001:12001 "$MNT/mailbox/$1"
	echo "$1:{PLAIN}secret:12001:12001::$MNT/mailbox/$1::userdb_mail=$2" >>"$WORK/users"
}

account anna maildir:~/Maildir
account bert mdbox:~/mdbox
account chief sdbox:~/sdbox
cat >"$WORK/dovecot.conf" <<END
base_dir = $WORK/dovecot/run
state_dir = $WORK/dovecot/state
log_path = $WORK/dovecot.log
protocols = imap lmtp
ssl = no
disable_plaintext_auth = no
auth_username_format = %Ln
first_valid_uid = 1
mail_fsync = always
mail_max_userip_connections = 50
submission_host = 127.0.0.1:9
lda_mailbox_autocreate = yes
passdb {
  driver = passwd-file
  args = $WORK/users
}
userdb {
  driver = passwd-file
  args = $WORK/users
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = $IMAP_PORT
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $LMTP_PORT
  }
}
END
mkdir -p "$WORK/dovecot/run" "$WORK/dovecot/state"
client() { python3 "$HERE/client.py" "$@" "$WORK/model"; }
dove() { doveadm -c "$WORK/dovecot.conf" "$@"; }

start_dovecot()
{
	background dovecot -F -c "$WORK/dovecot.conf"
	DOVECOT=$!
	wait_until 20 client ready || fail "Dovecot does not answer"
}

start_dovecot
client deliver
client use
client check
for user in anna bert chief; do
	assert_ne "$(find "$STORE/mailbox/$user" -type f -print -quit)" "" "ciphertext of $user"
done
file=$(cd "$STORE" && find mailbox/anna/Maildir -type f -path '*/cur/*' -print -quit)
assert_eq "$(inspect "$file" "policy id")" "$(policy_id Tenant)"
file=$(cd "$STORE" && find mailbox/chief/sdbox -type f -name 'u.*' -print -quit)
assert_eq "$(inspect "$file" "policy id")" "$(policy_id Board)"
assert_no_match "$(cat "$WORK/dovecot.log")" "Error|Panic|Fatal|[Cc]orrupt" "Dovecot's log"

client storm &
storm=$!
PIDS+=("$storm")
stormy() { [ "$(wc -l <"$WORK/model.acknowledged")" -ge 30 ]; }
wait_until 60 stormy || fail "no mail is delivered"
depfs_kill
wait "$storm" # it ends when mails are refused
end_process "$DOVECOT"
mv "$WORK/dovecot.log" "$WORK/dovecot-crash.log"
depfs_mount
start_dovecot
client check
for user in anna bert chief; do
	dove force-resync -u "$user" '*'
	dove fetch -u "$user" 'text hdr' mailbox '*' >/dev/null
done
client check
assert_no_match "$(cat "$WORK/dovecot.log")" "[Cc]orrupt|Broken|Panic" "Dovecot's log after the crash"
assert_eq "$(events '"event":"damage"')" "" "events of damage"
end_process "$DOVECOT"
depfs_umount
