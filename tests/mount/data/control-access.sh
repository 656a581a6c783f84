#!/usr/bin/env bash
# data/control-access: a member of admin_gid's group steers policies, by primary or supplementary group; no
# other user sees inside; nothing can be moved out of the control directory or into it.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies admin_gid=4242
chmod 755 "$MNT"

as_member() { setpriv --reuid 7001 --regid 4242 --clear-groups "$@"; }
as_supplementary() { setpriv --reuid 7002 --regid 7002 --groups 4242 "$@"; }
as_outsider() { setpriv --reuid 7003 --regid 7003 --clear-groups "$@"; }

for who in as_member as_supplementary; do
	$who mkdir "$MNT/.depfs/policies/P $who"
	$who sh -c 'printf "%s\n" "$2" "$3" >"$1"' - "$MNT/.depfs/policies/P $who/key_ids" "$K1" "$K2"
	[ "$($who cat "$MNT/.depfs/policies/P $who/enabled")" = 1 ]
	$who sh -c 'echo "$2" >"$1"' - "$MNT/.depfs/assignment" "P $who"
	$who grep -rq "P $who" "$MNT/.depfs/policies"
	grep '"event":"assign-tenant"' "$MNT/.depfs/events" | tail -n 1 | grep -q '"uid":700[12]'
done

for try in "ls $MNT/.depfs" "cat $MNT/.depfs/status" "mkdir $MNT/.depfs/policies/evil" \
	"sh -c 'echo none >$MNT/.depfs/assignment'"; do
	if eval "as_outsider $try" >/dev/null 2>"$WORK/err"; then
		fail "an outsider could: $try"
	fi
	grep -qi 'permission denied' "$WORK/err"
done
[ "$(head -n 1 "$MNT/.depfs/assignment")" = "name: P as_supplementary" ]

mkdir "$MNT/d"
if mv "$MNT/.depfs/policies/P as_member" "$MNT/d/" 2>/dev/null; then
	fail "a policy was moved into the data"
fi
[ ! -e "$MNT/d/P as_member" ]
if mv "$MNT/d" "$MNT/.depfs/policies/" 2>/dev/null; then
	fail "a folder was moved into the control directory"
fi
depfs_umount
