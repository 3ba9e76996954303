# SPDX-License-Identifier: BSD-2-Clause
"""Conformance: programs that trace their calls run on Linux and on Pith, and must print the same.

tests/conform/NAME/ has one source for both, written with tests/conform/conform.h. On Linux it runs in
a network namespace of its own that has nothing but loopback. Where Pith differs on purpose,
docs/differences.md says why, in blocks that this file reads:

    ```differs NAME
    - line on Linux
    + line on Pith
    ```

The number of the source's line, with which most lines begin, is left out there. A program of SHARED does
the same on a folder of the host. A difference that is listed and does not occur is a failure too.

How much is compared is counted: the functions that the programs' files for Linux import, those of
POSIX by the list in tests/conform/posix.list, and the lines.
"""

import ctypes
import difflib
import fcntl
import os
import re
import resource
import secrets
import socket
import struct
import subprocess
import tempfile
import threading
import time

import cases
import guests
import image
import xen
from guest import Guest, die_with_parent
from machine import Machine, Share
from results import log_path
from words import BUILD, TOP, Failure

FOLDER = os.path.join(TOP, "tests", "conform")
DIFFERENCES = os.path.join(TOP, "docs", "differences.md")
QUICK = ("tcg-microvm", "kvm-microvm")
SHARED = ("files",)  # programs that run once more with a folder of the host as /tmp, on these beds
SHARES = ("tcg-microvm", "kvm-q35")
MEMORY = 160 << 20
SECONDS = 60
OPEN_FILES = 4096

FUNCTIONS_LEAST = 600  # of POSIX, when all programs run

NUMBER = re.compile(r"^\d+: ")
BLOCK = re.compile(r"^```differs (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)

CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000
SIOCSIFFLAGS = 0x8914


def own_network():
    """In the child before exec: a network namespace of its own, with loopback up."""
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    libc = ctypes.CDLL(None, use_errno=True)
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", 0x41))  # IFF_UP, IFF_RUNNING


def allowed_differences(text):
    """{program: {line on Linux: line on Pith}}"""
    found = {}
    for match in BLOCK.finditer(text):
        lines = [line for line in match[2].splitlines() if line.strip()]
        for minus, plus in zip(lines[::2], lines[1::2]):
            if not minus.startswith("- ") or not plus.startswith("+ "):
                raise Failure(f"docs/differences.md: in `differs {match[1]}` lines come in pairs - and +")
            found.setdefault(match[1], {})[minus[2:]] = plus[2:]
        if len(lines) % 2:
            raise Failure(f"docs/differences.md: in `differs {match[1]}` the last line has no partner")
    return found


def without_number(line):
    return NUMBER.sub("", line)


def compare(linux, pith, allowed):
    """Words about the first difference that is not allowed, or None."""
    met = set()
    expected = []
    for i, line in enumerate(linux):
        words = without_number(line)
        if words in allowed and i < len(pith) and without_number(pith[i]) == allowed[words]:
            met.add(words)
            line = pith[i]
        expected.append(line)
    if expected == pith:
        unmet = [words for words in allowed if words not in met]
        return f"docs/differences.md lists a difference that is none: {unmet[0]}" if unmet else None
    changes = [line for line in difflib.unified_diff(expected, pith, "Linux", "Pith", lineterm="", n=0)
               if not line.startswith(("---", "+++", "@@"))]
    more = f" (and {len(changes) - 2} lines more)" if len(changes) > 2 else ""
    return " / ".join(changes[:2]) + more


def imported(elf):
    """The functions that a program for Linux calls, by the names that its source has."""
    text = subprocess.run(["nm", "-D", "--undefined-only", elf], check=True, stdout=subprocess.PIPE, text=True).stdout
    names = (line.split()[-1].partition("@")[0] for line in text.splitlines())
    return {re.sub(r"^__(isoc99_|xpg_|(?=sigsetjmp$))", "", name) for name in names}


def posix_functions():
    with open(os.path.join(FOLDER, "posix.list"), encoding="utf-8") as f:
        return {word for line in f if not line.startswith("#") for word in line.split()}


class Program:
    """One program, and what it prints on Linux."""

    def __init__(self, name, allowed):
        self.name = name
        self.allowed = allowed
        self.elf = os.path.join(BUILD, "tests", "conform", name, name + ".elf")
        self.lock = threading.Lock()
        self.trace = None
        self.imports = set()

    def on_linux(self):
        with self.lock:
            if self.trace is None:
                self.trace = self.run_on_linux()
            return self.trace

    def run_on_linux(self):
        native = log_path("conform", self.name, "linux")
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-builtin", "-pthread",
                        os.path.join(FOLDER, self.name, "main.c"), "-o", native, "-lm"], check=True)
        self.imports = imported(native)
        done = subprocess.run([native], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS, check=False,
                              preexec_fn=own_network)
        with open(log_path("conform", self.name, "linux.log"), "wb") as f:
            f.write(done.stdout)
        lines = done.stdout.decode(errors="replace").splitlines()
        if done.returncode or lines[-1:] != ["end"]:
            raise Failure(f"on Linux: status {done.returncode}, last line {lines[-1:]}")
        return lines

    def run_on_pith(self, bed, share):
        output = bytearray()
        machine = Machine(self.elf, bed.platform, bed.machine, MEMORY, nonce=secrets.token_hex(8),
                          xen_elf=xen.XEN_ELF if bed.platform.startswith("xen") else "")
        if share:
            machine.shares = [Share(share, "/tmp")]
        result = Guest(machine, None, output.extend, None, SECONDS).run()
        with open(log_path("conform", self.name, bed.name + ("-share" if share else "") + ".log"), "wb") as f:
            f.write(output)
        lines = output.decode(errors="replace").replace("\r\n", "\n").splitlines()
        return lines, f"status {result.status}; {result.problem}" if result.status else None

    def job(self, bed, shared=False):
        def run(results):
            began = time.monotonic()
            try:
                linux = self.on_linux()
                with tempfile.TemporaryDirectory() as folder:
                    pith, problem = self.run_on_pith(bed, shared and folder)
                different = compare(linux, pith, self.allowed)
                problem = "; ".join(words for words in (different, problem) if words)
            except (Failure, OSError, subprocess.SubprocessError) as e:
                problem = f"{type(e).__name__}: {e}"
            where = bed.name + ("-share" if shared else "")
            results.check(f"conform/{self.name}/{where}", time.monotonic() - began, problem)
        return run


