#!/usr/bin/env bash
# adversary/truncate-waits: an open with O_TRUNC that waits for a slow vault holds up neither readers of the same file
# nor, by their taking all serving threads, users of other files.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
vault create "$(key_at v3 k3)" >/dev/null
vault create "$(key_at v4 k4)" >/dev/null
policy_create A --kind mailbox
depctl policy create B "$(key_at v3 k3)" "$(key_at v4 k4)" --kind mailbox >/dev/null
mkdir -p "$MNT/mailbox/a" "$MNT/mailbox/c"
depctl mailbox assign a A >/dev/null
head -c 400000 /dev/zero >"$MNT/mailbox/a/f"
echo other >"$MNT/mailbox/c/o"
depfs_remount
exec 5<"$MNT/mailbox/a/f"
head -c 10 <&5 >/dev/null
vault fault "$(key_at v3 k3)" slow 6000
vault fault "$(key_at v4 k4)" slow 6000
background depctl mailbox assign --force a B >/dev/null
# shellcheck disable=SC2016
wait_until 10 sh -c 'grep -q "B" "$1"' - "$MNT/.depfs/mailboxes/a/policy"
# shellcheck disable=SC2016
background sh -c ': >"$1"' - "$MNT/mailbox/a/f"
waiting=$!
sleep 0.3
echo 3 >/proc/sys/vm/drop_caches
for i in {1..8}; do
	background dd if="$MNT/mailbox/a/f" of=/dev/null bs=4k count=1 skip=$((i * 10)) status=none
done
sleep 0.3
assert_eq "$(cat "$MNT/mailbox/c/o")" other
echo new >"$MNT/mailbox/c/n"
! gone $waiting || fail "the truncation ended before the others were served"
wait $waiting
assert_eq "$(stat -c %s "$MNT/mailbox/a/f")" 0
exec 5<&-
depfs_umount
