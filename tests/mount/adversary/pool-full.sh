#!/usr/bin/env bash
# adversary/pool-full: hundreds of requests that wait for one slow vault fill the blocking pool, but stop no others:
# not the control directory, files of other policies, renames across mailboxes, sparse copies or fsync.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
vault create "$(key_at v3 k3)" >/dev/null
vault create "$(key_at v4 k4)" >/dev/null
policy_create Slow --kind mailbox
depctl policy create Other "$(key_at v3 k3)" "$(key_at v4 k4)" --kind mailbox >/dev/null
mkdir -p "$MNT/mailbox/slow" "$MNT/mailbox/other" "$MNT/mailbox/c" "$MNT/mailbox/d"
depctl mailbox assign slow Slow >/dev/null
depctl mailbox assign other Other >/dev/null
echo s >"$MNT/mailbox/slow/f"
echo o >"$MNT/mailbox/other/f"
echo c >"$MNT/mailbox/c/f"
depfs_remount
vault fault "$K1" slow 20000
vault fault "$K2" slow 20000
python3 - "$MNT/mailbox/slow/f" <<'PY' &
import os, sys, threading
threading.stack_size(65536)
def look():
    try:
        os.close(os.open(sys.argv[1], os.O_RDONLY))
    except OSError:
        pass
for i in range(400):
    threading.Thread(target=look, daemon=True).start()
threading.Event().wait(15)
PY
PIDS+=($!)
sleep 3
began=$SECONDS
cat "$MNT/.depfs/status" >/dev/null
depctl policy list >/dev/null
assert_eq "$(cat "$MNT/mailbox/other/f")" o "a file whose own vaults answer"
mv "$MNT/mailbox/c/f" "$MNT/mailbox/d/f"
python3 - "$MNT/mailbox/d" <<'PY'
import os, sys
fd = os.open(sys.argv[1] + '/g', os.O_CREAT | os.O_RDWR)
os.pwrite(fd, b'x' * 100000, 0)
assert os.lseek(fd, 0, os.SEEK_DATA) == 0
os.fsync(fd)
PY
[ $((SECONDS - began)) -lt 8 ] || fail "took $((SECONDS - began)) s"
