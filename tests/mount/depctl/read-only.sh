#!/usr/bin/env bash
# depctl/read-only: through a mount with -o ro every act is refused by a sentence that names the reason, whatever only reads
# works, and no policy, key or file changes.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies
policy_create P
policy_create M --kind mailbox
depctl assign P
mkdir -p "$MNT/mailbox/ann"
echo mail >"$MNT/mailbox/ann/1"
depctl job watch 1
depctl policy show P >"$WORK/before"
depfs_umount
depfs_mount ro

refused_here() # ARGUMENT...
{
	local r=0

	depctl "$@" >"$WORK/out" 2>&1 </dev/null || r=$?
	[ $r != 0 ] || fail "'depctl $*' is done through a read-only mount"
	assert_match "$(cat "$WORK/out")" "the mount is read-only \(-o ro\)" "depctl $*"
}
refused_here policy create X "$K1" "$K2"
refused_here policy rename P Q
refused_here policy refresh P
refused_here policy rotate P
refused_here policy replace-keys P "$K1" "$K2"
refused_here policy remove M
refused_here policy disable M
refused_here policy check P
refused_here unassign
refused_here mailbox assign ann M
refused_here renew mailbox/ann
refused_here coverage --scan

depctl status >/dev/null
depctl policy list >/dev/null
depctl job list >/dev/null
depctl events >/dev/null
assert_eq "$(cat "$MNT/mailbox/ann/1")" mail
assert_eq "$(depctl policy show P | grep -E '^(generation|key . version|state)')" \
	"$(grep -E '^(generation|key . version|state)' "$WORK/before")" "the policy"
depfs_umount
