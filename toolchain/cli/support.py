# SPDX-License-Identifier: BSD-2-Clause
"""The table of functions that are partial or absent, toolchain/cli/support.list, and the check that it is true.

The check (`support.py BUILD`, part of `make check`) compares the table with the libraries: what is partial or
ENOSYS is in them, what is absent is not, and whatever in libos/libc can answer ENOSYS stands in the table.
"""

import os
import re
import sys
from dataclasses import dataclass

import elf_symbols
from words import TOP

TABLE = os.path.join(TOP, "toolchain", "cli", "support.list")
STATES = ("partial", "enosys", "absent")
LIBRARIES = ("lib/libpith.a", "sysroot/lib/libc.a", "sysroot/lib/libm.a", "sysroot/lib/libpithrt.a")


@dataclass
class Entry:
    state: str
    names: list
    what: str = ""
    instead: str = ""


WORDS = re.compile(r'"(?:[^"\\\n]|\\.)*"|/\*.*?\*/', re.DOTALL)  # strings and comments


class Mistake(Exception):
    """The table can't be read."""


def parse(text, where="support.list"):
    """The entries of a table."""
    found, fresh = [], True
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if line[0] != " ":
            state, *names = bare.split()
            if state not in STATES or not names:
                raise Mistake(f"{where}:{number}: a line is one of {', '.join(STATES)}, then names")
            if fresh or found[-1].state != state:
                found.append(Entry(state, []))
            found[-1].names += names
            fresh = False
        elif not found:
            raise Mistake(f"{where}:{number}: text before the first names")
        else:
            fresh, entry = True, found[-1]
            if bare.startswith("->") or entry.instead:
                entry.instead = f"{entry.instead} {bare.removeprefix('->').strip()}".strip()
            else:
                entry.what = f"{entry.what} {bare}".strip()
    return found


def read():
    with open(TABLE, encoding="utf-8") as f:
        return parse(f.read(), TABLE)


def by_name(entries):
    return {name: entry for entry in entries for name in entry.names}


class Libraries:
    """What Pith's libraries define: `names`, and the static functions by (source, name)."""

    def __init__(self, build):
        self.names, self.statics = set(), set()
        for library in LIBRARIES:
            for member in elf_symbols.members(os.path.join(build, library)):
                self.names |= member.defined()
                self.statics |= {(s.file, s.name) for s in member.symbols if s.local}

    def have(self, symbol):
        return (symbol.file, symbol.name) in self.statics if symbol.local else symbol.name in self.names


# ---- the check ----

FINE = {"abort"}  # calls raise(SIGABRT), which can't be refused

FUNCTION = re.compile(r"^(static )?[A-Za-z_][^;{}=]*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)


def functions_of(source, file):
    """{name as others know it: body} of a C source: a static function's is of its file alone."""
    return {(file if match[1] else "", match[2]): match[3] for match in FUNCTION.finditer(source)}


def answers_enosys(functions):
    """Which of {(file or "", name): (file, body)} can answer ENOSYS, by themselves or by what they call."""
    functions = {key: (file, WORDS.sub("", body)) for key, (file, body) in functions.items()}
    guilty = {key for key, (_, body) in functions.items() if re.search(r"\bENOSYS\b", body)}
    fresh = guilty
    while fresh:
        fresh = {key for key, (file, body) in functions.items() if key not in guilty and any(
            where in ("", file) and re.search(rf"\b{name}\(", body) for where, name in fresh)}
        guilty |= fresh
    return {name for where, name in guilty if where == ""}


def enosys_of_libc(private):
    """What programs can call of libos/libc that can answer ENOSYS."""
    folder, functions = os.path.join(TOP, "libos", "libc"), {}
    for file in sorted(os.listdir(folder)):
        if file.endswith(".c"):
            with open(os.path.join(folder, file), encoding="utf-8") as f:
                for key, body in functions_of(f.read(), file).items():
                    functions[key] = file, body
    return answers_enosys(functions) - private - FINE


def mistakes(entries, have, enosys):
    """What is wrong with the table, in words."""
    found, seen = [], set()
    for entry in entries:
        if not entry.what or (entry.state != "partial" and not entry.instead):
            found.append(f"{entry.names[0]}: the table does not say what, and what instead")
        for name in entry.names:
            if name in seen:
                found.append(f"{name} stands in the table twice")
            seen.add(name)
            if entry.state == "absent" and name in have:
                found.append(f"{name} is there, and the table says it is absent")
            elif entry.state != "absent" and name not in have:
                found.append(f"{name} is in no library, and the table says it is {entry.state}")
    found += [f"{name} can answer ENOSYS (libos/libc) and is not in the table" for name in sorted(enosys - seen)]
    return found


def untested(entries):
    """Functions that always fail, as the table says, and that tests/guest/absent does not call."""
    with open(os.path.join(TOP, "tests", "guest", "absent", "main.c"), encoding="utf-8") as f:
        text = f.read()
    return [f"tests/guest/absent does not call {name}" for entry in entries if entry.state == "enosys"
            for name in entry.names if not re.search(rf"\b{name}\(", text)]


def main(build):
    try:
        entries = read()
        with open(os.path.join(build, "lib", "private.symbols"), encoding="utf-8") as f:
            private = set(f.read().split())
        found = mistakes(entries, Libraries(build).names, enosys_of_libc(private)) + untested(entries)
    except (Mistake, elf_symbols.Damaged) as e:
        found = [str(e)]
    for line in found:
        print("support: " + line)
    if not found:
        print(f"support: {sum(len(e.names) for e in entries)} functions that are partial or absent are as the table says")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
