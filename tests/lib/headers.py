"""headers.py STORE - a line for each ciphertext file: path, policy id, generation, header version,
length.

A line end in a name is shown as '?'.

Reads the fields that depfs-format(5) gives; needs no key.
"""
import os
import struct
import sys


def main(store):
    for folder, folders, files in os.walk(store):
        if folder == store:
            folders.remove('.depfs')
        for name in files:
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            try:
                with open(path, 'rb') as f:
                    head = f.read(256)
                    length = os.fstat(f.fileno()).st_size
            except FileNotFoundError:  # removed or renamed meanwhile
                continue
            if not head:  # being made
                continue
            generation, = struct.unpack('<I', head[72:76])
            version, = struct.unpack('<Q', head[160:168])
            print(os.path.relpath(path, store).replace('\n', '?'), head[56:72].hex(), generation, version, length,
                  sep='\t')


main(sys.argv[1])
