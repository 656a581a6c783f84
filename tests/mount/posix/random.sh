#!/usr/bin/env bash
# posix/random: thousands of random operations give byte for byte what memory holds, across remounts.
# cached: on one file, with the kernel's write-back cache; through: each write goes to the daemon;
# many: on several files at once, by a process each, which must not mix.
# cases: cached through many
# timeout: 200
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
fsx=$(helper fsx)
files=1 rounds=5 steps=1500 long_steps=10000 options=
case ${1:-cached} in
cached) options=writeback=on ;;
through) options=writeback=off ;;
many) files=6 rounds=1 steps=1200 long_steps=20000 ;;
esac
if [ "$LONG" = 1 ]; then
	[ $rounds = 1 ] || rounds=40
	steps=$long_steps
fi
[ "$KIND" = release ] || steps=$((steps / 4))
depfs_start "$options"
mkdir "$MNT/edm"
seed=${DEPFS_SEED:-$((RANDOM * 32768 + RANDOM))}
echo "seeds from $seed; DEPFS_SEED=$seed repeats them"
for ((round = 0; round < rounds; round++)); do
	pids=()
	for ((i = 0; i < files; i++)); do
		background "$fsx" "$MNT/edm/f$i" $((seed++)) $steps "$WORK/reference$i"
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "one of the processes saw wrong bytes"
	done
	depfs_remount "$options"
done
for ((i = 0; i < files; i++)); do
	same_bytes "$MNT/edm/f$i" "$WORK/reference$i"
done
depfs_umount
