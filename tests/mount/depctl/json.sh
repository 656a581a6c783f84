#!/usr/bin/env bash
# depctl/json: everything that is printed can be had as JSON with steady names and types, whatever
# the policies are named.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies
json_holds "j == []" depctl policy list --json
json_holds "j == []" depctl mailbox list --json
json_holds "j['done'].startswith('policy 12 created') and j['policy'] == '12'" \
	depctl policy create 12 $K1 $K2 --json
json_holds "j['policy'] == 'say \"x\"'" depctl --json policy create 'say "x"' $K1 $K2 --kind mailbox
json_holds "[p['name'] for p in j] == ['12', 'say \"x\"'] and
	set(j[0]) == {'name', 'id', 'kind', 'state', 'description', 'enabled', 'proved', 'assigned',
		'mailboxes', 'generation', 'created', 'keys'} and
	j[0]['enabled'] is True and j[0]['assigned'] is False and j[0]['mailboxes'] == 0 and
	j[0]['generation'] == 1 and len(j[0]['keys']) == 2 and j[0]['keys'][0]['id'] == '$K1' and
	len(j[0]['keys'][0]['version']) == 32" depctl policy list --json
json_holds "j['kind'] == 'mailbox'" depctl policy show 'SAY "x"' --json
json_holds "j['policy'] == '12' and j['id'] == '$(policy_id 12)'" depctl assign 12 --json
json_holds "j['tenant_policy'] == '12' and j['policies'] == 2 and j['policies_ready'] == 2 and
	j['requests_waiting'] == 0 and j['mount'] == '$MNT' and j['jobs_failed'] == 0 and
	(j['last_event'] is None or 'event' in j['last_event'])" depctl status --json
json_holds "j['done'] and j['details']['key_1_wrap'].startswith('ok')" depctl policy check 12 --json
json_holds "j['policy'] == '12'" depctl policy refresh 12 --json
json_holds "j['policy'] == '13'" depctl policy rename 12 13 --json
json_holds "j['policy'] == '13'" depctl policy describe 13 'ü "q" \ ' --json
json_holds "j['description'] == 'ü \"q\" \\\\'" depctl policy show 13 --json
json_holds "j['mailbox'] == 'm' and j['source'] == 'mailbox' and j['done']" \
	depctl mailbox assign m 'say "x"' --json
json_holds "j['source'] == 'tenant' and j['policy'] == '13'" depctl mailbox unassign m --json
json_holds "j['done'].startswith('the tenant has no policy; job')" depctl unassign --json
depctl policy disable 13 >/dev/null
json_holds "j['enabled'] is False and j['state'] == 'disabled'" depctl policy show 13 --json

# a draft has no keys, and a refusal is a sentence on stderr with nothing on stdout
mkdir "$MNT/.depfs/policies/draft"
json_holds "j['keys'] == [] and j['state'] == 'draft'" depctl policy show draft --json
refused 1 "there is no policy 'nope'" depctl policy show nope --json

# a check that fails still lists what it found
vault disable $K2 >/dev/null
r=0
depctl policy check 13 --json >"$WORK/out" 2>"$WORK/err" || r=$?
assert_eq $r 1 "exit status"
json_holds "j['details']['key_1_wrap'].startswith('ok')" cat "$WORK/out"

# what cannot be printed is a failure
if depctl status >/dev/full 2>"$WORK/err"; then
	fail "a full disk should be a failure"
fi
grep -q "standard output" "$WORK/err" || fail "$(cat "$WORK/err")"
