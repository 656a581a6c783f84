#!/usr/bin/env bash
# depctl/mailbox: the policy of a mailbox is shown with where it comes from, and unassigning falls back
# to the tenant's policy and then to the service key.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies
policy_create Tenant
policy_create Board --kind mailbox
mkdir -p "$MNT/mailbox/ann" "$MNT/mailbox/bob smith"

says_line "none" depctl assignment
json_holds "j is None" depctl assignment --json
says "source: service" depctl mailbox show ann
json_holds "j['policy'] is None and j['id'] is None and j['source'] == 'service'" \
	depctl mailbox show ann --json

says "policy Tenant is assigned to the tenant; job 1 re-wraps what is there already" depctl assign tenant
says "name: Tenant" depctl assignment
json_holds "j == {'name': 'Tenant', 'id': '$(policy_id Tenant)'}" depctl assignment --json
says "source: tenant" depctl mailbox show ann

says "mailbox bob smith is assigned policy Board; job" depctl mailbox assign "bob smith" board
says "policy: Board" depctl mailbox show "bob smith"
says "source: mailbox" depctl mailbox show "bob smith"
says "mailboxes: 1" depctl policy show Board
says "mailbox not yet there, which has no folder yet, is assigned policy Board; job" \
	depctl mailbox assign "not yet there" "$(policy_id Board)"
json_holds "[(m['mailbox'], m['policy'], m['source']) for m in j] == [
	('ann', 'Tenant', 'tenant'), ('bob smith', 'Board', 'mailbox'),
	('not yet there', 'Board', 'mailbox')]" depctl mailbox list --json
says "bob smith      Board   mailbox" depctl mailbox list

says "mailbox bob smith has no policy of its own; job" depctl mailbox unassign "bob smith"
says "source: tenant" depctl mailbox show "bob smith"
says "the tenant has no policy; job" depctl unassign
says "source: service" depctl mailbox show "bob smith"
says_line "the tenant has no policy" depctl unassign # once more changes nothing

refused 1 "must not hold a '/'" depctl mailbox show ann/cur
refused 1 "must not be empty" depctl mailbox assign "" Board
refused 1 "must not be '..'" depctl mailbox show ..

# a folder's name cannot steer a terminal, nor break JSON; C1 controls are written as two bytes
mkdir "$MNT/mailbox/"$'c1\xc2\x9b31m' "$MNT/mailbox/"$'latin\xe9'
says 'c1\302\23331m' depctl mailbox list
json_holds "{'latin\ufffd', 'c1\x9b31m'} < {m['mailbox'] for m in j}" depctl mailbox list --json
