#!/usr/bin/env bash
# jobs/renew: a renewal leaves content, mtime, xattrs, links and open handles as they were, and no block of ciphertext; blocks from before it are refused when they are put back.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
. "$LIB/depctl.sh"
LARGE=$((24 << 20))
case $KIND in
asan | tsan) LARGE=$((6 << 20)) ;;
esac
depfs_start_policies job_rate=0
policy_create P
box=$MNT/mailbox/ann
mkdir -p "$box/sub" "$WORK/plain/sub" "$MNT/chat"
head -c 100 /dev/urandom >"$WORK/plain/small"
: >"$WORK/plain/empty"
head -c 30000 /dev/urandom >"$WORK/plain/eight"
head -c $LARGE /dev/urandom >"$WORK/plain/sub/large"
head -c 3808 /dev/urandom >"$WORK/plain/one-block"
python3 - "$WORK/plain/holes" "$WORK/plain/loose" <<'PY'
import sys
with open(sys.argv[1], 'wb') as f:
    for i in (0, 3, 9):
        f.seek(i * 300000)
        f.write(b'data' * 5000)
    f.truncate(4000000)
with open(sys.argv[2], 'wb') as f:
    for i in range(9):
        f.seek(i * 500000)
        f.write(b'loose' * 1000)
PY
cp -r --sparse=always "$WORK/plain/." "$box"
head -c 50000 /dev/urandom >"$WORK/other"
cp "$WORK/other" "$MNT/chat/other"
setfattr -n user.kept -v yes "$box/eight"
ln "$box/eight" "$box/sub/linked"
ln "$WORK/plain/eight" "$WORK/plain/sub/linked"
touch -d '2020-01-02 03:04:05.678' "$box/eight" "$box/small" "$box/sub/large" "$box/holes"
sync -f "$MNT"
cp -a "$STORE/mailbox" "$WORK/before"
cp -a "$STORE/chat/other" "$WORK/before-other"

stats() # of all files, without the daemon's own memory of them
{
	(cd "$box" && find . -type f -printf '%p %s %i %n %m %U %T@\n' | sort)
}
stats >"$WORK/stats"
assert_eq "$(inspect mailbox/ann/loose flags)" 'loose holes'
exec 7<"$box/eight" 8<>"$box/sub/large"
head -c 10 <&7 >/dev/null

depctl renew "$box" >"$WORK/renewing"
assert_match "$(cat "$WORK/renewing")" '^job [0-9]+ gives mailbox/ann a fresh key$'
n=$(newest_job)
job_done "$n"
assert_eq "$(job_field "$n" path)" mailbox/ann
assert_eq "$(job_field "$n" "done")" 7 "files that were renewed"
assert_eq "$(job_field "$n" skipped)" 1 "second names"
diff -r "$WORK/plain" "$box" || fail "a file has other bytes"
stats | diff "$WORK/stats" - || fail "attributes changed"
assert_eq "$(getfattr --only-values -n user.kept "$box/eight" 2>/dev/null)" yes
tail -c +11 "$WORK/plain/eight" | cmp - <(cat <&7) || fail "an open handle reads other bytes"
assert_eq "$(inspect mailbox/ann/sub/large flags)" none
assert_eq "$(inspect mailbox/ann/loose flags)" 'loose holes'
cmp "$STORE/chat/other" "$WORK/before-other" || fail "another file was touched"

# writes through a handle from before, and what the disk has after a remount
printf 'after' | dd of=/dev/fd/8 conv=notrunc bs=1 seek=70000 status=none
printf 'after' | dd of="$WORK/plain/sub/large" conv=notrunc bs=1 seek=70000 status=none
exec 7<&- 8>&-
depfs_remount
diff -r "$WORK/plain" "$box" || fail "a file has other bytes after a remount"
depfs_umount

python3 - "$WORK/before" "$STORE/mailbox" <<'PY' || fail "old ciphertext is left"
import os, sys
before, after = sys.argv[1:]
for folder, _, names in os.walk(after):
    for name in names:
        path = os.path.join(folder, name)
        with open(path, 'rb') as f, open(os.path.join(before, os.path.relpath(path, after)), 'rb') as g:
            for i, (a, b) in enumerate(zip(iter(lambda: f.read(4096), b''), iter(lambda: g.read(4096), b''))):
                if len(a) == 4096 and any(a):
                    assert a[256 * (not i):] != b[256 * (not i):], (path, i)
                    assert i or a[24:40] != b[24:40], path
            assert os.fstat(f.fileno()).st_size == os.fstat(g.fileno()).st_size, path
            assert os.fstat(f.fileno()).st_blocks <= os.fstat(g.fileno()).st_blocks + 8, path
PY
# an old block back in its place; in a file of many, inside and at the end
put_old() # FILE BLOCK
{
	dd if="$WORK/before/ann/$1" of="$STORE/mailbox/ann/$1" bs=4096 skip="$2" seek="$2" count=1 \
		conv=notrunc status=none
}
put_old eight 3
put_old eight 7
put_old holes 1
put_old sub/large 1000
depfs_mount
for at in eight:15000 eight:29999 holes:5000 "sub/large:$((1000 * 4064))"; do
	assert_fails_with EIO dd if="$box/${at%:*}" of=/dev/null bs=1 skip="${at#*:}" count=1
done
assert_eq "$(head -c 3000 "$box/eight" | sha256sum)" "$(head -c 3000 "$WORK/plain/eight" | sha256sum)"
depfs_umount
