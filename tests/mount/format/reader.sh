#!/usr/bin/env bash
# format/reader: a reader that was written from depfs-format(5) alone opens everything that depfs
# writes, byte for byte, so the page is complete and right.
# vaults: local azure
# timeout: 60
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
FORMAT=$TOP/tests/format
PY=/usr/bin/python3 # Debian's, which has its packages
"$PY" -c 'import cryptography, lmdb' || skip "python3-cryptography and python3-lmdb are needed"

# shapes FOLDER PREFIX [SHAPE...] - on the mount and in an ordinary folder beside it
shapes()
{
	"$PY" "$FORMAT/shapes.py" write "$MNT/$1" "${@:2}"
	"$PY" "$FORMAT/shapes.py" write "$WORK/plain/$1" "${@:2}"
}

reader()
{
	"$PY" "$FORMAT/reader.py" --service-key "$KEY" "$@"
}

# headers FOLDER... - "PATH FIELD: VALUE" of every file directly in them
headers()
{
	PYTHONPATH=$FORMAT "$PY" - "$STORE" "$KEY" "$@" <<'END'
import os, stat, sys
import reader
store = reader.Store(sys.argv[1], sys.argv[2])
for folder in sys.argv[3:]:
    for name in os.listdir(os.path.join(sys.argv[1], folder)):
        path = os.path.join(folder, name)
        if stat.S_ISREG(os.lstat(os.path.join(sys.argv[1], path)).st_mode):
            for field, value in reader.header_fields(store, os.fsencode(path)).items():
                print(f'{path} {field}: {value}')
END
}

header() # PATH FIELD
{
	sed -n "s|^$1 $2: ||p" "$WORK/headers"
}

by_roots=() # by both root copies too, where their keys are at hand
[ "$VAULTS_KIND" != local ] || by_roots=(--vaults "$VAULTS")
depfs_start_policies
mkdir "$WORK/plain"

# Under the service key, and later under two tenant policies and one of a mailbox.
shapes . top-
shapes chat before-
policy_create US
policy_create EUR
policy_create Legal --kind mailbox
depctl assign US >/dev/null
shapes chat us-
shapes edm us- one-byte punched
depctl assign EUR >/dev/null
depctl mailbox assign bob Legal >/dev/null
vault rotate "$K1" >/dev/null
depctl policy refresh EUR >/dev/null
for folder in mailbox mailbox/alice mailbox/alice/cur mailbox/bob signals chat edm planner/deep; do
	shapes "$folder" eur- $([[ $folder == */* ]] || echo one-byte block0-more sparse loose)
done
for top in "$MNT" "$WORK/plain"; do
	printf 'more' >>"$top/chat/us-block0" # written again: re-wrapped under EUR
	: >"$top/chat/us-five-blocks"         # truncated to nothing: another data key
	mv "$top/chat/before-block1" "$top/edm/moved"
	ln "$top/edm/us-punched" "$top/edm/linked"
	ln -s ../chat/us-block0 "$top/edm/symlink"
	mkfifo "$top/edm/fifo"
done

# One that is stopped half way while it is renewed: a later one is damaged on purpose, by hand.
head -c 400000 /dev/urandom >"$WORK/plain/chat/half" # 98 blocks
cp "$WORK/plain/chat/half" "$MNT/chat/half"
sync -f "$MNT"
dd if="$STORE/chat/half" of="$WORK/block" bs=4096 skip=80 count=1 status=none
dd if=/dev/urandom of="$STORE/chat/half" bs=4096 seek=80 count=1 conv=notrunc status=none
depctl renew chat/half >/dev/null
wait_until 20 job_ended "$(newest_job)" || fail "the renewal of half does not end"
job_state_is "$(newest_job)" failed || fail "the renewal of half did not fail"
# And this one to its end, which looks for what others left: half is whole again only then.
depctl renew chat/us-sparse >/dev/null
wait_until 20 job_ended "$(newest_job)" || fail "the renewal of us-sparse does not end"
dd if="$WORK/block" of="$STORE/chat/half" bs=4096 seek=80 conv=notrunc status=none

"$PY" "$FORMAT/shapes.py" list "$WORK/plain" >"$WORK/wanted"
"$PY" "$FORMAT/shapes.py" list "$MNT" >"$WORK/mounted"
same_bytes "$WORK/wanted" "$WORK/mounted"
depfs_umount

reader "$STORE" tree >"$WORK/read"
same_bytes "$WORK/wanted" "$WORK/read"
reader "${by_roots[@]}" "$STORE" tree >"$WORK/read"
same_bytes "$WORK/wanted" "$WORK/read"
reader "$STORE" cat mailbox/bob/eur-loose | cmp - "$WORK/plain/mailbox/bob/eur-loose"

# What the cases above were made for did come about. Which blocks a hole keeps depends on the pages
# that the kernel writes back.
headers chat edm mailbox mailbox/bob planner/deep >"$WORK/headers"
assert_eq "$(header chat/before-loose policy)" "service key"
assert_eq "$(header chat/us-loose policy)" US
assert_eq "$(header chat/us-block0 policy)" EUR "after another write"
assert_eq "$(header edm/moved policy)" EUR "after a move"
assert_eq "$(header mailbox/bob/eur-loose policy)" Legal
assert_eq "$(header mailbox/eur-loose policy)" EUR
assert_eq "$(header planner/deep/eur-loose policy)" "service key"
assert_match "$(header chat/us-sparse holes)" '^[12]\+[0-9]+( [0-9]+\+[0-9]+){3}$'
assert_eq "$(header chat/us-sparse flags)" none
assert_eq "$(header chat/us-punched holes)" 2+4
assert_eq "$(header chat/half flags)" renewing
assert_match "$(header chat/us-refilled holes)" '^[12]\+[0-9]+ [0-9]+\+[0-9]+$'
assert_eq "$(header chat/us-loose flags)" loose-holes
"$BIN/depctl" inspect "$STORE/chat/us-sparse" >"$WORK/inspect"
for field in store file_id policy_id generation size blocks; do
	assert_eq "$(sed -n "s/^${field/_/ }: *//p" "$WORK/inspect")" \
		"$(header chat/us-sparse $field)" "depctl inspect, $field"
done

reader "${by_roots[@]}" "$STORE" policies >"$WORK/policies"
for policy in "EUR: .* multi-workload enabled generations=1 assigned=tenant" \
	"Legal: .* mailbox enabled generations=1 assigned=mailbox/bob" \
	"US: .* multi-workload enabled generations=1 assigned=none"; do
	assert_match "$(cat "$WORK/policies")" "$policy"
done
reader "$STORE" events >"$WORK/events"
assert_match "$(tail -n 2 "$WORK/events" | head -n 1)" '"event":"unmount"'
assert_match "$(tail -n 1 "$WORK/events")" '"event":"signature","outcome":"ok","reason":"stop"'
