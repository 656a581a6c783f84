#!/usr/bin/env bash
# jobs/renew-unseen: the old key of a half renewed file is kept when a search cannot look at the file: put right, it reads, and is renewed to its end.
# vaults: local azure
# timeout: 120
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
depfs_start_policies
mkdir -p "$MNT/mailbox/ann"
head -c $((32 << 20)) /dev/urandom >"$WORK/plain"
half_done()
{
	"$BIN/depctl" inspect "$STORE/mailbox/ann/large" | grep -q renewing
}
half_or_ended()
{
	half_done || job_ended "$(newest_job)"
}
for _ in {1..50}; do
	cp "$WORK/plain" "$MNT/mailbox/ann/large"
	sync -f "$MNT"
	depctl renew mailbox/ann/large >/dev/null
	wait_until 30 half_or_ended
	depfs_kill
	! half_done || break
	depfs_mount
	job_done
done
half_done || fail "never seen half done"

# A header that does not decode does not show whose file it is.
dd if="$STORE/mailbox/ann/large" of="$WORK/block0" bs=4096 count=1 status=none
dd if=/dev/zero of="$STORE/mailbox/ann/large" bs=256 count=1 conv=notrunc status=none
depfs_mount
echo other >"$MNT/mailbox/ann/other"
depctl renew mailbox/ann/other >/dev/null
n=$(newest_job)
wait_until 60 job_ended "$n" || fail "$(cat "$MNT/.depfs/jobs/$n/status")"
assert_match "$(cat "$MNT/.depfs/jobs/$n/failed")" "mailbox/ann/large"
depfs_umount
dd if="$WORK/block0" of="$STORE/mailbox/ann/large" conv=notrunc status=none
depfs_mount
cmp "$WORK/plain" "$MNT/mailbox/ann/large"
depctl renew mailbox/ann >/dev/null
job_done
! half_done || fail "not renewed to its end"
cmp "$WORK/plain" "$MNT/mailbox/ann/large"
depfs_umount
