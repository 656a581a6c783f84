"""Entra's token endpoint: who may have a token, tokens, and what a vault thinks of one."""
import hashlib
import hmac
import json
import time
import uuid
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .errors import VaultError
from .material import b64

ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
FEDERATED_AUDIENCE = 'api://AzureADTokenExchange'
ISSUER = 'https://kubernetes.test'


class Refused(Exception):
    """An OAuth error answer."""

    def __init__(self, status, error, number, text):
        super().__init__(text)
        self.status, self.error, self.number, self.text = status, error, number, text

    def body(self):
        trace = str(uuid.uuid4())
        stamp = time.strftime('%Y-%m-%d %H:%M:%SZ', time.gmtime())
        return {'error': self.error,
                'error_description': f'AADSTS{self.number}: {self.text} Trace ID: {trace} '
                                     f'Timestamp: {stamp}',
                'error_codes': [self.number], 'timestamp': stamp, 'trace_id': trace,
                'correlation_id': str(uuid.uuid4())}


def invalid_client(number, text):
    return Refused(401, 'invalid_client', number, text)


def unb64_any(text):
    import base64  # both alphabets: thumbprints come in either
    text = text.replace('-', '+').replace('_', '/')
    return base64.b64decode(text + '=' * (-len(text) % 4))


def jwt_parts(token):
    try:
        head, body, signature = token.split('.')
        return (json.loads(unb64_any(head)), json.loads(unb64_any(body)), unb64_any(signature),
                f'{head}.{body}'.encode())
    except (ValueError, UnicodeDecodeError):
        raise invalid_client(50027, 'JWT token is invalid or malformed.') from None


def verify(public_key, algorithm, signed, signature):
    pads = {'RS256': padding.PKCS1v15(), 'PS256': padding.PSS(padding.MGF1(hashes.SHA256()), 32)}
    if algorithm not in pads:
        raise invalid_client(700027, f'The algorithm {algorithm} is not supported.')
    try:
        public_key.verify(signature, signed, pads[algorithm], hashes.SHA256())
    except InvalidSignature:
        raise invalid_client(700027, 'Client assertion failed signature validation.') from None


