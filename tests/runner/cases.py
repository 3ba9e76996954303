# SPDX-License-Identifier: BSD-2-Clause
"""Guest tests as they are described: tests/guest/NAME/test.cfg, and the beds they run on.

test.cfg has lines `key: value`; `#` starts a comment; everything after `[case NAME]` is for that case
alone, what stands before it is for all. Without a file, or without cases, there is one case.

    on: tcg-* xen-pv          beds (patterns); default: all of them
    quick: tcg-microvm        the beds of a run that is not `full`; default: as `on`
    mem: 32M                  default 64M
    cpus: 2                   default 1
    args: one two             the program's arguments, split at blanks, shell quotes understood
    env: NAME=VALUE           (repeatable)
    option: boot=trace        one of Pith's own boot options (repeatable)
    disk: 4M zero|random|pattern        a raw disk (repeatable); see disks.py
    disk-after: pattern       what the first disk must hold afterwards
    readonly: yes             the disks are read-only
    net: user 7/tcp 7/udp     a network card (repeatable): `user` is QEMU's own network with these
                              ports of the guest published at free ones of the host, `dgram` a cable
                              whose end host.py holds, `none`; on Xen there is none; more words as nets.py says
    qemu: -device foo         more words for QEMU; {dir} is the test's scratch folder (repeatable)
    stdin: text               standard input, Python escapes understood; `open`: neither input nor an end
    timeout: 20               seconds; default 30
    status: 0                 the exit status that `pith run` would return
    expect: crash|timeout     instead of a status
    checks: no                the program prints no check lines; default yes for status 0
    output: REGEX             must match somewhere in the output, line by line (repeatable)
    no-output: REGEX          must not
"""

import ast
import fnmatch
import os
import re
import shlex
from dataclasses import dataclass, field

from words import CRASHED, TIMED_OUT, TOP, parse_size

FOLDER = os.path.join(TOP, "tests", "guest")


@dataclass(frozen=True)
class Bed:
    """A platform and a machine to run on."""

    platform: str
    machine: str

    @property
    def name(self):
        """As test.cfg says it; on Xen without "-dom0", since no test here runs otherwise."""
        return self.platform.removesuffix("-dom0") if self.platform.startswith("xen") \
            else f"{self.platform}-{self.machine}"


BEDS = tuple(Bed(p, m) for p in ("tcg", "kvm") for m in ("microvm", "q35", "pc")) + \
    (Bed("xen-pv-dom0", "pc"), Bed("xen-pvh-dom0", "pc"))

LISTS = ("env", "option", "disk", "net", "qemu", "output", "no-output")
SINGLE = ("on", "quick", "mem", "cpus", "args", "disk-after", "readonly", "stdin", "timeout", "status",
          "expect", "checks")


@dataclass
class Case:
    test: str    # folder below tests/guest
    name: str    # "" where there is only one
    keys: dict = field(default_factory=dict)

    @property
    def full_name(self):
        return f"{self.test}.{self.name}" if self.name else self.test

    def get(self, key, default=None):
        return self.keys.get(key, default)

    def all(self, key):
        return self.keys.get(key, [])

    @property
    def memory(self):
        return parse_size(self.get("mem", "64M"))

    @property
    def args(self):
        return shlex.split(self.get("args", ""))

    @property
    def status(self):
        if self.get("expect") == "crash":
            return CRASHED
        if self.get("expect") == "timeout":
            return TIMED_OUT
        return int(self.get("status", "0"))

    @property
    def has_checks(self):
        return self.get("checks", "yes" if self.status == 0 else "no") == "yes"

    @property
    def stdin(self):
        text = self.get("stdin")
        return b"" if text is None else ast.literal_eval("b'''" + text.replace("'", "\\'") + "'''")

    def beds(self, full):
        patterns = self.get("on", "*").split()
        if not full:
            patterns = self.get("quick", " ".join(patterns)).split()
        return [bed for bed in BEDS if any(fnmatch.fnmatch(bed.name, p) for p in patterns)]


class Malformed(Exception):
    pass


def parse(test, text):
    """The cases of one test.cfg."""
    common, cases, current = {}, [], None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        where = f"tests/guest/{test}/test.cfg:{number}"
        head = re.fullmatch(r"\[case (\S+)\]", line)
        if head:
            copy = {k: list(v) if isinstance(v, list) else v for k, v in common.items()}
            current = Case(test, head.group(1), copy)
            cases.append(current)
            continue
        key, colon, value = line.partition(":")
        key, value = key.strip(), value.strip()
        keys = current.keys if current else common
        if not colon or key not in LISTS + SINGLE:
            raise Malformed(f"{where}: '{key}' is no key")
        if key in LISTS:
            keys.setdefault(key, []).append(value)
        else:
            keys[key] = value
    return cases or [Case(test, "", common)]


def tests():
    """Names of the folders below tests/guest that are tests."""
    if not os.path.isdir(FOLDER):
        return []
    return sorted(name for name in os.listdir(FOLDER)
                  if os.path.exists(os.path.join(FOLDER, name, "main.c")))


def cases_of(test):
    path = os.path.join(FOLDER, test, "test.cfg")
    if not os.path.exists(path):
        return [Case(test, "")]
    with open(path, encoding="utf-8") as f:
        return parse(test, f.read())
