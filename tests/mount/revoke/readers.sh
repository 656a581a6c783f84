#!/usr/bin/env bash
# revoke/readers: denied at both vaults, a policy's files are neither read nor written once the revocation is done: not from a warm cache, a mapping, O_DIRECT, by a copy, or by writers whose dirty pages are saved; another policy's readers go on all the time; access back, all go on.
# vaults: local azure
# timeout: 200
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/revoke.sh"
revoke_start
vault_program=("$BIN/depctl" key)
[ "$VAULTS_KIND" = local ] || vault_program=("$PYTHON" -m fakevault)
DEPFS_VAULTS=$VAULTS python3 - "$MNT" "$K1" "$K2" $DENY $ALLOW "${vault_program[@]}" <<'END'
from posixlib import *

import mmap
import signal
import struct
import subprocess
import time

KEYS, (DENY, ALLOW), VAULT = sys.argv[2:4], sys.argv[4:6], sys.argv[6:]
PAGE, SIZE = 4096, 1 << 18
STATUS = '.depfs/policies/P/status'
data = noise(SIZE)
for name in ('p/warm', 'p/map', 'p/direct', 'p/dirty', 'p/from', 'p/into', 'q/warm', 'q/direct', 'q/copy'):
    put(f'mailbox/{name}', data)
put('mailbox/p/append', b'')
put('mailbox/p/closed', data)
get('mailbox/p/closed')  # stays in the kernel's cache


def fd_of(name, flags):
    return os.open(f'mailbox/{name}', flags)


