#!/usr/bin/env bash
# posix/acl: access lists grant and refuse, default lists are inherited and take umask's place.
BACKING=disk
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need setfacl getfacl setpriv
depfs_start
A=12011 B=12012

as() # UID COMMAND...
{
	setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}

chmod 755 "$MNT"
echo secret >"$MNT/f"
chmod 600 "$MNT/f"
setfacl -m "u:$A:r" "$MNT/f" 2>"$WORK/acl.err" || {
	grep -q 'not supported' "$WORK/acl.err" && skip "no access lists below"
	fail "$(cat "$WORK/acl.err")"
}
assert_match "$(getfacl -cn "$MNT/f")" "user:$A:r--"
assert_eq "$(as $A cat "$MNT/f")" secret "the user of the list reads"
assert_fails_with EACCES as $B cat "$MNT/f"
assert_fails_with EACCES as $A tee -a "$MNT/f"
setfacl -m "u:$A:rw,m::r" "$MNT/f"
assert_fails_with EACCES as $A tee -a "$MNT/f"
setfacl -m m::rw "$MNT/f"
as $A tee -a "$MNT/f" <<<more >/dev/null
assert_eq "$(tail -n 1 "$MNT/f")" more "written by the list's user"
assert_eq "$(stat -c %a "$MNT/f")" 660 "the mask is what ls shows as the group's rights"
chmod 600 "$MNT/f"
assert_fails_with EACCES as $A cat "$MNT/f"
setfacl -b "$MNT/f"
assert_no_match "$(getfacl -cn "$MNT/f")" "user:$A"

mkdir "$MNT/d"
setfacl -d -m "u:$A:rwx,g::r-x,o::---" "$MNT/d"
(umask 077 && echo x >"$MNT/d/new" && mkdir "$MNT/d/sub")
assert_match "$(getfacl -cn "$MNT/d/new")" "user:$A:rwx" "inherited by a file"
assert_eq "$(stat -c %a "$MNT/d/new")" 660 "a default list takes the place of umask"
assert_match "$(getfacl -cn "$MNT/d/sub")" "default:user:$A:rwx" "inherited by a folder"
assert_eq "$(as $A cat "$MNT/d/new")" x
setfacl -k "$MNT/d"
(umask 027 && echo x >"$MNT/d/plain")
assert_eq "$(stat -c %a "$MNT/d/plain")" 640 "without a default list umask counts"
depfs_remount
assert_match "$(getfacl -cn "$MNT/d/new")" "user:$A:rwx" "after a remount"
depfs_umount
