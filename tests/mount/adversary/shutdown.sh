#!/usr/bin/env bash
# adversary/shutdown: SIGTERM while requests wait for a slow vault, readers poll `events` and programs have files and
# folders open ends the daemon soon and well: requests that are still parked must not outlive the session that they
# answer to, and what is open is closed as it would have been (LeakSanitizer finds nothing).
# vaults: local azure
# timeout: 90
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies key_check=1
policy_create P
depctl assign P >/dev/null
mkdir -p "$MNT/chat" "$MNT/planner" # the second is under the service key
for i in $(seq 20); do echo "plain $i" >"$MNT/chat/$i"; done
depfs_remount key_check=1
echo open >"$MNT/planner/open"
exec 7<"$MNT/planner/open" 8<>"$MNT/planner/open" 9<"$MNT/.depfs/status"
background python3 -c 'import os, sys, time
os.open(sys.argv[1], os.O_RDONLY)
time.sleep(60)' "$MNT/chat"
vault fault "$K1" slow 20000
vault fault "$K2" slow 20000
for i in $(seq 20); do background cat "$MNT/chat/$i" >/dev/null 2>&1; done
background python3 -c '
import select, sys
f = open(sys.argv[1] + "/.depfs/events", "rb", buffering=0)
while f.read(65536):
    pass
p = select.poll()
p.register(f, select.POLLIN)
p.poll(60000)' "$MNT" 2>/dev/null
sleep 2
began=$SECONDS
kill -TERM "$DAEMON_PID"
r=0
wait "$DAEMON_PID" || r=$?
DAEMON_PID=
assert_eq "$r" 0 "exit status after SIGTERM"
# one vault call under way is waited for, and is bounded; no second one follows
[ $((SECONDS - began)) -lt 40 ] || fail "SIGTERM took $((SECONDS - began)) s"
