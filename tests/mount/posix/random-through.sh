#!/usr/bin/env bash
# posix/random-through: thousands of random operations, with remounts between, give byte for byte what memory holds (each write goes to the daemon).
# timeout: 200
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
fsx=$(helper fsx)
rounds=5 steps=1500
[ "$LONG" = 0 ] || rounds=40 steps=10000
[ "$KIND" = release ] || steps=400
depfs_start writeback=off
mkdir "$MNT/edm"
seed=${DEPFS_SEED:-$((RANDOM * 32768 + RANDOM))}
for ((i = 0; i < rounds; i++)); do
	echo "seed $((seed + i))"
	"$fsx" "$MNT/edm/f" $((seed + i)) $steps "$WORK/reference"
	depfs_remount writeback=off
done
same_bytes "$MNT/edm/f" "$WORK/reference"
depfs_umount
