#!/usr/bin/python3
"""tests/format/reader.py - a second reader of depfs stores, written from depfs-format(5) alone.

    reader.py --service-key FILE [--vaults DIR] STORE COMMAND [PATH]

    cat PATH       the file's plaintext
    tree           every entry: "d PATH", "l PATH -> TARGET", "f SIZE SHA256 PATH", "o PATH"
    header PATH    the file's header
    policies       policies, their generations and assignments
    events         the audit log, after its chain was proved

It shares no code with depfs, so that the two agreeing means that the page is right. It writes
nothing. Everything that the page says a reader checks is checked; the first thing that does not
hold ends it with one sentence and status 1. DEP keys come from the availability copy; with
--vaults both root copies are opened too, and must give the same key. A store that was not
stopped cleanly is read as it lies, without the recovery that the page allows.
"""
import argparse
import functools
import hashlib
import hmac
import itertools
import os
import re
import stat
import struct
import sys
import uuid

import lmdb
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BLOCK, HEADER = 4096, 256
FIRST, REST = 3808, 4064  # plaintext bytes of block 0 and of every other one
SERVICE = bytes(16)       # policy id of what no policy covers
LOOSE_HOLES = 1
RENEWING = 2
TABLES = ('meta', 'policies', 'keys', 'assignments', 'events', 'jobs')


class Damage(Exception):
    """One sentence: what does not hold."""


def need(holds, sentence):
    if not holds:
        raise Damage(sentence)


# ---- algorithms ----

def derive(key, info, length=32):
    return HKDF(hashes.SHA256(), length, None, info.encode()).derive(key)


