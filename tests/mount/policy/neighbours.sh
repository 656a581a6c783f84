#!/usr/bin/env bash
# policy/neighbours: while one policy's vaults hang, a flood of requests for its files delays no other policy's user: every kind of call ends, and another policy's denial is carried out without loss, before the vaults answer.
# Local vaults alone: a fault of the fake of Azure is of a whole vault, and Q's keys lie in the vaults of P's.
# builds: release
# timeout: 200
# cases: revoked pages moves
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/revoke.sh"
. "$LIB/jobs.sh"
revoke_start vault_timeout=60
echo held >"$MNT/mailbox/p/held"

held() # fails unless the vaults still keep P's questions waiting
{
	! gone $asker || fail "P's vaults have answered before this ended: $*"
}

hold() # the vaults of P hang for longer than this test needs; an open of a file of P shows whether they still do
{
	vault fault "$K1" slow 50000 >/dev/null
	vault fault "$K2" slow 50000 >/dev/null
	sleep 1.5 # P's last denial is older than key_check, so requests reach the vaults
	background cat "$MNT/mailbox/p/held" >/dev/null 2>&1
	asker=$!
	sleep 0.5
	held "hold"
}

neighbour() # every kind of call by a user of Q, on files of Q
{
	python3 - "$MNT" <<'END'
from posixlib import *

import mmap

os.chdir('mailbox/q')
data = noise(300000)
for n in range(20):
    put('new', data)
    fd = os.open('new', os.O_RDWR)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    same(os.pread(fd, len(data), 0), data)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    same(mmap.mmap(fd, len(data))[:], data)
    os.pwrite(fd, b'start', 0)
    os.ftruncate(fd, 200000)
    fallocate(fd, KEEP_SIZE | PUNCH_HOLE, 8192, 8192)
    os.lseek(fd, 0, os.SEEK_HOLE)
    os.setxattr(fd, 'user.a', b'b')
    same(os.getxattr('new', 'user.a'), b'b')
    os.fsync(fd)
    os.close(fd)
    os.chmod('new', 0o640)
    os.utime('new', (1, 1))
    same(os.stat('new').st_size, 200000)
    os.link('new', 'second')
    os.symlink('new', 'soft')
    same(os.readlink('soft'), 'new')
    os.mkdir('d')
    os.rename('new', 'd/new')
    same(os.listdir('d'), ['new'])
    for name in ('d/new', 'second', 'soft'):
        os.unlink(name)
    os.rmdir('d')
    put('../../moved', data)
    os.rename('../../moved', 'here')
    same(get('here'), data)
    os.unlink('here')
END
}

# Pages that only the kernel has, and then Q is denied: all of them reach the disk.
deny_neighbour()
{
	exec 5<>"$MNT/mailbox/q/dirty"
	head -c 4500000 /dev/urandom >&5
	vault $DENY "$M1" >/dev/null
	vault $DENY "$M2" >/dev/null
	revocation_done Q 1
	assert_eq "$(status_of Q "last revocation lost")" "0 bytes"
	exec 5>&-
}

case $1 in
revoked) # 300 reads by handles that were open before the denial
	for i in {1..300}; do echo $i >"$MNT/mailbox/p/$i"; done
	mkfifo "$WORK/go"
	cat >"$WORK/read.py" <<'END'
from posixlib import *

import threading

fds = [os.open(f'mailbox/p/{n}', os.O_RDONLY) for n in range(1, 301)]
print('open', flush=True)
with open(sys.argv[2]) as go:
    go.read()
refused = []


def read(fd):
    try:
        os.pread(fd, 10, 0)
    except OSError as e:
        refused.append(errno.errorcode[e.errno])


threading.stack_size(65536)
threads = [threading.Thread(target=read, args=(fd,)) for fd in fds]
for t in threads:
    t.start()
for t in threads:
    t.join()
