"""client.py ready|deliver|use|storm|check MODEL - the mail clients of mail/dovecot.

MODEL is a file: which mail (by number) each account keeps in which folder.  A mail's bytes follow
from its number, so that none has to be kept.  MODEL.acknowledged has a line "ACCOUNT NUMBER" for
each mail that LMTP took during the storm.
"""
import base64
import collections
import imaplib
import json
import os
import random
import re
import smtplib
import sys
import threading

ACCOUNTS = ('anna', 'bert', 'chief')
MAILS = int(os.environ['MAILS'])
START = b'X-Depfs-Mail: '
imaplib._MAXLINE = 10_000_000


def mail(number):
    """The bytes of a mail, lines ended by CRLF; 200 bytes to 400 KiB."""
    rnd = random.Random(number)
    size = rnd.choice((0, 10, 900, 3700, 4100, 9000, 30000, 120000, 280000))
    kind = rnd.choice(('text', 'eight', 'binary'))
    head = [START + b'%d' % number, b'Message-ID: <%d@example.org>' % number,
            b'From: sender%d@example.org' % (number % 7), b'To: someone@example.org',
            b'Subject: group%d mail' % (number % 10), b'MIME-Version: 1.0']
    if kind == 'binary':
        head += [b'Content-Type: application/octet-stream', b'Content-Transfer-Encoding: base64']
        body = base64.encodebytes(rnd.randbytes(size)).splitlines()
    else:
        head += [b'Content-Type: text/plain; charset=utf-8', b'Content-Transfer-Encoding: 8bit']
        word = 'gr\u00fc\u00dfe ' if kind == 'eight' else 'hello '
        line = (word * 9).encode()
        body = [b'needle%dx' % (number % 10)] + [b'%d ' % i + line for i in range(size // len(line))]
        body.append(b'.a line that begins with a dot')
    return b'\r\n'.join(head + [b''] + body + [b''])


def searchable(number):
    return b'needle%dx' % (number % 10) in mail(number)


def in_threads(work, items):
    """work(item) for each item in a thread of its own; the first exception is raised here."""
    failures = []

    def run(item):
        try:
            work(item)
        except BaseException as e:  # pylint: disable=broad-except
            failures.append(e)

    threads = [threading.Thread(target=run, args=(item,)) for item in items]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]


def lmtp():
    return smtplib.LMTP('127.0.0.1', int(os.environ['LMTP_PORT']))


def imap(account, folder=None):
    box = imaplib.IMAP4('127.0.0.1', int(os.environ['IMAP_PORT']), timeout=60)
    box.login(account, 'secret')
    if folder:
        answer(box.select(folder))
    return box


def answer(reply):
    status, data = reply
    if status != 'OK':
        raise AssertionError(f'{status}: {data}')
    return data


def numbers_of(box):
    """Mail number -> UID, of the selected folder; every byte compared on the way."""
    found = {}
    for part in answer(box.uid('FETCH', '1:*', '(BODY.PEEK[])')):
        if not isinstance(part, tuple):
            continue
        uid = int(re.search(rb'UID (\d+)', part[0]).group(1))
        at = part[1].find(START)
        number = int(part[1][at + len(START):].split(b'\r\n', 1)[0])
        if part[1][at:] != mail(number):
            raise AssertionError(f'mail {number} (UID {uid}) came back with other bytes')
        if number in found:
            raise AssertionError(f'mail {number} is there twice')
        found[number] = uid
    return found


def ready(_):
    for account in ACCOUNTS:
        imap(account).logout()
    lmtp().quit()


def deliver(model_path):
    """Four clients at once; mail n goes to account n mod 3."""
    def client(k):
        with lmtp() as server:
            for n in range(k, MAILS, 4):
                server.sendmail('sender@example.org', [ACCOUNTS[n % 3]], mail(n))

    in_threads(client, range(4))
    model = {a: {'INBOX': [n for n in range(MAILS) if n % 3 == i]} for i, a in enumerate(ACCOUNTS)}
    save(model_path, model)


def save(path, model):
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(model, f)


def load(path):
    with open(path, encoding='utf-8') as f:
        model = json.load(f)
    acknowledged = collections.defaultdict(set)
    if os.path.exists(path + '.acknowledged'):
        with open(path + '.acknowledged', encoding='utf-8') as f:
            for line in f:
                account, number = line.split()
                acknowledged[account].add(int(number))
    return model, acknowledged


def search(box, numbers):
    """SEARCH by subject and by body finds exactly the right mails."""
    uids = {uid: n for n, uid in numbers.items()}
    for group in range(10):
        by_subject = answer(box.uid('SEARCH', 'SUBJECT', f'group{group}'))[0].split()
        wanted = {n for n in numbers if n % 10 == group}
        assert {uids[int(u)] for u in by_subject} == wanted, f'SEARCH SUBJECT group{group}'
        by_body = answer(box.uid('SEARCH', 'BODY', f'needle{group}x'))[0].split()
        wanted = {n for n in wanted if searchable(n)}
        assert {uids[int(u)] for u in by_body} == wanted, f'SEARCH BODY needle{group}x'


def uid_set(numbers, chosen):
    return ','.join(str(numbers[n]) for n in chosen)


def use(model_path):
    """All accounts at once, each by two sessions: one reads all the time, one moves and expunges."""
    model, _ = load(model_path)

    def reader(account):
        box = imap(account, 'INBOX')
        for n, uid in list(numbers_of(box).items())[:40]:
            answer(box.uid('FETCH', str(uid), '(FLAGS RFC822.SIZE)'))
            assert n % 3 == ACCOUNTS.index(account)
        box.logout()

    def mover(account):
        box = imap(account, 'INBOX')
        numbers = numbers_of(box)
        assert sorted(numbers) == sorted(model[account]['INBOX']), f'{account}: mails are missing'
        search(box, numbers)
        answer(box.create('Archive'))
        moved = [n for n in numbers if n % 5 == 0]
        answer(box.uid('MOVE', uid_set(numbers, moved), 'Archive'))
        gone = [n for n in numbers if n % 7 == 0 and n % 5]
        answer(box.uid('STORE', uid_set(numbers, gone), '+FLAGS', r'(\Deleted)'))
        answer(box.expunge())
        seen = [n for n in numbers if n % 3 == 1 and n % 5 and n % 7]
        if seen:
            answer(box.uid('STORE', uid_set(numbers, seen), '+FLAGS', r'(\Flagged)'))
        box.logout()
        model[account] = {'INBOX': [n for n in numbers if n % 5 and n % 7], 'Archive': moved}

    jobs = [(mover, a) for a in ACCOUNTS] + [(reader, a) for a in ACCOUNTS]
    in_threads(lambda job: job[0](job[1]), jobs)
    save(model_path, model)


def storm(model_path):
    """Mails from 1,000,000 on, until they are refused; what was acknowledged is written down."""
    lock = threading.Lock()
    with open(model_path + '.acknowledged', 'w', encoding='utf-8') as log:
        def client(k):
            try:
                with lmtp() as server:
                    for n in range(1_000_000 + k, 1_100_000, 3):
                        server.sendmail('sender@example.org', [ACCOUNTS[k]], mail(n))
                        with lock:
                            log.write(f'{ACCOUNTS[k]} {n}\n')
                            log.flush()
            except (smtplib.SMTPException, OSError):
                return  # the mount is gone
            raise AssertionError('100,000 mails and the mount is still there')

        in_threads(client, range(3))


def check(model_path):
    """Every mail that the model names, where it names it, and each acknowledged one; no others but
    those the storm sent without an answer."""
    model, acknowledged = load(model_path)

    def account_of(account):
        for folder, wanted in model[account].items():
            box = imap(account, folder)
            there = set(numbers_of(box))
            if folder == 'INBOX':
                missing = acknowledged[account] - there
                assert not missing, f'{account}: acknowledged and gone: {sorted(missing)}'
                there = {n for n in there if n < 1_000_000}
            assert there == set(wanted), f'{account}/{folder}: {sorted(there ^ set(wanted))}'
            box.logout()

    in_threads(account_of, ACCOUNTS)


if __name__ == '__main__':
    globals()[sys.argv[1]](sys.argv[2])
