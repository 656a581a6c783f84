"""Tampers with an audit log in many ways, and asks depctl each time which record does not hold.

tampered.py DEPCTL STORE SERVICE_KEY_FILE AUDIT_KEY EXPORT
"""
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import lmdb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DEPCTL, STORE, SERVICE_KEY, AUDIT_KEY, EXPORT = sys.argv[1:]
FILES = os.path.join(STORE, '.depfs', 'events')
STATE = os.path.join(STORE, '.depfs', 'state', 'data.mdb')
LINES = open(EXPORT).read().splitlines()
RNG = random.Random(4711)
WORK = tempfile.mkdtemp(dir=os.path.dirname(STORE))  # files move between the two
variants = 0


def verify(*args):
    p = subprocess.run([DEPCTL, '--json', 'events', '--verify', *args], capture_output=True, text=True)
    assert p.returncode in (0, 1), p.stderr
    return p.returncode, json.loads(p.stdout), p.stderr


def found(name, args, low, high=None):
    """It is refused, and the record named lies in low..high."""
    global variants
    code, report, why = verify(*args)
    high = low if high is None else high
    if code != 1 or report['ok'] or not low <= (report['bad_record'] or -1) <= high:
        sys.exit(f'{name}: wanted record {low} to {high}: {report} {why}')
    variants += 1
    print(f'{name}: {why.strip()}')


def holds(name, args):
    code, report, why = verify(*args)
    if code != 0:
        sys.exit(f'{name} should verify: {report} {why}')
    return report


# ---- the export: LINES[i] is record i + 1 ----

def text(name, lines, low, high=None, end='\n'):
    path = os.path.join(WORK, 'log')
    with open(path, 'w') as f:
        f.write('\n'.join(lines) + end)
    found(name, ['--key', AUDIT_KEY, path], low, high)


def seal(line):
    """With the hash that its text has."""
    head = line.split(',"hash":')[0]
    return head + ',"hash":"' + hashlib.sha256(head.encode()).hexdigest() + '"}'


def renumber(lines, first):
    """Numbers, prev and hash made anew from record first on, as anybody can."""
    out = lines[:first - 1]
    for i, line in enumerate(lines[first - 1:], first):
        prev = re.search(r'"hash":"([0-9a-f]{64})"', out[-1])[1] if out else '0' * 64
        line = re.sub(r'^\{"seq":\d+', f'{{"seq":{i}', line)
        line = re.sub(r'"prev":"[0-9a-f]{64}"', f'"prev":"{prev}"', line)
        out.append(seal(line))
    return out


def signatures(lines):
    return [i for i, line in enumerate(lines, 1) if '"event":"signature"' in line]


def ordinary():
    """A record that is no signature, and not near the end."""
    while True:
        n = RNG.randrange(3, len(LINES) - 300)
        if '"event":"signature"' not in LINES[n - 1] and '"event":"signature"' not in LINES[n]:
            return n


def next_signature(n):
    return min(s for s in signatures(LINES) if s >= n)


def changed(line):
    return line.replace('"outcome":"', '"outcome":"X', 1)


def texts():
    holds('the export', ['--key', AUDIT_KEY, EXPORT])
    for _ in range(8):
        n = ordinary()
        text('changed', LINES[:n - 1] + [changed(LINES[n - 1])] + LINES[n:], n)
    for _ in range(5):
        n = ordinary()
        text('changed, its hash too', LINES[:n - 1] + [seal(changed(LINES[n - 1]))] + LINES[n:], n)
    for _ in range(5):
        n = ordinary()
        text('removed', LINES[:n - 1] + LINES[n:], n)
    for count in (2, 50, 300):
        n = ordinary()
        text('several removed', LINES[:n - 1] + LINES[n - 1 + count:], n)
    for first in (2, 7):
        text('the first removed', LINES[first - 1:], 1)
    for _ in range(4):
        n, m = ordinary(), ordinary()
        text('one twice', LINES[:n] + [LINES[m - 1]] + LINES[n:], min(n + 1, m), max(n + 1, m))
    for _ in range(4):
        n = ordinary()
        text('swapped', LINES[:n - 1] + [LINES[n], LINES[n - 1]] + LINES[n + 1:], n)
    for _ in range(3):
        n = ordinary()
        text('changed, all after it made anew',
             renumber(LINES[:n - 1] + [changed(LINES[n - 1])] + LINES[n:], n), next_signature(n))
    for _ in range(3):
        n = ordinary()
        text('inserted, all after it made anew', renumber(LINES[:n] + [LINES[2]] + LINES[n:], n + 1),
             next_signature(n + 1) + 1)
    for _ in range(2):
        n = ordinary()
        text('removed, all after it made anew', renumber(LINES[:n - 1] + LINES[n:], n),
             next_signature(n + 1) - 1)
    kept = [line for i, line in enumerate(LINES, 1) if i <= 300 or '"event":"signature"' not in line]
    last = max(s for s in signatures(LINES) if s <= 300)
    text('signatures left out', renumber(kept, 300), last + 257)
    text('all signatures left out', renumber([s for s in LINES if '"event":"signature"' not in s], 1),
         -1, len(LINES))
    for n in (next_signature(10), next_signature(500)):
        text("another key's signature", renumber(resign(n), n), n)
    for gap, left in ((50, 3), (500, 700)):  # as if the state had been made from its snapshot
        n = next_signature(200)
        made = json.dumps({'seq': 0, 'time': '2026-01-01T00:00:00.000Z', 'event': 'state-rebuilt',
                           'outcome': 'ok', 'events_from': n + gap + 1, 'prev': '0' * 64,
                           'hash': ''}, separators=(',', ':'))
        plain = [line for line in LINES if '"event":"signature"' not in line]
        tail = [plain[i % len(plain)] for i in range(left)]
        tail = renumber([seal(made)] * (n + gap) + [made] + tail, 1)[n + gap:]
        text('a gap explained by an unsigned record', LINES[:n] + tail, n + 1)
    text('the end cut off', LINES[:100], 101, end='\n' + LINES[100][:60])


