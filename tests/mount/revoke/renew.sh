#!/usr/bin/env bash
# revoke/renew: a denial in the middle of a renewal wipes both data keys of an open file and access back loads both; renewals and re-wraps that a denial meets go on by the availability key, and those that meet a purged policy list its files as failed.
# vaults: local azure-long
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
. "$LIB/revoke.sh"
LARGE=$((64 << 20))
case $KIND in
asan | tsan) LARGE=$((32 << 20)) ;;
esac
revoke_start
large=$MNT/mailbox/p/large
head -c $LARGE /dev/urandom >"$WORK/large"
cp "$WORK/large" "$large"
sync -f "$MNT"
exec 5<"$large" # stays open

half_is() { [ $(($(od -An -tu1 -j124 -N1 "$STORE/mailbox/p/large") & 2)) = 2 ]; }
half_or_over() { half_is || job_ended "$n"; }
job_rests() { job_state_is "$n" paused || job_ended "$n"; }
half_done() # the renewal of the large file is paused in the middle; n is its number
{
	local try

	for ((try = 0; try < 50; try++)); do
		depctl renew mailbox/p >/dev/null
		n=$(newest_job)
		wait_until 50 half_or_over || fail "job $n does nothing"
		depctl job pause "$n" >/dev/null 2>&1 || true
		wait_until 50 job_rests || fail "job $n goes on"
		! half_is || return 0
	done
	fail "never half done"
}
refuses() # ERRNO - a read by the handle that is open
{
	assert_fails_with "$1" python3 -c 'import os; os.pread(5, 100, 50 << 10)'
}
all_there() { cmp "$WORK/large" /proc/self/fd/5 && same_bytes "$WORK/large" "$large"; }

half_done
p_deny
revocation_done P 1
assert_eq "$(status_of P "last revocation data keys wiped")" 2 "data keys of a half-renewed file"
assert_fails_with EKEYREVOKED cat "$large"
# the job ends what was begun, and users see nothing of it
depctl job resume "$n" >/dev/null
job_done "$n"
refuses EKEYREVOKED
p_allow
all_there || fail "not the bytes after a renewal that the denial met"

half_done
p_deny
revocation_done P 2
p_allow
all_there || fail "not the bytes with both keys"
half_is || fail "the renewal went on by itself"
depctl job resume "$n" >/dev/null
job_done "$n"
all_there || fail "not the bytes in the end"

# a denial at any moment
(
	while [ ! -e "$WORK/stop" ]; do
		depctl renew mailbox/p >/dev/null
		job_done
		echo >>"$WORK/renewals"
	done
) >"$WORK/renewals.log" 2>&1 &
renewing=$!
PIDS+=("$renewing")
p_deny
revocation_done P 3
p_allow
all_there || fail "not the bytes after a denial at any moment"
touch "$WORK/stop"
wait "$renewing" || fail "$(cat "$WORK/renewals.log")"
[ -s "$WORK/renewals" ] || fail "no renewal ended"
all_there || fail "not the bytes after all renewals"

# purged while it is half done and open: no job gets at it, and each says why
half_done
depctl job cancel "$n" >/dev/null
p_deny
depctl policy purge P --reason left --contact dpo --confirm "$(policy_id P)" >/dev/null
job_done
refuses EKEYREVOKED
depctl mailbox unassign p >/dev/null
n=$(newest_job)
wait_until 60 job_ended "$n" || fail "job $n hangs"
job_state_is "$n" failed || fail "job $n: $(cat "$MNT/.depfs/jobs/$n/status")"
grep -q "mailbox/p/large.*its policy's key is denied" "$MNT/.depfs/jobs/$n/failed" ||
	fail "job $n: $(cat "$MNT/.depfs/jobs/$n/failed")"
depctl renew mailbox/p >/dev/null
n=$(newest_job)
wait_until 60 job_ended "$n" || fail "job $n hangs"
job_state_is "$n" failed || fail "job $n: $(cat "$MNT/.depfs/jobs/$n/status")"
grep -q "mailbox/p/large.*its policy's key is denied" "$MNT/.depfs/jobs/$n/failed" ||
	fail "job $n: $(cat "$MNT/.depfs/jobs/$n/failed")"
depctl scan >/dev/null
job_done
p_allow
refuses EKEYREVOKED
exec 5<&-
depctl events --verify >/dev/null
depfs_umount
