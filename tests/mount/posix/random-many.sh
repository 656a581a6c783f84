#!/usr/bin/env bash
# posix/random-many: random operations on several files at once, by several processes, do not mix.
# timeout: 200
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
fsx=$(helper fsx)
steps=1200
[ "$LONG" = 0 ] || steps=20000
[ "$KIND" = release ] || steps=300
depfs_start
mkdir "$MNT/chat"
seed=${DEPFS_SEED:-$((RANDOM * 32768 + RANDOM))}
echo "seeds from $seed"
pids=()
for i in 1 2 3 4 5 6; do
	background "$fsx" "$MNT/chat/f$i" $((seed + i)) $steps "$WORK/reference$i"
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || fail "one of the processes saw wrong bytes"
done
depfs_remount
for i in 1 2 3 4 5 6; do
	same_bytes "$MNT/chat/f$i" "$WORK/reference$i"
done
depfs_umount
