# SPDX-License-Identifier: BSD-2-Clause
"""prim: what primitives cost, in instructions: tests/bench/prim on Pith and on the Linux guest.

Under QEMU's icount with one tick of the time stamp counter per instruction, so the figures are exact.
"""

import glob
import os
import re
import secrets
import time

import image
import linux_guest
from bench import frame, plugin
from guest import Guest
from machine import Machine
from words import TOP, Failure

NAME = "prim"
TITLE = "primitives, one tick per instruction (tests/bench/prim)"
NEEDS = ()

FOLDER = os.path.join(TOP, "tests", "bench", "prim")
MEMORY = 128 << 20
SECONDS = 600

TARGETS = {
    "pipe_roundtrip instructions": 1500,
    "yield_pair instructions": 250,
    "pthread_create_join instructions": 6000,
    "read_devzero_1 instructions": 120,
    "malloc_free_64 instructions": 90,
    "strlen_1000 instructions": 130,
}
# Measured in the same way: Linux 6.1 with glibc, Unikraft 0.16.3 with musl, Nanos 2026-07 with glibc.
PEERS = {f"{name} instructions": words for name, words in {
    "function_call": "11 (all)",
    "getpid": "20 (Unikraft)",
    "clock_gettime": "73 (Linux, Unikraft)",
    "read_devzero_1": "671 (Linux)",
    "write_devnull_1": "594 (Linux)",
    "malloc_free_64": "130 (Linux, Nanos)",
    "malloc_free_64_live1000": "185 (Linux, Nanos)",
    "malloc_free_1500_live1000": "371 (Unikraft)",
    "malloc_free_64k": "314 (Unikraft)",
    "snprintf": "901 (Linux, Nanos)",
    "strlen_1000": "127 (Linux, Nanos)",
    "yield_pair": "511 (Unikraft)",
    "sem_roundtrip": "3,343 (Unikraft)",
    "pthread_create_join": "35,117 (Nanos)",
    "pipe_roundtrip": "3,914 (Unikraft)",
}.items()}


def values_of(machine, what):
    """{measure: instructions} of what the program says."""
    output = bytearray()
    Guest(machine, None, output.extend, timeout=SECONDS).run()
    found, done = {}, False
    for line in output.decode(errors="replace").splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "prim":
            found[f"{words[1]} instructions"] = float(words[2])
        done = done or words == ["prim", "done"]
    if not done:
        raise Failure(f"prim on {what}: {output.decode(errors='replace')[-500:]}")
    return found


def pith(elf):
    return values_of(Machine(elf, "tcg", memory=MEMORY, nonce=secrets.token_hex(8),
                             qemu_args=["-icount", "shift=0,sleep=off"]), "Pith")


def linux():
    kernel, _, _ = linux_guest.fetch()
    archive = linux_guest.initramfs(NAME, sorted(glob.glob(os.path.join(FOLDER, "*.c"))))
    return values_of(Machine(kernel, "tcg", "pc", MEMORY, options=linux_guest.options("pc"), args=["none"],
                             qemu_args=["-initrd", archive, "-icount", "shift=0,sleep=off"]), "Linux")


def counted(elf, symbols, name):
    """(operations, {function: [instructions, calls]}) of a whole run that measures `name` alone."""
    meter = plugin.Meter(blocks=True)
    output = bytearray()
    try:
        machine = Machine(elf, "tcg", memory=MEMORY, nonce="0" * 16, options=["base=fixed"], args=[name],
                          qemu_args=meter.words)
        Guest(machine, None, output.extend, timeout=SECONDS).run()
        found = re.search(rb"^operations (\d+)", output, re.MULTILINE)
        return int(found[1]) if found else 1, plugin.profile(symbols, [], meter.blocks(), 1)
    finally:
        meter.close()


def profile(elf, measure, result):
    """Where the instructions of one operation are: a run of it, without what a run of nothing takes."""
    symbols = plugin.Symbols(elf)
    done, functions = counted(elf, symbols, measure.removesuffix(" instructions"))
    _, idle = counted(elf, symbols, "nothing")
    more = {name: [(have - less) / done for have, less in zip(counts, idle.get(name, (0, 0)))]
            for name, counts in functions.items()}
    result.profiles[measure] = {name: counts for name, counts in
                                sorted(more.items(), key=lambda item: -item[1][0]) if counts[0] > 0.1}


def run(bench):
    began = time.monotonic()
    app = image.find(FOLDER)
    image.build([app])
    result = frame.Result(NAME, TITLE)
    result.add("Pith", pith(app.elf))
    for measure in TARGETS if bench.profile else ():
        profile(app.elf, measure, result)
    if not bench.quick and (not bench.sides or "linux" in bench.sides):
        result.add("Linux", linux())
    result.seconds = time.monotonic() - began
    return result
