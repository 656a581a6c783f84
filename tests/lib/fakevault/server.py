"""Listeners, one address for each host, and the log of all that was sent to them."""
import http.server
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
from urllib.parse import parse_qsl, urlsplit

from . import certs, world as worlds
from .entra import Entra
from .faults import Faults
from .identity import Identity
from .routes import Reply, Request, Routes


class Log:
    """Every request, in memory to be counted and in DIR/requests.jsonl to be read."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.entries = []
        self.file = open(path, 'a', encoding='utf-8')  # pylint: disable=consider-using-with

    def add(self, entry):
        with self.lock:
            self.entries.append(entry)
            self.file.write(json.dumps(entry) + '\n')
            self.file.flush()

    def matching(self, **wanted):
        with self.lock:
            return [e for e in self.entries
                    if all(str(e.get(k)) == str(v) for k, v in wanted.items())]

    def forget(self):
        with self.lock:
            self.entries.clear()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server_version = 'fakevault'
    sys_version = ''
    timeout = 600

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self):
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            pass  # the client went away, which is its right

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def break_off(self):
        """Closes the connection under TLS, without its good-bye."""
        os.close(self.connection.detach())

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError, ssl.SSLError):
            pass

    def _request(self):
        url = urlsplit(self.path)
        host = self.headers.get('Host', '').rpartition(':')
        host = host[0] if host[1] and host[2].isdigit() else host[2]
        length = int(self.headers.get('Content-Length') or 0)
        return Request(host.lower(), self.command, url.path, dict(parse_qsl(url.query)),
                       self.headers, self.rfile.read(length))

    def _act(self, request):
        kind = self.server.kind
        if kind == 'login':
            return 'token' if request.path.endswith('/token') else 'discovery'
        if kind == 'metadata':
            return 'identity'
        return self.server.routes.operation(request.method, request.path.strip('/').split('/'))[0]

    def _truth(self, request):
        kind = self.server.kind
        if kind == 'login':
            return Reply(*self.server.entra.answer(request))
        if kind == 'metadata':
            return Reply(*self.server.identity.answer(request))
        return self.server.routes.answer(request)

    def serve(self):
        request = self._request()
        if self.server.kind != 'metadata':
            request.host = self.server.host  # the listener's, whatever the Host header says
        act = self._act(request)
        entry = {'at': time.time(), 'host': self.server.host, 'act': act,
                 'method': request.method, 'path': request.path, 'query': request.query,
                 'headers': {k.lower(): v for k, v in self.headers.items()},
                 'body': request.body.decode('utf-8', 'replace'),
                 'authenticated': 'Authorization' in self.headers, 'fault': None, 'status': None}
        fault = self.server.faults.take(self.server.host, act)
        try:
            if fault:
                entry['fault'] = fault.kind
                reply = fault.apply(self, request, lambda: self._truth(request))
            else:
                reply = self._truth(request)
            if reply is not None:
                entry['status'] = reply.status
        finally:
            self.server.log.add(entry)  # before the answer, so that who has it can count it
        if reply is not None:
            self.send(reply)

    def send(self, reply):
        body = reply.payload()
        self.send_response(reply.status)
        if body:
            self.send_header('Content-Type', 'application/json; charset=utf-8')
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve


class Listener(http.server.ThreadingHTTPServer):
    """One host. `tls` is None for plain http, 'good', 'hang', 'reset-once' or 'close-once' (the next
    handshake is broken off, those after it are good) or a kind of certs.broken_context."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, fake, host, address, port, kind, tls='good'):
        self.address_family = socket.AF_INET6 if ':' in address else socket.AF_INET
        for name in ('world', 'entra', 'identity', 'routes', 'faults', 'log'):
            setattr(self, name, getattr(fake, name))
        self.host, self.kind = host, kind
        self.tls = None if kind == 'metadata' else tls
        self.fake = fake
        self.contexts = {}
        self.open = set()
        self.connections = 0
        super().__init__((address, port), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.host, self.server_address[1]

    def _context(self):
        if self.tls not in self.contexts:
            ca = self.fake.authority
            self.contexts[self.tls] = ca.context(self.host) if self.tls == 'good' else \
                certs.broken_context(self.tls, ca, self.fake.folder, self.host)
        return self.contexts[self.tls]

    def finish_request(self, request, client_address):
        self.connections += 1
        self.open.add(request)
        try:
            if self.tls == 'reset-once':
                self.tls = 'good'
                request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                return
            if self.tls == 'close-once':
                self.tls = 'good'
                request.recv(4096)
                return
            if self.tls == 'hang':
                request.settimeout(600)
                while request.recv(4096):
                    pass
                return
            if self.tls:
                request.settimeout(30)
                raw, request = request, self._context().wrap_socket(request, server_side=True)
                self.open.discard(raw)  # its descriptor is the other's now
                self.open.add(request)
            self.RequestHandlerClass(request, client_address, self)
        except OSError:
            pass  # a handshake that the client broke off
        finally:
            self.open.discard(request)
            try:
                request.close()
            except OSError:
                pass

    def handle_error(self, request, client_address):
        import traceback
        print(f'fakevault: {self.host}: {traceback.format_exc()}', file=sys.stderr, flush=True)

    def stop(self):
        """Refuses connections from now on, and breaks those that are open."""
        self.shutdown()
        self.server_close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Fake:
    def __init__(self, folder):
        self.folder = folder
        self.world = worlds.World()
        self.entra = Entra(self.world)
        self.identity = Identity(self.world, self.entra)
        self.routes = Routes(self.world, self.entra)
        self.faults = Faults()
        self.log = Log(os.path.join(folder, 'requests.jsonl'))
        self.authority = certs.Authority(folder)
        with open(os.path.join(folder, 'ca.pem'), 'wb') as f:
            f.write(self.authority.pem())
        self.listeners = {}
        for host in worlds.HOSTS:
            self.up(host)
        for address, port in worlds.METADATA:
            host = address if port == 80 else f'{address}:{port}'
            self.listeners[host] = Listener(self, host, address, port, 'metadata')

    def up(self, host, tls='good'):
        if host in self.listeners:
            return
        if host in worlds.HOSTS:
            kind = 'login' if host.startswith('login.') else 'vault'
            address, port = worlds.HOSTS[host], worlds.PORTS.get(host, 443)
        else:
            address, _, port = host.partition(':')
            kind, port = 'metadata', int(port or 80)
        self.listeners[host] = Listener(self, host, address, port, kind, tls)

    def down(self, host):
        listener = self.listeners.pop(host, None)
        if listener:
            listener.stop()
