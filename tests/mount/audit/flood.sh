#!/usr/bin/env bash
# audit/flood: a file of nothing but damage, read over and over, neither fills the log nor holds up other readers: so many
# records one by one, then a count; and what a compliance admin does is recorded all the same.
# builds: release asan
# timeout: 120
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need_depfs
blocks=2500
[ "$KIND" = release ] || blocks=1300
depfs_mkfs
depfs_mount
mkdir "$MNT/chat"
head -c $((blocks * 4064 - 256)) /dev/zero >"$MNT/chat/bad"
echo well >"$MNT/chat/good"
depfs_umount
python3 - "$STORE/chat/bad" <<'END'
import sys
with open(sys.argv[1], 'r+b') as f:
    data = bytearray(f.read())
    for at in range(4096, len(data) - 4096, 4096):
        data[at + 2000] ^= 1
    f.seek(0)
    f.write(data)
END
depfs_mount
size() { du -sk --apparent-size "$STORE/.depfs" | cut -f1; }
before=$(size)
python3 - "$MNT/chat/bad" $blocks >"$WORK/read" <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
bad = 0
for turn in range(3):
    for block in range(1, int(sys.argv[2]) - 1):
        try:
            os.preadv(fd, [bytearray(512)], (3808 + (block - 1) * 4064 + 511) // 512 * 512)
        except OSError:
            bad += 1
print(bad)
END
[ "$(cat "$WORK/read")" -gt $((blocks * 5 / 2)) ] || fail "only $(cat "$WORK/read") reads failed"
assert_eq "$(cat "$MNT/chat/good")" well
if control assignment Missing 2>/dev/null; then fail "a policy that is not there was assigned"; fi
assert_event assign-tenant ENOENT
wait_until 20 has_event events-coalesced '"of":"block-damaged"'
recorded=$(grep -ac '"event":"block-damaged"' "$MNT/.depfs/events")
counted=$(grep -a '"event":"events-coalesced"' "$MNT/.depfs/events" | sed -n 's/.*"of":"block-damaged","count":\([0-9]*\).*/\1/p' | awk '{n += $1} END {print n + 0}')
((recorded >= 1000 && recorded <= 1200)) || fail "$recorded records of damage"
[ $((recorded + counted)) -ge $((blocks - 3)) ] || fail "$recorded recorded and $counted counted of $blocks"
[ $(($(size) - before)) -lt 4096 ] || fail "the log grew from $before to $(size) KiB"
if has_event events-lost ""; then fail "events were lost"; fi
depctl events --verify >/dev/null