def resign(n):
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    line = re.sub(r'"key":"[0-9a-f]{64}"', f'"key":"{public}"', LINES[n - 1])
    head = line.split(',"signature":')[0]
    prev = bytes.fromhex(re.search(r'"prev":"([0-9a-f]{64})"', line)[1])
    signed = b'depfs 1 audit signature\0' + prev + hashlib.sha256(head.encode()).digest()
    line = re.sub(r'"signature":"[0-9a-f]{128}"', f'"signature":"{key.sign(signed).hex()}"', line)
    return LINES[:n - 1] + [line] + LINES[n:]


# ---- the store ----

def store(name, low, high=None):
    found(name, ['--service-key', 'file:' + SERVICE_KEY, STORE], low, high)


def file_edit(name, edit, low, high=None):
    """edit(lines of the file) while it lasts."""
    path = os.path.join(FILES, name)
    before = open(path).read()
    lines = before.splitlines()
    after = edit(lines)
    with open(path, 'w') as f:
        f.write('\n'.join(after) + '\n')
    store(f'file {name} edited', low, high)
    with open(path, 'w') as f:
        f.write(before)


def files():
    names = sorted(n for n in os.listdir(FILES) if n.endswith('.jsonl'))
    first = [int(n[:20]) for n in names]
    assert len(names) >= 2, names
    for i in (0, 1):
        mid = 40 + i
        at = first[i] + mid
        file_edit(names[i], lambda s: s[:mid] + [changed(s[mid])] + s[mid + 1:], at)
        file_edit(names[i], lambda s: s[:mid] + s[mid + 1:], at)
        file_edit(names[i], lambda s: s[:mid] + [s[mid + 1], s[mid]] + s[mid + 2:], at)
    file_edit(names[0], lambda s: s[:-5], first[1] - 5)
    file_edit(names[0], lambda s: s[3:], 1)
    path, aside = os.path.join(FILES, names[1]), os.path.join(WORK, 'aside')
    os.rename(path, aside)
    store('a file taken out of the middle', first[1])
    os.rename(aside, path)
    path = os.path.join(FILES, names[0])
    os.rename(path, aside)
    report = holds('the oldest file archived', ['--service-key', 'file:' + SERVICE_KEY, STORE])
    assert report['first'] == first[1] and 'taken away' in ''.join(report['notes']), report
    os.rename(aside, path)


def state_edit(name, edit, low, high=None):
    before = open(STATE, 'rb').read()
    env = lmdb.open(os.path.dirname(STATE), max_dbs=8)
    events, meta = (env.open_db(t, create=False) for t in (b'events', b'meta'))
    with env.begin(write=True) as txn:
        keys = [k for k, _ in txn.cursor(db=events)]
        edit(txn, events, meta, keys)
    env.close()
    first, last = (int.from_bytes(k, 'big') for k in (keys[0], keys[-1]))
    store(name, low(first, last), high(first, last) if high else None)
    with open(STATE, 'r+b') as f: # the same file: a copy would be another one
        f.write(before)
        f.truncate(len(before))


def states():
    def flip(txn, events, meta, keys):
        value = bytearray(txn.get(keys[5], db=events))
        value[60] ^= 1
        txn.put(keys[5], bytes(value), db=events)

    def swap(txn, events, meta, keys):
        a, b = txn.get(keys[3], db=events), txn.get(keys[4], db=events)
        txn.put(keys[3], b, db=events)
        txn.put(keys[4], a, db=events)

    state_edit('a record of the state changed', flip, lambda first, last: first + 5)
    state_edit('records of the state swapped', swap, lambda first, last: first + 3)
    state_edit('a record of the state removed', lambda txn, events, meta, keys:
               txn.delete(keys[6], db=events), lambda first, last: first + 6)
    state_edit('the tail of the state removed', lambda txn, events, meta, keys:
               [txn.delete(k, db=events) for k in keys[-4:]], lambda first, last: last - 3)
    state_edit('the tail removed, and the record of the newest', lambda txn, events, meta, keys:
               [txn.delete(k, db=events) for k in keys[-4:]] + [txn.delete(b'events-head', db=meta)],
               lambda first, last: 1, lambda first, last: last)


texts()
files()
states()
holds('the store as it was', ['--service-key', 'file:' + SERVICE_KEY, STORE])
print(f'{variants} variants, each found')
