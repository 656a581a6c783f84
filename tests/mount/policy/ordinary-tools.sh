#!/usr/bin/env bash
# policy/ordinary-tools: rsync, cp, tar, chown, chmod, setfacl, find, du and rm over a whole mount end with 0, and change no policy and record no act.
# builds: release asan
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
need rsync setfacl tar
depfs_start_policies
for p in Tenant Spare "EUR Policy"; do
	policy_create "$p"
done
mkdir "$MNT/.depfs/policies/Draft"
depctl assign Tenant >/dev/null
job_done

fill() # what the tools find, in five workloads
{
	mkdir -p "$MNT/mailbox/anna/cur" "$MNT/chat" "$MNT/edm" "$MNT/signals" "$MNT/other"
	head -c 300000 /dev/urandom >"$MNT/mailbox/anna/cur/1"
	for f in chat/2 edm/3 signals/4 other/5; do
		echo "$f" >"$MNT/$f"
	done
	ln -s ../chat/2 "$MNT/other/link"
	ln "$MNT/chat/2" "$MNT/chat/2b"
	truncate -s 100000 "$MNT/edm/hole"
}

# steered - all that administrators decided, and every event but that of a key opened for content
steered()
{
	local p

	for p in "$MNT"/.depfs/policies/*/; do
		echo "$p"
		cat "$p"{id,kind,description,enabled,key_ids}
		grep -E "^(state|enabled|assigned|mailboxes|generation|key . version|revocations):" "$p/status"
		cat "$p/last_error"
	done
	cat "$MNT/.depfs/assignment" "$MNT"/.depfs/mailboxes/*/policy "$MNT/.depfs/error_log"
	ls "$MNT/.depfs/jobs"
	sed -n 's/.*"event":"\([^"]*\)".*/event \1/p' "$MNT/.depfs/events" | grep -vx "event key-open"
}

# harmless COMMAND... - ends with 0, says nothing about .depfs, and steered nothing
harmless()
{
	local r=0

	fill
	sync -f "$MNT"
	steered >"$WORK/before"
	"$@" >"$WORK/out" 2>&1 || r=$?
	[ $r = 0 ] || fail "$*: status $r: $(head -n 5 "$WORK/out")"
	! grep -F .depfs "$WORK/out" >&2 || fail "$*: names .depfs"
	steered >"$WORK/after"
	diff "$WORK/before" "$WORK/after" >&2 || fail "$*: changed what is steered"
	rm -rf "$MNT"/{mailbox,chat,edm,signals,other}
}

mkdir "$WORK/empty" "$WORK/out.rsync" "$WORK/out.tar" "$WORK/out.cp"
harmless rsync -a "$MNT/" "$WORK/out.rsync/"
cmp "$WORK/out.rsync/other/5" <(echo other/5)
[ ! -e "$WORK/out.rsync/.depfs" ] || fail "rsync copied the control directory"
harmless cp -a "$MNT/." "$WORK/out.cp/"
harmless tar -C "$MNT" -cf "$WORK/all.tar" .
tar -C "$WORK/out.tar" -xf "$WORK/all.tar"
cmp "$WORK/out.tar/other/5" <(echo other/5)
harmless find "$MNT" -type f -exec cat {} +
harmless du -a "$MNT"
harmless ls -laR "$MNT"
harmless grep -rlF other/5 "$MNT"
harmless chown -R 12000:12000 "$MNT"
harmless chmod -R u=rwX,go=rX "$MNT"
if setfacl -m u:12001:r "$MNT" 2>"$WORK/acl"; then
	harmless setfacl -R -m u:12001:rX "$MNT"
	setfacl -b "$MNT"
fi
shopt -s dotglob
harmless rm -rf "$MNT"/*
harmless find "$MNT" -mindepth 1 -delete
harmless rsync -a --delete "$WORK/empty/" "$MNT/"
assert_eq "$(ls -A "$MNT")" "" "after rsync --delete"
assert_eq "$(find "$MNT" -mindepth 1)" ""

# by name all of it is there, and nothing of that name can be made or moved
assert_match "$(ls "$MNT/.depfs")" policies
[ -d "$MNT/.depfs/policies/EUR Policy" ]
assert_fails_with EEXIST mkdir "$MNT/.depfs"
assert_fails_with EPERM mv "$MNT/.depfs" "$MNT/elsewhere"
assert_eq "$(stat -c %h "$MNT")" 2 "links of an empty top folder"

# every control file has the size 0, so that no tool waits for bytes that never come
assert_eq "$(find "$MNT/.depfs" -type f ! -size 0)" "" "files with a size"
tar -C "$MNT" -cf "$WORK/control.tar" .depfs
rsync -a "$MNT/.depfs/" "$WORK/control/"
cp -r "$MNT/.depfs" "$WORK/read"
assert_eq "$(cat "$WORK/read/policies/EUR Policy/id")" "$(policy_id "EUR Policy")"

# from mount to mount, as README restores
fill
FIRST=$MNT FIRST_PID=$DAEMON_PID
STORE=$WORK/store2 MNT=$WORK/mnt2
mkdir "$MNT"
KEY=$KEY.2
depfs_mkfs
depfs_mount
policy_create Second
depctl assign Second >/dev/null
job_done
steered >"$WORK/before"
cp -a "$FIRST/." "$MNT/"
steered >"$WORK/after"
diff "$WORK/before" "$WORK/after" >&2 || fail "cp -a between mounts steered the second"
same_tree "$FIRST" "$MNT"
depfs_umount
STORE=$WORK/back/store MNT=$FIRST KEY=${KEY%.2} DAEMON_PID=$FIRST_PID
depfs_umount

# -o list_control lists it, once, as a folder
depfs_mount list_control
assert_eq "$(ls -A "$MNT" | grep -c '^\.depfs$')" 1
assert_eq "$(find "$MNT" -maxdepth 1 -name .depfs -type d)" "$MNT/.depfs"
depfs_umount
