"""The key operations of a vault as HTTP: a request comes in, a Reply goes out."""
import json
import uuid
from dataclasses import dataclass, field

from .errors import VaultError
from .material import b64, unb64

API_VERSIONS = {'7.4', '7.5', '7.6', '2025-07-01', '2026-01-01-preview'}
PAGE = 25


@dataclass
class Request:
    host: str  # as in the Host header
    method: str
    path: str
    query: dict
    headers: object  # case-blind mapping
    body: bytes
    who: dict = field(default_factory=dict)

    def json(self):
        try:
            value = json.loads(self.body or b'{}')
        except ValueError:
            raise VaultError('bad-parameter', detail='the body is not JSON') from None
        if not isinstance(value, dict):
            raise VaultError('bad-parameter', detail='the body is no object')
        return value


@dataclass
class Reply:
    status: int
    body: object = None  # a value for JSON, bytes, or None for nothing
    headers: dict = field(default_factory=dict)

    def payload(self):
        if self.body is None:
            return b''
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def attributes(vault, version):
    shown = {'enabled': version.enabled, 'created': version.created, 'updated': version.updated,
             'recoveryLevel': vault.recovery_level, 'recoverableDays': 90, 'exportable': False,
             'hsmPlatform': '0'}
    for name in ('nbf', 'exp'):
        if getattr(version, name):
            shown[name] = getattr(version, name)
    return shown


def bundle(vault, key, version):
    jwk = {'kid': vault.kid(key, version), 'kty': key.kty, 'key_ops': key.ops,
           **version.material.jwk()}
    shown = {'key': jwk, 'attributes': attributes(vault, version)}
    if key.tags:
        shown['tags'] = key.tags
    return shown


def deleted_bundle(vault, key):
    return {**bundle(vault, key, key.versions[-1]),
            'recoveryId': f'{vault.url}/deletedkeys/{key.name}',
            'deletedDate': key.deleted_at, 'scheduledPurgeDate': key.deleted_at + 90 * 86400}


