#!/usr/bin/env bash
# format/golden: the golden store, made by the first version of the format, mounts and holds every
# byte that it held when it was made: through the vaults, through the availability keys alone, and
# by the second reader. Without this, an update of depfs could lose users' data.
# timeout: 60
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
FORMAT=$TOP/tests/format
PY=/usr/bin/python3 # Debian's, which has its packages
"$PY" -c 'import cryptography, lmdb' || skip "python3-cryptography and python3-lmdb are needed"

reader()
{
	"$PY" "$FORMAT/reader.py" --service-key "$KEY" "$@"
}

# holds FOLDER - it shows what the manifest lists
holds()
{
	"$PY" "$FORMAT/shapes.py" list "$1" | cmp - "$WORK/wanted" ||
		fail "$1 does not hold what the manifest lists"
}

# reader_agrees [OPTION...]
reader_agrees()
{
	reader "$@" "$STORE" tree | cmp - "$WORK/wanted" || fail "the reader sees something else"
}

cp "$FORMAT/golden/manifest" "$WORK/wanted"
tar -xzf "$FORMAT/golden/store.tar.gz" --numeric-owner -C "$WORK" service.key vaults
tar -xzf "$FORMAT/golden/store.tar.gz" --numeric-owner -C "$WORK/back" store

reader_agrees --vaults "$VAULTS"
reader --vaults "$VAULTS" "$STORE" policies | cmp - "$FORMAT/golden/policies"
reader "$STORE" events >"$WORK/events"

# As it lies, with its vaults.
depfs_mount
holds "$MNT"
assert_eq "$(depctl assignment | grep -c "EUR Policy")" 1 "the tenant's policy"
depfs_umount
reader_agrees
reader "$STORE" events >"$WORK/events.later"
cmp -n "$(stat -c %s "$WORK/events")" "$WORK/events" "$WORK/events.later" # none was lost

# From its snapshot and with no vault that answers: all DEP keys by their availability copies.
mv "$VAULTS" "$WORK/vaults.away"
mkdir "$VAULTS"
rm -r "$STORE/.depfs/state"
depfs_mount
holds "$MNT"
assert_event availability-key-used "EUR Policy"
depfs_umount

# And it can be worked on.
rm -r "$VAULTS"
mv "$WORK/vaults.away" "$VAULTS"
depfs_mount
mkdir "$WORK/plain"
cp -a "$MNT"/* "$WORK/plain"
for top in "$MNT" "$WORK/plain"; do
	find "$top" -path "$top/.depfs" -prune -o -type f -print0 |
		xargs -0 "$PY" -c 'import sys
for path in sys.argv[1:]:
    open(path, "ab").write(b"one line more\n")'
done
depfs_umount
"$PY" "$FORMAT/shapes.py" list "$WORK/plain" >"$WORK/wanted"
reader_agrees --vaults "$VAULTS"
