#!/usr/bin/env bash
# jobs/renew-busy: programs that write, cut, punch, map, read with O_DIRECT, rename and unlink files while these are renewed see no error, no wrong byte and no other time of change.
# vaults: local azure
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
fsx=$(helper fsx)
linear=$(helper linear)
LARGE=$((96 << 20)) STEPS=3000
case $KIND in
asan | tsan) LARGE=$((48 << 20)) STEPS=500 ;;
esac
depfs_start_policies
mkdir -p "$MNT/chat/sub" "$MNT/mailbox/a" "$MNT/mailbox/b" "$MNT/edm"

renew_until() # FILE - again and again until it is there
{
	local n

	while [ ! -e "$1" ]; do
		depctl renew chat >/dev/null
		n=$(newest_job)
		wait_until 100 job_ended "$n" || fail "job $n does not end"
		job_state_is "$n" "done" || fail "job $n: $(cat "$MNT/.depfs/jobs/$n/failed")"
		RENEWALS=$((RENEWALS + 1))
	done
}
RENEWALS=0

# random steps, each compared with an ordinary file; then records that are seen whole or not at all
(
	for i in 1 2; do
		"$fsx" "$MNT/chat/f$i" $((RANDOM + i)) $STEPS "$WORK/reference$i" || exit 1
	done
	"$linear" "$MNT/chat/records" 40000 6 2 2 2 direct || exit 1
) >"$WORK/programs.log" 2>&1 &
programs=$!
PIDS+=("$programs")
( wait_until 250 gone "$programs"; touch "$WORK/stop" ) &
PIDS+=("$!")
renew_until "$WORK/stop"
wait "$programs" || fail "$(tail -n 5 "$WORK/programs.log")"
[ $RENEWALS -gt 1 ] || fail "there was but $RENEWALS renewal"

# a large file: half done when it is paused, then unlinked, renamed, linked, cut and mapped
head -c $LARGE /dev/urandom >"$WORK/large"
half_done() # NAME... - each is large and somewhere in the middle, the job is paused; n is its number
{
	local name try

	for ((try = 0; try < 50; try++)); do
		for name in "$@"; do
			cp "$WORK/large" "$MNT/chat/$name"
			touch -d 2020-02-02 "$MNT/chat/$name"
		done
		sync -f "$MNT"
		depctl renew chat >/dev/null
		n=$(newest_job)
		wait_until 50 half_or_over "$1" || fail "job $n does nothing"
		depctl job pause "$n" >/dev/null 2>&1 || true
		wait_until 50 job_rests "$n" || fail "job $n goes on"
		! half_is "$1" || return 0
	done
	fail "never half done"
}
half_is() # NAME - its header has the flag; quicker than inspect
{
	[ $(($(od -An -tu1 -j124 -N1 "$STORE/chat/$1") & 2)) = 2 ]
}
half_or_over() { half_is "$1" || job_ended "$n"; }
job_rests() { job_state_is "$1" paused || job_ended "$1"; }
goes_on()
{
	depctl job resume "$n" >/dev/null
	wait_until 100 job_ended "$n" || fail "job $n does not end"
	job_state_is "$n" "done" || fail "job $n: $(cat "$MNT/.depfs/jobs/$n/failed")"
}
half_done x
same_bytes "$WORK/large" "$MNT/chat/x"
assert_eq "$(stat -c %y "$MNT/chat/x")" "2020-02-02 00:00:00.000000000 +0000"
mv "$MNT/chat/x" "$MNT/edm/x" # another scope: its header is re-wrapped, and takes the old key along
assert_eq "$(inspect edm/x flags)" renewing
policy_create P
depctl assign P >/dev/null
printf new | dd of="$MNT/edm/x" bs=1 seek=50000000 conv=notrunc status=none
cp "$WORK/large" "$WORK/x"
printf new | dd of="$WORK/x" bs=1 seek=50000000 conv=notrunc status=none
truncate -s 90000000 "$WORK/x" "$MNT/edm/x"
fallocate -p -o 40000000 -l 9000000 "$MNT/edm/x"
fallocate -p -o 40000000 -l 9000000 "$WORK/x"
depfs_remount
same_bytes "$WORK/x" "$MNT/edm/x"
goes_on
assert_eq "$(inspect edm/x flags)" none "flags of what moved while it was half done"
same_bytes "$WORK/x" "$MNT/edm/x"
assert_eq "$(inspect edm/x policy\ id)" "$(policy_id P)"

half_done y z
exec 7<"$MNT/chat/y"
rm "$MNT/chat/y"
cmp - "$WORK/large" <&7 || fail "an unlinked file has other bytes"
truncate -s 0 "$MNT/chat/z"
exec 7<&-
goes_on
depctl renew . >/dev/null # what is of no file any more is forgotten
job_done
depfs_umount
echo "$RENEWALS renewals under the programs"
