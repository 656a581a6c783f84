#!/usr/bin/env bash
# policy/no-key-no-file: creating a file whose key cannot be had fails with the errno of fs/README.md, Opening a DEP key, and leaves nothing behind.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
policy_create Tenant
control assignment Tenant
mkdir -p "$MNT/mailbox/anna"
vault fault "$K1" denied >/dev/null
vault fault "$K2" denied >/dev/null
depfs_remount
assert_fails_with EKEYREVOKED cp /etc/hostname "$MNT/mailbox/anna/cp"
assert_fails_with EKEYREVOKED touch "$MNT/mailbox/anna/touch"
python3 - "$MNT" <<'END'
from posixlib import *

os.chdir('mailbox/anna')
with fails('EKEYREVOKED'):
    os.mknod('node')
with fails('EKEYREVOKED'):
    os.open('.', os.O_TMPFILE | os.O_RDWR)
with fails('EKEYREVOKED'):
    os.open('excl', os.O_CREAT | os.O_EXCL | os.O_WRONLY)
os.mkdir('folder')  # needs no key
os.symlink('x', 'link')
os.mkfifo('pipe')
same(sorted(os.listdir('.')), ['folder', 'link', 'pipe'])
END
assert_eq "$(find "$STORE/mailbox/anna" -type f | wc -l)" 0 "files left in the store"
mkdir "$MNT/planner" # under the service key
echo fine >"$MNT/planner/f"
assert_eq "$(cat "$MNT/planner/f")" fine
vault fault "$K1" none >/dev/null
echo now >"$MNT/mailbox/anna/now"
assert_eq "$(cat "$MNT/mailbox/anna/now")" now
depfs_umount
