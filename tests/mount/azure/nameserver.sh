#!/usr/bin/env bash
# azure/nameserver: a name server that never answers holds a call no longer than vault_timeout says:
# files open by the availability key, and the daemon ends after an unmount.
# timeout: 150
# builds: release
VAULTS_KIND=azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
policy_create P
control assignment P
mkdir -p "$MNT/mailbox/anna"
echo mail >"$MNT/mailbox/anna/1"
depfs_umount

"$PYTHON" -c 'import socket, time
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.9", 53))
time.sleep(600)' &
PIDS+=($!)
hosts=$(grep -v -e "$V1" -e "$V2" /etc/hosts)
echo "$hosts" >/etc/hosts
# the C library alone would give up after 150 s
printf 'nameserver 127.0.0.9\noptions timeout:30 attempts:5\n' >"$(realpath /etc/resolv.conf)"
depfs_mount
assert_eq "$(timeout -s KILL 60 cat "$MNT/mailbox/anna/1")" mail "a file, while no name resolves"
assert_event availability-key-used '"outcome":"ok"'
assert_event key-open 'no answer in time'
fusermount3 -u "$MNT"
wait_until 60 gone "$DAEMON_PID" || fail "the daemon waits for the name server"
wait "$DAEMON_PID" || fail "the daemon ended badly"
DAEMON_PID=
