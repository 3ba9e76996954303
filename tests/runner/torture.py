# SPDX-License-Identifier: BSD-2-Clause
"""GCC's gcc.c-torture/execute: some 1600 small programs that abort() when the compiler or library is wrong.

Each becomes an image of its own. What counts is that it ends here as it does on the host, built by the same
compiler with the same options: one that the host's gcc refuses, or that fails there, proves nothing and is only
counted. The programs come out of the pinned source that the builtins are built from. A run that is not `full`
takes every tenth.

Those that end otherwise here are listed in docs/differences.md, with their reasons, in a block that this file reads:

    ```torture
    NAME reason
    ```

One that is listed and passes is a failure too.
"""

import glob
import os
import re
import shlex
import subprocess
import threading
import time

import accel
import conform
import image
import packages
from guest import Guest
from machine import Machine
from results import LOGS, log_path
from words import BUILD, TOP

FOLDER = "gcc/testsuite/gcc.c-torture/execute"
GCC = os.path.join(BUILD, "bin", "x86_64-pith-elf-gcc")
OPTIONS = ["-O2", "-w"]
DIRECTIVE = re.compile(r'dg-(?:additional-)?options\s+"([^"]*)"\s*(\{[^}]*target)?')
PARTS = 8  # so many jobs share the programs
SECONDS = 60

# As much as Linux gives a program.
STACK = "stack=8M"


def differences():
    """{program: why it ends otherwise here}"""
    with open(conform.DIFFERENCES, encoding="utf-8") as f:
        block = re.search(r"^```torture\n(.*?)^```", f.read(), re.MULTILINE | re.DOTALL)
    return dict(line.split(" ", 1) for line in block[1].splitlines()) if block else {}


def sources():
    """The folder with the programs, unpacked once."""
    place = os.path.join(BUILD, "src", "torture")
    if not os.path.isdir(place):
        tarball = subprocess.run(["sh", os.path.join(TOP, "toolchain", "fetch.sh"), "libgcc"], check=True,
                                 stdout=subprocess.PIPE).stdout.decode().strip()
        fresh = place + ".tmp"
        os.makedirs(fresh, exist_ok=True)
        subprocess.run(["tar", "-xf", tarball, "-C", fresh, "--strip-components=1", "--wildcards", f"*/{FOLDER}/*"],
                       check=True)
        os.rename(fresh, place)
    return os.path.join(place, FOLDER)


def options(path):
    """The compiler's, those for single targets left out."""
    with open(path, encoding="latin-1") as f:
        text = f.read()
    return OPTIONS + [word for found, target in DIRECTIVE.findall(text) if not target for word in shlex.split(found)]


def native_status(path, words, out):
    """How the program ends on this machine; None when it can't be built."""
    built = subprocess.run(["gcc", *words, path, "-o", out, "-lm"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False, timeout=SECONDS)
    if built.returncode:
        return None
    try:
        return subprocess.run([out], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False, timeout=SECONDS).returncode
    except subprocess.TimeoutExpired:
        return None
    finally:
        os.unlink(out)


def here(path, words, out, platform):
    """None, or how the image failed."""
    built = subprocess.run([GCC, *words, path, "-o", out, "-lm"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           stdin=subprocess.DEVNULL, check=False, timeout=SECONDS)
    if built.returncode:
        return "not built: " + " ".join(built.stdout.decode(errors="replace").split()[-12:])
    output = bytearray()
    result = Guest(Machine(out, platform, nonce="torture", memory=64 << 20, options=[STACK]), None, output.extend, None, SECONDS).run()
    os.unlink(out)
    if result.status:
        lines = output.decode(errors="replace").strip().splitlines()
        return f"status {result.status} {result.problem or ''} {lines[0] if lines else ''}"
    return None


class Count:
    """What all the jobs have found."""

    def __init__(self):
        self.lock = threading.Lock()
        self.passed, self.failed, self.unproven, self.different, self.parts = 0, [], 0, 0, 0
        self.reasons = differences()


def make_job(number, programs, platform, count, began):
    def job(results):
        for path in programs:
            name = os.path.basename(path)[:-2]
            out = log_path("torture", f"{number}.{name}")
            words = options(path)
            native = native_status(path, words, out)
            wrong = here(path, words, out, platform) if native == 0 else None
            with count.lock:
                if native != 0:
                    count.unproven += 1
                elif wrong and name in count.reasons:
                    count.different += 1
                elif name in count.reasons:
                    count.failed.append(f"{name}: it passes, and docs/differences.md says that it does not")
                elif wrong:
                    count.failed.append(f"{name}: {wrong}")
                else:
                    count.passed += 1
        with count.lock:
            count.parts += 1
            if count.parts == PARTS:
                report(results, count, time.monotonic() - began)
    return job


def report(results, count, seconds):
    """One result for all, with its numbers; the failures have lines of their own in a log."""
    with open(log_path("torture", "failed.txt"), "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in sorted(count.failed))
    said = f"{count.passed} passed, {len(count.failed)} failed, {count.unproven} not on the host either, " \
           f"{count.different} as docs/differences.md says"
    if count.failed or not count.passed:
        results.fail("torture", seconds, f"{said}; {'; '.join(count.failed[:3])}; see {LOGS}/torture/failed.txt")
    else:
        results.ok("torture", seconds, said)


def jobs(wanted, full, _results):
    packages.ensure(packages.BUILD)
    image.make(["all"], quiet=True)
    programs = sorted(glob.glob(os.path.join(sources(), "*.c")))
    if wanted:
        programs = [p for p in programs if os.path.basename(p)[:-2] in wanted]
    elif not full:
        programs = programs[::10]
    platform, _ = accel.choose()
    count, began = Count(), time.monotonic()
    return [make_job(n, programs[n::PARTS], platform, count, began) for n in range(PARTS)] if programs else []
