#!/usr/bin/env bash
# depctl/inspect: a header is shown without any key, by its path in the store, in a copy or in the
# mount; damage that shows is refused, and only files with a header are looked at.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies
policy_create P
mkdir -p "$MNT/mailbox/ann" "$MNT/planner" "$MNT/chat"
printf 'before' >"$MNT/chat/old"
depctl assign P >/dev/null
head -c 10000 /dev/urandom >"$MNT/mailbox/ann/new"
truncate -s 1M "$MNT/planner/sparse"
: >"$MNT/planner/empty"
sync -f "$MNT"

assert_eq "$(inspect chat/old 'policy id')" "00000000-0000-0000-0000-000000000000 (service key)"
assert_eq "$(inspect mailbox/ann/new 'policy id')" "$(policy_id P)"
assert_eq "$(inspect mailbox/ann/new store)" "$(sed -n 's/^store: //p' "$MNT/.depfs/version")"
assert_eq "$(inspect mailbox/ann/new size)" 10000
assert_eq "$(inspect mailbox/ann/new blocks)" 3
assert_eq "$(inspect mailbox/ann/new generation)" 1
assert_eq "$(inspect mailbox/ann/new holes)" none
assert_eq "$(inspect mailbox/ann/new flags)" none
assert_eq "$(inspect planner/empty size)" 0
assert_eq "$(inspect planner/empty blocks)" 1
assert_match "$(inspect planner/sparse holes)" "^1-[0-9]+$"
json_holds "j['size'] == 1048576 and j['service_key'] and j['holes'][0]['start'] == 1 and
	j['flags'] == [] and j['size_fits'] and j['file'] == '$STORE/planner/sparse'" \
	depctl inspect "$STORE/planner/sparse" --json

# the mount's path means the file behind it; also through a bind mount, and a link
assert_eq "$(depctl inspect "$MNT/mailbox/ann/new")" "$(depctl inspect "$STORE/mailbox/ann/new")"
mkdir "$WORK/bind"
mount --bind "$MNT/mailbox" "$WORK/bind"
bound=$(depctl inspect "$WORK/bind/ann/new")
umount "$WORK/bind"
assert_eq "$bound" "$(depctl inspect "$STORE/mailbox/ann/new")" "through a bind mount"
ln -s mailbox/ann/new "$MNT/link"
says "size: 10000" depctl inspect "$MNT/link"

refused 1 "control files are not stored" depctl inspect "$MNT/.depfs/status"
refused 1 "only regular files" depctl inspect "$MNT/mailbox"
refused 1 "only regular files" depctl inspect "$STORE/mailbox"
refused 1 "No such file" depctl inspect "$STORE/nothing"
refused 1 "not a depfs file" depctl inspect "$BIN/depctl"

# copies elsewhere, whole and damaged
damaged() # SENTENCE COMMAND... - on a new copy, named as the last argument
{
	local sentence=$1

	shift
	cp "$STORE/mailbox/ann/new" "$WORK/copy"
	"$@" "$WORK/copy"
	refused 1 "$sentence" depctl inspect "$WORK/copy"
}
poke() # OFFSET BYTES FILE
{
	printf "$2" | dd of="$3" bs=1 seek="$1" conv=notrunc status=none
}
cp "$STORE/mailbox/ann/new" "$WORK/copy"
says "size: 10000" depctl inspect "$WORK/copy"
damaged "an empty file has no header" truncate -s 0
damaged "cut off within its header" truncate -s 255
damaged "cut off within its first block" truncate -s 4095
damaged "not a depfs file" poke 0 X
damaged "made by a later depfs" poke 4 '\\2'
damaged "made by a later depfs" poke 127 '\\200'
damaged "damaged" poke 200 X # reserved
damaged "damaged" poke 128 '\\1' # a hole without blocks

# a size that no whole blocks give: all is shown, then refused
cp "$STORE/mailbox/ann/new" "$WORK/copy"
truncate -s 12288 "$WORK/copy"
r=0
depctl inspect "$WORK/copy" >"$WORK/out" 2>"$WORK/err" || r=$?
[ $r = 1 ] || fail "a wrong size should be refused: $(cat "$WORK/out")"
grep -q '^file id: ' "$WORK/out" || fail "the header should be shown all the same"
grep -q "no file of whole blocks has 12288 bytes" "$WORK/err" || fail "$(cat "$WORK/err")"

# a file of another store in this one
"$BIN/mkfs.depfs" -k "file:$WORK/key2" "$WORK/store2" >/dev/null
cp "$STORE/mailbox/ann/new" "$WORK/store2/stray"
r=0
depctl inspect "$WORK/store2/stray" >"$WORK/out" 2>"$WORK/err" || r=$?
assert_eq $r 1 "exit status for a stray file"
grep -q "but lies in store" "$WORK/err" || fail "$(cat "$WORK/err")"

# no key is needed
depfs_umount
mv "$KEY" "$KEY.away"
says "size: 10000" "$BIN/depctl" inspect "$STORE/mailbox/ann/new"
