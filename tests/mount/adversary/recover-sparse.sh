#!/usr/bin/env bash
# adversary/recover-sparse: after a crash, a sparse file of many TiB does not keep the store from being mounted: any
# user can make one.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start
truncate -s 15T "$MNT/big"
printf mid | dd of="$MNT/big" bs=1 seek=$((1 << 42)) conv=notrunc status=none
printf end | dd of="$MNT/big" bs=1 seek=$((15 << 40)) conv=notrunc status=none
sync "$MNT/big"
depfs_kill
began=$SECONDS
depfs_mount
[ $((SECONDS - began)) -lt 15 ] || fail "mounting took $((SECONDS - began)) s"
assert_eq "$(dd if="$MNT/big" bs=1 skip=$((1 << 42)) count=3 status=none)" mid
assert_eq "$(tail -c 3 "$MNT/big")" end
assert_eq "$(stat -c %s "$MNT/big")" $(((15 << 40) + 3))
depfs_umount
