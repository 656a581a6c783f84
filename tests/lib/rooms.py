#!/usr/bin/env python3
"""rooms.py - the rooms of the source tree and who may include what; fs/README.md, Rooms.

    rooms.py tree [BUILD]     each room: files, purpose, the rooms it sees
    rooms.py check [BUILD]    exit status 1 and a line for each breach

BUILD is a configured build folder (default: build); nothing needs to be compiled in it. A room is a
row depfs_room() of a CMakeLists.txt: EXPOSES is what its headers include, USES what only its .c files
include. The check tries to include each room's headers from each other room, with the compiler and the
options of the build: they must be found exactly when the rows allow it, and an _internal.h never.
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
FOLDERS = ('crypto', 'kms', 'fs', 'tools')  # of the product's C files

# Libraries with one owner: the header, and where it may be included.
OWNERS = [
    (r'curl/.*\.h', r'kms/.*\.c', 1),
    (r'lmdb\.h', r'fs/store/.*', None),
    (r'fuse_lowlevel\.h', r'fs/fuse/.*|fs/main\.c', None),
    (r'seccomp\.h|cap-ng\.h', r'fs/[^/]*\.c', None),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]*)[>"]', re.M)


class Room:
    def __init__(self, folder, library, cmake, exposes, uses):
        self.folder, self.library = folder, library
        self.exposes, self.uses = exposes, uses
        self.purpose = purpose_of(folder, cmake)
        names = sorted(os.listdir(os.path.join(TOP, folder)))
        self.files = [f'{folder}/{n}' for n in names if n.endswith(('.c', '.h'))]
        self.headers = [f for f in self.files if f.endswith('.h')]
        self.public = [f for f in self.headers if not f.endswith('_internal.h')]
        self.internal = [f for f in self.headers if f.endswith('_internal.h')]


def purpose_of(folder, cmake):
    """The comment right above the room's row, or ''."""
    with open(cmake, encoding='utf-8') as f:
        lines = f.read().split('\n')
    at = next((i for i, line in enumerate(lines)
               if re.match(rf'\s*depfs_room\({re.escape(folder)}[ )\n]', line + '\n')), 0)
    words = []
    while at > 0 and lines[at - 1].lstrip().startswith('#'):
        at -= 1
        words.insert(0, lines[at].lstrip('# \t'))
    return ' '.join(words)


def read_rooms(build):
    """folder -> Room, in the order of the CMake files."""
    table = os.path.join(build, 'rooms.tsv')
    if not os.path.exists(table):
        sys.exit(f'{table} is missing: configure the build first (cmake --preset release)')
    rooms, libraries = {}, {}
    with open(table, encoding='utf-8') as f:
        for line in f:
            folder, library, cmake, exposes, uses = line.rstrip('\n').split('\t')
            rooms[folder] = Room(folder, library, cmake, exposes.split(';'), uses.split(';'))
            libraries[library] = folder
    for room in rooms.values():
        room.exposes = [libraries[x] for x in room.exposes if x in libraries]
        room.uses = [libraries[x] for x in room.uses if x in libraries]
    return rooms


def visible(rooms, room):
    """Folders of the rooms whose public headers the .c files of this one may include."""
    seen, todo = set(), room.exposes + room.uses
    while todo:
        folder = todo.pop()
        if folder not in seen:
            seen.add(folder)
            todo += rooms[folder].exposes
    return seen - {room.folder}


def sources():
    """Every C file of the product, programs too, as a path from the top."""
    for top in FOLDERS:
        for folder, _, names in sorted(os.walk(os.path.join(TOP, top))):
            for name in sorted(names):
                if name.endswith(('.c', '.h')):
                    yield os.path.relpath(os.path.join(folder, name), TOP)


def includes(path):
    """('<' or '"', header) of each #include of a file."""
    with open(os.path.join(TOP, path), encoding='utf-8') as f:
        return INCLUDE.findall(f.read())


# ---- what the text of the files shows ----

def breaches_of_form():
    for path in sources():
        for kind, header in includes(path):
            if kind != '"':
                continue
            if header.startswith('../') or '/../' in header:
                yield f'{path}: includes "{header}"; a header is named by its path from the top'
            elif '/' not in header:
                yield f'{path}: includes "{header}" without its folder'


