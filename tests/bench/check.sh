#!/bin/bash
# bench/check: the benchmark measures every row of depfs and of passthrough, and the one of jobs all of them.
#
# No figure is judged here, for a test machine is busy with other things: only
# that each of the eleven rows produced one, that nothing was noted on the way
# (a daemon that ended, a row that failed), and that nothing stays behind.
set -u
here=$(dirname "$(readlink -f "$0")")
depfs=${DEPFS_BIN:-$here/../../build/bin/depfs}

skip() {
	echo "bench/check: skipped: $1"
	exit 77
}

[ "$(id -u)" -eq 0 ] || skip "needs root"
[ -e /dev/fuse ] || skip "no /dev/fuse"
for program in python3 fio openssl gcc; do
	command -v "$program" >/dev/null || skip "$program is not installed"
done
[ -x "$depfs" ] || skip "$depfs is not built"

out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

if ! TMPDIR=$out "$here/compare" --quick --only depfs,passthrough --rounds 1 --size 16M \
	--files 100 --appends 100 --depfs "$depfs" --json "$out/table.json" >"$out/table" 2>"$out/log"; then
	cat "$out/log" "$out/table"
	echo "bench/check: compare failed"
	exit 1
fi

if compgen -G "$out/depfs-bench.*" >/dev/null; then
	echo "bench/check: compare left its folder behind"
	exit 1
fi

python3 - "$out/table.json" <<'END'
import json
import sys

table = json.load(open(sys.argv[1], encoding="utf-8"))
wanted = {"seqw1", "seqr1", "seqw4", "seqr4", "randr", "randw", "append",
          "create", "stat", "read", "delete"}
systems = {"depfs", "passthrough"} - set(table["left_out"])
wrong = [f"rows differ: {sorted(wanted ^ set(table['rows']))}"] if wanted != set(table["rows"]) else []
for key, row in table["rows"].items():
    for name in sorted(systems):
        rates = [sample["rate"] for sample in row["systems"].get(name, [])]
        if len(rates) != 1 or not rates[0] > 0:
            wrong.append(f"{key}: {name} has {rates}")
wrong += [f"noted: {note}" for note in table["notes"]]
for line in wrong:
    print("bench/check:", line)
print(f"bench/check: {len(table['rows'])} rows of {', '.join(sorted(systems))}")
sys.exit(1 if wrong else 0)
END
r=$?

# a job that leaves a header or changes a byte of ciphertext ends this with 1
if ! TMPDIR=$out "$here/jobs" --files 200 --mailboxes 10 --read-s 1 --size 8388608 \
	--depfs "$depfs" >"$out/jobs" 2>"$out/log" || [ "$(grep -c '^assign\|^rotate\|^offboard' "$out/jobs")" != 6 ]; then
	cat "$out/jobs" "$out/log"
	echo "bench/check: jobs failed"
	exit 1
fi
exit $r
