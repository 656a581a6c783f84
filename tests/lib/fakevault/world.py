"""Vaults, keys with versions, apps, permissions and the clock: everything but HTTP."""
import re
import secrets
import threading
import time
import uuid

from . import material
from .errors import VaultError

TENANT = '11111111-aaaa-4aaa-8aaa-111111111111'
OTHER_TENANT = '22222222-bbbb-4bbb-8bbb-222222222222'
CLIENT = '33333333-cccc-4ccc-8ccc-333333333333'
SECRET = 'fake~SECRET-of.the-default_app'
ADMIN = '44444444-dddd-4ddd-8ddd-444444444444'
ADMIN_SECRET = 'fake~SECRET-of.the-admin_app'

# each host has an address of its own, so that one can refuse connections while others answer
HOSTS = {
    'v1.vault.azure.net': '127.0.1.1',
    'v2.vault.azure.net': '127.0.1.2',
    'v3.vault.azure.net': '127.0.1.3',
    'v4.vault.azure.net': '127.0.1.4',
    'v6.vault.azure.net': '::1',  # reached by IPv6 alone
    'h1.managedhsm.azure.net': '127.0.1.7',
    'v1.vault.azure.cn': '127.0.1.8',
    'v1.vault.usgovcloudapi.net': '127.0.1.9',
    'v1.vault.test': '127.0.1.10',
    'evil.example': '127.0.1.66',
    'login.microsoftonline.com': '127.0.2.1',
    'login.partner.microsoftonline.cn': '127.0.2.2',
    'login.microsoftonline.us': '127.0.2.3',
}
PORTS = {'v1.vault.test': 8443}  # the others listen on 443
METADATA = (('169.254.169.254', 80), ('127.0.0.1', 40342))

ALL_OPS = {'get', 'list', 'create', 'import', 'update', 'rotate', 'delete', 'recover', 'purge',
           'wrapKey', 'unwrapKey', 'encrypt', 'decrypt', 'sign', 'verify'}
SERVICE_OPS = {'get', 'list', 'wrapKey', 'unwrapKey'}
KEY_OPS = ['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey']


class Clock:
    def __init__(self):
        self.ahead_s = 0

    def now(self):
        return int(time.time() + self.ahead_s)


class Version:
    def __init__(self, material_, now, attributes):
        self.id = uuid.uuid4().hex
        self.material = material_
        self.enabled = attributes.get('enabled', True)
        self.nbf = attributes.get('nbf')
        self.exp = attributes.get('exp')
        self.created = self.updated = now


class Key:
    def __init__(self, name, kty, ops, size=None, crv=None, tags=None):
        self.name, self.kty, self.size, self.crv = name, kty, size, crv
        self.ops = list(KEY_OPS if ops is None else ops)
        self.tags = tags or {}
        self.versions = []  # oldest first
        self.deleted_at = None

    def add(self, now, attributes):
        version = Version(material.make(self.kty, self.size, self.crv), now, attributes)
        self.versions.append(version)
        return version


