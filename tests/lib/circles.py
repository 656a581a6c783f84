#!/usr/bin/env python3
"""circles.py [BUILD [REGEX]] - no circle ties files of different rooms; fs/README.md, Rooms.

Who uses whom is read twice: from the symbols of the objects in BUILD (default: build, which must have
been built), and from the #include lines. Exit status 1 and the files of each circle, with what ties
them, when
  - a circle of rooms exists, of either kind,
  - more than three files of one room form a circle of symbols, or headers any of includes.
With REGEX: what each matching file uses of which other.
"""
import collections
import json
import os
import re
import subprocess
import sys

from rooms import TOP, includes, sources

LARGEST = {'symbols': 3, 'includes': 1}  # files that may form a circle inside a room


def room_of(path):
    return os.path.dirname(path)


def objects(build):
    """Source -> object, of the product's files."""
    found = {}
    with open(os.path.join(build, 'compile_commands.json'), encoding='utf-8') as f:
        for entry in json.load(f):
            output = re.search(r' -o (\S+) ', entry['command']).group(1)
            if not output.startswith('tests/'):  # a test may hold files of the product
                source = os.path.relpath(entry['file'], TOP)
                found[source] = os.path.join(entry['directory'], output)
    missing = [o for o in found.values() if not os.path.exists(o)]
    if missing:
        sys.exit(f'{missing[0]} is missing: build first (cmake --build {build})')
    return found


def symbol_graph(build):
    """Source -> source it uses -> names."""
    source_of = {o: s for s, o in objects(build).items()}
    defined, wanted, source = {}, collections.defaultdict(set), None
    out = subprocess.run(['nm', *source_of], capture_output=True, text=True, check=True).stdout
    for line in out.split('\n'):
        words = line.split()
        if line.endswith(':'):
            source = source_of[line[:-1]]
        elif len(words) >= 2 and words[-2] in ('U', 'w', 'v'):
            wanted[source].add(words[-1])
        elif len(words) == 3 and words[1].isupper():
            defined[words[2]] = source
    graph = {s: collections.defaultdict(set) for s in source_of.values()}
    for user, names in wanted.items():
        for name in names:
            if defined.get(name, user) != user:
                graph[user][defined[name]].add(name)
    return graph


def include_graph():
    graph = {path: collections.defaultdict(set) for path in sources()}
    for path, uses in graph.items():
        for kind, header in includes(path):
            if kind == '"' and header in graph:
                uses[header].add(header)
    return graph


def by_room(graph):
    """The same between rooms: room -> room -> 'user > used'."""
    rooms = collections.defaultdict(lambda: collections.defaultdict(set))
    for user, uses in graph.items():
        for used, names in uses.items():
            if room_of(user) != room_of(used):
                rooms[room_of(user)][room_of(used)].add(
                    f'{user} > {used} ({" ".join(sorted(names)[:3])})')
    return rooms


def circles(graph):
    """Strongly connected components of two or more (Tarjan, 1972), the largest first."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []

    def walk(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)
        for used in list(graph.get(node, ())):
            if used not in index:
                walk(used)
                low[node] = min(low[node], low[used])
            elif used in on_stack:
                low[node] = min(low[node], index[used])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(sorted(stack[at:]))
            on_stack.difference_update(stack[at:])
            del stack[at:]

    sys.setrecursionlimit(10000)
    for node in list(graph):
        if node not in index:
            walk(node)
    return sorted((c for c in found if len(c) > 1), key=len, reverse=True)


def show_ties(graph, circle, most):
    """Which of them uses what of which other."""
    for user in circle:
        for used in circle:
            names = sorted(graph.get(user, {}).get(used, ()))
            if names:
                more = f' and {len(names) - most} more' if len(names) > most else ''
                print(f'    {user} > {used}: {", ".join(names[:most])}{more}')


def check(what, graph):
    bad = 0
    rooms = by_room(graph)
    for circle in circles(rooms):
        bad += 1
        print(f'{what}: a circle of {len(circle)} rooms: {" ".join(circle)}')
        show_ties(rooms, circle, 2)
    for circle in circles(graph):
        inside = len({room_of(path) for path in circle}) == 1
        if inside and len(circle) > LARGEST[what]:
            bad += 1
            print(f'{what}: a circle of {len(circle)} files in {room_of(circle[0])}: {" ".join(circle)}')
            show_ties(graph, circle, 4)
    return bad


def main(build='build', regex=None):
    symbols = symbol_graph(os.path.join(TOP, build))
    if regex:
        for user in sorted(s for s in symbols if re.search(regex, s)):
            print(user)
            for used, names in sorted(symbols[user].items()):
                print(f'    {used}: {" ".join(sorted(names))}')
        return 0
    return 1 if check('symbols', symbols) + check('includes', include_graph()) else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