class Entra:
    def __init__(self, world):
        self.world = world
        self.issuer_key = rsa.generate_private_key(65537, 2048)  # of the workload's cluster

    # tokens

    def token(self, app, resource, lifetime_s=None):
        now = self.world.clock.now()
        lifetime_s = self.world.lifetime_s if lifetime_s is None else lifetime_s
        claims = {'aud': resource, 'iss': f'https://sts.windows.net/{app.tenant}/',
                  'tid': app.tenant, 'appid': app.client_id, 'oid': app.oid, 'iat': now,
                  'nbf': now, 'exp': now + lifetime_s, 'uti': uuid.uuid4().hex}
        signed = '.'.join(b64(json.dumps(x).encode()) for x in ({'alg': 'HS256'}, claims))
        mac = hmac.new(self.world.signing_key, signed.encode(), hashlib.sha256).digest()
        return f'{signed}.{b64(mac)}', lifetime_s

    def bearer(self, header, vault):
        """The claims of an Authorization header that this vault accepts."""
        kind, _, token = (header or '').partition(' ')
        if kind.lower() != 'bearer' or not token:
            raise VaultError('no-token')
        try:
            _, claims, mac, signed = jwt_parts(token.strip())
        except Refused:
            raise VaultError('token-invalid') from None
        good = hmac.new(self.world.signing_key, signed, hashlib.sha256).digest()
        if not hmac.compare_digest(mac, good):
            raise VaultError('token-invalid')
        if claims['exp'] <= self.world.clock.now():
            raise VaultError('token-expired')
        if claims['aud'].rstrip('/') != vault.resource:
            raise VaultError('token-audience', detail=vault.resource)
        if claims['tid'] != vault.tenant:
            raise VaultError('token-issuer', detail=vault.tenant)
        return claims

    # the endpoint

    def _by_secret(self, app, form):
        if form['client_secret'] not in app.secrets:
            raise invalid_client(7000215, 'Invalid client secret provided. Ensure the secret '
                                 'being sent in the request is the client secret value.')

    def _check_claims(self, claims, wanted):
        now = time.time()  # an assertion is judged by the real clock, as its maker's is
        for name, values in wanted.items():
            if claims.get(name) not in values:
                raise invalid_client(700023, f"Client assertion's {name} is not as expected.")
        if not claims.get('exp') or claims['exp'] <= now or claims.get('nbf', 0) > now + 300:
            raise invalid_client(700024, 'Client assertion is not within its valid time range.')

    def _by_assertion(self, app, form, url):
        if form.get('client_assertion_type') != ASSERTION_TYPE:
            raise Refused(400, 'invalid_request', 900144, 'client_assertion_type is wrong.')
        head, claims, signature, signed = jwt_parts(form['client_assertion'])
        if claims.get('iss') == ISSUER:
            return self._by_federation(app, head, claims, signature, signed)
        thumbprint = head.get('x5t#S256') or head.get('x5t')
        algorithm = hashes.SHA256() if 'x5t#S256' in head else hashes.SHA1()
        for pem in app.certificates:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            if thumbprint and unb64_any(thumbprint) == certificate.fingerprint(algorithm):
                break
        else:
            raise invalid_client(700027, 'The certificate with identifier used to sign the client '
                                 'assertion is not registered on application.')
        verify(certificate.public_key(), head.get('alg'), signed, signature)
        who = (app.client_id,)
        self._check_claims(claims, {'iss': who, 'sub': who, 'aud': (url,)})
        if not claims.get('jti'):
            raise invalid_client(700023, 'Client assertion has no jti.')

    def _by_federation(self, app, head, claims, signature, signed):
        verify(self.issuer_key.public_key(), head.get('alg'), signed, signature)
        self._check_claims(claims, {'aud': (FEDERATED_AUDIENCE,)})
        if (claims['iss'], claims.get('sub')) not in app.federated:
            raise invalid_client(700213, 'No matching federated identity record found.')

    def federated_token(self, subject, lifetime_s=3600):
        now = int(time.time())
        claims = {'iss': ISSUER, 'sub': subject, 'aud': FEDERATED_AUDIENCE, 'nbf': now,
                  'exp': now + lifetime_s, 'jti': uuid.uuid4().hex}
        signed = '.'.join(b64(json.dumps(x).encode())
                          for x in ({'alg': 'RS256', 'kid': 'cluster'}, claims))
        mac = self.issuer_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f'{signed}.{b64(mac)}'

    def grant(self, tenant, form, url):
        """The answer to a token request, or Refused."""
        if form.get('grant_type') != 'client_credentials':
            raise Refused(400, 'unsupported_grant_type', 70003, 'The grant type is not supported.')
        scope = form.get('scope', '')
        if not scope.endswith('/.default'):
            raise Refused(400, 'invalid_scope', 70011, 'The scope does not end in /.default.')
        if not any(t == tenant for t, _ in self.world.apps):
            raise Refused(400, 'invalid_request', 90002, f"Tenant '{tenant}' not found.")
        app = self.world.app(tenant, form.get('client_id'))
        if app is None:
            raise Refused(400, 'unauthorized_client', 700016, 'Application with identifier was '
                          'not found in the directory.')
        if 'client_secret' in form:
            self._by_secret(app, form)
        elif 'client_assertion' in form:
            self._by_assertion(app, form, url)
        else:
            raise invalid_client(7000218, 'The request body must contain client_assertion or '
                                 'client_secret.')
        token, lifetime_s = self.token(app, scope.removesuffix('/.default'))
        return {'token_type': 'Bearer', 'expires_in': lifetime_s, 'ext_expires_in': lifetime_s,
                'access_token': token}

    def answer(self, request):
        """Status and body for what came to a login host."""
        parts = request.path.strip('/').split('/')
        base = f'https://{request.host}/{parts[0]}'
        if request.method == 'POST' and parts[1:] == ['oauth2', 'v2.0', 'token']:
            form = {k: v[0] for k, v in parse_qs(request.body.decode('utf-8', 'replace')).items()}
            try:
                return 200, self.grant(parts[0], form, base + '/oauth2/v2.0/token')
            except Refused as e:
                return e.status, e.body()
        if parts == ['common', 'discovery', 'instance']:
            where = base + '/v2.0/.well-known/openid-configuration'
            return 200, {'tenant_discovery_endpoint': where,
                         'metadata': [{'preferred_network': request.host,
                                       'preferred_cache': request.host,
                                       'aliases': [request.host]}]}
        if request.method == 'GET' and parts[1:] == ['v2.0', '.well-known', 'openid-configuration']:
            return 200, {'token_endpoint': base + '/oauth2/v2.0/token', 'issuer': base + '/v2.0',
                         'authorization_endpoint': base + '/oauth2/v2.0/authorize',
                         'device_authorization_endpoint': base + '/oauth2/v2.0/devicecode'}
        return 404, {'error': 'not_found'}
