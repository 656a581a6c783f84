"""Each error that a vault gives: name -> status, error.code, innererror.code, message."""

WHO = 'appid={appid};oid={oid};iss=https://sts.windows.net/{tid}/'

TABLE = {
    'bad-parameter': (400, 'BadParameter', None, 'The request is malformed: {detail}'),
    'no-token': (401, 'Unauthorized', None,
                 'AKV10000: Request is missing a Bearer or PoP token.'),
    'token-invalid': (401, 'Unauthorized', None, 'AKV10003: The token does not validate.'),
    'token-audience': (401, 'Unauthorized', None,
                       'AKV10022: Invalid audience. Expected {detail}.'),
    'token-issuer': (401, 'Unauthorized', None,
                     'AKV10032: Invalid issuer. Expected one of '
                     'https://sts.windows.net/{detail}/.'),
    'token-expired': (401, 'Unauthorized', None, 'AKV10004: The token has expired.'),
    'forbidden-by-policy': (
        403, 'Forbidden', 'ForbiddenByPolicy',
        "The user, group or application '" + WHO + "' does not have keys {op} permission on key "
        "vault '{vault};location=northeurope'."),
    'forbidden-by-rbac': (
        403, 'Forbidden', 'ForbiddenByRbac',
        'Caller is not authorized to perform action on resource.\r\nIf role assignments, deny '
        'assignments or role definitions were changed recently, please observe propagation time.'
        '\r\nCaller: ' + WHO + "\r\nAction: 'Microsoft.KeyVault/vaults/keys/{op}/action'\r\n"
        'Assignment: (not found)\r\nDecisionReason: null\r\nVault: {vault};location=northeurope'),
    'forbidden-by-firewall': (
        403, 'Forbidden', 'ForbiddenByFirewall',
        'Client address is not authorized and caller is not a trusted service.\r\n'
        'Client address: 192.0.2.7\r\nCaller: ' + WHO),
    'forbidden-by-connection': (
        403, 'Forbidden', 'ForbiddenByConnection',
        'Public network access is disabled and request is not from a trusted service nor via an '
        'approved private link.\r\nCaller: ' + WHO),
    'access-denied': (403, 'Forbidden', 'AccessDenied', 'Access denied to first party service.'),
    'key-disabled': (403, 'Forbidden', 'KeyDisabled',
                     'Operation {op} is not allowed on a disabled key.'),
    'key-operation-forbidden': (
        403, 'Forbidden', 'KeyOperationForbidden',
        'Operation {op} is not permitted on this key.'),
    'key-outside-validity': (
        403, 'Forbidden', 'KeyNotYetValidOrExpired',
        'Operation {op} is not allowed on a key that is not yet valid or has expired.'),
    'key-not-found': (
        404, 'KeyNotFound', None,
        'A key with (name/id) {detail} was not found in this key vault. If you recently deleted '
        'this key you may be able to recover it using the correct recovery command.'),
    'vault-not-found': (404, 'VaultNotFound', None, 'The vault {vault} was not found.'),
    'deleted-but-recoverable': (
        409, 'Conflict', 'ObjectIsDeletedButRecoverable',
        'Key {detail} is currently in a deleted but recoverable state, and its name cannot be '
        'reused; in this state, the key can only be recovered or purged.'),
    'being-deleted': (409, 'Conflict', 'ObjectIsBeingDeleted',
                      'Key {detail} is currently being deleted.'),
    'being-recovered': (409, 'Conflict', 'ObjectIsBeingRecovered',
                        'Key {detail} is currently being recovered.'),
    'request-timeout': (408, 'RequestTimeout', None, 'The request timed out.'),
    'throttled': (
        429, 'Throttled', None,
        'Request was not processed because too many requests were received. '
        'Reason: VaultRequestTypeLimitReached'),
    'internal': (500, 'InternalServerError', None, 'An unexpected error occurred.'),
    'bad-gateway': (502, 'BadGateway', None, 'The gateway got no usable answer.'),
    'unavailable': (503, 'ServiceUnavailable', None, 'The service is unavailable.'),
    'gateway-timeout': (504, 'GatewayTimeout', None, 'The gateway got no answer in time.'),
}


class _Blank(dict):
    def __missing__(self, key):
        return ''


class VaultError(Exception):
    """A row of the table, with what its text names filled in."""

    def __init__(self, name, **words):
        super().__init__(name)
        self.name = name
        self.words = words
        self.status = TABLE[name][0]

    def body(self, **more):
        _, code, inner, text = TABLE[self.name]
        error = {'code': code, 'message': text.format_map(_Blank({**more, **self.words}))}
        if inner:
            error['innererror'] = {'code': inner}
        return {'error': error}
