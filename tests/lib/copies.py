"""copies.py - the root copies of a store's DEP keys, for tests.

    show STORE SERVICE_KEY POLICY_ID             kid and copy, in hexadecimal, a line for each root
    dep-key STORE SERVICE_KEY POLICY_ID          the DEP key in hexadecimal
    put STORE SERVICE_KEY POLICY_ID N KID HEX    root copy N (0 or 1) becomes this; unmounted only
"""
import os
import struct
import sys
import uuid

import lmdb

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'format'))
import reader  # noqa: E402  pylint: disable=wrong-import-position


def encode(k):
    out = b'DEPK' + struct.pack('<HH', 1, 0) + k['policy']
    out += struct.pack('<IQ', k['generation'], k['created']) + k['avail_copy']
    for kid, copy in k['roots']:
        out += struct.pack('<H', len(kid)) + kid.encode() + struct.pack('<H', len(copy)) + copy
    return out


def put(store, policy, number, kid, copy):
    record_key = policy + struct.pack('>I', 1)
    record = dict(store.keys[(policy, 1)])
    record['roots'] = list(record['roots'])
    record['roots'][number] = (kid, copy)
    mac_key = reader.derive(store.service_key, 'depfs 1 service record mac')
    data = encode(record)
    message = b'keys\0' + struct.pack('<I', len(record_key)) + record_key + data
    value = data + reader.mac_of(mac_key, message)[:16]
    for name in ('state/data.mdb', 'state.snapshot'):
        path = os.path.join(os.fsdecode(store.path), '.depfs', name)
        with lmdb.open(path, subdir=False, lock=False, max_dbs=len(reader.TABLES)) as env:
            with env.begin(write=True, db=env.open_db(b'keys', create=False)) as txn:
                assert txn.put(record_key, value)


def main(act, path, service_key, policy_id, *rest):
    store = reader.Store(path, service_key)
    policy = uuid.UUID(policy_id).bytes
    if act == 'show':
        for kid, copy in store.keys[(policy, 1)]['roots']:
            print(kid, copy.hex())
    elif act == 'dep-key':
        print(store.dep_key(policy, 1).hex())
    else:
        number, kid, copy = rest
        put(store, policy, int(number), kid, bytes.fromhex(copy))


if __name__ == '__main__':
    main(*sys.argv[1:])
