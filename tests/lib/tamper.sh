# tests/lib/tamper.sh - damaging ciphertext by hand, with nothing mounted.
# shellcheck shell=bash

# tamper_start FILE... - a store with 30,000 byte files (8 blocks), unmounted; copies in $WORK/plain
tamper_start()
{
	local file

	need_depfs
	depfs_mkfs
	depfs_mount
	for file in "$@"; do
		mkdir -p "$MNT/${file%/*}" "$WORK/plain/${file%/*}"
		head -c 30000 /dev/urandom >"$WORK/plain/$file"
		cp "$WORK/plain/$file" "$MNT/$file"
	done
	depfs_umount
}

# flip FILE OFFSET - one bit of the ciphertext file is turned
flip()
{
	python3 - "$STORE/$1" "$2" <<'END'
import os, sys

fd = os.open(sys.argv[1], os.O_RDWR)
at = int(sys.argv[2])
byte = os.pread(fd, 1, at)[0]
os.pwrite(fd, bytes([byte ^ 1]), at)
END
}

# put_block FROM NUMBER TO NUMBER - one ciphertext block over another
put_block()
{
	dd if="$1" of="$STORE/$3" bs=4096 skip="$2" seek="$4" count=1 conv=notrunc status=none
}

# all_refuse_reading FILE... - each of them, and every one that does not is named
all_refuse_reading()
{
	local file bad=0

	for file in "$@"; do
		(refuses_reading "$file") || bad=$((bad + 1))
	done
	[ $bad = 0 ] || fail "$bad of $# damaged files are not refused as they should be"
}

# refuses_reading FILE - reading ends with EIO, an event names the file, and what was read before
# the damage is the file's own beginning
refuses_reading()
{
	local r=0

	cat "$MNT/$1" >"$WORK/got" 2>"$WORK/message" || r=$?
	[ $r != 0 ] || fail "$1 was read to its end"
	assert_match "$(cat "$WORK/message")" "Input/output error" "what reading $1 says"
	cmp -s -n "$(stat -c %s "$WORK/got")" "$WORK/got" "$WORK/plain/$1" ||
		fail "wrong bytes of $1 were given out"
	wait_until 10 has_damage "$1" || fail "no event names $1:
$(tail -n 5 "$MNT/.depfs/events")"
}

has_damage()
{
	grep -a damage "$MNT/.depfs/events" | grep -qaF -- "$1"
}

# replaceable FILE - a damaged file can be written anew, and removed
replaceable()
{
	cp "$WORK/plain/$1" "$MNT/new"
	mv "$MNT/new" "$MNT/$1"
	same_bytes "$WORK/plain/$1" "$MNT/$1"
	rm "$MNT/$1"
	assert_missing "$MNT/$1"
}
