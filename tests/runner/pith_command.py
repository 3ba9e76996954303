# SPDX-License-Identifier: BSD-2-Clause
"""The `pith` command as its tests call it, and what they find out about its processes."""

import os
import subprocess

from words import TOP

PITH = os.path.join(TOP, "pith")
PROBE = os.path.join("tests", "cli", "probe")
TCG = ["--on", "tcg"]


class Wrong(Exception):
    """What a test found."""


class Skip(Exception):
    """Why a test can't be done here."""


def pith(*words, stdin=b"", env=None, timeout=60):
    return subprocess.run([PITH, *words], cwd=TOP, input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, check=False, env=env)


def expect(done, status, stdout=None, stderr=None):
    """Compare an end with what it should be; `stderr` is a part of what is said there."""
    said = (done.stderr or b"").decode(errors="replace")
    if done.returncode != status:
        raise Wrong(f"status {done.returncode}, not {status}: {said[-300:]}")
    if stdout is not None and done.stdout != stdout:
        raise Wrong(f"stdout is {done.stdout[:200]!r}, not {stdout[:200]!r}")
    if stderr is not None and stderr not in said:
        raise Wrong(f"stderr lacks '{stderr}': {said[-300:]}")
    if "Traceback" in said:
        raise Wrong("a Python traceback: " + said[-300:])


def run_probe(*args, options=(), **more):
    return pith("run", PROBE, *TCG, *options, "--", *args, **more)


def children_of(pid):
    """Processes whose parent is `pid`."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            if entry.isdigit() and int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry))
        except (OSError, IndexError, ValueError):
            continue
    return found


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
