#!/usr/bin/env bash
# apps/trees: git, tar, rsync -aHAX and cp --sparse see through the mount what they put in, also after a remount.
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

# git: a repository of its own making, cloned into the mount and checked there
git init -q "$WORK/origin"
cd "$WORK/origin"
git config user.email tests@example.org
git config user.name tests
for i in $(seq 40); do
	head -c $((i * 997)) /dev/urandom >"f$i"
	git add . && git commit -qm "commit $i"
done
cd /
git clone -q --no-local "$WORK/origin" "$MNT/clone"
git -C "$MNT/clone" fsck --strict 2>"$WORK/fsck"
git -C "$MNT/clone" gc -q
git -C "$MNT/clone" fsck --strict 2>>"$WORK/fsck"
! grep -qiE 'error|missing|corrupt|dangling' "$WORK/fsck" || fail "git fsck: $(cat "$WORK/fsck")"
[ "$(git -C "$MNT/clone" rev-parse HEAD)" = "$(git -C "$WORK/origin" rev-parse HEAD)" ]

# a tree with everything rsync -aHAX keeps
src=$WORK/src
mkdir -p "$src/d/e"
echo one >"$src/one"
ln "$src/one" "$src/d/hard"
ln -s ../one "$src/d/soft"
mkfifo "$src/fifo"
setfattr -n user.colour -v blue "$src/one"
setfacl -m u:1234:rw "$src/one"
setfacl -d -m g:2345:rx "$src/d/e"
chmod 2750 "$src/d"
chown 1000:1001 "$src/d/e"
truncate -s 3M "$src/sparse"
echo end >>"$src/sparse"
touch -d '2001-02-03 04:05:06.789' "$src/one"
rsync -aHAX "$src/" "$MNT/rsynced/"

tar -C /usr -cf "$WORK/include.tar" include
mkdir "$MNT/tar"
tar -C "$MNT/tar" -xf "$WORK/include.tar"

cp --reflink=auto --sparse=always "$src/sparse" "$MNT/copied"
cp --reflink=auto --sparse=always "$MNT/copied" "$WORK/back/copied"

check()
{
	rsync -aHAXnic --delete "$src/" "$MNT/rsynced/" >"$WORK/diff"
	[ ! -s "$WORK/diff" ] || fail "rsync sees differences: $(head -n 5 "$WORK/diff")"
	[ "$(stat -c %i "$MNT/rsynced/one")" = "$(stat -c %i "$MNT/rsynced/d/hard")" ]
	diff -r --no-dereference /usr/include "$MNT/tar/include"
	same_bytes "$src/sparse" "$MNT/copied"
	git -C "$MNT/clone" fsck --strict >/dev/null 2>&1
}
check
same_bytes "$src/sparse" "$WORK/back/copied"
[ "$(stat -c %b "$STORE/copied")" -lt 200 ] || fail "the holes of a sparse copy take room below"
depfs_remount
check
depfs_umount
