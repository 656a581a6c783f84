#!/usr/bin/env bash
# jobs/scan: a scan counts every file once, by workload, policy and generation, as they are at its end: hard links, files that are written, made, removed and moved meanwhile, a killed daemon and damaged headers included.
# vaults: local azure
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
FILES=3000
case $KIND in
asan | tsan) FILES=600 ;;
esac
depfs_start_policies "job_rate=$((FILES / 2))"
policy_create P
policy_create Board --kind mailbox
depctl mailbox assign chief Board >/dev/null
depctl assign P >/dev/null
assert_eq "$(sed -n 's/^job: //p' "$MNT/.depfs/scan")" none

# rows - workload, policy, generation and files, as the last scan tells them
rows()
{
	sed -n 's/^row [0-9]*: //p' "$MNT/.depfs/scan" | cut -d ' ' -f 1-4
}

# walked - the same by reading every header, no file twice
walked()
{
	python3 - "$STORE" <<'PY'
import collections, os, struct, sys, uuid
store, seen, rows = sys.argv[1], set(), collections.Counter()
for folder, folders, files in os.walk(store):
    if folder == store:
        folders.remove('.depfs')
    for name in files:
        path = os.path.join(folder, name)
        st = os.lstat(path)
        if not os.path.isfile(path) or os.path.islink(path) or st.st_ino in seen:
            continue
        seen.add(st.st_ino)
        head = open(path, 'rb').read(256)
        top = os.path.relpath(path, store).split('/')[0]
        place = ['mailbox', 'signals', 'chat', 'edm', 'other']
        policy = str(uuid.UUID(bytes=head[56:72]))
        rows[place.index(top) if top in place else 4,
             'none' if policy == str(uuid.UUID(int=0)) else policy, struct.unpack('<I', head[72:76])[0]] += 1
for (place, policy, generation), files in sorted(rows.items()):
    print(['mailbox', 'signals', 'chat', 'edm', 'other'][place], policy, generation, files)
PY
}

# scanned [N] - a scan has ended well and agrees with the walk
scanned()
{
	local n=${1:-}

	if [ -z "$n" ]; then
		echo 1 >"$MNT/.depfs/scan"
		n=$(newest_job)
	fi
	depctl job rate "$n" 0 >/dev/null 2>&1 || true # as fast as it can
	wait_until 100 job_ended "$n" || fail "the scan does not end: $(cat "$MNT/.depfs/jobs/$n/status")"
	job_state_is "$n" "done" || fail "$(cat "$MNT/.depfs/jobs/$n/status" "$MNT/.depfs/jobs/$n/failed")"
	assert_eq "$(rows | sort)" "$(walked | sort)" "what the scan counted"
}

python3 - "$MNT" "$FILES" <<'PY'
import os, sys
mount, files = sys.argv[1], int(sys.argv[2])
places = ['mailbox/chief', 'chat', 'edm/x', 'planner'] + [f'mailbox/u{i}' for i in range(8)]
for place in places:
    os.makedirs(f'{mount}/{place}')
for i in range(files):
    with open(f'{mount}/{places[i % len(places)]}/{i}', 'wb') as f:
        f.write(b'x' * 100)
os.link(f'{mount}/chat/1', f'{mount}/chat/again')
PY
sync -f "$MNT"
scanned
assert_eq "$(sed -n 's/^files: //p' "$MNT/.depfs/scan")" "$FILES"
assert_eq "$(sed -n 's/^bytes: //p' "$MNT/.depfs/scan")" $((FILES * 100))
assert_eq "$(sed -n 's/^mailboxes: //p' "$MNT/.depfs/scan")" 9
assert_eq "$(sed -n 's/^files at last scan: //p' "$MNT/.depfs/policies/Board/status")" $((FILES / 12))

# programs that never rest while it counts; they stop as it ends, and what they made stays as it is
cat >"$WORK/churn.py" <<'PY'
"""churn.py MOUNT BOX STOP - makes, appends, truncates, links, moves and removes until STOP is there."""
import os, random, sys
mount, box, stop = sys.argv[1:]
home, names, n = f'{mount}/mailbox/{box}', [], 0
random.seed(box)
while not os.path.exists(stop):
    n += 1
    act = random.randrange(8)
    name = f'{home}/{random.choice(names)}' if names else None
    if act < 3 or not name:
        names.append(f'new{n}')
        with open(f'{home}/new{n}', 'wb') as f:
            f.write(b'y' * random.randrange(9000))
    elif act == 3 and os.stat(name).st_nlink == 1:
        os.rename(name, f'{mount}/chat/{box}-{n}')
        names.remove(os.path.basename(name))
    elif act == 4:
        os.truncate(name, random.randrange(5000))
    elif act == 5:
        os.makedirs(f'{home}/d{n}/in')
        os.rename(name, f'{home}/d{n}/in/moved')
        names.remove(os.path.basename(name))
        os.rename(f'{home}/d{n}', f'{home}/a{n}')
    elif act in (3, 6):
        os.link(name, f'{home}/link{n}')
    else:
        os.unlink(name)
        names.remove(os.path.basename(name))
PY
churners=()
for box in u0 u1 u2; do
	python3 "$WORK/churn.py" "$MNT" $box "$WORK/stop" 2>"$WORK/$box.err" &
	churners+=($!)
	PIDS+=($!)
done
depctl policy rotate P >/dev/null
depctl job rate "$(newest_job)" 0 >/dev/null 2>&1 || true
job_done
echo 1 >"$MNT/.depfs/scan"
n=$(newest_job)
sleep 1
for pid in "${churners[@]}"; do
	kill -0 "$pid" || fail "a program stopped: $(cat "$WORK"/u?.err)"
done
touch "$WORK/stop"
for pid in "${churners[@]}"; do
	wait "$pid" || fail "$(cat "$WORK"/u?.err)"
done
job_state_is "$n" running || fail "the scan was over before the programs were"
scanned "$n"
scanned # and one in quiet says the same

# a killed daemon begins it anew
echo 1 >"$MNT/.depfs/scan"
n=$(newest_job)
sleep 0.5
job_state_is "$n" running || fail "the scan was over before the daemon was killed"
depfs_kill
depfs_mount
scanned "$n"

# what cannot be read is reported, and proves nothing
printf X | dd of="$STORE/chat/1" bs=1 seek=1 conv=notrunc status=none
echo 1 >"$MNT/.depfs/scan"
n=$(newest_job)
depctl job rate "$n" 0 >/dev/null 2>&1 || true
wait_until 100 job_ended "$n"
assert_eq "$(job_field "$n" state)" failed
assert_match "$(cat "$MNT/.depfs/jobs/$n/failed")" "^chat/(1|again): damaged"
assert_eq "$(sed -n 's/^unreadable: //p' "$MNT/.depfs/scan")" 1
for word in "" 0 "1 1" start; do
	ctl_refused EINVAL "scan: " scan "$word"
done
depfs_umount