class Routes:
    def __init__(self, world, entra):
        self.world, self.entra = world, entra

    def operation(self, method, parts):
        """Name of the act and the permission that it takes."""
        shape = tuple(parts[2:]) if len(parts) > 2 else ()
        if parts[:1] == ['keys']:
            if len(parts) == 1:
                return 'list-keys', 'list'
            last = shape[-1].lower() if shape else ''
            act = {('GET', 'versions'): ('list-versions', 'list'),
                   ('POST', 'create'): ('create', 'create'),
                   ('POST', 'rotate'): ('rotate', 'rotate'),
                   ('POST', 'wrapkey'): ('wrap', 'wrapKey'),
                   ('POST', 'unwrapkey'): ('unwrap', 'unwrapKey')}.get((method, last))
            if act:
                return act
            return {'GET': ('get', 'get'), 'PATCH': ('update', 'update'),
                    'DELETE': ('delete', 'delete')}.get(method, ('unknown', 'get'))
        if parts[:1] == ['deletedkeys'] and len(parts) > 1:
            if method == 'POST' and shape == ('recover',):
                return 'recover', 'recover'
            return {'GET': ('get-deleted', 'get'),
                    'DELETE': ('purge', 'purge')}.get(method, ('unknown', 'get'))
        return 'unknown', 'get'

    def answer(self, request):
        vault = self.world.vault(request.host)
        parts = request.path.strip('/').split('/')
        act, permission = self.operation(request.method, parts)
        try:
            request.who = self.entra.bearer(request.headers.get('Authorization'), vault)
            self._check_api_version(request)
            vault.allow(request.who, permission)
            if act == 'unknown':
                return Reply(405, {'error': {'code': 'MethodNotAllowed', 'message': 'no such act'}})
            reply = getattr(self, '_' + act.replace('-', '_'))(vault, parts, request)
        except VaultError as e:
            return self.refusal(e, vault, request)
        reply.headers.update(self._usual_headers())
        return reply

    def refusal(self, error, vault, request):
        reply = Reply(error.status, error.body(vault=vault.host.partition('.')[0], **request.who))
        if error.status == 401:
            login = self.login_host(vault)
            challenge = (f'Bearer authorization="https://{login}/{vault.tenant}", '
                         f'resource="{vault.resource}"')
            reply.headers['WWW-Authenticate'] = challenge
            if 'managedhsm' in vault.host:
                reply.body = None
        reply.headers.update(self._usual_headers())
        return reply

    @staticmethod
    def login_host(vault):
        if vault.host.endswith('.cn'):
            return 'login.partner.microsoftonline.cn'
        if vault.host.endswith('.usgovcloudapi.net'):
            return 'login.microsoftonline.us'
        return 'login.microsoftonline.com'

    @staticmethod
    def _usual_headers():
        return {'x-ms-request-id': str(uuid.uuid4()), 'x-ms-keyvault-region': 'northeurope',
                'x-ms-keyvault-service-version': '1.9.2895.1',
                'x-ms-keyvault-network-info': 'conn_type=Ipv4;addr=192.0.2.7;act_addr_fam=Unspec;',
                'Cache-Control': 'no-cache'}

    @staticmethod
    def _check_api_version(request):
        version = request.query.get('api-version')
        if version not in API_VERSIONS:
            raise VaultError('bad-parameter', detail=f'api-version {version} is not supported')

    @staticmethod
    def _version_of(parts, tail):
        """The version in /keys/NAME[/VERSION][/tail]."""
        rest = parts[2:-1] if tail else parts[2:]
        if len(rest) > 1:
            raise VaultError('bad-parameter', detail='the path has too many parts')
        return rest[0] if rest else ''

    def _page(self, vault, request, base, items):
        at = int(request.query.get('$skiptoken', '0'))
        size = min(int(request.query.get('maxresults', PAGE)), PAGE)
        if size < 1:
            raise VaultError('bad-parameter', detail='maxresults is 1 to 25')
        following = None
        if at + size < len(items):
            api = request.query['api-version']
            following = (f'{vault.url}{base}?api-version={api}&$skiptoken={at + size}'
                         f'&maxresults={size}')
        return Reply(200, {'value': items[at:at + size], 'nextLink': following})

    def _list_keys(self, vault, parts, request):
        items = [{'kid': vault.kid(k), 'attributes': attributes(vault, k.versions[-1]),
                  'tags': k.tags} for k in vault.keys.values() if k.deleted_at is None]
        return self._page(vault, request, '/keys', items)

    def _list_versions(self, vault, parts, request):
        key = vault.key(parts[1])
        items = [{'kid': vault.kid(key, v), 'attributes': attributes(vault, v), 'tags': key.tags}
                 for v in key.versions]
        return self._page(vault, request, f'/keys/{key.name}/versions', items)

    def _get(self, vault, parts, request):
        return Reply(200, bundle(vault, *vault.version(parts[1], self._version_of(parts, False))))

    def _create(self, vault, parts, request):
        body = request.json()
        key, version = vault.create(parts[1], body.get('kty'), body.get('key_ops'),
                                    body.get('key_size'), body.get('crv'),
                                    body.get('attributes'), body.get('tags'))
        return Reply(200, bundle(vault, key, version))

    def _rotate(self, vault, parts, request):
        return Reply(200, bundle(vault, *vault.rotate(parts[1])))

    def _update(self, vault, parts, request):
        version = self._version_of(parts, False)
        return Reply(200, bundle(vault, *vault.update(parts[1], version, request.json())))

    def _delete(self, vault, parts, request):
        return Reply(200, deleted_bundle(vault, vault.delete(parts[1])))

    def _get_deleted(self, vault, parts, request):
        return Reply(200, deleted_bundle(vault, vault.key(parts[1], deleted=True)))

    def _recover(self, vault, parts, request):
        key = vault.recover(parts[1])
        return Reply(200, bundle(vault, key, key.versions[-1]))

    def _purge(self, vault, parts, request):
        vault.purge(parts[1])
        return Reply(204)

    def _use(self, op, vault, parts, request):
        body = request.json()
        for name in ('alg', 'value'):
            if not isinstance(body.get(name), str):
                raise VaultError('bad-parameter', detail=f'{name} is missing')
        key, version, out = vault.use(op, parts[1], self._version_of(parts, True), body['alg'],
                                      unb64(body['value']))
        return Reply(200, {'kid': vault.kid(key, version), 'value': b64(out)})

    def _wrap(self, vault, parts, request):
        return self._use('wrapKey', vault, parts, request)

    def _unwrap(self, vault, parts, request):
        return self._use('unwrapKey', vault, parts, request)
