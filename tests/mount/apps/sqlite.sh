#!/usr/bin/env bash
# apps/sqlite: a database under edm/ stays whole with two processes writing 10,000 transactions, in WAL mode (shared
# memory through mmap) and with a rollback journal, its pages mapped; and after kill -9 of the daemon.
# builds: release asan
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start
mkdir -p "$MNT/edm"
count=5000
[ "$KIND" = release ] || count=500

cat >"$WORK/writer.py" <<'END'
import sqlite3, sys
path, who, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
db = sqlite3.connect(path, timeout=120, isolation_level=None)
db.execute('pragma mmap_size=268435456')
db.execute('pragma synchronous=normal')
for i in range(count):
    db.execute('begin immediate')
    db.execute('insert into t values (?, ?, ?)', (who, i, bytes([who]) * (i * 37 % 900)))
    if i % 5 == 4:
        db.execute('delete from t where who = ? and n = ?', (who, i - 3))
    db.execute('commit')
END
cat >"$WORK/check.py" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
assert db.execute('pragma integrity_check').fetchall() == [('ok',)]
for who in (1, 2):
    rows = db.execute('select n, b from t where who = ? order by n', (who,)).fetchall()
    want = [n for n in range(int(sys.argv[2])) if not (n % 5 == 1 and n + 3 < int(sys.argv[2]))]
    assert [n for n, _ in rows] == want, (who, len(rows), len(want))
    assert all(b == bytes([who]) * (n * 37 % 900) for n, b in rows)
END
for mode in wal delete; do
	db=$MNT/edm/$mode.db
	sqlite3 "$db" "pragma journal_mode=$mode; create table t (who int, n int, b blob, primary key (who, n));" >"$WORK/mode"
	[ "$(cat "$WORK/mode")" = "$mode" ]
	python3 "$WORK/writer.py" "$db" 1 "$count" &
	one=$!
	python3 "$WORK/writer.py" "$db" 2 "$count"
	wait $one
	python3 "$WORK/check.py" "$db" "$count"
done
depfs_kill
depfs_mount
for mode in wal delete; do
	[ "$(sqlite3 "$MNT/edm/$mode.db" 'pragma integrity_check')" = ok ]
done
depfs_umount
