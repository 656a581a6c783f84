#!/usr/bin/env bash
# audit/recorded: the log has every key operation with the vault's request id, every act with who did it and how it ended, the
# availability key's uses with the reason, jobs with counts, damage with path and offset, mounts and stops; and no key in it.
# vaults: local azure
# timeout: 120
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
depfs_start_policies key_check=1

line() # EVENT [WORDS] - the newest such record
{
	grep -a "\"event\":\"$1\"" "$MNT/.depfs/events" | grep -a -- "${2:-}" | tail -n 1
}
there()
{
	[ -n "$(line "$@")" ]
}
# recorded REGEX EVENT [WORDS] - it comes within seconds, and looks so
recorded()
{
	wait_until 20 there "$2" "${3:-}" || fail "no event $2 ${3:-}"
	assert_match "$(line "$2" "${3:-}")" "$1" "$2"
}
who='"uid":0,"gid":0,"pid":[0-9]+'

recorded '"last_stop":"clean"' mount
# A policy is made: each call of a vault, then the act.
policy_create Tenant
for key in "$K1" "$K2"; do
	recorded '"outcome":"ok","key_id":"'$key'/[0-9a-f]{32}","vault_outcome":"ok","request_id":"[^"]+"' key-wrap "$key"
	recorded '"outcome":"ok","key_id":"'$key'/[0-9a-f]{32}","vault_outcome":"ok","request_id":"[^"]+"' key-unwrap "$key"
	recorded '"outcome":"ok","key_id":"'$key'/[0-9a-f]{32}"' key-describe "$key"
done
recorded "$who,\"outcome\":\"ok\",\"policy\":\"Tenant\"" policy-draft
recorded "$who,\"outcome\":\"ok\",\"policy\":\"Tenant\".*\"key_1\":\"$K1/[0-9a-f]{32}\",\"key_2\":\"$K2/[0-9a-f]{32}\",\"prev" policy-keys
before=$(line policy-keys | grep -o '"key_2":"[^"]*')
vault rotate "$K2" >/dev/null
depctl policy refresh Tenant >/dev/null
recorded "\"key_2\":\"$K2/[0-9a-f]{32}\",\"key_1_before\":\"$K1/[0-9a-f]{32}\",\"key_2_before\":\"${before##*\"}\"" policy-refresh
assert_match "$(depctl events | grep policy-refresh)" "key_2_before=${before##*\"}"
if control assignment Missing 2>/dev/null; then fail "a policy that is not there was assigned"; fi
recorded "$who,\"outcome\":\"ENOENT\",\"policy\":\"Missing\",\"reason\":\"there is no policy" assign-tenant Missing

# A job, with what it did.
mkdir -p "$MNT/mailbox/anna"
for i in 1 2 3; do head -c 9000 /dev/zero >"$MNT/mailbox/anna/$i"; done
depctl assign Tenant >/dev/null
recorded '"job":1,"kind":"assign"' job-start
recorded '"state":"done","done":[0-9]+,"skipped":[0-9]+,"failed":0' job-end
recorded "$who,\"outcome\":\"ok\",\"policy\":\"Tenant\"" assign-tenant '"ok"'

# Opening, and the proof of access that goes on: recorded once, not every second.
depfs_remount key_check=1
cat "$MNT/mailbox/anna/1" >/dev/null
recorded '"policy":"Tenant","policy_id":"[0-9a-f-]{36}","generation":1,"key_id":"('$K1'|'$K2')/[0-9a-f]{32}","vault_outcome":"ok","request_id":' key-open Tenant
recorded '"checks":1,"key_1_outcome":"ok","key_1_request_id":"[^"]+","key_2_outcome":"ok","key_2_request_id":"[^"]+"' key-check Tenant
sleep 3
[ "$(grep -ac '"event":"key-check"' "$MNT/.depfs/events")" -le 2 ] || fail "each proof of access is recorded"

# Both vaults down: the availability key, and why.
vault fault "$K1" transient >/dev/null
vault fault "$K2" transient >/dev/null
depfs_remount key_check=1
cat "$MNT/mailbox/anna/1" >/dev/null
recorded '"policy":"Tenant",.*"generation":1,"reason":"key 1 transient: .*key 2 transient: ' availability-key-used
vault fault "$K1" none >/dev/null
vault fault "$K2" none >/dev/null

# A damaged block: where.
printf 'x' | dd of="$STORE/mailbox/anna/2" bs=1 seek=8300 conv=notrunc status=none
depfs_remount key_check=1
if cat "$MNT/mailbox/anna/2" >/dev/null 2>&1; then fail "a damaged block was read"; fi
recorded '"outcome":"EIO","path":"mailbox/anna/2","block":2,"offset":7872,"what":"block"' block-damaged

# A stop that was none, then one that was.
depfs_kill
depfs_mount key_check=1
recorded '"last_stop":"unclean","in_use_since":[0-9]+' mount unclean
recorded '"event":"recovery"' recovery
depfs_remount key_check=1
assert_match "$(tail -n 40 "$MNT/.depfs/events" | grep -a '"event":"signature"' | tail -n 1)" '"reason":"stop","store":"[0-9a-f-]{36}","key":"[0-9a-f]{64}","signature":"[0-9a-f]{128}"'
recorded '"outcome":"ok"' unmount

# Nothing of it is a key: neither the service key nor what the vaults hold.
secret=$(tail -c 65 "$KEY" | head -c 64)
if grep -qai "$secret" "$MNT/.depfs/events"; then fail "the service key is in the log"; fi
if grep -qa "PRIVATE KEY" "$MNT/.depfs/events"; then fail "a vault's key is in the log"; fi
depctl events --verify >/dev/null
