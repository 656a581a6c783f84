#!/usr/bin/env bash
# azure/both-down: both vaults answer 503 for ten seconds (ten minutes with --long): no read or
# write under an open policy fails or uses the availability key; a closed policy's files open by
# it, with an event each time; and the first round of checks after the end proves them all again.
# builds: release
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/metrics.sh"
CHECK=3 OUTAGE=10
[ "$LONG" = 0 ] || CHECK=5 OUTAGE=600
OPTIONS=key_check=$CHECK,vault_timeout=2
depfs_start_policies "$OPTIONS"
policy_create Open
policy_create Closed --kind mailbox
L1=$(key_at v1 k3) L2=$(key_at v2 k4)
vault create "$L1" >/dev/null
vault create "$L2" >/dev/null
depctl policy create Idle "$L1" "$L2" --kind mailbox >/dev/null
mkdir -p "$MNT/mailbox/anna" "$MNT/mailbox/bert" "$MNT/mailbox/carl"
depctl assign Open >/dev/null
depctl mailbox assign bert Closed >/dev/null
depctl mailbox assign carl Idle >/dev/null
echo mail >"$MNT/mailbox/carl/1"
for i in {1..20}; do
	head -c 20000 /dev/urandom >"$WORK/$i"
	cp "$WORK/$i" "$MNT/mailbox/anna/$i"
	cp "$WORK/$i" "$MNT/mailbox/bert/$i"
done
depfs_remount "$OPTIONS"
cat "$MNT/mailbox/anna/1" "$MNT/mailbox/carl/1" >/dev/null # opens two policies, by a vault

# use FOLDER - reads whole files from the daemon, not from the page cache, and writes one, until
# $WORK/enough is there
use()
{
	python3 - "$MNT/mailbox/$1" "$WORK" "$1" <<'END'
import os, sys, time
folder, work, name = sys.argv[1:]
wanted = {str(i): open(f'{work}/{i}', 'rb').read() for i in range(1, 21)}
reads, worst = 0, 0.0
while not os.path.exists(f'{work}/enough'):
    for file, data in wanted.items():
        began = time.monotonic()
        fd = os.open(f'{folder}/{file}', os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        assert os.pread(fd, len(data) + 1, 0) == data, file
        os.close(fd)
        worst = max(worst, time.monotonic() - began)
        reads += 1
    with open(f'{folder}/new', 'w') as f:
        f.write(f'{reads}')
    time.sleep(0.1)
print(f'{name}: {reads} files read, the slowest in {worst:.3f} s', flush=True)
END
}

uses_of() # POLICY [REGEX] - number of uses of its availability key
{
	events availability-key-used | grep "\"policy\":\"$1\"" | grep -c "${2:-.}" || true
}

is() # POLICY STATE
{
	[ "$(status_of "$1" state)" = "$2" ]
}

outage_is_seen()
{
	[ "$(status_of Open "key 1 outcome") $(status_of Open "key 2 outcome")" = \
		"transient transient" ]
}

began=$SECONDS
fake fault "$V1" '*' error unavailable
fake fault "$V2" '*' error unavailable
background use anna
anna=$!
background use bert
bert=$!
wait_until 60 outage_is_seen || fail "the outage was not noticed"
while [ $((SECONDS - began)) -lt $OUTAGE ] || [ "$(uses_of Closed)" -lt 2 ]; do
	! gone "$anna" || fail "a file of the open policy failed after $((SECONDS - began)) s"
	! gone "$bert" || fail "a file of the closed policy failed after $((SECONDS - began)) s"
	sleep 0.5
done
took=$((SECONDS - began))
fake forget
fake lift
lifted=$EPOCHREALTIME
for policy in Open Idle Closed; do
	wait_until $((CHECK + 30)) is $policy ready || fail "$policy: $(status_of $policy state)"
done
ready=$EPOCHREALTIME
fake log authenticated=True act=unwrap >"$WORK/after"
touch "$WORK/enough"
wait "$anna" || fail "a file of the open policy failed"
wait "$bert" || fail "a file of the closed policy failed"

each_use_has_an_event()
{
	[ "$(metric 'depfs_availability_key_uses_total{reason="outage"}')" = "$(uses_of Closed)" ]
}
wait_until 10 each_use_has_an_event || fail "$(uses_of Closed) events of uses of the availability key"
used=$(uses_of Closed)
echo "both vaults 503 for $took s, key_check $CHECK s: availability key of Open $(uses_of Open)," \
	"of Closed $used times; ready $(((${ready/./} - ${lifted/./}) / 1000)) ms after the end"
assert_eq "$(uses_of Open)" 0 "uses of the availability key of a policy that was open"
# it is kept for key_check seconds each time
[ "$used" -le $((took / CHECK + 2)) ] || fail "it was used $used times by the closed policy"
assert_eq "$(uses_of Closed '"outcome":"ok".*key 1 transient.*key 2 transient')" "$used" \
	"events that say why"
python3 - "$WORK/after" "$lifted" <<'END'
import json, sys
asked = {}
for e in map(json.loads, open(sys.argv[1])):
    if e['at'] >= float(sys.argv[2]):
        assert e['status'] == 200, e
        asked.setdefault((e['host'], e['path'].split('/')[2]), []).append(e['at'])
print('first asked after', {k: round(t[0] - float(sys.argv[2]), 1) for k, t in asked.items()})
idle = [len(times) for (_, key), times in asked.items() if key in ('k3', 'k4')]
assert idle == [1, 1], f'policy Idle was proved in another round than the first: {asked}'
END
depfs_umount