class Vault:
    """One host. Permissions are per object id of a principal, as in an access policy."""

    def __init__(self, host, clock):
        self.host = host
        self.clock = clock
        self.tenant = TENANT
        self.rbac = False
        self.recovery_level = 'Recoverable+ProtectedSubscription'
        self.keys = {}
        self.permissions = {}
        self.lock = threading.RLock()

    @property
    def suffix(self):
        return self.host.partition('.')[2]

    @property
    def url(self):
        port = PORTS.get(self.host)
        return f'https://{self.host}:{port}' if port else f'https://{self.host}'

    @property
    def resource(self):
        return 'https://' + self.suffix

    def kid(self, key, version=None):
        base = f'{self.url}/keys/{key.name}'
        return f'{base}/{version.id}' if version else base

    def key(self, name, deleted=False):
        key = self.keys.get(name.lower())
        if key is None or (key.deleted_at is not None) != deleted:
            raise VaultError('key-not-found', detail=name)
        return key

    def version(self, name, version_id=''):
        key = self.key(name)
        if not version_id:
            return key, key.versions[-1]
        for version in key.versions:
            if version.id == version_id.lower():
                return key, version
        raise VaultError('key-not-found', detail=f'{name}/{version_id}')

    def allow(self, who, op):
        if op not in self.permissions.get(who['oid'], ()):
            raise VaultError('forbidden-by-rbac' if self.rbac else 'forbidden-by-policy', op=op)

    def create(self, name, kty='RSA', ops=None, size=None, crv=None, attributes=None, tags=None):
        if not re.fullmatch('[0-9a-zA-Z-]{1,127}', name):
            raise VaultError('bad-parameter', detail=f'{name} is no key name')
        with self.lock:
            key = self.keys.get(name.lower())
            if key and key.deleted_at is not None:
                raise VaultError('deleted-but-recoverable', detail=name)
            if key is None:
                key = Key(name, kty, ops, size, crv, tags)
            else:  # creating over a key makes a version of it
                key.kty, key.size, key.crv = kty, size, crv
                key.ops = key.ops if ops is None else list(ops)
            version = key.add(self.clock.now(), attributes or {})
            self.keys[name.lower()] = key
            return key, version

    def rotate(self, name):
        with self.lock:
            key = self.key(name)
            return key, key.add(self.clock.now(), {})

    def update(self, name, version_id, changes):
        with self.lock:
            key, version = self.version(name, version_id)
            for field in ('enabled', 'nbf', 'exp'):
                if field in (changes.get('attributes') or {}):
                    setattr(version, field, changes['attributes'][field])
            if changes.get('key_ops') is not None:
                key.ops = list(changes['key_ops'])
            if changes.get('tags') is not None:
                key.tags = changes['tags']
            version.updated = self.clock.now()
            return key, version

    def delete(self, name):
        with self.lock:
            key = self.key(name)
            key.deleted_at = self.clock.now()
            return key

    def recover(self, name):
        with self.lock:
            key = self.key(name, deleted=True)
            key.deleted_at = None
            return key

    def purge(self, name):
        with self.lock:
            key = self.key(name, deleted=True)
            if 'Purgeable' not in self.recovery_level:
                raise VaultError('forbidden-by-policy', op='purge')
            del self.keys[key.name.lower()]

    def use(self, op, name, version_id, alg, data):
        """Wrap or unwrap with all that is in the way of it."""
        key, version = self.version(name, version_id)
        if not version.enabled:
            raise VaultError('key-disabled', op=op)
        now = self.clock.now()
        outside = (version.nbf and now < version.nbf) or (version.exp and now >= version.exp)
        if outside and op == 'wrapKey':  # unwrap goes on, to get at old data
            raise VaultError('key-outside-validity', op=op)
        if op not in key.ops:
            raise VaultError('key-operation-forbidden', op=op)
        work = version.material.wrap if op == 'wrapKey' else version.material.unwrap
        return key, version, work(alg, data)


class App:
    """Who may ask for tokens: an app registration or a managed identity."""

    def __init__(self, tenant, client_id):
        self.tenant, self.client_id = tenant, client_id
        self.oid = str(uuid.uuid5(uuid.UUID(tenant), client_id))
        self.secrets = []
        self.certificates = []  # PEM
        self.federated = []  # (issuer, subject)


class World:
    def __init__(self):
        self.clock = Clock()
        self.lifetime_s = 3599
        self.signing_key = secrets.token_bytes(32)
        self.vaults = {host: Vault(host, self.clock) for host in HOSTS
                       if not host.startswith('login.')}
        self.apps = {}
        self.add_app(TENANT, CLIENT).secrets.append(SECRET)
        self.add_app(OTHER_TENANT, CLIENT).secrets.append(SECRET)
        self.add_app(TENANT, ADMIN).secrets.append(ADMIN_SECRET)
        self.system_identity = self.add_app(TENANT, 'system-identity')
        for vault in self.vaults.values():
            for app in self.apps.values():
                service = app.client_id != ADMIN
                vault.permissions[app.oid] = set(SERVICE_OPS if service else ALL_OPS)

    def add_app(self, tenant, client_id):
        return self.apps.setdefault((tenant, client_id), App(tenant, client_id))

    def app(self, tenant, client_id):
        return self.apps.get((tenant, client_id))

    def vault(self, host):
        return self.vaults[host.partition(':')[0].lower()]
