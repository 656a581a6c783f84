"""client.py ready|deliver|use|storm|again|check MODEL - the mail clients of mail/dovecot.

MODEL is a file: account -> folder -> mail number -> flags. A mail's bytes follow from its number,
so that none has to be kept. MODEL.acknowledged has a line "ACCOUNT NUMBER" for each mail that LMTP
took (answered with 250) during a storm.
"""
import base64
import collections
import functools
import imaplib
import itertools
import json
import os
import random
import re
import smtplib
import sys
import threading

ACCOUNTS = ('anna', 'bert', 'chief')
MAILS = int(os.environ['MAILS'])
STORM = 1_000_000  # mails of storms are numbered from here
GROUPS = (0, 3, 7)  # of ten: what is searched for
START = b'X-Depfs-Mail: '
SIZES = (0, 10, 900, 3700, 4100, 9000, 30000, 120000, 280000)  # of a body, before base64
imaplib._MAXLINE = 10_000_000


@functools.lru_cache(maxsize=None)
def mail(number):
    """The bytes of a mail, lines ended by CRLF; 100 bytes to 400 KiB."""
    rnd = random.Random(number)
    size = rnd.choice(SIZES)
    kind = rnd.choice(('tiny', 'text', 'eight', 'binary'))
    head = [START + b'%d' % number, b'Subject: group%d mail' % (number % 10)]
    if kind == 'tiny':
        return b'\r\n'.join(head + [b'', b'needle%dx' % (number % 10), b'-' * 40, b''])
    head += [b'Message-ID: <%d@example.org>' % number, b'From: sender%d@example.org' % (number % 7),
             b'To: someone@example.org', b'MIME-Version: 1.0']
    if kind == 'binary':
        head += [b'Content-Type: application/octet-stream', b'Content-Transfer-Encoding: base64']
        body = base64.encodebytes(rnd.randbytes(size)).splitlines()
    else:
        head += [b'Content-Type: text/plain; charset=utf-8', b'Content-Transfer-Encoding: 8bit']
        word = 'gr\u00fc\u00dfe ' if kind == 'eight' else 'hello '
        line = (word * 9).encode()
        body = [b'needle%dx' % (number % 10), word.encode() + b'to all']
        body += [b'%d ' % i + line for i in range(size // len(line))]
        body.append(b'.a line that begins with a dot')
    return b'\r\n'.join(head + [b''] + body + [b''])


def in_threads(*jobs):
    """Each job in a thread of its own; the first exception is raised here."""
    failures = []

    def run(job):
        try:
            job()
        except BaseException as e:  # pylint: disable=broad-except
            failures.append(e)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]


def for_each(work, items):
    in_threads(*(lambda item=item: work(item) for item in items))


def expect(held, *words):
    if not held:
        raise AssertionError(' '.join(str(w) for w in words))


def lmtp():
    return smtplib.LMTP('127.0.0.1', int(os.environ['LMTP_PORT']), timeout=100)


def imap(account, folder=None):
    box = imaplib.IMAP4('127.0.0.1', int(os.environ['IMAP_PORT']), timeout=100)
    box.login(account, 'secret')
    if folder:
        answer(box.select(folder))
    return box


def answer(reply):
    status, data = reply
    expect(status == 'OK', status, data)
    return data


Mail = collections.namedtuple('Mail', 'uid flags')


def fetch(box, uids='1:*'):
    """Mail number -> Mail, of the selected folder; every byte and size compared on the way."""
    found = {}
    for part in answer(box.uid('FETCH', uids, '(RFC822.SIZE FLAGS BODY.PEEK[])')):
        if not isinstance(part, tuple):
            continue
        reply, data = part
        uid = int(re.search(rb'UID (\d+)', reply).group(1))
        at = data.find(START)
        number = int(data[at + len(START):].split(b'\r\n', 1)[0])
        expect(data[at:] == mail(number), 'mail', number, 'UID', uid, 'came with other bytes')
        expect(int(re.search(rb'RFC822.SIZE (\d+)', reply).group(1)) == len(data), 'size of', number)
        expect(number not in found, 'mail', number, 'is there twice')
        flags = re.search(rb'FLAGS \(([^)]*)\)', reply).group(1).decode().split()
        found[number] = Mail(uid, sorted(set(flags) - {'\\Recent'}))
    return found


def found_by(box, mails, *criteria):
    """Numbers of the mails that SEARCH finds; one line of bytes at the end is sent as a literal."""
    if isinstance(criteria[-1], bytes):
        box.literal = criteria[-1]
        criteria = ('CHARSET', 'UTF-8') + criteria[:-1]
    number_of = {m.uid: n for n, m in mails.items()}
    return {number_of[int(uid)] for uid in answer(box.uid('SEARCH', *criteria))[0].split()}


def search(box, mails):
    """SEARCH finds exactly the right mails, by header, by text, by 8-bit text and by flag."""
    for group in GROUPS:
        needle = b'needle%dx' % group
        wanted = {n for n in mails if n % 10 == group}
        expect(found_by(box, mails, 'SUBJECT', f'group{group}') == wanted, 'SUBJECT', group)
        wanted = {n for n in mails if needle in mail(n)}
        expect(found_by(box, mails, 'BODY', needle.decode()) == wanted, 'BODY', needle)
        expect(found_by(box, mails, 'TEXT', needle.decode()) == wanted, 'TEXT', needle)
    word = 'gr\u00fc\u00dfe to'.encode()
    wanted = {n for n in mails if word in mail(n)}
    expect(found_by(box, mails, 'TEXT', word) == wanted, 'TEXT', word)
    wanted = {n for n, m in mails.items() if '\\Flagged' in m.flags}
    expect(found_by(box, mails, 'FLAGGED') == wanted, 'FLAGGED')


def ready(_):
    for account in ACCOUNTS:
        imap(account).logout()
    lmtp().quit()


def deliver_all(numbers):
    """Six clients at once; mail n goes to account n mod 3."""
    def client(mine):
        with lmtp() as server:
            for n in mine:
                server.sendmail('sender@example.org', [ACCOUNTS[n % 3]], mail(n))

    for_each(client, [numbers[k::6] for k in range(6)])


def deliver(model_path):
    deliver_all(range(MAILS))
    save(model_path, {a: {'INBOX': {n: [] for n in range(MAILS) if n % 3 == i}, 'Archive': {}}
                      for i, a in enumerate(ACCOUNTS)})


def again(model_path):
    """After a crash the accounts go on to take mails."""
    model, _ = load(model_path)
    first = 1 + max(n for a in model.values() for folder in a.values() for n in folder)
    numbers = range(first, first + 30)
    deliver_all(numbers)
    for n in numbers:
        model[ACCOUNTS[n % 3]]['INBOX'][n] = []
    save(model_path, model)


def save(path, model):
    with open(path + '.new', 'w', encoding='utf-8') as f:
        json.dump(model, f)
    os.rename(path + '.new', path)


def load(path):
    with open(path, encoding='utf-8') as f:
        model = {account: {folder: {int(n): flags for n, flags in mails.items()}
                           for folder, mails in folders.items()}
                 for account, folders in json.load(f).items()}
    acknowledged = collections.defaultdict(set)
    if os.path.exists(path + '.acknowledged'):
        with open(path + '.acknowledged', encoding='utf-8') as f:
            for line in f:
                account, number = line.split()
                acknowledged[account].add(int(number))
    return model, acknowledged


def use_account(account, folders):
    """Four sessions at once in one account: one moves, one expunges, one flags, and one reads what
    the others leave where it is."""
    inbox = folders['INBOX']
    box = imap(account, 'INBOX')
    answer(box.create('Archive'))
    mails = fetch(box)
    expect(set(mails) == set(inbox), account, 'lost mails', sorted(set(mails) ^ set(inbox)))
    search(box, mails)
    moved = [n for n in inbox if n % 5 == 0]
    gone = [n for n in inbox if n % 5 and n % 7 == 0]
    stay = [n for n in inbox if n % 5 and n % 7]
    flagged = [n for n in stay if n % 4 == 0]

    def uids(numbers):
        return ','.join(str(mails[n].uid) for n in numbers)

    def mover():
        box = imap(account, 'INBOX')
        for at in range(0, len(moved), 10):
            answer(box.uid('MOVE', uids(moved[at:at + 10]), 'Archive'))
        box.logout()

    def expunger():
        box = imap(account, 'INBOX')
        for at in range(0, len(gone), 10):
            answer(box.uid('STORE', uids(gone[at:at + 10]), '+FLAGS', r'(\Deleted)'))
            answer(box.expunge())
        box.logout()

    def flagger():
        box = imap(account, 'INBOX')
        for n in flagged:
            answer(box.uid('STORE', str(mails[n].uid), '+FLAGS', r'(\Flagged)'))
        box.logout()

    def reader():
        box = imap(account, 'INBOX')
        expect(set(fetch(box, uids(stay))) == set(stay), account, 'mails missing beside changes')
        box.logout()

    in_threads(mover, expunger, flagger, reader)
    box.logout()
    return {'INBOX': {n: ['\\Flagged'] if n in set(flagged) else [] for n in stay},
            'Archive': {n: [] for n in moved}}


def use(model_path):
    model, _ = load(model_path)

    def one(account):
        model[account] = use_account(account, model[account])

    for_each(one, ACCOUNTS)
    save(model_path, model)


def storm(model_path):
    """Six clients deliver until mails are refused; what was acknowledged is written down."""
    lock = threading.Lock()
    _, acknowledged = load(model_path)
    first = max(itertools.chain([STORM], *acknowledged.values())) + 1000
    with open(model_path + '.acknowledged', 'a', encoding='utf-8') as log:
        def client(k):
            account = ACCOUNTS[k % 3]
            try:
                with lmtp() as server:
                    for n in range(first + k, first + 100_000, 6):
                        server.sendmail('sender@example.org', [account], mail(n))
                        with lock:
                            log.write(f'{account} {n}\n')
                            log.flush()
            except (smtplib.SMTPException, OSError):
                return  # the mount is gone
            raise AssertionError('100,000 mails and the mount is still there')

        for_each(client, range(6))


def check(model_path):
    """Every mail and flag that the model names, where it names it, and each acknowledged mail; no
    others but those that a storm sent without an answer."""
    model, acknowledged = load(model_path)

    def folder_of(place):
        account, folder = place
        wanted = model[account][folder]
        box = imap(account, folder)
        mails = fetch(box)
        if folder == 'INBOX':
            missing = acknowledged[account] - set(mails)
            expect(not missing, account, 'acknowledged and gone:', sorted(missing))
        there = {n: m.flags for n, m in mails.items() if folder != 'INBOX' or n < STORM}
        expect(there == wanted, account, folder, 'is', there, 'and not', wanted)
        search(box, mails)
        box.logout()

    for_each(folder_of, [(a, f) for a in ACCOUNTS for f in ('INBOX', 'Archive')])


if __name__ == '__main__':
    globals()[sys.argv[1]](sys.argv[2])
