# SPDX-License-Identifier: BSD-2-Clause
"""Tests of `pith run --on xen-pv` and `xen-pvh`: guests of a real Xen, in the bed on this machine."""

import os
import tempfile
import time

from pith_command import PROBE, Wrong, expect, pith
from words import CRASHED, TIMED_OUT

LIMIT = 120  # seconds; the bed's start is most of it


def run(kind, *words, options=(), **more):
    return pith("run", PROBE, "--on", "xen-" + kind, *options, "--", *words, timeout=LIMIT, **more)


def carries(kind):
    """Every byte goes in and comes out again, and only the program's."""
    def test():
        data = bytes(range(256)) * 64
        expect(run(kind, "cat", stdin=data), 0, data, f"running on xen-{kind}, a guest of")
    return test


def ends(kind):
    """Statuses, words for the program, what looks like the end and is none, a crash, a time limit."""
    def test():
        said = bytes(range(256)) + b"\n[pith-exit 0123456789abcdef 5]\n[pith-exit "
        expect(run(kind, "bytes"), 0, said)
        expect(run(kind, "exit", "7"), 7, b"")
        words = ["a b", "c\"d'e", "f\\g", "$h"]
        expect(run(kind, "args", *words), 0, "".join(f"[{w}]\n" for w in words).encode())
        expect(run(kind, "env", "NAME", options=["-e", 'NAME=v "w"']), 0, b'v "w"\n')
        done = run(kind, "time")
        if done.returncode or abs(int(done.stdout) - time.time()) > 300:
            raise Wrong(f"its time is {done.stdout!r}, ours {time.time():.0f}")
        done = run(kind, "null")
        expect(done, CRASHED, None, "the guest crashed")
        if b"Crash: page fault, write to 0x0" not in done.stdout:
            raise Wrong(f"no crash report: {done.stdout[-300:]!r}")
        expect(run(kind, "spin", options=["--timeout", "2"]), TIMED_OUT, b"spinning\n", "stopped after 2 s")
    return test


def does_not_start():
    with tempfile.TemporaryDirectory() as folder:
        image = os.path.join(folder, "broken.elf")
        with open(image, "wb") as f:
            f.write(b"\x7fELF\2\1\1" + bytes(100))
        done = pith("run", image, "--on", "xen-pv", timeout=LIMIT)
        expect(done, 71, b"", "xl create")


QUICK = {f"xen-{kind}": carries(kind) for kind in ("pv", "pvh")}
FULL = {f"xen-{kind}-ends": ends(kind) for kind in ("pv", "pvh")} | \
    {"xen-broken": does_not_start}
