"""Golden bytes held by test_header.c, test_block.c, test_dek.c and test_wrap.c.

Made without depfs: from the layout tables in crypto/*.h and python3-cryptography (38 or later)
alone, so that a mistake of ours is not its own witness. Prints them; needs no argument.
"""
import hashlib
import struct

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def ascending(start, length=16):
    return bytes(range(start, start + length))


def hkdf(key, info, length=32):
    return HKDF(hashes.SHA256(), length, None, info).derive(key)


DEK = ascending(0xA0, 32)
DEP_KEY = ascending(0x40, 32)
STORE_ID, FILE_ID, SCOPE_ID, POLICY_ID = map(ascending, (0x10, 0x20, 0x30, 0x60))


def header():
    aad = b"DEPF" + struct.pack("<HH", 1, 1) + STORE_ID + FILE_ID + SCOPE_ID + POLICY_ID
    aad += struct.pack("<I", 0x01020304)
    wrapped = AESSIV(hkdf(DEP_KEY, b"depfs 1 dep dek wrap", 64)).encrypt(DEK, [aad])
    body = aad + wrapped + struct.pack("<I", 1)
    body += struct.pack("<8I", 1, 2, 0x0A0B0C0D, 7, 0xFFFFFFFF, 1, 0, 0)
    body += struct.pack("<QQ", 0x1122334455667788, 1 << 20) + bytes(48)
    mac = hmac.HMAC(hkdf(DEK, b"depfs 1 dek header mac"), hashes.SHA256())
    mac.update(body)
    return body + mac.finalize()


def block(block_no, used, final):
    """A block (of block 0: what follows the header); plaintext byte i is 7 i + 3."""
    cap = 3808 if block_no == 0 else 4064
    text = bytes((7 * i + 3) & 255 for i in range(used)) + bytes(cap - used)
    meta = struct.pack("<HBB", used, final, 0)
    aad = FILE_ID + struct.pack("<I", block_no) + meta
    nonce = ascending(0xE0, 12)
    sealed = AESGCM(hkdf(DEK, b"depfs 1 dek block")).encrypt(nonce, text, aad)
    return nonce + sealed[-16:] + meta + sealed[:-16]


def record_wrap():
    aad = POLICY_ID + struct.pack("<I", 3) + b"dep key"
    return AESSIV(hkdf(DEP_KEY, b"depfs 1 availability dep wrap", 64)).encrypt(DEK, [aad])


if __name__ == "__main__":
    print("header", header().hex())
    print("record wrap", record_wrap().hex())
    print("dek block key", hkdf(DEK, b"depfs 1 dek block").hex())
    print("dek header mac key", hkdf(DEK, b"depfs 1 dek header mac").hex())
    for shape in ((0, 5, 1), (0x01020304, 4064, 0)):
        bytes_ = block(*shape)
        print("block", shape, bytes_[:64].hex(), "sha256", hashlib.sha256(bytes_).hexdigest())
