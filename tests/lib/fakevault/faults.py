"""What goes wrong when a test says so. A fault names a host and an act ('*' for any), and is used
up after `count` requests when it has one, the first `skip` of them left alone.

    error NAME                 a row of errors.TABLE [retry_after=] [retry_after_ms=]
    status N                   that status [code= inner= message= body= retry_after= type=]
    oauth ERROR                an answer of the token endpoint [status= number=]
    slow S                     the true answer, S seconds later
    hang                       no answer until the fault is lifted or the client goes away
    reset, close               the connection breaks instead of an answer
    cut N                      the true answer, broken off after N bytes
    drip S                     the true answer, one byte each S seconds
    huge N                     an answer of N bytes [chunked=1]
    headers                    headers without end
    header N                   one header of N bytes
    text TEXT                  status 200 and this for a body
    bomb N                     JSON nested N deep
    keys N                     JSON with N members
    redirect URL               [status=]
    challenge TEXT             401 with this WWW-Authenticate
    raw BYTES                  those instead of an answer, with Python's escapes [times=]
    edit JSON                  the true answer with these members put in (null removes one)
"""
import json
import random
import select
import socket
import struct
import threading
import time

from .errors import TABLE, VaultError
from .routes import Reply


class Fault:
    def __init__(self, host, act, kind, value='', count=None, skip=0, **options):
        if 'fault_' + kind not in globals():
            raise ValueError(f'there is no fault {kind}')
        if kind == 'error' and value not in TABLE:
            raise ValueError(f'there is no error {value}')
        self.host, self.act, self.kind, self.value = host, act, kind, value
        self.count, self.skip = (int(count) if count is not None else None), int(skip)
        self.options = options
        self.lifted = threading.Event()

    def takes(self, host, act):
        return self.host in ('*', host) and self.act in ('*', act)

    def apply(self, handler, request, truth):
        """Answers the request; `truth` is the function that makes the true Reply."""
        return globals()['fault_' + self.kind](self, handler, request, truth)


class Faults:
    def __init__(self):
        self.list = []
        self.lock = threading.Lock()

    def add(self, fault):
        with self.lock:
            self.list.append(fault)

    def lift(self, host='*', act='*'):
        with self.lock:
            gone = [f for f in self.list if host in ('*', f.host) and act in ('*', f.act)]
            self.list = [f for f in self.list if f not in gone]
        for fault in gone:
            fault.lifted.set()

    def take(self, host, act):
        """The fault that this request meets, or None."""
        with self.lock:
            for fault in self.list:
                if not fault.takes(host, act):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self.list.remove(fault)
                return fault
        return None


def _retry_headers(options):
    names = {'retry_after': 'Retry-After', 'retry_after_ms': 'Retry-After-Ms',
             'x_ms_retry_after_ms': 'x-ms-retry-after-ms'}
    return {names[k]: str(v) for k, v in options.items() if k in names}


def fault_error(fault, handler, request, truth):
    error = VaultError(fault.value, op=fault.options.get('op', ''), detail='(injected)')
    reply = handler.server.routes.refusal(error, handler.server.world.vault(request.host), request)
    reply.headers.update(_retry_headers(fault.options))
    return reply


def fault_status(fault, handler, request, truth):
    o = fault.options
    reply = Reply(int(fault.value), None, _retry_headers(o))
    if 'body' in o:
        reply.body = o['body'].encode()
    elif 'code' in o:
        error = {'code': o['code'], 'message': o.get('message', 'injected')}
        if 'inner' in o:
            error['innererror'] = {'code': o['inner']}
        reply.body = {'error': error}
    return reply


def fault_oauth(fault, handler, request, truth):
    number = int(fault.options.get('number', 0))
    return Reply(int(fault.options.get('status', 401)), {
        'error': fault.value, 'error_codes': [number],
        'error_description': f'AADSTS{number}: injected. Trace ID: 0'}, {})


def fault_slow(fault, handler, request, truth):
    fault.lifted.wait(float(fault.value))
    return truth()


