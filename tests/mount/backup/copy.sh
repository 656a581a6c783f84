#!/usr/bin/env bash
# backup/copy: a copy of store, service key and vaults, made with cp -a while nothing runs, mounts elsewhere and every file is equal.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies
policy_create Tenant
policy_create Board --kind mailbox
control assignment Tenant
control mailboxes/chief/policy Board
for area in mailbox/anna mailbox/chief chat edm signals planner; do
	mkdir -p "$MNT/$area/deep"
	for n in 0 1 3807 3808 3809 7872 100000; do
		head -c $n /dev/urandom >"$MNT/$area/f$n"
	done
	truncate -s 1000000 "$MNT/$area/sparse"
	echo x >>"$MNT/$area/sparse"
	ln "$MNT/$area/f1" "$MNT/$area/hard"
	ln -s f1 "$MNT/$area/soft"
	chmod 640 "$MNT/$area/f0"
	chown 12001:12002 "$MNT/$area/f1"
done
depfs_remount # from now on every time that stat shows is the one on disk
cp -a "$MNT/." "$WORK/plain"
rm -rf "$WORK/plain/.depfs"
depfs_umount
mkdir "$WORK/elsewhere"
cp -a "$STORE" "$WORK/elsewhere/a store"
cp -a "$KEY" "$WORK/elsewhere/"
rm -rf "$STORE" "$KEY"
STORE="$WORK/elsewhere/a store" KEY=$WORK/elsewhere/service.key
if [ "$VAULTS_KIND" = local ]; then
	cp -a "$VAULTS" "$WORK/elsewhere/"
	rm -rf "$VAULTS"
	VAULTS=$WORK/elsewhere/vaults
fi
rmdir "$MNT"
MNT="$WORK/other mnt"
mkdir "$MNT"
depfs_mount
same_tree "$WORK/plain" "$MNT"
assert_match "$(cat "$MNT/.depfs/assignment")" "name: Tenant"
depctl events --verify >/dev/null
depfs_umount
