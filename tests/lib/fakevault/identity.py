"""Managed identity over plain http: IMDS, App Service (2019 and 2017), Azure Arc."""
import os
import secrets
import uuid

ARC_DIR = '/var/opt/azcmagent/tokens'
ARC_VERSIONS = ('2019-11-01', '2020-06-01')  # MSAL for Python says the second
SITE_HEADER = 'fake-SITE-header-853b9a84'  # App Service's IDENTITY_HEADER and MSI_SECRET


class Identity:
    def __init__(self, world, entra):
        self.world, self.entra = world, entra
        self.arc = {}  # file -> its contents, each good for one request
        self.arc_dir = ARC_DIR
        self.arc_name = ''  # a test may ask for a realm that no client should open
        self.arc_text = ''

    def answer(self, request):
        """Status, body and headers."""
        query = request.query
        if request.path == '/metadata/identity/oauth2/token':
            if query.get('api-version') in ARC_VERSIONS:
                return self._arc(request)
            if request.headers.get('Metadata') != 'true' or 'X-Forwarded-For' in request.headers:
                return 400, {'error': 'bad_request_102',
                             'error_description': 'Required metadata header not specified'}, {}
            if query.get('api-version') != '2018-02-01':
                return 400, {'error': 'bad_request', 'error_description': 'api-version'}, {}
            return self._token(query.get('client_id'), query)
        if request.path == '/msi/token':
            return self._app_service(request)
        return 404, {'error': 'not_found'}, {}

    def _app_service(self, request):
        old = request.query.get('api-version') == '2017-09-01'
        header = request.headers.get('secret' if old else 'X-IDENTITY-HEADER')
        if header != SITE_HEADER:
            return 401, {'statusCode': 401, 'message': 'the header does not match'}, {}
        client = request.query.get('clientid' if old else 'client_id')
        status, body, headers = self._token(client, request.query)
        if status == 200:
            del body['expires_in']  # App Service says when, not how long
        return status, body, headers

    def _token(self, client_id, query):
        app = self.world.system_identity
        if client_id:
            app = self.world.app(app.tenant, client_id)
        if app is None:
            return 400, {'error': 'invalid_request',
                         'error_description': 'Identity not found'}, {}
        resource = query.get('resource', '')
        if not resource or resource.endswith('/.default'):
            return 400, {'error': 'invalid_resource', 'error_description': 'AADSTS500011'}, {}
        token, lifetime_s = self.entra.token(app, resource)
        return 200, {'access_token': token, 'client_id': app.client_id,
                     'expires_in': str(lifetime_s),
                     'expires_on': str(self.world.clock.now() + lifetime_s),
                     'resource': resource, 'token_type': 'Bearer'}, {}

    def _arc(self, request):
        kind, _, value = request.headers.get('Authorization', '').partition(' ')
        if kind == 'Basic' and value in self.arc.values():
            path = next(p for p, v in self.arc.items() if v == value)
            del self.arc[path]
            if os.path.exists(path):
                os.unlink(path)
            return self._token(None, request.query)
        name = self.arc_name or f'{uuid.uuid4()}.key'
        path = os.path.join(self.arc_dir, name)
        self.arc[path] = self.arc_text or secrets.token_urlsafe(48)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='ascii') as f:
            f.write(self.arc[path])
        return 401, {'error': 'unauthorized_client'}, {'WWW-Authenticate': f'Basic realm={path}'}