class Kind:
    """One child that repeats an act; what became of it lies in memory that the test shares."""
    FIELDS = struct.Struct('=qqdddd')  # successes, errno, last success, failed at, back at, greatest gap

    def __init__(self, name, act):
        self.name, self.act = name, act
        self.shared = mmap.mmap(-1, PAGE)
        self.start()

    def start(self):
        self.pid = os.fork()
        if self.pid:
            return
        end_with_parent()
        n, code, last, failed, back, gap = self.look()
        while True:
            try:
                self.act(n)
                now = time.monotonic()
                gap = max(gap, now - last if last else 0)
                n, last = n + 1, now
                if failed and not back:
                    back = now
            except OSError as e:
                code = e.errno
                failed = failed or time.monotonic()
                time.sleep(0.02)
            self.shared[:self.FIELDS.size] = self.FIELDS.pack(n, code, last, failed, back, gap)

    def look(self):
        return self.FIELDS.unpack(self.shared[:self.FIELDS.size])

    def killed(self):
        """By SIGBUS, as a mapping whose page cannot be had kills."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return pid and os.WTERMSIG(status) == signal.SIGBUS

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def reader(name):
    fd = fd_of(name, os.O_RDONLY)
    return lambda n: same(os.pread(fd, PAGE, n * PAGE % SIZE), data[n * PAGE % SIZE:][:PAGE])


def direct_reader(name):
    fd = fd_of(name, os.O_RDONLY | os.O_DIRECT)
    buf = mmap.mmap(-1, PAGE)

    def act(n):
        same(os.preadv(fd, [buf], n * PAGE % SIZE), PAGE)
        same(buf[:], data[n * PAGE % SIZE:][:PAGE])
    return act


def opener(name):
    def act(_):
        with opened(f'mailbox/{name}') as fd:
            os.read(fd, 1)
    return act


def mapping(name):
    fd = fd_of(name, os.O_RDONLY)
    view = mmap.mmap(fd, SIZE, prot=mmap.PROT_READ)
    return lambda n: same(view[n * PAGE % SIZE:][:16], data[n * PAGE % SIZE:][:16])


def page_of(n):
    return n.to_bytes(8, 'big') * (PAGE // 8)


def writer(name):
    fd = fd_of(name, os.O_RDWR)
    return lambda n: same(os.pwrite(fd, page_of(n), n % 64 * PAGE), PAGE)


def appender(name):
    fd = fd_of(name, os.O_WRONLY | os.O_APPEND)

    def act(n):
        same(os.write(fd, n.to_bytes(8, 'big')), 8)
        time.sleep(0.001)
    return act


def copier(source, target):
    in_fd, out_fd = fd_of(source, os.O_RDONLY), fd_of(target, os.O_RDWR)
    return lambda n: os.copy_file_range(in_fd, out_fd, PAGE, n * PAGE % SIZE, n * PAGE % SIZE)


def sender(name):
    fd = fd_of(name, os.O_RDONLY)
    sink = os.open('/dev/null', os.O_WRONLY)
    return lambda n: os.sendfile(sink, fd, n * PAGE % SIZE, PAGE)


def cutter(name):
    fd = fd_of(name, os.O_RDWR)
    return lambda n: os.ftruncate(fd, SIZE + n % 2)


P = [Kind('reader with a warm cache', reader('p/warm')),
     Kind('reader with O_DIRECT', direct_reader('p/direct')),
     Kind('reader that opens', opener('p/warm')),
     Kind('writer with dirty pages', writer('p/dirty')),
     Kind('appending writer', appender('p/append')),
     Kind('copy_file_range out of it', copier('p/from', 'q/copy')),
     Kind('copy_file_range into it', copier('q/warm', 'p/into')),
     Kind('sendfile', sender('p/warm')),
     Kind('ftruncate', cutter('p/from'))]
mapped = Kind('reader with mmap', mapping('p/map'))
Q = [Kind('other policy, warm cache', reader('q/warm')),
     Kind('other policy, O_DIRECT', direct_reader('q/direct')),
     Kind('other policy, opens', opener('q/warm'))]


def vault(act):
    for key in KEYS:
        subprocess.run([*VAULT, act, key], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


def wait_for(what, holds):
    end = time.monotonic() + 60
    while not holds():
        check(time.monotonic() < end, 'never:', what)
        time.sleep(0.02)


def status():
    return dict(line.split(': ', 1) for line in get(STATUS).decode().splitlines())


for kind in P + Q + [mapped]:
    wait_for(kind.name, lambda k=kind: k.look()[0] > 20)
    same(kind.look()[1], 0, kind.name)
before = [k.look()[0] for k in Q]
denied = time.monotonic()
vault(DENY)
wait_for('revoked', lambda: status().get('last revocation', '').endswith('done'))
done = time.monotonic()
wait_for('all refused', lambda: all(k.look()[1] for k in P))
wait_for('the mapping is refused', mapped.killed)
counts = [k.look()[0] for k in P]
q_counts = [k.look()[0] for k in Q]
time.sleep(1)
for kind, count in zip(P, counts):
    same(kind.look()[0], count, kind.name + ' after the revocation')
    check(kind.look()[1] in (errno.EKEYREVOKED, errno.EIO), kind.name, errno.errorcode[kind.look()[1]])
    print(f'{kind.name}: last success {kind.look()[2] - denied:+.3f} s after the denial began')
print(f'{mapped.name}: last success {mapped.look()[2] - denied:+.3f} s')
print(f'revocation seen as done: {done - denied:+.3f} s (key_check 1 s)')
for kind, was, at in zip(Q, before, q_counts):
    n, code, _, _, _, gap = kind.look()
    same(code, 0, kind.name)
    check(at > was + 20 and n > at, kind.name, 'stood still')
    print(f'{kind.name}: {at - was} reads until then, longest pause {gap * 1000:.1f} ms')
report = status()
print({k: v for k, v in report.items() if 'revocation' in k or k == 'outage budget'})
same(report['state'], 'revoked')
same(report['last revocation lost'], '0 bytes')
check(int(report['last revocation open files']) >= 6, report)
check(int(report['last revocation data keys wiped']) >= 6, report)
check(int(report['last revocation cached files']) >= 1, report)
check(report['outage budget'].startswith('none'), report)

allowed = time.monotonic()
vault(ALLOW)
mapped.start()  # a child with the same mapping


def mapping_back():
    if mapped.killed():
        mapped.start()
    return mapped.look()[2] > allowed


wait_for('the mapping is back', mapping_back)
for kind in P:
    wait_for(kind.name + ' is back', lambda k=kind: k.look()[4])
    print(f'{kind.name}: back {kind.look()[4] - allowed:+.3f} s after access was')
print(f'{mapped.name}: back')
for kind in P + Q + [mapped]:
    kind.end()
# what write(2) accepted is there, from before the denial and from after it
dirty, appended = P[3].look()[0], get('mailbox/p/append')
for n in range(max(0, dirty - 64), dirty):
    check(int.from_bytes(get('mailbox/p/dirty')[n % 64 * PAGE:][:8], 'big') >= n, 'page', n, 'is lost')
for n in range(len(appended) // 8):
    same(int.from_bytes(appended[n * 8:][:8], 'big'), n, 'what was appended')
check(len(appended) // 8 >= P[4].look()[0], 'appended bytes are lost')
wait_for('ready', lambda: status()['state'] == 'ready')
same(status()['outage budget'], 'unlimited, by the availability key')
END
assert_event revocation-done '"policy":"P"'
depfs_umount
