#!/usr/bin/env bash
# mail/dovecot: a real Dovecot keeps Maildir, sdbox and mdbox accounts on a mount: mails delivered
# and changed by several clients at once come back over IMAP byte for byte; what LMTP acknowledged
# survives kill -9 of the daemon, and doveadm finds nothing corrupt.
# timeout: 240
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need dovecot doveadm
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
USERS=(anna bert chief)
export MAILS=1000
ROUNDS=2 # crashes
{ [ "$KIND" = release ] || [ "$KIND" = clang ]; } && [ "$VAULTS_KIND" = local ] || MAILS=200 ROUNDS=1
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

client() # ACT
{
	python3 "$HERE/client.py" "$1" "$WORK/model"
}

start_dovecot()
{
	background dovecot -F -c "$WORK/dovecot.conf"
	DOVECOT=$!
	wait_until 20 client ready || fail "Dovecot does not answer"
}

dove() # COMMAND... - its complaints are kept for nothing_wrong
{
	doveadm -c "$WORK/dovecot.conf" "$@" 2>>"$WORK/doveadm.out" ||
		fail "doveadm $*: $(cat "$WORK/doveadm.out")"
}

# nothing_wrong [REGEX] - Dovecot's log and doveadm report nothing, but that Dovecot was kept waiting
# for the processor, what force-resync says whatever it finds (that it begins), and lines that match
nothing_wrong()
{
	local usual="Time moved forwards|fscking index file |[ms]dbox .*: [Rr]ebuilding index" lines

	usual="Warning: ($usual)"
	lines=$(cat "$WORK/dovecot.log" "$WORK/doveadm.out")
	lines=$(grep -E ' (Warning|Error|Fatal|Panic): ' <<<"$lines" | grep -vE "$usual${1:+|$1}") ||
		true # none is well
	assert_eq "$lines" "" "what Dovecot complains of"
	assert_eq "$(events damaged)" "" "events of damage"
}

# all_readable - doveadm reads every mail, makes every index anew, and reads them again
all_readable()
{
	local user

	for user in "${USERS[@]}"; do
		dove fetch -u "$user" text mailbox '*' >/dev/null
		dove force-resync -u "$user" '*'
		dove fetch -u "$user" text mailbox '*' >/dev/null
	done
}

acknowledged() # NUMBER
{
	[ "$(wc -l <"$WORK/model.acknowledged")" -ge "$1" ]
}

# crash - kill -9 of depfs while six clients deliver, then a new mount
crash()
{
	local storm before=0

	[ ! -e "$WORK/model.acknowledged" ] || before=$(wc -l <"$WORK/model.acknowledged")
	background client storm
	storm=$!
	wait_until 60 acknowledged $((before + 40)) || fail "no mail is delivered"
	depfs_kill
	wait "$storm" || fail "deliveries ended otherwise than by a refusal"
	end_process "$DOVECOT"
	mv "$WORK/dovecot.log" "$WORK/dovecot-crash.log"
	: >"$WORK/doveadm.out"
	depfs_mount
	# A delivery that was cut could not take its lock away, and Dovecot would wait two minutes
	# before it takes one as stale.
	find "$MNT/mailbox" -name '*.lock' -delete
	start_dovecot
}

policy_of() # FILE - of that of the store
{
	inspect "$(cd "$STORE" && find mailbox -type f -path "mailbox/$1" -print -quit)" "policy id"
}

start_dovecot
client deliver
client use
client check
assert_eq "$(policy_of 'anna/Maildir/cur/*')" "$(policy_id Tenant)"
assert_eq "$(policy_of 'bert/mdbox/storage/m.*')" "$(policy_id Tenant)"
assert_eq "$(policy_of 'chief/sdbox/*/u.*')" "$(policy_id Board)"
all_readable
client check
nothing_wrong

for ((round = 1; round <= ROUNDS; round++)); do
	crash
	client check
	all_readable
	client again
	client check
	# A delivery in two steps was cut between them, as it is when Dovecot itself is killed; or,
	# as in a power cut, some pages of it had come to the disk and the last had not. None of
	# these was acknowledged: client check has seen all that were.
	nothing_wrong "mdbox .*: Inconsistency in map index|Unexpected EOF while reading metadata header|Copy of the broken file saved"
done
end_process "$DOVECOT"
depfs_umount
