#!/usr/bin/env bash
# posix/linear: a write call is seen whole or not at all by concurrent readers, whatever its size and
# wherever the block edges fall in it.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs # the page cache of an ordinary filesystem gives no such promise
linear=$(helper linear)
depfs_start writeback=off
mkdir "$MNT/edm"
seconds=2
[ "$LONG" = 0 ] || seconds=30
for len in 1000 4064 10000 65536; do
	"$linear" "$MNT/edm/f" $len 6 2 2 $seconds direct || fail "records of $len bytes were mixed"
done
for len in 4096 65536; do
	"$linear" "$MNT/edm/f" $len 6 2 2 $seconds cached ||
		fail "records of $len bytes, written through the cache, were mixed"
done
depfs_umount
