#!/usr/bin/env bash
# format/refuses: the second reader checks all that depfs-format(5) calls authenticated, so that its
# agreeing with depfs means something; and the values that the page gives to check a reader hold.
# builds: release
# timeout: 60
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
FORMAT=$TOP/tests/format
PY=/usr/bin/python3 # Debian's, which has its packages
"$PY" -c 'import cryptography, lmdb' || skip "python3-cryptography and python3-lmdb are needed"

tar -xzf "$FORMAT/golden/store.tar.gz" --numeric-owner -C "$WORK" service.key vaults store
cd "$WORK"
PYTHONPATH=$FORMAT "$PY" - "$TOP/man/depfs-format.5" <<'END'
import os, shutil, struct, sys
import lmdb
import reader
from reader import BLOCK, Damage, File, State, Store, derive, mac_of

store = Store('store', 'service.key', 'vaults')


def refused(sentence, what, *args):
    try:
        what(*args)
    except Damage as e:
        assert sentence in str(e), f'says "{e}", should say "{sentence}"'
        return
    raise AssertionError(f'not refused with: {sentence}')


def read(path):
    return b''.join(File(store, path).blocks())


class changed:
    """A file of the store with other bytes, for a while."""

    def __init__(self, path, change):
        self.full = os.path.join(store.path, path)
        with open(self.full, 'rb') as f:
            self.before = f.read()
        self.after = bytearray(self.before)
        self.after = change(self.after) or self.after

    def __enter__(self):
        with open(self.full, 'wb') as f:
            f.write(self.after)

    def __exit__(self, *_):
        with open(self.full, 'wb') as f:
            f.write(self.before)


def refused_with(path, sentence, change):
    with changed(path, change):
        refused(sentence, read, path)


def flip(at):
    def change(data):
        data[at] ^= 1
    return change


def put(at, piece):
    def change(data):
        data[at:at + len(piece)] = piece
    return change


def raw(path):
    with open(os.path.join(store.path, path), 'rb') as f:
        return f.read()


FIVE, PUNCHED, LOOSE = (b'mailbox/alice/all-' + n for n in (b'five-blocks', b'punched', b'loose'))
for path in FIVE, PUNCHED, LOOSE:
    assert len(read(path)) == File(store, path).size

# Any bit of the header and of the first bytes of each part of a block.
for at in range(256):
    refused_with(FIVE, '', flip(at))
for at in (0, 11, 12, 27, 28, 30, 31, 32, BLOCK - 1):
    for block in (1, 2):
        refused_with(FIVE, f'block {block}', flip(block * BLOCK + at))

# Blocks that were moved, swapped, zeroed or cut off, and sizes that disagree.
data = raw(FIVE)
refused_with(FIVE, 'block 1', put(BLOCK, data[2 * BLOCK:3 * BLOCK]))
refused_with(FIVE, 'block 1', put(BLOCK, raw(PUNCHED)[BLOCK:2 * BLOCK]))
refused_with(FIVE, 'block 1', put(BLOCK, bytes(BLOCK)))
refused_with(FIVE, 'final flag', lambda d: d[:3 * BLOCK] + bytes(4064))
refused_with(FIVE, 'final flag', lambda d: d[:-(len(d) % BLOCK)] + bytes(BLOCK + 7))
refused_with(FIVE, 'size is wrong', lambda d: d[:-1])
refused_with(FIVE, 'no file has this length', lambda d: d[:3 * BLOCK])
refused_with(FIVE, 'no header', lambda d: d[:BLOCK - 1])

# A header, whole and right, in the wrong place.
header = data[:256]
refused_with(PUNCHED, 'block 0', put(0, header))
refused_with(b'mailbox/bob/eur-one-byte', 'another scope', put(0, header))

# Holes only where they are declared: in the middle, never first or last.
holes = File(store, PUNCHED).header['holes']
start, count = holes[0]
assert raw(PUNCHED)[start * BLOCK:(start + count) * BLOCK] == bytes(count * BLOCK)
refused_with(PUNCHED, f'block {start - 1}', put((start - 1) * BLOCK, bytes(BLOCK)))
refused_with(PUNCHED, f'block {start + count}', put((start + count) * BLOCK, bytes(BLOCK)))
blocks = File(store, LOOSE).count
refused_with(LOOSE, f'block {blocks - 1}', put((blocks - 1) * BLOCK, bytes(BLOCK)))

# Records, each under its own key and in its own table.
SNAPSHOT = b'.depfs/state.snapshot'


def record_put(table, key, value):
    path = os.path.join(b'store', SNAPSHOT)
    with lmdb.open(os.fsdecode(path), subdir=False, lock=False, max_dbs=6) as env:
        with env.begin(write=True, db=env.open_db(table.encode(), create=False)) as txn:
            before = txn.get(key)
            txn.put(key, value(before))
            return before


