"""sdk.py - what Microsoft's Python SDK does to a vault, for sdk.sh.

    acts KEY...                      create, rotate, disable, list, wrap, unwrap, and refusals
    wrap KEY HEX                     wraps these bytes; prints kid and hex
    unwrap KEY/VERSION HEX           prints hex
    get KEY
    remote KEY/VERSION               wraps and unwraps where keys/get is denied: by the vault alone
    certificate FILE KEY             gets the key with a certificate credential
    workload TOKEN_FILE KEY | managed KEY | site KEY     with the other credentials
"""
import os
import sys

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import (CertificateCredential, ClientSecretCredential, DefaultAzureCredential,
                            ManagedIdentityCredential, WorkloadIdentityCredential)
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, KeyWrapAlgorithm

OAEP = KeyWrapAlgorithm.rsa_oaep_256
TENANT = os.environ.get('TENANT')
CLIENT = os.environ.get('CLIENT')


def split(key_id):
    vault, _, rest = key_id.partition('/keys/')
    name, _, version = rest.partition('/')
    return vault, name, version


def client(key_id, credential):
    return KeyClient(split(key_id)[0], credential)


def same(got, wanted):
    assert got == wanted, f'got {got!r}, wanted {wanted!r}'


def fails(status, code, act, *args, **kwargs):
    try:
        act(*args, **kwargs)
    except HttpResponseError as e:
        same(e.status_code, status)
        same((e.error.innererror or {}).get('code'), code)
        return
    raise AssertionError(f'{act} should fail with {status} {code}')


def acts_on(key_id, admin, more):
    keys = client(key_id, admin)
    name = split(key_id)[1]
    first = keys.create_rsa_key(name, size=2048)
    same(first.name, name)
    same(first.properties.enabled, True)
    second = keys.rotate_key(name)
    assert first.properties.version != second.properties.version
    same(keys.get_key(name).id, second.id)
    same(keys.get_key(name, first.properties.version).id, first.id)
    for _ in range(more):
        keys.rotate_key(name)
    same(len(list(keys.list_properties_of_key_versions(name))), 2 + more)
    assert name in [p.name for p in keys.list_properties_of_keys()]

    old = CryptographyClient(first, admin)
    wrapped = old.wrap_key(OAEP, bytes(range(32)))  # by the public key, at home
    same(wrapped.key_id, first.id)
    same(old.unwrap_key(OAEP, wrapped.encrypted_key).key, bytes(range(32)))
    newest = CryptographyClient(keys.get_key(name), admin)
    same(newest.unwrap_key(OAEP, newest.wrap_key(OAEP, b'x' * 32).encrypted_key).key, b'x' * 32)
    fails(400, None, newest.unwrap_key, OAEP, wrapped.encrypted_key)  # another version's

    keys.update_key_properties(name, first.properties.version, enabled=False)
    same(keys.get_key(name, first.properties.version).properties.enabled, False)
    fails(403, 'KeyDisabled', old.unwrap_key, OAEP, wrapped.encrypted_key)
    keys.update_key_properties(name, first.properties.version, enabled=True)
    same(old.unwrap_key(OAEP, wrapped.encrypted_key).key, bytes(range(32)))

    keys.begin_delete_key(name).wait()
    try:
        keys.get_key(name)
    except ResourceNotFoundError as e:
        same(e.error.code, 'KeyNotFound')
    else:
        raise AssertionError('a deleted key was found')
    fails(409, 'ObjectIsDeletedButRecoverable', keys.create_rsa_key, name)
    same(keys.get_deleted_key(name).name, name)
    keys.begin_recover_deleted_key(name).wait()
    same(keys.get_key(name).name, name)
    service = client(key_id, ClientSecretCredential(TENANT, CLIENT, os.environ['SECRET']))
    same(service.get_key(name).name, name)
    fails(403, 'ForbiddenByPolicy', service.rotate_key, name)


def acts(*key_ids):
    admin = ClientSecretCredential(TENANT, os.environ['ADMIN'], os.environ['ADMIN_SECRET'])
    for i, key_id in enumerate(key_ids):
        acts_on(key_id, admin, 25 if i == 0 else 0)  # more than a page of versions


def wrap(key_id, data):
    credential = DefaultAzureCredential()
    keys = client(key_id, credential)
    _, name, version = split(key_id)
    result = CryptographyClient(keys.get_key(name, version), credential).wrap_key(
        OAEP, bytes.fromhex(data))
    print(result.key_id, result.encrypted_key.hex())


def unwrap(key_id, data):
    result = CryptographyClient(key_id, DefaultAzureCredential()).unwrap_key(
        OAEP, bytes.fromhex(data))
    print(result.key.hex())


def got(key_id, credential):
    same(client(key_id, credential).get_key(split(key_id)[1]).name, split(key_id)[1])


def get(key_id):
    got(key_id, DefaultAzureCredential())


def remote(key_id):
    crypto = CryptographyClient(key_id, DefaultAzureCredential())
    same(crypto.unwrap_key(OAEP, crypto.wrap_key(OAEP, b'k' * 32).encrypted_key).key, b'k' * 32)


def certificate(path, key_id):
    got(key_id, CertificateCredential(TENANT, CLIENT, path))


def workload(path, key_id):
    got(key_id, WorkloadIdentityCredential(tenant_id=TENANT, client_id=CLIENT,
                                           token_file_path=path))


def managed(key_id):
    got(key_id, ManagedIdentityCredential())


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
