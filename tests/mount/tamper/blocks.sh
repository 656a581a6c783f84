#!/usr/bin/env bash
# tamper/blocks: a block swapped, moved, cut, zeroed, or taken from another file is EIO and an event, never wrong bytes.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/tamper.sh"
F=mailbox/anna
tamper_start $F/{swapped,moved,cut1,cut2,cutpart,zeroed,zeroed0,foreign,foreign0,grown,long,empty} \
	$F/{older,donor,hole,head} mailbox/bob/donor
cp -r "$STORE" "$WORK/copy"
S=$WORK/copy/$F

put_block "$S/swapped" 2 $F/swapped 3
put_block "$S/swapped" 3 $F/swapped 2
put_block "$S/moved" 5 $F/moved 1
truncate -s 28672 "$STORE/$F/cut1" # at a block's edge
truncate -s 4096 "$STORE/$F/cut2"
truncate -s 30000 "$STORE/$F/cutpart"
put_block /dev/zero 0 $F/zeroed 4
put_block /dev/zero 0 $F/zeroed0 0
put_block "$S/donor" 4 $F/foreign 4
put_block "$S/donor" 0 $F/foreign0 0
truncate -s $((32768 + 4096 + 100)) "$STORE/$F/grown"
put_block "$S/long" 7 $F/long 8
truncate -s 0 "$STORE/$F/empty"
cat "$WORK/copy/mailbox/bob/donor" >"$STORE/$F/head" # a whole file of another mailbox
python3 - "$STORE/$F/hole" <<'END'
import os, sys

fd = os.open(sys.argv[1], os.O_RDWR)  # a real hole below, but the header declares none
os.pwrite(fd, bytes(8192), 8192)
END
depfs_mount
# the same file with older blocks, once after it was extended and once after it was cut
head -c 50000 /dev/urandom >"$WORK/plain/$F/older"
cp "$WORK/plain/$F/older" "$MNT/$F/older"
depfs_umount
put_block "$S/older" 7 $F/older 7
depfs_mount
all_refuse_reading $F/{swapped,moved,cut1,cut2,cutpart,zeroed,zeroed0,foreign,foreign0,grown,long} \
	$F/{empty,hole,head,older}
same_bytes "$WORK/plain/$F/donor" "$MNT/$F/donor"
same_bytes "$WORK/plain/mailbox/bob/donor" "$MNT/mailbox/bob/donor"
ls -l "$MNT/$F" >/dev/null
for name in swapped cut1 cutpart zeroed zeroed0 foreign0 grown long empty head; do
	replaceable $F/$name
done
: >"$MNT/$F/moved" # cutting to nothing needs no readable block: a fresh file
echo fresh >>"$MNT/$F/moved"
assert_eq "$(cat "$MNT/$F/moved")" fresh
mv "$MNT/$F/older" "$MNT/$F/older2" # renaming within the scope, too
rm "$MNT/$F/older2"
depctl events --verify >/dev/null
depfs_umount
