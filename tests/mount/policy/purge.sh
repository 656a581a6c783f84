#!/usr/bin/env bash
# policy/purge: a purge is refused for the tenant's kind, while a vault grants access and without each field; done, the mailbox's files are unreadable for good, though both vaults allow again, nothing of the key is left in the store, others are untouched, and the receipt and the audit chain agree.
# vaults: local azure
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
. "$LIB/depctl.sh"
. "$LIB/metrics.sh"
depfs_start_policies
policy_create Tenant
policy_create Leaver --kind mailbox
policy_create Stayer --kind mailbox
leaver=$(policy_id Leaver)
for box in leaver stayer other; do
	mkdir -p "$MNT/mailbox/$box/cur"
	echo "mail of $box" >"$MNT/mailbox/$box/cur/1"
done
depctl assign Tenant >/dev/null
depctl mailbox assign leaver Leaver >/dev/null
depctl mailbox assign stayer Stayer >/dev/null
job_done
depctl policy rotate Leaver >/dev/null # two generations
job_done
echo second >"$MNT/mailbox/leaver/cur/2"
ln "$MNT/mailbox/leaver/cur/2" "$MNT/mailbox/leaver/cur/again"
exec 5<"$MNT/mailbox/leaver/cur/1" # stays open
cat <&5 >/dev/null
sync -f "$MNT"

# purge [ARGUMENT...] - of Leaver, with all that it needs but for what is given again
purge()
{
	depctl policy purge Leaver --reason "left the company" --contact "dpo@example.org" --confirm "$leaver" "$@"
}

refused 1 "is of kind multi-workload, which is never purged" \
	depctl policy purge Tenant --reason r --contact c --confirm "$(policy_id Tenant)"
refused 1 "still grants access" purge
vault deny "$K1" >/dev/null
refused 1 "key 2" purge
vault deny "$K2" >/dev/null
vault fault "$K2" transient >/dev/null
refused 1 "does not answer, and only a denial counts" purge
vault fault "$K2" none >/dev/null
for missing in reason contact confirm; do
	words=(policies/Leaver/purge)
	[ $missing = reason ] || words+=("reason=left")
	[ $missing = contact ] || words+=("contact=dpo")
	[ $missing = confirm ] || words+=("confirm=$leaver")
	ctl_refused EINVAL "purge: $missing= is missing" "${words[0]}" "${words[*]:1}"
done
ctl_refused EINVAL "is not the id of policy" policies/Leaver/purge "reason=r contact=c confirm=Leaver"
ctl_refused EINVAL "given twice" policies/Leaver/purge "reason=r reason=s contact=c confirm=$leaver"
ctl_refused EINVAL "purge: write reason=" policies/Leaver/purge 1
refused 2 "--confirm is missing" depctl policy purge Leaver --reason r --contact c
assert_eq "$(cat "$MNT/.depfs/policies/Leaver/purge")" none

# the wrapped copies, as they are on disk now
cp -a "$STORE/.depfs" "$WORK/before"
python3 - "$TOP" "$WORK/before" "$KEY" "$leaver" >"$WORK/copies" <<'PY'
import sys, uuid
top, state, key, policy = sys.argv[1:]
raw = open(f'{state}/state/data.mdb', 'rb').read()
pid, at, n = uuid.UUID(policy).bytes, 0, 0
while (at := raw.find(b'DEPK\1\0\0\0' + pid, at)) >= 0:  # key records: three wrapped copies each
    body = at + 8 + 16 + 4 + 8
    print(raw[body:body + 48].hex())
    n, at = n + 1, at + 8
at = 0
while (at := raw.find(b'DEPP', at)) >= 0:  # policy records: the wrapped availability key
    if raw[at + 12:at + 28] == pid and any(raw[at + 40:at + 88]):
        print(raw[at + 40:at + 88].hex())
        n += 1
    at += 4
assert n >= 3, n
PY

says "is purged: no copy of its key is left; job" purge
job_done
says "is purged already" purge
assert_eq "$(sed -n 's/^state: //p' "$MNT/.depfs/policies/Leaver/status")" purged
assert_match "$(cat "$MNT/.depfs/status")" "policies purged: 1"
assert_metric 'depfs_policies{state="purged"}' 1
assert_metric 'depfs_policy_state{policy="Leaver",state="purged"}' 1
assert_metric depfs_revoked_data_keys_total 1
grep -q 'revocation-done.*"policy":"Leaver".*"data_keys_wiped":1' "$MNT/.depfs/events" || fail "no event says so"
python3 - "$STORE/.depfs" "$WORK/copies" <<'PY' || fail "a wrapped copy is still on disk"
import os, sys
copies = [bytes.fromhex(line) for line in open(sys.argv[2])]
for folder, _, files in os.walk(sys.argv[1]):
    for name in files:
        raw = open(os.path.join(folder, name), 'rb').read()
        assert not any(copy in raw for copy in copies), name
PY

# for good, through the open file too, whatever the vaults say
vault allow "$K1" >/dev/null
vault allow "$K2" >/dev/null
for f in 1 2 again; do
	assert_fails_with EKEYREVOKED cat "$MNT/mailbox/leaver/cur/$f"
done
assert_eq "$(python3 -c '
import errno, os
try:
    print(os.pread(5, 100, 0))
except OSError as e:
    print(errno.errorcode[e.errno])')" EKEYREVOKED "a read through a handle that was open"
exec 5<&-
if (echo new >"$MNT/mailbox/leaver/cur/new") 2>/dev/null; then
	fail "a new file under a purged policy"
fi
assert_eq "$(cat "$MNT/mailbox/stayer/cur/1" "$MNT/mailbox/other/cur/1")" $'mail of stayer\nmail of other'
for act in "policy enable Leaver" "policy refresh Leaver" "policy rotate Leaver" "policy check Leaver" \
	"policy replace-keys Leaver $K1 $K2" "mailbox assign other Leaver"; do
	# shellcheck disable=SC2086
	refused 1 "is purged" depctl $act
done

# receipt and chain
receipt=$STORE/.depfs/receipts/purge-$leaver
assert_eq "$(cat "$MNT/.depfs/policies/Leaver/purge")" "$(cat "$receipt")"
for line in "policy: Leaver" "policy id: $leaver" "generations: 2" "reason: left the company" \
	"contact: dpo@example.org" "file: mailbox/leaver/cur/1" "files: 2"; do
	grep -qxF "$line" "$receipt" || fail "the receipt lacks '$line': $(cat "$receipt")"
done
assert_eq "$(grep -c '^file: ' "$receipt")" 2 "a hard link is one file"
hash=$(sha256sum "$receipt" | cut -d ' ' -f 1)
grep -q "purge-receipt.*\"sha256\":\"$hash\"" "$MNT/.depfs/events" || fail "no event has the receipt's hash"
depctl events --verify >/dev/null
[ "$(stat -c %a "$receipt")" = 600 ] || fail "others may read the receipt"

# and after a restart, clean or not
depfs_kill
depfs_mount
assert_fails_with EKEYREVOKED cat "$MNT/mailbox/leaver/cur/1"
assert_eq "$(cat "$MNT/mailbox/stayer/cur/1")" "mail of stayer"
depctl events --verify >/dev/null
assert_eq "$(sed -n 's/^state: //p' "$MNT/.depfs/policies/Leaver/status")" purged
rm -r "$MNT/mailbox/leaver" # what is unreadable can be removed
depctl mailbox unassign leaver >/dev/null
job_done
depctl scan >/dev/null
job_done
says_line "policy Leaver is removed; no key of it is left" depctl policy remove Leaver
depfs_umount
