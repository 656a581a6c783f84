"""fakevault serve DIR      runs until SIGTERM; makes DIR/ca.pem, DIR/control, DIR/requests.jsonl
fakevault hosts          lines for /etc/hosts
fakevault ACT WORDS... [NAME=VALUE...]   one act of control.py; FAKEVAULT_DIR names the folder
"""
import json
import os
import re
import signal
import socket
import sys


def serve(folder):
    from .control import Control
    from .server import Fake
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    Control(Fake(folder))
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    os._exit(0)  # no thread is waited for


def hosts():
    from .world import HOSTS
    print('127.0.0.1 localhost\n::1 localhost')
    for name, address in HOSTS.items():
        print(address, name)


def ask(words):
    options = {}
    while len(words) > 1 and re.match(r'[a-z_]+=', words[-1]):
        name, _, value = words.pop().partition('=')
        options[name] = value
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(os.environ['FAKEVAULT_DIR'], 'control'))
        s.sendall(json.dumps({'act': words[0], 'words': words[1:], 'options': options}).encode() +
                  b'\n')
        answer = json.loads(s.makefile().readline())
    if 'error' in answer:
        sys.exit(f"fakevault: {answer['error']}")
    if answer['ok'] is not None:
        print(answer['ok'])


if __name__ == '__main__':
    if sys.argv[1:2] == ['serve']:
        serve(sys.argv[2])
    elif sys.argv[1:2] == ['hosts']:
        hosts()
    else:
        ask(sys.argv[1:] or sys.exit(__doc__))
