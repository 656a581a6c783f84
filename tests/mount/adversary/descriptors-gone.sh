#!/usr/bin/env bash
# adversary/descriptors-gone: a user who opens files until the daemon has no descriptor left does not get a revoked policy's
# data: its vaults can still be asked, so their denial is not taken for an outage that the availability key answers.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
export MOUNT_WRAPPER="prlimit --nofile=128:128"
depfs_start_policies key_check=1
policy_create P
depctl assign P >/dev/null
mkdir "$MNT/chat" "$MNT/free"
echo secret >"$MNT/chat/f"
for i in {1..150}; do : >"$MNT/free/$i"; done
vault deny "$K1" >/dev/null
vault deny "$K2" >/dev/null
depfs_remount key_check=1
python3 - "$MNT" "$STORE" <<'PY'
import errno, os, sys, time
held = []
try:
    for i in range(1, 151):
        held.append(os.open(f'{sys.argv[1]}/free/{i}', os.O_RDWR))
    sys.exit('no end of descriptors')
except OSError as e:
    assert e.errno == errno.EMFILE, e
try:
    open(sys.argv[1] + '/free/new', 'x')
    sys.exit('a file was made without a descriptor')
except OSError as e:
    assert e.errno == errno.EMFILE, e
assert not os.path.exists(sys.argv[2] + '/free/new'), 'what could not be made is there'
seen = set()
for i in range(12):
    try:
        sys.exit(f'a revoked file was opened: {open(sys.argv[1] + "/chat/f").read()}')
    except OSError as e:
        seen.add(e.errno)
    time.sleep(.1)
    if i > 5:
        os.close(held.pop()) # one after the other comes free
assert seen <= {errno.EMFILE, errno.EKEYREVOKED} and errno.EKEYREVOKED in seen, seen
os.listdir(sys.argv[1])
PY
assert_eq "$(events availability-key-used)" "" "events of an availability key in use"
depfs_umount
