#!/usr/bin/env bash
# metrics/counts: what programs did stands in metrics, each request and byte once, in a page that promtool accepts and that names no blob.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/metrics.sh"
need_promtool
depfs_start_policies
policy_create Tenant
control assignment Tenant
mkdir -p "$MNT/mailbox/secretbox"
check_page

python3 - "$MNT/mailbox/secretbox" <<'END'
import os, sys
for i in range(7):
    with open(f"{sys.argv[1]}/secretblob{i}", "wb") as f:
        f.write(b"x" * 10000)
        f.flush()
        os.fsync(f.fileno())
END
assert_metric 'depfs_written_bytes_total' 70000
assert_metric 'depfs_fuse_request_duration_seconds_count{op="create"}' 7
assert_metric 'depfs_fuse_request_duration_seconds_count{op="fsync"}' 7
assert_metric 'depfs_open_files' 0
assert_eq "$(metric 'depfs_fuse_errors_total{op="create",class="exists"}')" ""

exec 5<"$MNT/mailbox/secretbox/secretblob0" 6<"$MNT/mailbox/secretbox/secretblob1"
assert_metric 'depfs_open_files' 2
exec 5<&- 6<&-
assert_metric 'depfs_open_files' 0

reads=$(requests read)
dd if="$MNT/mailbox/secretbox/secretblob3" of=/dev/null bs=4096 iflag=direct status=none
assert_metric 'depfs_read_bytes_total' 10000
[ "$(requests read)" -ge $((reads + 3)) ] || fail "three reads, but $reads, then $(requests read)"

# an error is counted in its class
! truncate -s 17T "$MNT/mailbox/secretbox/secretblob4" 2>/dev/null || fail "beyond the limit"
assert_metric 'depfs_fuse_errors_total{op="setattr",class="space"}' 1

# opened keys: one question to the vaults, the rest from memory
assert_metric 'depfs_key_cache_requests_total{result="miss"}' 1
[ "$(metric 'depfs_key_cache_requests_total{result="hit"}')" -ge 6 ] || fail "keys are not cached"

# damage
depfs_umount
printf X | dd of="$STORE/mailbox/secretbox/secretblob5" bs=1 seek=5000 conv=notrunc status=none
printf X | dd of="$STORE/mailbox/secretbox/secretblob6" bs=1 seek=80 conv=notrunc status=none
depfs_mount
assert_metric 'depfs_block_failures_total{what="block"}' 0
assert_metric 'depfs_written_bytes_total' 0
assert_fails_with EIO cat "$MNT/mailbox/secretbox/secretblob5"
assert_fails_with EIO cat "$MNT/mailbox/secretbox/secretblob6"
assert_metric 'depfs_block_failures_total{what="header"}' 1
[ "$(metric 'depfs_block_failures_total{what="block"}')" -ge 1 ] || fail "a damaged block"
assert_metric 'depfs_fuse_errors_total{op="open",class="io"}' 1
[ "$(metric 'depfs_fuse_errors_total{op="read",class="io"}')" -ge 1 ] || fail "reads that failed"
assert_event block-damaged secretblob5

# a job
depctl unassign >/dev/null
assert_metric 'depfs_jobs{kind="offboard",state="failed"}' 1
assert_metric 'depfs_jobs{kind="assign",state="done"}' 1

# what a scan counted, once there was one
assert_eq "$(grep -c '^depfs_scan' "$MNT/.depfs/metrics")" 0 "samples before the first scan"
mkdir "$MNT/chat"
printf 12345 >"$MNT/chat/note"
depctl assign Tenant >/dev/null
printf 1234567 >"$MNT/chat/covered"
sync -f "$MNT"
assert_metric 'depfs_jobs{kind="assign",state="done"}' 2 # or its re-wrap could put the header back
printf X | dd of="$STORE/mailbox/secretbox/secretblob4" bs=1 conv=notrunc status=none
depctl coverage --scan >/dev/null 2>&1
assert_metric 'depfs_scan_unreadable_files' 1 # secretblob4
assert_metric 'depfs_scanned_files{workload="mailbox",policy="Tenant",generation="1"}' 6
assert_metric 'depfs_scanned_bytes{workload="mailbox",policy="Tenant",generation="1"}' 60000
assert_metric 'depfs_scanned_bytes{workload="chat",policy="none",generation="1"}' 5
assert_metric 'depfs_scanned_files{workload="chat",policy="Tenant",generation="1"}' 1
assert_metric 'depfs_scanned_bytes{workload="chat",policy="Tenant",generation="1"}' 7
began=$(metric depfs_scan_start_time_seconds) ended=$(metric depfs_scan_end_time_seconds)
[ "$began" -le "$ended" ] && [ "$ended" -le "$(date +%s)" ] || fail "a scan from $began to $ended"

events=$(tail -n 1 "$MNT/.depfs/events" | sed 's/^{"seq":\([0-9]*\).*/\1/')
[ "$(metric depfs_audit_last_sequence)" -ge "$events" ] || fail "events"
assert_metric 'depfs_audit_events_lost_total' 0
[ "$(metric 'depfs_process_cpu_seconds_total{mode="user"}')" != "" ] || fail "cpu"
[ "$(metric depfs_process_resident_memory_bytes)" -gt 1000000 ] || fail "memory"
[ "$(metric depfs_process_open_fds)" -gt 5 ] || fail "descriptors"
[ "$(metric depfs_cached_inodes)" -ge 3 ] || fail "inodes"
check_page
assert_no_match "$(cat "$WORK/page")" secretb "a blob's name"
depfs_umount
