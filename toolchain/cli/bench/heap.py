# SPDX-License-Identifier: BSD-2-Clause
"""heap: what malloc costs by sizes, live sets and threads, and what it holds over an hour of simulated traffic:
tests/bench/heapload on Pith and on the Linux guest with glibc.

Instructions under QEMU's icount with one tick of the time stamp counter each; a block's are those of taking it and of
giving it back. What is held is what the machine has free less than before.
"""

import glob
import os
import secrets
import time

import image
import linux_guest
from bench import frame
from guest import Guest
from machine import Machine
from words import TOP, Failure

NAME = "heap"
TITLE = "malloc: instructions a block, and memory held for what is in use (tests/bench/heapload)"
NEEDS = ()

FOLDER = os.path.join(TOP, "tests", "bench", "heapload")
MEMORY = 512 << 20
SECONDS = 900
QUICK_TRAFFIC = 600  # seconds of it

TARGETS = {}
PEERS = {}

UNITS = (("_percent", "% of what is in use"), ("_mib", "MiB"))


def measure_of(name):
    """traffic_held_percent -> traffic_held % of what is in use; the others are instructions."""
    for end, unit in UNITS:
        if name.endswith(end):
            return f"{name.removesuffix(end)} {unit}"
    return f"{name} instructions"


def values_of(machine, what):
    """{measure: value} of what the program says."""
    output = bytearray()
    Guest(machine, None, output.extend, timeout=SECONDS).run()
    found, done = {}, False
    for line in output.decode(errors="replace").splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "heap":
            found[measure_of(words[1])] = float(words[2])
        done = done or words == ["heap", "done"]
    if not done:
        raise Failure(f"heap on {what}: {output.decode(errors='replace')[-500:]}")
    return found


def pith(elf, args):
    return values_of(Machine(elf, "tcg", memory=MEMORY, nonce=secrets.token_hex(8), args=args,
                             qemu_args=["-icount", "shift=0,sleep=off"]), "Pith")


def linux(args):
    kernel, _, _ = linux_guest.fetch()
    archive = linux_guest.initramfs(NAME, sorted(glob.glob(os.path.join(FOLDER, "*.c"))))
    return values_of(Machine(kernel, "tcg", "pc", MEMORY, options=linux_guest.options("pc"), args=["none", *args],
                             qemu_args=["-initrd", archive, "-icount", "shift=0,sleep=off"]), "Linux")


def run(bench):
    began = time.monotonic()
    app = image.find(FOLDER)
    image.build([app])
    args = [str(QUICK_TRAFFIC)] if bench.quick else []
    result = frame.Result(NAME, TITLE)
    result.add("Pith", pith(app.elf, args))
    if not bench.sides or "linux" in bench.sides:
        result.add("Linux", linux(args))
    result.seconds = time.monotonic() - began
    return result
