#!/usr/bin/env bash
# tamper/bits: one flipped bit anywhere, in the header or in a block, is EIO and an event; the file can be replaced.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/tamper.sh"
# magic, version, suite, store id, file id, scope, policy, generation, wrap, flags, holes, version
# counter, budget, reserved, MAC; then nonce, tag, meta and data of blocks 0, 1 and 7
places="0 4 6 8 24 40 56 72 76 100 124 128 160 168 176 223 224 255
	256 268 284 286 287 288 4095 4096 4108 4124 4126 4127 4128 8191 28672 28700 28704 32767"
files=()
for at in $places; do
	files+=("mailbox/anna/at$at")
done
tamper_start "${files[@]}" mailbox/anna/good
for at in $places; do
	flip "mailbox/anna/at$at" "$at"
done
depfs_mount
all_refuse_reading "${files[@]}"
same_bytes "$WORK/plain/mailbox/anna/good" "$MNT/mailbox/anna/good"
[ "$(stat -c %s "$MNT/mailbox/anna/at4128")" = 30000 ] || fail "stat of a damaged file"
for file in "${files[@]}"; do
	replaceable "$file"
done
depfs_umount