def breaches_of_ownership():
    for pattern, owner, most in OWNERS:
        users = [p for p in sources() for kind, header in includes(p)
                 if kind == '<' and re.fullmatch(pattern, header)]
        for path in users:
            if not re.fullmatch(owner, path):
                yield f'{path}: includes <{pattern}>, which only {owner} may'
        if most and len(set(users)) > most:
            yield f'<{pattern}> has {len(set(users))} users, not {most}: {" ".join(users)}'


# ---- what the compiler says ----

def commands(build, rooms):
    """folder -> (directory, argv without the source) of a file that is part of the room's library."""
    found = {}
    with open(os.path.join(build, 'compile_commands.json'), encoding='utf-8') as f:
        for entry in json.load(f):
            folder = os.path.dirname(os.path.relpath(entry['file'], TOP))
            room = rooms.get(folder)
            if room is None or folder in found or f'/{room.library}.dir/' not in entry['command']:
                continue
            argv = shlex.split(entry['command'])
            if os.path.basename(argv[0]) == 'ccache':
                del argv[0]
            del argv[argv.index('-o'):argv.index('-o') + 2], argv[argv.index('-c'):]
            found[folder] = entry['directory'], argv
    return found


def try_include(command, headers):
    """None when it compiles; what the compiler says otherwise."""
    directory, argv = command
    text = ''.join(f'#include "{h}"\n' for h in headers)
    done = subprocess.run([*argv, '-fsyntax-only', '-x', 'c', '-'], cwd=directory, text=True,
                          input=text, capture_output=True, check=False,
                          env={**os.environ, 'LC_ALL': 'C'})
    return None if done.returncode == 0 else done.stderr


def judge(room, headers, allowed, complaint):
    """A breach, or None."""
    if allowed:
        if complaint is None:
            return None
        first = next((x for x in complaint.split('\n') if 'error' in x), complaint)
        return f'{room}: should compile with {" ".join(headers)} but does not: {first}'
    header, = headers
    missing = complaint is not None and re.search(
        rf'{re.escape(header)}(: No such file|\' file not found)', complaint)
    return None if missing else f'{room}: can include "{header}", which its row in CMake does not allow'


def breaches_of_rows(build, rooms):
    compilers = commands(build, rooms)
    attempts = []  # (room, headers, allowed); what is allowed is tried at once
    for room in rooms.values():
        if not room.purpose:
            yield f'{room.folder}: no comment above its row in CMake says what it is for'
        if room.folder not in compilers:
            continue  # headers alone: no file of it is compiled
        seen = visible(rooms, room)
        for other in rooms.values():
            if other is room:
                continue
            if other.folder not in seen:
                attempts += [(room.folder, [h], False) for h in other.public[:1]]
            elif other.public:
                attempts.append((room.folder, other.public, True))
            attempts += [(room.folder, [h], False) for h in other.internal[:1]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = pool.map(lambda a: try_include(compilers[a[0]], a[1]), attempts)
        refused = set()
        for (folder, headers, allowed), complaint in zip(attempts, complaints):
            breach = judge(folder, headers, allowed, complaint)
            if breach:
                yield breach
            elif not allowed:
                refused.add(folder)
    for folder in compilers:
        if folder not in refused:
            yield f'{folder}: no include of another room is refused'
    print(f'{len(attempts)} includes tried from {len(compilers)} rooms')


def tree(rooms):
    for room in sorted(rooms.values(), key=lambda r: r.folder):
        depth = room.folder.count('/')
        print(f'{"  " * depth + room.folder:<18}{len(room.files):4} files  {room.purpose}')
        print(f'{"":30}sees {" ".join(sorted(visible(rooms, room))) or "no other room"}')


def main(act, build='build'):
    build = os.path.join(TOP, build)
    rooms = read_rooms(build)
    if act == 'tree':
        tree(rooms)
        return 0
    breaches = [*breaches_of_form(), *breaches_of_ownership(), *breaches_of_rows(build, rooms)]
    print('\n'.join(breaches))
    return 1 if breaches else 0


if __name__ == '__main__':
    if len(sys.argv) < 2 or sys.argv[1] not in ('tree', 'check'):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
