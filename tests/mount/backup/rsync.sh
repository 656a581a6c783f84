#!/usr/bin/env bash
# backup/rsync: the README's two lines copy a mounted store so that it opens elsewhere, without its vaults too; made again after
# rotating, unassigning and removing they still do, and a file comes back from the copy beside its original.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
need rsync
copy_now() # [OPTION] - the README's lines, with the option behind each rsync's own
{
	local line n=0

	while read -r line; do
		line=${line//backup:\/srv\/mail-store/$WORK/copy}
		line=${line//\/srv\/mail-store/$STORE}
		eval "${line/rsync /rsync ${1:-} }"
		n=$((n + 1))
	done < <(sed -n 's/^    \(rsync -.*\)/\1/p' "$TOP/README.md")
	assert_eq $n 2 "lines with rsync in the README"
}

copied() # OPTIONS - mounts the copy beside the original, and compares
{
	local original=$MNT store=$STORE daemon=$DAEMON_PID

	STORE=$WORK/copy MNT=$WORK/elsewhere
	depfs_mount "$1"
	diff -r --exclude=.depfs "$original" "$MNT" >&2 || fail "the copy differs"
	rm "$original/mailbox/anna/f1"
	cp -a "$MNT/mailbox/anna/f1" "$original/mailbox/anna/f1"
	same_bytes "$MNT/mailbox/anna/f1" "$original/mailbox/anna/f1"
	depfs_umount
	STORE=$store MNT=$original DAEMON_PID=$daemon
}

mkdir "$WORK/elsewhere" "$WORK/copy"
depfs_start_policies
policy_create P
control assignment P
mkdir -p "$MNT/mailbox/anna" "$MNT/chat"
for n in 1 3808 9000; do
	head -c $n /dev/urandom >"$MNT/mailbox/anna/f$n"
	head -c $n /dev/urandom >"$MNT/chat/f$n"
done
truncate -s 1M "$MNT/chat/sparse"
echo end >>"$MNT/chat/sparse"
sync -f "$MNT"
sleep 1.1 # rsync compares times by the second
copy_now
copied "vaults=$WORK/none"
[ "$(du -k "$WORK/copy/chat/sparse" | cut -f 1)" -lt 512 ] || fail "the copy has no holes"

generation_of() { depctl inspect "$WORK/copy/$1" | sed -n 's/^generation: //p'; }
depctl policy rotate P >/dev/null
job_done
assert_eq "$(inspect mailbox/anna/f9000 generation)" 2
copy_now
assert_eq "$(generation_of mailbox/anna/f9000)" 1 "generation of what rsync passes over"
copied "vaults=$VAULTS"
depctl unassign >/dev/null
job_done
depctl scan >/dev/null
job_done
depctl policy remove P >/dev/null
copy_now
copied "vaults=$VAULTS"
copy_now -c
depctl inspect "$WORK/copy/mailbox/anna/f9000" | grep -q "service key" || fail "-c did not take the newer header"
copied "vaults=$WORK/none"
depfs_umount
