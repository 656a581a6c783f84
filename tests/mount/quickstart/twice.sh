#!/usr/bin/env bash
# quickstart/twice: the first command of the README ends with a mount, a policy assigned and a mail read back; a
# second run is harmless, and --remove takes all of it down and nothing else.
# builds: release
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
dir=$WORK/quick
cleanup_more() { [ ! -d "$dir" ] || "$TOP/tools/quickstart.sh" --remove "$dir" >/dev/null 2>&1 || umount -l "$dir/mnt"; }

for run in first second; do
	"$TOP/tools/quickstart.sh" "$dir" >"$WORK/$run" 2>&1
	grep -q 'A mail that only its owner can read' "$WORK/$run"
	grep -q 'what to try next' "$WORK/$run"
	mountpoint -q "$dir/mnt"
	[ "$(head -n 1 "$dir/mnt/.depfs/assignment")" = "name: EUR Policy" ]
	"$BIN/depctl" inspect "$dir/store/mailbox/alice/1.eml" | grep -q "policy id: $(cat "$dir/mnt/.depfs/policies/EUR Policy/id")"
done
grep -q "quickstart.sh --remove $dir " "$WORK/second"
DESTDIR=$WORK/installed cmake --install "$TOP/build" >"$WORK/install" 2>&1 || fail "$(cat "$WORK/install")"
[ -n "$(find "$WORK/installed" -name mount.depfs)" ]
kill -KILL "$(pgrep -f "^$TOP/build/bin/depfs $dir/store")" # and a mount without its daemon is mended
"$TOP/tools/quickstart.sh" "$dir" >"$WORK/third" 2>&1
grep -q 'A mail that only its owner can read' "$WORK/third"
"$TOP/tools/quickstart.sh" --remove "$dir"
[ ! -e "$dir" ]

mkdir "$WORK/mine"
echo precious >"$WORK/mine/file"
for args in "$WORK/mine" "--remove $WORK/mine"; do
	if "$TOP/tools/quickstart.sh" $args >/dev/null 2>"$WORK/err"; then
		fail "a folder that is not quickstart's was taken: $args"
	fi
	grep -q 'not made by quickstart' "$WORK/err"
done
[ "$(cat "$WORK/mine/file")" = precious ]