def count(programs, all_of_them):
    """A job: how many functions and lines are compared; the last one to run."""
    def run(results):
        try:
            lines = sum(len(program.on_linux()) for program in programs)
        except (Failure, OSError, subprocess.SubprocessError) as e:
            results.fail("conform/count", 0.0, f"{type(e).__name__}: {e}")
            return
        names = set().union(*(program.imports for program in programs))
        posix = names & posix_functions()
        others = {name for name in names - posix if not name.startswith("_")}
        listed = sum(len(program.allowed) for program in programs)
        words = (f"{len(posix)} functions of POSIX and {len(others)} more, {lines} lines compared, "
                 f"{listed} differences listed")
        if all_of_them and len(posix) < FUNCTIONS_LEAST:
            results.fail("conform/count", 0.0, f"{words}; at least {FUNCTIONS_LEAST} are wanted")
        else:
            results.ok("conform/count", 0.0, words)
    return run


def why_not_here():
    """Why Linux can't give a program a network of its own here, or None."""
    try:
        subprocess.run(["true"], check=True, preexec_fn=own_network)
    except (OSError, subprocess.SubprocessError):
        return "no network namespace can be made here"
    return None


def jobs(wanted, full, results):
    names = [name for name in sorted(os.listdir(FOLDER))
             if os.path.exists(os.path.join(FOLDER, name, "main.c")) and (not wanted or name in wanted)]
    reason = why_not_here()
    if reason:
        results.skip("conform", 0.0, reason)
        return []
    with open(DIFFERENCES, encoding="utf-8") as f:
        allowed = allowed_differences(f.read())
    unknown = [name for name in allowed if not os.path.isdir(os.path.join(FOLDER, name))]
    if unknown:
        results.fail("conform/differences", 0.0, f"docs/differences.md speaks of {unknown[0]}, which is "
                     "no program")
    image.make(["app", "APP=" + " ".join(f"tests/conform/{name}" for name in names)], quiet=True)
    unusable = guests.unusable_beds()
    found = []
    programs = [Program(name, allowed.get(name, {})) for name in names]
    for program in programs:
        name = program.name
        for bed in cases.BEDS:
            if bed.platform in unusable:
                if full or bed.name in QUICK:
                    results.skip(f"conform/{name}/{bed.name}", 0.0, unusable[bed.platform])
            elif full or bed.name in QUICK:
                found.append(program.job(bed))
                if name in SHARED and bed.name in SHARES:
                    found.append(program.job(bed, shared=True))
    if programs:
        found.append(count(programs, not wanted))
    return found