def mac_of(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def unwrap(key, info, aad, wrap, what):
    try:
        return AESSIV(derive(key, info, 64)).decrypt(wrap, [aad])
    except InvalidTag:
        raise Damage(f'{what} does not unwrap') from None


def root_unwrap(private_key, copy):
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    try:
        return private_key.decrypt(copy, oaep)
    except ValueError:
        raise Damage('a root copy does not open') from None


# ---- bytes ----

class Fields:
    """A record, taken apart from its front to its end."""

    def __init__(self, data, what):
        self.data, self.what, self.at = data, what, 0

    def take(self, length):
        need(self.at + length <= len(self.data), f'{self.what} is cut short')
        self.at += length
        return self.data[self.at - length:self.at]

    def number(self, length):
        return int.from_bytes(self.take(length), 'little')

    def str16(self):
        text = self.take(self.number(2))
        need(b'\0' not in text, f'{self.what}: a text holds a NUL')
        return text.decode()

    def zeros(self, length):
        need(not any(self.take(length)), f'{self.what}: reserved bytes are not zero')

    def start(self, magic, known_flags):
        need(self.take(4) == magic, f'{self.what}: wrong magic')
        need(self.number(2) == 1, f'{self.what}: unknown version')
        flags = self.number(2)
        need(flags & ~known_flags == 0, f'{self.what}: unknown flags')
        return flags

    def end(self):
        need(self.at == len(self.data), f'{self.what}: bytes are left over')


def policy_decode(data, key):
    f = Fields(data, f'policy record {key.hex()}')
    p = {'flags': f.start(b'DEPP', 15), 'kind': f.number(1)}
    f.zeros(3)
    p.update(id=f.take(16), generation=f.number(4), created=f.number(8), avail=f.take(48),
             name=f.str16(), description=f.str16(), key_ids=[f.str16(), f.str16()])
    f.end()
    need(p['kind'] in (1, 2) and p['id'] == key and key != SERVICE, f'{f.what} is damaged')
    need(1 <= len(p['name'].encode()) <= 64 and len(p['description'].encode()) <= 1024,
         f'{f.what}: a text is too long or missing')
    if p['flags'] & 2:
        need(p['flags'] == 2 and p['generation'] == 0 and not any(p['avail']) and
             not any(p['key_ids']), f'{f.what}: no draft looks like this')
    else:
        need(p['generation'] >= 1 and all(p['key_ids']), f'{f.what} lacks its keys')
        need(not p['flags'] & 12 or not p['flags'] & 1, f'{f.what}: removed or purged, but enabled')
        need(not p['flags'] & 8 or not any(p['avail']), f'{f.what}: purged, but with an availability key')
    return p


def key_decode(data, key):
    f = Fields(data, f'key record {key.hex()}')
    f.start(b'DEPK', 0)
    k = {'policy': f.take(16), 'generation': f.number(4), 'created': f.number(8),
         'avail_copy': f.take(48), 'roots': []}
    for _ in range(2):
        kid = f.str16()
        length = f.number(2)
        need(kid and 1 <= length <= 512, f'{f.what}: a copy is missing')
        k['roots'].append((kid, f.take(length)))
    f.end()
    need(k['policy'] + struct.pack('>I', k['generation']) == key and k['generation'] >= 1,
         f'{f.what} lies under another key')
    return k


def assignment_decode(data, key):
    f = Fields(data, f'assignment {key!r}')
    f.start(b'DEPA', 0)
    a = {'policy': f.take(16), 'since': f.number(8)}
    f.end()
    need(key == b'tenant' or key.startswith(b'mailbox/'), f'{f.what}: not an assignment')
    return a


# ---- a store's own records ----

class State:
    """One LMDB file; every record that leaves it had its MAC checked."""

    def __init__(self, path, mac_key):
        self.mac_key = mac_key
        try:
            self.env = lmdb.open(path, subdir=False, readonly=True, lock=False, max_dbs=len(TABLES))
            self.dbs = {t: self.env.open_db(t.encode(), create=False) for t in TABLES}
        except lmdb.Error as e:
            raise Damage(f'{path}: {e}') from None
        need(self.meta().get(b'service-check') == b'depfs service check',
             'this is not the service key of the store')

    def records(self, table):
        with self.env.begin(db=self.dbs[table]) as txn:
            for key, value in txn.cursor():
                record, mac = value[:-16], value[-16:]
                message = table.encode() + b'\0' + struct.pack('<I', len(key)) + key + record
                need(hmac.compare_digest(mac_of(self.mac_key, message)[:16], mac),
                     f'table {table}: the MAC of record {key!r} does not hold')
                yield key, record

    def meta(self):
        return dict(self.records('meta'))

    def number(self, name, default=0):
        record = self.meta().get(name)
        if record is None:
            return default
        need(len(record) == 8, f'meta record {name!r} is no number')
        return int.from_bytes(record, 'little')


def read_format(store):
    with open(os.path.join(store, '.depfs', 'format'), 'rb') as f:
        line = f.read()
    need(re.match(rb'depfs 1 ', line), 'the store is of another version')
    m = re.fullmatch(rb'depfs 1 ([0-9a-fA-F-]{36}) flags=(\d+)\n', line)
    need(m, 'the format line is damaged')
    need(int(m[2]) == 0, 'the store uses unknown features')
    return uuid.UUID(m[1].decode()).bytes


def read_service_key(path, store_id):
    with open(path, 'rb') as f:
        line = f.read()
    m = re.fullmatch(rb'depfs-service-key 1 ([0-9a-fA-F-]{36}) ([0-9a-fA-F]{64})\n', line)
    need(m and len(line) == 122, 'the service key file is damaged')
    need(uuid.UUID(m[1].decode()).bytes == store_id, 'this is the service key of another store')
    return bytes.fromhex(m[2].decode())


class Store:
    def __init__(self, path, service_key_file, vaults=None):
        self.path, self.vaults = os.fsencode(path), vaults
        self.id = read_format(path)
        self.service_key = read_service_key(service_key_file, self.id)
        self.scope_key = derive(self.service_key, 'depfs 1 service scope id')
        state = self.state('state.snapshot')
        self.policies = {k: policy_decode(v, k) for k, v in state.records('policies')}
        self.keys = {(k[:16], int.from_bytes(k[16:], 'big')): key_decode(v, k)
                     for k, v in state.records('keys')}
        self.renewals = {k: v for k, v in state.records('meta') if k.startswith(b'renew/')}
        self.assignments = {k: assignment_decode(v, k) for k, v in state.records('assignments')}

    def state(self, name):
        return State(os.path.join(os.fsdecode(self.path), '.depfs', name),
                     derive(self.service_key, 'depfs 1 service record mac'))

    def newest_state(self):
        """state/, unless it is missing, in use, or older than the snapshot."""
        snapshot, dot = self.state('state.snapshot'), os.path.join(self.path, b'.depfs')
        lock = os.path.join(dot, b'lock')
        if not os.path.exists(os.path.join(dot, b'state', b'data.mdb')) or (
                os.path.exists(lock) and os.path.getsize(lock)):
            return snapshot
        state = self.state('state/data.mdb')
        return state if state.number(b'change') >= snapshot.number(b'change') else snapshot

    def scope_id(self, path):
        parts = path.split(b'/')
        if parts[0] == b'mailbox' and len(parts) > 2:
            name = b'/'.join(parts[:2])
        else:
            name = parts[0] if len(parts) > 1 else b''
        return mac_of(self.scope_key, name)[:16]

    def root_keys(self, roots):
        """The DEP key out of each root copy, by the local vaults' private keys."""
        for kid, copy in roots:
            m = re.fullmatch(r'local://([^/]+)/keys/([^/]+)/([0-9a-f]{32})', kid)
            need(m, f'{kid} is in no local vault')
            path = os.path.join(self.vaults, m[1], m[2].lower(), m[3] + '.pem')
            with open(path, 'rb') as f:
                yield root_unwrap(serialization.load_pem_private_key(f.read(), None), copy)

    @functools.lru_cache(maxsize=None)
    def dep_key(self, policy_id, generation):
        policy, key = self.policies.get(policy_id), self.keys.get((policy_id, generation))
        need(policy and key, f'no record of policy {policy_id.hex()}, generation {generation}')
        avail = unwrap(self.service_key, 'depfs 1 service availability wrap',
                       policy_id + bytes(4) + b'availability key', policy['avail'],
                       'the availability key')
        dep_key = unwrap(avail, 'depfs 1 availability dep wrap',
                         policy_id + struct.pack('<I', generation) + b'dep key',
                         key['avail_copy'], 'the availability copy')
        if self.vaults:
            for root_key in self.root_keys(key['roots']):
                need(root_key == dep_key, 'a root copy opens to another DEP key')
        return dep_key

    def old_dek(self, header, dek):
        """(file id, DEK) of before, of a file that is being renewed."""
        record = self.renewals.get(b'renew/' + header['file_id'].hex().encode())
        need(record and len(record) == 64, 'the record of its renewal is missing')
        return record[:16], unwrap(dek, 'depfs 1 dek old dek wrap', record[:16] + header['file_id'], record[16:],
                                   'the DEK of before')

    def dek(self, header):
        if header['policy_id'] == SERVICE:
            key, info = self.service_key, 'depfs 1 service dek wrap'
        else:
            key = self.dep_key(header['policy_id'], header['generation'])
            info = 'depfs 1 dep dek wrap'
        return unwrap(key, info, header['aad'], header['wrapped_dek'], 'the DEK')


# ---- files ----

def header_decode(data):
    f = Fields(data[:224], 'the header')
    need(f.take(4) == b'DEPF', 'the header has no magic')
    need(f.number(2) == 1 and f.number(2) == 1, 'the header is of an unknown version or suite')
    h = {'store_id': f.take(16), 'file_id': f.take(16), 'scope_id': f.take(16),
         'policy_id': f.take(16), 'generation': f.number(4), 'wrapped_dek': f.take(48),
         'flags': f.number(4), 'holes': [(f.number(4), f.number(4)) for _ in range(4)],
         'version_no': f.number(8), 'budget': f.number(8)}
    f.zeros(48)
    need(h['flags'] & ~(LOOSE_HOLES | RENEWING) == 0, 'the header has unknown flags')
    need(h['generation'] == 1 or (h['generation'] > 1 and h['policy_id'] != SERVICE),
         'the header names an impossible generation')
    need(h['budget'] <= 1 << 32, 'the write budget is beyond its limit')
    h['holes'] = holes_check(h['holes'])
    h['aad'], h['maced'], h['mac'] = data[:76], data[:224], data[224:]
    return h


def holes_check(slots):
    used = [s for s in slots if s != (0, 0)]
    need(slots[:len(used)] == used, 'an unused slot lies among the declared holes')
    least = 1
    for start, count in used:
        need(start >= least and count >= 1 and start + count <= 1 << 32,
             'the declared holes are out of order')
        least = start + count + 1
    return used


class File:
    def __init__(self, store, path):
        self.fd = open(os.path.join(store.path, path), 'rb')
        self.disk_len = os.fstat(self.fd.fileno()).st_size
        self.count, self.tail = divmod(self.disk_len, BLOCK)
        need(1 <= self.count <= 1 << 32, 'the file has no header, or too many blocks')
        cap = FIRST if self.count == 1 else REST
        need(self.tail <= cap and (self.tail or self.count == 1), 'no file has this length')
        self.size = self.tail + (FIRST + (self.count - 2) * REST if self.count > 1 else 0)
        self.header = h = header_decode(self.fd.read(HEADER))
        need(h['store_id'] == store.id, 'the header is of another store')
        need(h['scope_id'] == store.scope_id(path), 'the header is of another scope')
        dek = store.dek(h)
        need(hmac.compare_digest(mac_of(derive(dek, 'depfs 1 dek header mac'), h['maced']),
                                 h['mac']), "the header's MAC does not hold")
        self.keys = [(AESGCM(derive(dek, 'depfs 1 dek block')), h['file_id'])]
        if h['flags'] & RENEWING:
            old_id, old_dek = store.old_dek(h, dek)
            self.keys.append((AESGCM(derive(old_dek, 'depfs 1 dek block')), old_id))

    def may_be_hole(self, number):
        if number in (0, self.count - 1):
            return False
        return bool(self.header['flags'] & LOOSE_HOLES) or any(
            start <= number < start + count for start, count in self.header['holes'])

    def open_block(self, number, data):
        at = HEADER if number == 0 else 0
        nonce, tag, meta, text = data[at:at + 12], data[at + 12:at + 28], data[at + 28:at + 32], \
            data[at + 32:]
        used, flags, zero = struct.unpack('<HBB', meta)
        plain = None
        for gcm, file_id in self.keys[:1 if number == 0 else 2]:
            try:
                plain = gcm.decrypt(nonce, text + tag, file_id + struct.pack('<I', number) + meta)
                break
            except InvalidTag:
                pass
        need(plain is not None, f'block {number} does not authenticate')
        final = number == self.count - 1
        need(zero == 0 and flags == final, f'block {number}: the final flag is wrong')
        need(used == (self.tail if final else len(plain)), f'block {number}: its size is wrong')
        need(not any(plain[used:]), f'block {number}: the padding is not zero')
        return plain[:used]

    def blocks(self):
        """The plaintext, block by block."""
        zeros = bytes(BLOCK)
        self.fd.seek(0)
        for number in range(self.count):
            data = self.fd.read(BLOCK)
            if data == zeros and self.may_be_hole(number):
                yield zeros[:REST]
            else:
                yield self.open_block(number, data)


# ---- events ----

def file_lines(folder, end):
    """(number, line) of the events before @end that are in files."""
    names = sorted(n for n in os.listdir(folder) if re.fullmatch(rb'\d{20}\.jsonl', n)) \
        if os.path.isdir(folder) else []
    firsts = [int(n[:20]) for n in names]
    for name, first, limit in zip(names, firsts, firsts[1:] + [end]):
        with open(os.path.join(folder, name), 'rb') as f:
            for number, line in enumerate(f, first):
                if number >= min(limit, end):
                    break
                need(line.endswith(b'\n'), f'event {number} is cut off')
                yield number, line[:-1]


def signature_check(store, line, prev):
    m = re.fullmatch(rb'(\{.*,"store":"([^"]+)","key":"([0-9a-f]{64})"),"signature":"([0-9a-f]{128})",'
                     rb'"prev":.*', line)
    key = Ed25519PrivateKey.from_private_bytes(
        derive(store.service_key, 'depfs 1 service audit sign')).public_key()
    need(m and uuid.UUID(m[2].decode()).bytes == store.id, 'a signature has another form or store')
    need(bytes.fromhex(m[3].decode()) == key.public_bytes(Encoding.Raw, PublicFormat.Raw), 'a signature is by another key')
    try:
        key.verify(bytes.fromhex(m[4].decode()),
                   b'depfs 1 audit signature\0' + prev + hashlib.sha256(m[1]).digest())
    except InvalidSignature:
        raise Damage('a signature does not hold') from None


def event_hash(number, line, last):
    """Its hash, when the line is event @number and follows on @last (None: not known)."""
    m = re.fullmatch(rb'(\{"seq":%d,.*,"prev":"([0-9a-f]{64})"),"hash":"([0-9a-f]{64})"\}' % number,
                     line)
    need(m, f'event {number} has another form')
    need(hashlib.sha256(m[1]).hexdigest().encode() == m[3], f'event {number} was changed')
    need(last is None or m[2] == last.hex().encode(), f'event {number} does not follow')
    return bytes.fromhex(m[2].decode()), bytes.fromhex(m[3].decode())


def events(store, state):
    """Every event's line, in order, each proved to follow on the one before."""
    start = state.number(b'events-from', 1)
    head = state.meta().get(b'events-head', bytes(40))
    table = ((int.from_bytes(k, 'big'), line) for k, line in state.records('events'))
    files = file_lines(os.path.join(store.path, b'.depfs', b'events'), start)
    seq, last, signed, gap = 0, bytes(32), 0, None
    for number, line in itertools.chain(files, table):
        if number != seq + 1:  # where files were taken away, or a state made from its snapshot
            fresh = seq == 0 and b',"event":"events-continued"' in line
            need(fresh or (number == start and not gap), f'event {seq + 1} is missing')
            gap, last, signed = None if fresh else number, None, 0
        seq = number
        prev, last = event_hash(seq, line, last)
        need(not signed or seq - signed <= 256, f'event {seq}: signatures are missing')
        if b',"event":"signature"' in line:
            signature_check(store, line, prev)
            signed = seq
        yield line
    need(head == seq.to_bytes(8, 'little') + (last if seq else bytes(32)),
         'the newest event is missing')


# ---- commands ----

def out(*words):
    sys.stdout.buffer.write(b' '.join(w if isinstance(w, bytes) else str(w).encode()
                                      for w in words) + b'\n')


def cmd_cat(store, path):
    for plain in File(store, path).blocks():
        sys.stdout.buffer.write(plain)


def file_line(store, path):
    file, digest, size = File(store, path), hashlib.sha256(), 0
    for plain in file.blocks():
        digest.update(plain)
        size += len(plain)
    need(size == file.size, 'the size is wrong')
    return size, digest.hexdigest()


def cmd_tree(store, folder=b''):
    for name in sorted(os.listdir(os.path.join(store.path, folder))):
        path = os.path.join(folder, name)
        full = os.path.join(store.path, path)
        mode = os.lstat(full).st_mode
        if path == b'.depfs':
            continue
        if stat.S_ISDIR(mode):
            out('d', path)
            cmd_tree(store, path)
        elif stat.S_ISLNK(mode):
            out('l', path, '->', os.readlink(full))
        elif stat.S_ISREG(mode):
            try:
                out('f', *file_line(store, path), path)
            except Damage as e:
                raise Damage(f'{os.fsdecode(path)}: {e}') from None
        else:
            out('o', path)


def header_fields(store, path):
    file = File(store, path)
    h = file.header
    policy = store.policies[h['policy_id']]['name'] if h['policy_id'] != SERVICE else 'service key'
    return {'store': uuid.UUID(bytes=h['store_id']), 'file_id': h['file_id'].hex(),
            'scope_id': h['scope_id'].hex(), 'policy': policy,
            'policy_id': uuid.UUID(bytes=h['policy_id']), 'generation': h['generation'],
            'size': file.size, 'blocks': file.count,
            'holes': ' '.join(f'{s}+{c}' for s, c in h['holes']) or 'none',
            'flags': ' '.join(name for bit, name in ((LOOSE_HOLES, 'loose-holes'), (RENEWING, 'renewing'))
                              if h['flags'] & bit) or 'none',
            'version_no': h['version_no'], 'budget': h['budget']}


def cmd_header(store, path):
    for name, value in header_fields(store, path).items():
        out(f'{name}: {value}')


def cmd_policies(store):
    for p in sorted(store.policies.values(), key=lambda p: p['name']):
        generations = sorted(g for i, g in store.keys if i == p['id'])
        for g in generations:
            store.dep_key(p['id'], g)  # must open, by every copy there is a key for
        names = [k.decode() for k, a in sorted(store.assignments.items()) if a['policy'] == p['id']]
        out(f"{p['name']}: {uuid.UUID(bytes=p['id'])}",
            ('', 'multi-workload', 'mailbox')[p['kind']],
            'draft' if p['flags'] & 2 else 'purged' if p['flags'] & 8 else 'removed' if p['flags'] & 4 else 'enabled' if p['flags'] & 1 else 'disabled',
            f"generations={','.join(map(str, generations)) or 'none'}",
            f"assigned={','.join(names) or 'none'}")


def cmd_events(store):
    for line in events(store, store.newest_state()):
        out(line)


def main():
    parser = argparse.ArgumentParser(description='reads a depfs store without depfs')
    parser.add_argument('--service-key', required=True)
    parser.add_argument('--vaults')
    parser.add_argument('store')
    parser.add_argument('command', choices=('cat', 'tree', 'header', 'policies', 'events'))
    parser.add_argument('path', nargs='?')
    args = parser.parse_args()
    takes_path = args.command in ('cat', 'header')
    if takes_path != (args.path is not None):
        parser.error(f"{args.command} takes {'a path' if takes_path else 'no path'}")
    try:
        store = Store(args.store, args.service_key, args.vaults)
        command = globals()['cmd_' + args.command]
        if takes_path:
            command(store, os.fsencode(args.path))
        else:
            command(store)
        sys.stdout.flush()
    except (Damage, OSError) as e:
        sys.stdout.flush()
        print(f'reader.py: {e}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