def client_gone(connection):
    if getattr(connection, 'pending', lambda: 0)():
        return False
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return connection.recv(1) == b''
    except OSError:
        return True


def fault_hang(fault, handler, request, truth):
    while not fault.lifted.wait(0.1) and not client_gone(handler.connection):
        pass
    handler.close_connection = True


def fault_reset(fault, handler, request, truth):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    fault_close(fault, handler, request, truth)


def fault_close(fault, handler, request, truth):
    handler.close_connection = True
    handler.break_off()


def _raw(handler, reply):
    """A reply's bytes, as send() would put them on the wire."""
    body = reply.payload()
    lines = [f'HTTP/1.1 {reply.status} X', f'Content-Length: {len(body)}',
             'Content-Type: application/json', *(f'{k}: {v}' for k, v in reply.headers.items())]
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def fault_cut(fault, handler, request, truth):
    handler.wfile.write(_raw(handler, truth())[:int(fault.value)])
    handler.close_connection = True


def fault_drip(fault, handler, request, truth):
    handler.close_connection = True
    for byte in _raw(handler, truth()):
        handler.wfile.write(bytes([byte]))
        if fault.lifted.wait(float(fault.value)):
            return


def fault_huge(fault, handler, request, truth):
    left = int(fault.value)
    chunked = 'chunked' in fault.options
    size = 'Transfer-Encoding: chunked' if chunked else f'Content-Length: {left}'
    handler.close_connection = True
    handler.wfile.write(f'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{size}\r\n\r\n'
                        .encode())
    piece = b' ' * 65536
    while left > 0 and not fault.lifted.is_set():
        part = piece[:left]
        handler.wfile.write(b'%x\r\n%s\r\n' % (len(part), part) if chunked else part)
        left -= len(part)
    if chunked:
        handler.wfile.write(b'0\r\n\r\n')


def fault_headers(fault, handler, request, truth):
    handler.close_connection = True
    handler.wfile.write(b'HTTP/1.1 200 OK\r\n')
    line = b''.join(b'X-Filler-%d: %s\r\n' % (i, b'x' * 200) for i in range(100))
    end = time.monotonic() + 60
    while not fault.lifted.is_set() and time.monotonic() < end:
        handler.wfile.write(line)


def fault_header(fault, handler, request, truth):
    handler.close_connection = True
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nX-Filler: ' + b'x' * int(fault.value) +
                        b'\r\nContent-Length: 0\r\n\r\n')


def fault_raw(fault, handler, request, truth):
    handler.close_connection = True
    data = fault.value.encode().decode('unicode_escape').encode('latin1')
    for _ in range(int(fault.options.get('times', 1))):
        handler.wfile.write(data)


def fault_text(fault, handler, request, truth):
    return Reply(int(fault.options.get('status', 200)), fault.value.encode())


def fault_bomb(fault, handler, request, truth):
    depth = int(fault.value)
    return Reply(200, b'{"value":' + b'[' * depth + b']' * depth + b'}')


def fault_keys(fault, handler, request, truth):
    return Reply(200, b'{' + b','.join(b'"%d%d":0' % (i, random.getrandbits(30))
                                       for i in range(int(fault.value))) + b'}')


def fault_redirect(fault, handler, request, truth):
    return Reply(int(fault.options.get('status', 307)), None, {'Location': fault.value})


def fault_challenge(fault, handler, request, truth):
    error = VaultError('no-token').body()
    return Reply(401, error, {'WWW-Authenticate': fault.value} if fault.value else {})


def merge(value, change):
    if not isinstance(change, dict) or not isinstance(value, dict):
        return change
    out = dict(value)
    for name, part in change.items():
        if part is None:
            out.pop(name, None)
        else:
            out[name] = merge(out.get(name), part)
    return out


def fault_edit(fault, handler, request, truth):
    reply = truth()
    if reply.status == 200:
        reply.body = merge(reply.body, json.loads(fault.value))
    return reply
