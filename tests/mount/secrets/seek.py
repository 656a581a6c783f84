"""seek.py - writes marked content and looks for it, and for keys, where they must not be.

    write DIR             files of many shapes whose every 64 bytes hold the mark
    memory PID            no mark in memory of the process that may be swapped out
    keys PID STORE KEY    none of the store's keys there
    image FILE            no mark in a disk image

Each search also looks for something that must be found, so that it is known to work.
"""
import os
import sys

MARK = b'PLAINMARK'
LINE = MARK + b' a line of a customer\'s e-mail, sixty-four bytes long.\n'
OPEN_NAME = b'NameThatLiesOpen'


def write(folder):
    def put(name, data, flags=os.O_CREAT | os.O_WRONLY | os.O_TRUNC, at=0):
        fd = os.open(os.path.join(folder, name), flags, 0o644)
        done = os.pwrite(fd, data, at)
        assert done == len(data)
        os.fsync(fd)
        os.close(fd)

    put('small', MARK)
    put('long', LINE * 5000)
    put('long', LINE * 100, os.O_WRONLY, 100000)  # overwritten
    put('sparse', LINE * 3, at=1 << 20)
    put('appended', LINE * 70)
    put('appended', LINE * 70, os.O_WRONLY | os.O_APPEND)
    put('replaced', LINE * 10)
    put('removed', LINE * 200)
    put('shortened', LINE * 300)


def swappable(pid):
    """Bytes of each mapping that the process can write to and that is not locked in memory."""
    with open(f'/proc/{pid}/smaps', encoding='utf-8', errors='replace') as f:
        lines = f.read().splitlines()
    ranges, current = [], None
    for line in lines:
        words = line.split()
        if '-' in words[0] and not words[0].endswith(':'):
            low, high = (int(x, 16) for x in words[0].split('-'))
            current = (low, high, words[1], words[5] if len(words) > 5 else '')
        elif words[0] == 'VmFlags:' and current[2].startswith('rw') and 'lo' not in words[1:]:
            ranges.append(current)
    with open(f'/proc/{pid}/mem', 'rb', buffering=0) as mem:
        for low, high, _, name in ranges:
            if name.startswith('[v'):  # vvar, vdso
                continue
            mem.seek(low)
            data = b''
            while len(data) < high - low:
                part = mem.read(high - low - len(data))
                if not part:
                    break
                data += part
            yield name or f'{low:x}', data


def search(pieces, secrets, must_find):
    found = False
    for name, data in pieces:
        for what, secret in secrets.items():
            at = data.find(secret)
            if at >= 0:
                raise SystemExit(f'{what} lies in {name} at {at:#x}')
        found = found or must_find in data
    if not found:
        raise SystemExit(f'{must_find!r} was not found either: the search is at fault')


def memory(pid):
    search(swappable(pid), {'plaintext': MARK}, b'/store')


def keys_of(store_path, key_file):
    import reader  # tests/format/reader.py  pylint: disable=import-outside-toplevel

    store = reader.Store(store_path, key_file)
    keys = {'the service key': store.service_key}
    for policy_id, generation in store.keys:
        keys[f'the DEP key of {policy_id.hex()}'] = store.dep_key(policy_id, generation)
    for top, _, names in os.walk(store.path):
        if b'.depfs' in top.split(b'/'):
            continue
        for name in names:
            path = os.path.relpath(os.path.join(top, name), store.path)
            dek = store.dek(reader.File(store, path).header)
            shown = os.fsdecode(path)
            keys[f'the DEK of {shown}'] = dek
            keys[f'the block key of {shown}'] = reader.derive(dek, 'depfs 1 dek block')
    assert len(keys) > 100
    forms = {}
    for what, key in keys.items():
        forms[what] = key
        forms[what + ' in hexadecimal'] = key.hex().encode()
    return forms


def keys(pid, store_path, key_file):
    search(swappable(pid), keys_of(store_path, key_file), b'/store')


def image(path):
    with open(path, 'rb') as f:
        search([(path, f.read())], {'plaintext': MARK}, OPEN_NAME)


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
