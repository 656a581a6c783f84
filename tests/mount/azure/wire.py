"""wire.py SDK_LOG DEPFS_LOG - compares, field by field, the first request of each act that
Microsoft's SDK sent with the one that depfs sent for the same. A difference that DIFFERENCES does
not list fails, and so does one that it lists and that is not there.
"""
import json
import re
import sys
from urllib.parse import parse_qsl

OF_THE_LIBRARY = 'of the SDK\'s HTTP library, and nothing to a vault'
TELEMETRY = 'statistics for the makers of MSAL; depfs sends none'
NO_SEGMENT = 'the SDK writes an empty version after the name; the documented URL has none'

# (act, field) -> why the two differ; act '*' is every act
DIFFERENCES = {
    ('*', 'query.api-version'): 'depfs asks by the oldest stable version that has every call, so '
                                'that Managed HSM and sovereign clouds know it; the SDK by its '
                                'newest. DEPFS_AZURE_API_VERSION changes it',
    ('*', 'header.user-agent'): 'each names itself',
    ('*', 'header.accept-encoding'): OF_THE_LIBRARY + '; depfs takes no compressed answer, whose size '
                                     'nothing bounds beforehand',
    ('*', 'header.connection'): OF_THE_LIBRARY + '; HTTP/1.1 keeps connections anyway',
    ('probe', 'path'): NO_SEGMENT,
    ('get', 'path'): NO_SEGMENT,
    ('wrap', 'path'): 'the SDK wraps by the version it was given; depfs by the newest, and keeps '
                      'the kid of the reply',
    ('token', 'form.claims'): 'says that claims challenges (CAE) are understood; depfs does not '
                              'answer those and so must not say it',
    ('token', 'form.client_info'): 'asks for a user\'s profile; an app has none',
    ('token', 'header.x-client-current-telemetry'): TELEMETRY,
    ('token', 'header.x-client-last-telemetry'): TELEMETRY,
    ('token', 'header.x-client-os'): TELEMETRY,
    ('token', 'header.x-client-sku'): TELEMETRY,
    ('token', 'header.x-client-ver'): TELEMETRY,
    ('token', 'header.x-ms-lib-capability'): TELEMETRY,
    ('token', 'header.x-ms-client-request-id'): 'Entra reads client-request-id, which both send',
}


def value_kind(value):
    """What a value that differs from call to call looks like, so that its shape is compared."""
    value = str(value)
    for kind, pattern in (
            ('<uuid>', r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'), ('<number>', r'\d+'),
            ('<token>', r'Bearer [\w-]+\.[\w-]+\.[\w-]+'), ('<base64url>', r'[\w-]{40,}')):
        if re.fullmatch(pattern, value):
            return kind
    return value


def flat(entry):
    fields = {'method': entry['method'],
              'path': re.sub(r'/[0-9a-f]{32}', '/VERSION', entry['path'])}
    fields.update({f'query.{k}': v for k, v in entry['query'].items()})
    fields.update({f'header.{k}': value_kind(v) for k, v in entry['headers'].items()})
    body = entry['body']
    if body.startswith('{'):
        fields.update({f'body.{k}': value_kind(v) for k, v in json.loads(body).items()})
    elif body:
        fields.update({f'form.{k}': value_kind(v) for k, v in parse_qsl(body)})
    return fields


def acts(path):
    """The first request of each act; those without a token are probes of it."""
    found = {}
    with open(path, encoding='utf-8') as f:
        for line in f:
            entry = json.loads(line)
            name = entry['act']
            if entry['host'].endswith('.azure.net') and not entry['authenticated']:
                name = 'probe'
            found.setdefault(name, flat(entry))
    return found


def main(sdk_log, depfs_log):
    theirs, ours = acts(sdk_log), acts(depfs_log)
    unlisted, met = [], set()
    for act in ('probe', 'token', 'get', 'wrap', 'unwrap'):
        for field in sorted(theirs[act].keys() | ours[act].keys()):
            a, b = theirs[act].get(field), ours[act].get(field)
            if a == b:
                continue
            why = next((k for k in ((act, field), ('*', field)) if k in DIFFERENCES), None)
            met.add(why)
            text = f'{act:7} {field:28} SDK: {a!r}  depfs: {b!r}'
            print(text, '--', DIFFERENCES.get(why, 'NOT LISTED'))
            if why is None:
                unlisted.append(text)
    stale = set(DIFFERENCES) - met
    assert not unlisted, f'{len(unlisted)} differences are not listed'
    assert not stale, f'listed, but the same on both sides: {stale}'


if __name__ == '__main__':
    main(*sys.argv[1:])
