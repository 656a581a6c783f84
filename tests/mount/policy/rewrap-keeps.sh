#!/usr/bin/env bash
# policy/rewrap-keeps: the re-wrap of a first write keeps file id, other blocks and mtime rules: only block 0 changes with it.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
policy_create Tenant
mkdir "$MNT/chat"
head -c 40000 /dev/urandom >"$MNT/chat/f"
sync -f "$MNT"
id=$(inspect chat/f "file id")
cp "$STORE/chat/f" "$WORK/before"
control assignment Tenant
printf z | dd of="$MNT/chat/f" bs=1 seek=39999 conv=notrunc status=none
sync -f "$MNT"
assert_eq "$(inspect chat/f "file id")" "$id"
assert_eq "$(inspect chat/f "policy id")" "$(policy_id Tenant)"
# blocks 1 to 8 are as they were, and so is the sealed data of block 0
cmp <(head -c 36864 "$STORE/chat/f" | tail -c +4097) <(head -c 36864 "$WORK/before" | tail -c +4097)
cmp <(head -c 4096 "$STORE/chat/f" | tail -c 3840) <(head -c 4096 "$WORK/before" | tail -c 3840)
: >"$MNT/chat/f"
sync -f "$MNT"
assert_ne "$(inspect chat/f "file id")" "$id" "a file cut to nothing gets a fresh data key"
depfs_umount
