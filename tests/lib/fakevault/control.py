"""Acts of the control socket: one JSON line in, one out. A key is named by its URL."""
import calendar
import json
import os
import socketserver
import threading
import time
from urllib.parse import urlsplit

from .faults import Fault
from .errors import VaultError

# what the outcomes of the local vaults' tests mean here
OUTCOMES = {'denied': [('*', 'error', 'forbidden-by-policy')],
            'transient': [('*', 'error', 'unavailable')],
            'not-found': [('*', 'error', 'key-not-found')],
            'damaged': [('unwrap', 'error', 'bad-parameter')], 'none': []}


def _seconds(text):
    if text.isdigit():
        return int(text)
    return calendar.timegm(time.strptime(text, '%Y-%m-%d'))


class Acts:
    """Each method is an act; its docstring is its help. Words come first, then NAME=VALUE."""

    def __init__(self, fake):
        self.fake = fake
        self.world = fake.world

    def _key(self, url):
        parts = urlsplit(url)
        words = parts.path.strip('/').split('/')
        return self.world.vault(parts.netloc), words[1], words[2] if len(words) > 2 else ''

    def create(self, url, type='RSA', ops=None, expires=None, nbf=None, bits=None):
        """URL [type= ops=a,b expires=DATE nbf=SECONDS bits=] - id of the version made"""
        vault, name, _ = self._key(url)
        attributes = {'exp': _seconds(expires) if expires else None,
                      'nbf': int(nbf) if nbf else None}
        key, version = vault.create(name, 'EC' if type == 'ec' else type,
                                    ops.split(',') if ops else None, int(bits) if bits else None,
                                    attributes=attributes)
        return vault.kid(key, version)

    def rotate(self, url):
        """URL - a new version; its id"""
        vault, name, _ = self._key(url)
        return vault.kid(*vault.rotate(name))

    def show(self, url):
        """URL - id of the newest version"""
        vault, name, _ = self._key(url)
        return vault.kid(*vault.version(name))

    def _enabled(self, url, value):
        vault, name, version = self._key(url)
        key = vault.key(name)
        for v in key.versions:
            if version in ('', v.id):
                v.enabled = value

    def disable(self, url):
        """URL[/VERSION]"""
        self._enabled(url, False)

    def enable(self, url):
        """URL[/VERSION]"""
        self._enabled(url, True)

    def set(self, url, ops=None, **attributes):
        """URL[/VERSION] [exp= nbf= (0: none) ops=a,b]"""
        vault, name, version = self._key(url)
        vault.update(name, version, {
            'attributes': {k: int(v) for k, v in attributes.items()},
            'key_ops': ops.split(',') if ops else None})

    def delete(self, url):
        """URL - soft delete"""
        vault, name, _ = self._key(url)
        vault.delete(name)

    def recover(self, url):
        """URL"""
        vault, name, _ = self._key(url)
        vault.recover(name)

    def vault(self, host, **changes):
        """HOST [rbac=0|1 tenant= recovery_level=]"""
        vault = self.world.vault(host)
        for name, value in changes.items():
            if name not in ('rbac', 'tenant', 'recovery_level'):
                raise ValueError(f'a vault has no {name}')
            setattr(vault, name, value == '1' if name == 'rbac' else value)

    def _permissions(self, host, client):
        vault = self.world.vault(urlsplit(host).netloc or host)
        for app in self.world.apps.values():
            if app.tenant == vault.tenant and app.client_id == (client or app.client_id):
                yield vault.permissions.setdefault(app.oid, set())

    def deny(self, host, op='all', client=None):
        """HOST|URL [OP] [client=] - without OP, all"""
        for permissions in self._permissions(host, client):
            permissions.clear() if op == 'all' else permissions.discard(op)

    def allow(self, host, op='', client=None):
        """HOST|URL [OP] [client=] - without OP, what depfs needs"""
        for permissions in self._permissions(host, client):
            permissions.update([op] if op else ['get', 'list', 'wrapKey', 'unwrapKey'])

    def app(self, tenant, client, secret=None, certificate=None, subject=None, forget=None):
        """TENANT CLIENT [secret= certificate=FILE subject= forget=secrets|certificates|all]"""
        from .entra import ISSUER
        if forget == 'all':
            self.world.apps.pop((tenant, client), None)
            return
        app = self.world.add_app(tenant, client)
        if forget:
            getattr(app, forget).clear()
        if secret:
            app.secrets.append(secret)
        if certificate:
            with open(certificate, encoding='ascii') as f:
                app.certificates.append(f.read())
        if subject:
            app.federated.append((ISSUER, subject))

    def federated_token(self, subject, lifetime='3600'):
        """SUBJECT [lifetime=S] - a token of the workload's cluster"""
        return self.fake.entra.federated_token(subject, int(lifetime))

    def arc(self, folder=None, name=None, text=None):
        """[folder= name= text=] - of the file that Azure Arc asks a client to read"""
        identity = self.fake.identity
        identity.arc_dir = folder or identity.arc_dir
        identity.arc_name, identity.arc_text = name or '', text or ''

    def fault(self, host, act, kind, value='', **options):
        """HOST ACT KIND [VALUE] [count= skip= ...], see faults.py"""
        self.fake.faults.add(Fault(host, act, kind, value, **options))

    def lift(self, host='*', act='*'):
        """[HOST [ACT]] - ends faults"""
        self.fake.faults.lift(host, act)

    def outcome(self, url, name, ms=''):
        """URL none|denied|transient|not-found|damaged|slow [MS] - as `depctl key fault`, but for
        a whole vault"""
        host = urlsplit(url).netloc
        self.fake.faults.lift(host)
        if name == 'slow':
            self.fake.faults.add(Fault(host, '*', 'slow', int(ms) / 1000))
            return
        for act, kind, value in OUTCOMES[name]:
            self.fake.faults.add(Fault(host, act, kind, value))

    def down(self, *hosts):
        """HOST... - connections are refused"""
        for host in hosts:
            self.fake.down(host)

    def up(self, *hosts, tls='good'):
        """HOST... [tls=KIND, see below]"""
        for host in hosts:
            self.fake.up(host, tls)

    def tls(self, host, kind):
        """HOST good|hang|reset-once|close-once|expired|not-yet|wrong-name|unknown-ca|old-tls"""
        self.fake.listeners[host].tls = kind

    def clock(self, seconds):
        """SECONDS - moves the services' clock by so much"""
        self.world.clock.ahead_s += int(seconds)

    def lifetime(self, seconds):
        """SECONDS - of the tokens given from now on"""
        self.world.lifetime_s = int(seconds)

    def calls(self, **wanted):
        """[host= act= status= method= ...] - how many requests came since `forget`"""
        return len(self.fake.log.matching(**wanted))

    def log(self, **wanted):
        """[host= act= ...] - these requests, one JSON object a line"""
        return '\n'.join(json.dumps(e) for e in self.fake.log.matching(**wanted))

    def forget(self):
        """- the counting starts anew; DIR/requests.jsonl keeps everything"""
        self.fake.log.forget()

    def connections(self, host):
        """HOST - how many were ever made"""
        return self.fake.listeners[host].connections

    def ping(self):
        """- answers when all listeners are there"""
        return 'ready'


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        line = json.loads(self.rfile.readline())
        act = getattr(self.server.acts, line['act'].replace('-', '_'), None)
        try:
            if act is None or line['act'].startswith('_'):
                raise ValueError(f"there is no act {line['act']}")
            out = {'ok': act(*line['words'], **line['options'])}
        except (VaultError, ValueError, TypeError, KeyError, OSError) as e:
            out = {'error': f"{line['act']}: {type(e).__name__}: {e}"}
        self.wfile.write(json.dumps(out).encode() + b'\n')


class Control(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, fake):
        self.acts = Acts(fake)
        path = os.path.join(fake.folder, 'control')
        super().__init__(path + '.new', Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        os.rename(path + '.new', path)  # who sees it can use it
