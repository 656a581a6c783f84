#!/usr/bin/env bash
# jobs/kinds: assigning, offboarding and rotating re-wrap exactly the files of the workloads that change at once (fs/README.md, Workloads); contents, times and data blocks stay as they are.
# vaults: local azure
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
depfs_start_policies
policy_create Tenant
policy_create Next
policy_create Board --kind mailbox
tenant=$(hex_id Tenant) next=$(hex_id Next) board=$(hex_id Board)
mkdir -p "$MNT"/mailbox/{anna/new/deep,chief} "$MNT"/{chat,edm,signals,planner}
areas="mailbox/anna mailbox/anna/new/deep mailbox/chief chat edm signals planner"
for area in $areas; do
	for size in 0 1 3808 3809 9000 70000; do
		head -c $size /dev/urandom >"$MNT/$area/$size"
	done
	truncate -s 100000 "$MNT/$area/sparse"
	ln "$MNT/$area/9000" "$MNT/$area/again"
	ln -s 9000 "$MNT/$area/link"
done
touch "$MNT/mailbox/anna/"$'odd\nname' "$MNT/mailbox/directly"
touch -d '2001-02-03 04:05:06.7' "$MNT/mailbox/anna/9000"
cp -a "$MNT" "$WORK/plain"
rm -rf "$WORK/plain/.depfs"

# same_as_before - every byte, time and name in the mount; and all of the store but for headers
same_as_before()
{
	local area

	sync -f "$MNT"
	for area in mailbox chat edm signals planner; do
		diff -r --no-dereference "$MNT/$area" "$WORK/plain/$area" || fail "$area changed"
	done
	assert_eq "$(stat -c %y "$MNT/mailbox/anna/9000")" \
		"$(stat -c %y "$WORK/plain/mailbox/anna/9000")" "time of last change"
	assert_eq "$(bodies)" "$WORK_BODIES" "what lies behind the headers"
}

# bodies - all that lies behind the headers, and times; names with line ends are left to diff
bodies()
{
	(
		cd "$STORE"
		find mailbox chat edm signals planner -type f ! -name '*
*' | sort | while IFS= read -r f; do
			tail -c +257 "$f" | sha256sum
			stat -c '%n %s %y' "$f"
		done
	) | sha256sum
}
WORK_BODIES=$(bodies)

answer=$(depctl mailbox assign chief Board)
assert_match "$answer" "job 1 re-wraps"
job_done 1
assert_eq "$(job_field 1 mailbox)" chief
assert_eq "$(under "$board")" 8 "files under the board's policy" # 6 sizes, sparse, a second name
assert_eq "$(job_field 1 "done")" 7 "one for each file, whatever its names"
assert_eq "$(job_field 1 skipped)" 1
same_as_before

depctl assign Tenant >/dev/null
job_done 2
assert_eq "$(under "$tenant" mailbox)" 18 "files of mailboxes under the tenant's policy"
assert_eq "$(under "$tenant" signals)" 8
assert_eq "$(under "$tenant")" 26 "chat and EDM are left as they are"
assert_eq "$(under "$board")" 8 "a mailbox with its own policy is untouched"
same_as_before

echo new >"$MNT/chat/late"
cp "$MNT/chat/late" "$WORK/plain/chat/late"
WORK_BODIES=$(bodies)
depctl assign Next >/dev/null # another one in its place
job_done 3
assert_eq "$(under "$next")" 26
assert_eq "$(under "$tenant")" 1 "chat under the policy of before"
same_as_before

depctl policy rotate Next >/dev/null
job_done 4
assert_eq "$(headers | awk -F '\t' -v id="$next" '$2 == id { print $3 }' | sort -u)" 2 "generations"
assert_eq "$(status_of Next generation)" 2
echo new >"$MNT/edm/late"
assert_eq "$(headers edm/late | cut -f 2,3)" "$next"$'\t'2
rm "$MNT/edm/late"
same_as_before

depctl unassign >/dev/null
job_done 5
assert_eq "$(job_field 5 kind)" offboard
assert_eq "$(under "$next")" 0 "nothing is left under the unassigned policy"
assert_eq "$(under "$tenant")" 1 "what another policy covered is not its business"
depctl mailbox unassign chief >/dev/null
job_done 6
assert_eq "$(under "$board")" 0
same_as_before

depctl assign Tenant >/dev/null
job_done 7
depctl unassign >/dev/null
job_done 8
assert_eq "$(under "$SERVICE")" "$(headers | wc -l)" "all is under the service key"
assert_match "$(depctl job list)" "offboard"
assert_event job-end '"job":8'
assert_match "$(depctl --json job show 8 | python3 -c 'import json,sys; j=json.load(sys.stdin); print(j["state"], j["failed"])')" "^done 0$"
depfs_remount
same_as_before
assert_eq "$(job_field 8 state)" "done" "after a remount"
depfs_umount
