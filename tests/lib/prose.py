#!/usr/bin/env python3
"""prose.py - what the text of the tracked files must not say.

    prose.py citations    no file outside the repository is cited: the pages for builders are
                          README.md, fs/, kms/, crypto/ and tests/README.md, those for users man/
    prose.py words        none of the words of tests/lib/words, which a newcomer cannot guess

Exit status 1 and a line for each place: file, line, what is there and what should be.
"""
import fnmatch
import os
import re
import subprocess
import sys

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
WORDS = 'tests/lib/words'
OUTSIDE = re.compile(r'\b(?:DESIG[N]|STYL[E]|AK[V]\.md|CUSTOMER_KE[Y]\.md|PEER[S](?:\.md)?|FUS[E]\.md)\b'
                     r'(?:\.md)?[, ]*(?:section )?[0-9.]*')


def tracked():
    """Text files of the repository, new ones too, as paths from the top."""
    listed = subprocess.run(['git', '-c', 'safe.directory=*', '-C', TOP, 'ls-files', '-z', '--cached',
                             '--others', '--exclude-standard'], capture_output=True, check=True)
    for name in sorted(set(os.fsdecode(listed.stdout).split('\0'))):
        path = os.path.join(TOP, name)
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, 'rb') as f:
                data = f.read()
            if b'\0' not in data:
                yield name, data.decode(errors='replace')


def line_of(text, found):
    return text.count('\n', 0, found.start()) + 1


def citations():
    for path, text in tracked():
        for found in OUTSIDE.finditer(text):
            yield f'{path}:{line_of(text, found)}: cites {found.group().strip()}'


def read_words():
    """(pattern, what to say instead, globs of files or [] for all, globs of files left out)"""
    with open(os.path.join(TOP, WORDS), encoding='utf-8') as f:
        for line in f:
            if line.strip() and not line.startswith('#'):
                pattern, instead, *where = re.split(r'\t+', line.rstrip('\n'))
                globs = where[0].split() if where else []
                # a word is what no letter comes before or behind: slow_word and word_2 hold it
                pattern = re.compile(rf'(?<![a-z])(?:{pattern})(?![a-z])', re.I)
                yield (pattern, instead, [g for g in globs if g[0] != '!'],
                       [g[1:] for g in globs if g[0] == '!'])


def applies(path, globs, left_out):
    def among(patterns):
        return any(fnmatch.fnmatch(path, p) for p in patterns)
    return (not globs or among(globs)) and not among(left_out)


def words():
    table = list(read_words())
    for path, text in tracked():
        if path == WORDS or '/vectors/' in path:
            continue
        rules = [(pattern, instead) for pattern, instead, globs, left_out in table
                 if applies(path, globs, left_out)]
        for pattern, instead in rules:
            for found in pattern.finditer(text):
                word = re.compile(r'\w*').match(text, found.end()).group()
                word = re.search(r'\w*\Z', text[max(0, found.start() - 60):found.start()]).group() + found.group() + word
                yield f'{path}:{line_of(text, found)}: "{word.strip()}": say {instead}'


def main(act):
    breaches = list({'citations': citations, 'words': words}[act]())
    print('\n'.join(breaches))
    print(f'{len(breaches)} {act}')
    return 1 if breaches else 0


if __name__ == '__main__':
    if sys.argv[1:] not in (['citations'], ['words']):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
