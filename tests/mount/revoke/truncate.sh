#!/usr/bin/env bash
# revoke/truncate: truncations that wait for the slow vaults of the policy to re-wrap under, while the kernel holds back the files' dirty pages, do not hold up the denial of the policy they are under; what was dirty is written.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/revoke.sh"
revoke_start
vault create "$(key_at v3 t1)" >/dev/null
vault create "$(key_at v4 t2)" >/dev/null
depctl policy create T "$(key_at v3 t1)" "$(key_at v4 t2)" --kind mailbox >/dev/null
mkdir "$MNT/mailbox/m"
control mailboxes/m/policy P
for name in a b c d e f; do head -c 20000 /dev/zero >"$MNT/mailbox/m/$name"; done
depfs_remount key_check=1,vault_timeout=30
cat >"$WORK/truncate.py" <<'PY'
import errno, os, sys
box, ready, go = sys.argv[1:]
fds = {name: os.open(f'{box}/{name}', os.O_RDWR) for name in 'abcdef'}
open(ready, 'w').close()
open(go).close()
for fd in fds.values():
    os.pwrite(fd, b'dirty', 10000)
for name, fd in fds.items():
    if os.fork():
        continue
    try:
        if name == 'a':
            os.open(f'{box}/a', os.O_WRONLY | os.O_TRUNC)
        else:
            os.ftruncate(fd, 0 if name == 'b' else 15000)
        os._exit(1)
    except OSError as e:
        os._exit(0 if e.errno == errno.EKEYREVOKED else 2)
sys.exit(any([os.wait()[1] for _ in fds]))
PY
mkfifo "$WORK/ready" "$WORK/go"
background python3 "$WORK/truncate.py" "$MNT/mailbox/m" "$WORK/ready" "$WORK/go"
python=$!
: <"$WORK/ready"
vault fault "$(key_at v3 t1)" slow 8000 >/dev/null
vault fault "$(key_at v4 t2)" slow 8000 >/dev/null
control mailboxes/m/policy "T force"
: >"$WORK/go"
waiting() { [ "$(sed -n 's/^requests waiting: *//p' "$MNT/.depfs/status")" -ge 6 ]; }
wait_until 20 waiting || fail "the truncations do not wait for the slow vaults"
p_deny
revocation_done P 1
[ "$(events '"event":"key-open"' | grep -c '"policy":"T"' || true)" = 0 ] || fail "the slow vaults had answered"
wait $python || fail "a truncation did not fail by the denial"
assert_eq "$(status_of P "last revocation lost")" "0 bytes"
vault fault "$(key_at v3 t1)" none >/dev/null
vault fault "$(key_at v4 t2)" none >/dev/null
p_allow
wait_until 30 policy_state_is P ready || fail "P is $(status_of P state)"
back() { [ "$(tail -c +10001 "$MNT/mailbox/m/c" | head -c 5)" = dirty ]; }
wait_until 60 back || fail "what was dirty is lost"
depfs_umount