same(len(refused), len(fds), 'reads refused')
check(set(refused) <= {'EKEYREVOKED', 'EIO'}, set(refused))
END
	background python3 "$WORK/read.py" "$MNT" "$WORK/go" >"$WORK/opened"
	reader=$!
	wait_until 20 grep -q open "$WORK/opened"
	p_deny
	revocation_done P 1
	hold
	echo >"$WORK/go"
	sleep 1
	neighbour
	held "Q's calls"
	deny_neighbour
	held "Q's denial"
	wait $reader
	held "the reads of P's pages"
	;;
pages) # 300 files with dirty pages that are due to go under P, and threads of the blocking pool all taken
	mkdir "$MNT/mailbox/m"
	control mailboxes/m/policy Q
	for i in {1..300}; do echo "old $i" >"$MNT/mailbox/m/$i"; done
	depfs_remount key_check=1,vault_timeout=60
	hold
	cat >"$WORK/write.py" <<'END'
from posixlib import *

import threading

fds = [os.open(f'mailbox/m/{n}', os.O_RDWR) for n in range(1, 301)]
with open('.depfs/mailboxes/m/policy', 'w') as policy:
    policy.write('P force')  # its vaults hang
for n, fd in enumerate(fds):
    os.pwrite(fd, b'new %d' % (n + 1), 0)
print('written', flush=True)
failed = []


def sync(fd):
    try:
        os.fsync(fd)
    except OSError as e:
        failed.append(errno.errorcode[e.errno])


threading.stack_size(65536)
threads = [threading.Thread(target=sync, args=(fd,)) for fd in fds]
for t in threads:
    t.start()
for t in threads:
    t.join()
same(failed, [], 'pages lost')
for n, fd in enumerate(fds):
    same(get(f'mailbox/m/{n + 1}'), b'new %d\n' % (n + 1))
END
	background python3 "$WORK/write.py" "$MNT" >"$WORK/written"
	writer=$!
	wait_until 20 grep -q written "$WORK/written"
	sleep 1
	neighbour
	held "Q's calls"
	vault fault "$K1" none >/dev/null
	vault fault "$K2" none >/dev/null
	wait $writer
	;;
moves) # from folder to folder, into and out of P's mailbox, and within a mailbox that a job re-wraps for P
	mkdir -p "$MNT/shared" "$MNT/mailbox/m/to" "$MNT/mailbox/m/one"
	control mailboxes/m/policy Q
	echo out >"$MNT/mailbox/p/out"
	for i in 1 2 3; do echo $i >"$MNT/shared/$i"; echo $i >"$MNT/mailbox/m/one/$i"; done
	depfs_remount key_check=1,vault_timeout=60
	cat "$MNT/mailbox/m/one/1" >/dev/null # Q is open
	hold
	control mailboxes/m/policy "P force" # its job waits for P's key
	python3 - "$MNT" <<'END'
from posixlib import *

with fails('EXDEV'):
    os.rename('shared/1', 'mailbox/p/1')
with fails('EXDEV'):
    os.rename('mailbox/p/out', 'shared/out')
os.rename('mailbox/m/one/1', 'mailbox/m/to/1')
os.rename('mailbox/m/to/1', 'mailbox/m/to/renamed')
os.link('mailbox/m/one/2', 'mailbox/m/one/second')
END
	held "renames"
	background mv "$MNT/shared/2" "$MNT/mailbox/p/2" # copies, and its copy waits for the key
	mover=$!
	neighbour
	held "Q's calls"
	! gone $mover || fail "mv did not wait"
	vault fault "$K1" none >/dev/null
	vault fault "$K2" none >/dev/null
	wait $mover
	assert_eq "$(cat "$MNT/mailbox/p/2")" 2
	[ ! -e "$MNT/shared/2" ] || fail "mv left its source"
	mv "$MNT/shared/1" "$MNT/mailbox/p/1"
	job_done # which came back to what moved
	assert_eq "$(headers mailbox/m/ | grep -vc "$(hex_id P)" || true)" 0 "files that are not under P"
	assert_eq "$(headers mailbox/m/ | grep -c "$(hex_id P)")" 4 "names under P"
	depfs_umount
	;;
esac