def refused_record(table, key, sentence, value):
    before = record_put(table, key, value)
    refused(sentence, Store, 'store', 'service.key')
    record_put(table, key, lambda _: before)


def flipped(at):
    return lambda record: record[:at] + bytes([record[at] ^ 1]) + record[at + 1:]


one, other = sorted(store.policies)[:2]
for at in (0, 40, 90):
    refused_record('policies', one, 'MAC', flipped(at))
other_record = record_put('policies', other, lambda r: r)
refused_record('policies', one, 'MAC', lambda _: other_record)
refused_record('keys', one + struct.pack('>I', 1), 'MAC', flipped(60))
refused_record('assignments', b'tenant', 'MAC', lambda _: other_record)
refused_record('meta', b'service-check', 'MAC', flipped(3))
Store('store', 'service.key')

# The service key of this store and no other.
with open('service.key') as f:
    line = f.read()
for bad, sentence in ((line.replace('key 1', 'key 2'), 'damaged'), (line[:-1], 'damaged'),
                      (line[:-2] + ('1' if line[-2] == '0' else '0') + '\n', 'MAC'),
                      (line[:20] + '0' * 8 + line[28:], 'another store')):
    with open('bad.key', 'w') as f:
        f.write(bad)
    refused(sentence, Store, 'store', 'bad.key')

# Root copies: another vault key's, and a damaged one.
key = store.keys[one, 1]
(kid1, copy1), (kid2, copy2) = key['roots']
refused('does not open', list, store.root_keys([(kid1, copy2)]))
refused('does not open', list, store.root_keys([(kid1, copy1[:-1] + bytes([copy1[-1] ^ 1]))]))

# The chain of events.
class Events:
    """A state of which the test chooses the events."""

    def __init__(self, state):
        self.lines, self.facts = list(state.records('events')), state.meta()

    def records(self, _):
        return iter(self.lines)

    def meta(self):
        return self.facts

    def number(self, name, default):
        return int.from_bytes(self.facts.get(name, default.to_bytes(8, 'little')), 'little')


log = Events(store.newest_state())
whole = list(log.lines)
assert len(list(reader.events(store, log))) == len(whole) > 20
for lines, sentence in ((whole[:-1], 'newest'), (whole[:5] + whole[6:], 'missing'),
                        (whole[:5] + [(whole[5][0], whole[5][1].replace(b'"ok"', b'"no"'))] +
                         whole[6:], 'changed'), (whole[1:], 'missing')):
    log.lines = lines
    refused(sentence, list, reader.events(store, log))

# The values of the page's examples.
page = open(sys.argv[1]).read().replace('\n', ' ')
example = object.__new__(Store)
example.path, example.vaults = b'example', None
example.id = bytes.fromhex('00112233445566778899aabbccddeeff')
example.service_key = bytes(range(0x20))
example.scope_key = derive(example.service_key, 'depfs 1 service scope id')
record_key = derive(example.service_key, 'depfs 1 service record mac')
check = b'meta\0' + struct.pack('<I', 13) + b'service-check' + b'depfs service check'
dek, file_id, nonce = bytes(range(0x20, 0x40)), bytes(range(0x40, 0x50)), bytes(range(0x50, 0x5c))
scope = example.scope_id(b'mailbox/alice/x')
aad = b'DEPF' + struct.pack('<HH', 1, 1) + example.id + file_id + scope + bytes(16) + \
    struct.pack('<I', 1)
wrap = reader.AESSIV(derive(example.service_key, 'depfs 1 service dek wrap', 64)).encrypt(dek, [aad])
header = aad + wrap + bytes(36) + struct.pack('<QQ', 1, 1) + bytes(48)
header += mac_of(derive(dek, 'depfs 1 dek header mac'), header)
meta = struct.pack('<HBB', 5, 1, 0)
sealed = reader.AESGCM(derive(dek, 'depfs 1 dek block')).encrypt(
    nonce, b'depfs'.ljust(3808, b'\0'), file_id + bytes(4) + meta)
block = header + nonce + sealed[-16:] + meta + sealed[:-16]
for value in (example.scope_id(b'x'), scope, mac_of(record_key, check)[:16],
              derive(dek, 'depfs 1 dek block'), wrap[:24], wrap[24:], header[-32:], sealed[-16:],
              reader.hashlib.sha256(block).digest()):
    assert f' {value.hex()} ' in page, value.hex()
os.makedirs('example/mailbox/alice')
with open('example/mailbox/alice/x', 'wb') as f:
    f.write(block + bytes(5))
assert b''.join(File(example, b'mailbox/alice/x').blocks()) == b'depfs'
END
