#!/usr/bin/env bash
# depctl/fstab: each word that a line of fstab may hold for any filesystem is taken by mount.depfs, and those that change a
# FUSE mount are in force.
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
depfs_mkfs
cleanup_more() { ! is_mounted || umount -l "$MNT"; }
free_again() { [ ! -s "$STORE/.depfs/lock" ]; }

# The word, and what findmnt(8) shows then ("-": a word for mount(8), or about what FUSE leaves to the daemon).
words=0
while read -r word shown; do
	"$BIN/mount.depfs" "$STORE" "$MNT" -o "$(depfs_options "$word")" >"$WORK/out" 2>&1 ||
		fail "-o $word is refused: $(cat "$WORK/out")"
	assert_eq "$(cat "$WORK/out")" "" "printed for -o $word"
	options=,$(findmnt -no VFS-OPTIONS,FS-OPTIONS "$MNT" | tr ' ' ,),
	[ "$shown" = - ] || [[ $options == *,$shown,* ]] || fail "-o $word: '$shown' is not among '$options'"
	umount "$MNT"
	wait_until 20 free_again
	words=$((words + 1))
done <<'END'
defaults rw
rw rw
ro ro
suid -
nosuid nosuid
dev -
nodev nodev
exec -
noexec noexec
async -
sync sync
dirsync dirsync
atime -
noatime noatime
nodiratime -
diratime -
relatime relatime
norelatime -
strictatime -
nostrictatime -
lazytime -
nolazytime -
nosymfollow nosymfollow
symfollow -
silent -
loud -
iversion -
noiversion -
mand -
nomand -
auto -
noauto -
user -
user=ann -
nouser -
users -
nousers -
group -
nogroup -
owner -
noowner -
_netdev -
nofail -
x-systemd.automount -
x-gvfs-hide -
X-mount.mkdir -
comment=mail -
END
assert_eq $words 47 "words"

# links stay and can be read, and are not followed
depfs_mount nosymfollow
echo text >"$MNT/file"
ln -s file "$MNT/link"
assert_eq "$(readlink "$MNT/link")" file
assert_fails_with ELOOP cat "$MNT/link"
assert_eq "$(cat "$MNT/file")" text
depfs_umount
depfs_mount
assert_eq "$(cat "$MNT/link")" text
depfs_umount

# all of them in a line of fstab, which mount(8) reads; in a namespace whose /sbin has our programs
cat >"$WORK/fstab" <<END
$STORE $MNT depfs noauto,nofail,user,group,noatime,nodiratime,strictatime,lazytime,nosymfollow,silent,iversion,_netdev,x-a.b=c,X-d,comment=e,$(depfs_options) 0 0
END
cat >"$WORK/line.sh" <<'END'
set -eu
mount -t overlay -o "lowerdir=$BIN:$(realpath /sbin)" overlay "$(realpath /sbin)" || exit 77
mount -T "$WORK/fstab" "$MNT"
findmnt -no VFS-OPTIONS "$MNT"
umount "$MNT"
END
r=0
options=$(BIN=$BIN WORK=$WORK MNT=$MNT unshare -m timeout 60 bash "$WORK/line.sh" 2>"$WORK/out") || r=$?
[ $r != 77 ] || exit 0 # no overlay filesystem
[ $r = 0 ] || fail "mount(8): $(cat "$WORK/out")"
for word in nosuid nodev noexec noatime nosymfollow; do
	[[ ,$options, == *,$word,* ]] || fail "'$word' is not among '$options'"
done
wait_until 20 free_again
