#!/usr/bin/env bash
# adversary/mtab: a daemon that a signal ends unmounts itself where /etc/mtab is a regular file too, which makes libfuse start umount(8): no dead mount is left.
# Not by sanitizers' builds: their filter lets a process be started, so that LeakSanitizer works.
# builds: release clang
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/namespace.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need unshare
depfs_start
echo 1 >"$MNT/f"
mkdir "$WORK/etc"
cp -a /etc/. "$WORK/etc"
rm -f "$WORK/etc/mtab"
: >"$WORK/etc/mtab"
mount --bind "$WORK/etc" /etc # in this test's own mount namespace
kill -TERM "$DAEMON_PID"
r=0
wait "$DAEMON_PID" || r=$?
DAEMON_PID=
umount /etc
assert_eq "$r" 0 "the daemon's status"
! is_mounted "$MNT" || fail "a dead mount is left"
depfs_mount
assert_eq "$(cat "$MNT/f")" 1
