"""Key material of one version: made, shown as a JSON web key, used to wrap and unwrap."""
import base64
import os

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from .errors import VaultError


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def unb64(text):
    if not isinstance(text, str) or '=' in text or '+' in text or '/' in text:
        raise VaultError('bad-parameter', detail='value is not base64url')
    try:
        return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
    except ValueError:
        raise VaultError('bad-parameter', detail='value is not base64url') from None


def _int(number):
    return b64(number.to_bytes((number.bit_length() + 7) // 8, 'big'))


def _oaep(digest):
    return padding.OAEP(padding.MGF1(digest()), digest(), None)


RSA_PADDING = {
    'RSA-OAEP-256': lambda: _oaep(hashes.SHA256),
    'RSA-OAEP': lambda: _oaep(hashes.SHA1),
    'RSA1_5': padding.PKCS1v15,
}
CURVES = {'P-256': ec.SECP256R1, 'P-384': ec.SECP384R1}


class Rsa:
    def __init__(self, bits):
        if bits not in (2048, 3072, 4096):
            raise VaultError('bad-parameter', detail=f'key_size {bits} is not supported')
        self.key = rsa.generate_private_key(65537, bits)

    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        return {'n': _int(numbers.n), 'e': _int(numbers.e)}

    def wrap(self, alg, data):
        try:
            return self.key.public_key().encrypt(data, RSA_PADDING[alg]())
        except KeyError:
            raise VaultError('bad-parameter', detail=f'alg {alg} does not fit the key') from None
        except ValueError:
            raise VaultError('bad-parameter', detail='value is too long for the key') from None

    def unwrap(self, alg, data):
        try:
            return self.key.decrypt(data, RSA_PADDING[alg]())
        except KeyError:
            raise VaultError('bad-parameter', detail=f'alg {alg} does not fit the key') from None
        except ValueError:
            raise VaultError('bad-parameter', detail='The parameter is incorrect: unable to '
                             'decrypt specified value with this key') from None


class Curve:
    def __init__(self, crv):
        if crv not in CURVES:
            raise VaultError('bad-parameter', detail=f'crv {crv} is not supported')
        self.crv = crv
        self.key = ec.generate_private_key(CURVES[crv]())

    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        return {'crv': self.crv, 'x': _int(numbers.x), 'y': _int(numbers.y)}

    def wrap(self, alg, data):
        raise VaultError('bad-parameter', detail=f'alg {alg} does not fit the key')

    unwrap = wrap


class Octets:
    """oct-HSM, AES key wrap of RFC 3394."""

    SIZES = {'A128KW': 16, 'A192KW': 24, 'A256KW': 32}

    def __init__(self, bits):
        self.key = os.urandom(bits // 8)

    def jwk(self):
        return {}

    def _check(self, alg):
        if self.SIZES.get(alg) != len(self.key):
            raise VaultError('bad-parameter', detail=f'alg {alg} does not fit the key')

    def wrap(self, alg, data):
        self._check(alg)
        return keywrap.aes_key_wrap(self.key, data)

    def unwrap(self, alg, data):
        self._check(alg)
        try:
            return keywrap.aes_key_unwrap(self.key, data)
        except (keywrap.InvalidUnwrap, InvalidKey):
            raise VaultError('bad-parameter', detail='unable to decrypt the value') from None


def make(kty, size=None, crv=None):
    if kty in ('RSA', 'RSA-HSM'):
        return Rsa(size or 2048)
    if kty in ('EC', 'EC-HSM'):
        return Curve(crv or 'P-256')
    if kty == 'oct-HSM':
        return Octets(size or 256)
    raise VaultError('bad-parameter', detail=f'kty {kty} is not supported')
