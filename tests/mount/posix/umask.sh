#!/usr/bin/env bash
# posix/umask: what programs with different umasks make at the same time has each the mode that its own umask leaves.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

# the race itself is rare: so first, that no thread changes the umask of another, which never creates
umask_of_daemon()
{
	awk '$1 == "Umask:" { print $2 }' "/proc/$DAEMON_PID/status" # of its first thread
}
before=$(umask_of_daemon)
(umask 0123 && mkdir "$MNT/d" && echo x >"$MNT/x")
assert_eq "$(umask_of_daemon)" "$before" "umask of an idle thread"

cat >"$WORK/maker.py" <<'PY'
import os
import sys

folder, umask, n = sys.argv[1], int(sys.argv[2], 8), int(sys.argv[3])
os.umask(umask)
wrong = set()
for i in range(n):
    path = f'{folder}/{umask:o}.{i}'
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o777))
    os.mkdir(path + '.d', 0o777)
    os.mknod(path + '.fifo', 0o10777)
    for made in (path, path + '.d', path + '.fifo'):
        if os.stat(made).st_mode & 0o777 != 0o777 & ~umask:
            wrong.add(f'{made}: {os.stat(made).st_mode:o}')
    os.unlink(path)
    os.rmdir(path + '.d')
    os.unlink(path + '.fifo')
if wrong:
    sys.exit('\n'.join(sorted(wrong)[:5]))
PY
ROUNDS=2000
[[ $KIND != *san ]] || ROUNDS=300
makers=()
for umask in 000 022 027 077 177 777; do
	python3 "$WORK/maker.py" "$MNT" $umask $ROUNDS &
	makers+=($!)
done
for maker in "${makers[@]}"; do
	wait "$maker" || fail "a umask was another's"
done
depfs_umount
