# SPDX-License-Identifier: BSD-2-Clause
"""Counts guest instructions of a boot, by a TCG plugin of ours (tests/bench/insn.c), per function."""

import bisect
import os
import secrets
import subprocess
from collections import Counter
from dataclasses import dataclass, field

import verb_size
from guest import Guest
from machine import Machine
from words import BUILD, TOP, Failure

PLUGIN_SOURCE = os.path.join(TOP, "tests", "bench", "insn.c")
PLUGIN = os.path.join(BUILD, "bench", "insn.so")

# platform/x86/image.c: where an image runs with base=fixed, and where it is linked.
FIXED_BASE = 0xffff000000000000 | 300 << 39
LINK_BASE = 0x100000

# CPL 0 is what lies in these ranges (the boot code up to its drop to CPL 3, the monitor), and boot_gp,
# which loads the final tables.
CPL0_RANGES = (("__image_start", "boot_cpl3"), ("__monitor_text_start", "__monitor_text_used"))
CPL0_FUNCTION = "boot_gp"


@dataclass
class Boot:
    total: int = 0          # instructions from the image's entry to main
    cpl0: int = 0           # of these, at CPL 0
    before: int = 0         # firmware's, before the entry
    until_end: int = 0      # all of the image's, to its end
    functions: Counter = field(default_factory=Counter)


def build_plugin():
    os.makedirs(os.path.dirname(PLUGIN), exist_ok=True)
    if os.path.exists(PLUGIN) and os.path.getmtime(PLUGIN) > os.path.getmtime(PLUGIN_SOURCE):
        return
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
                    "-fvisibility=hidden", PLUGIN_SOURCE, "-o", PLUGIN], check=True)


class Symbols:
    """Addresses of an image's functions, at their link address."""

    def __init__(self, elf):
        found = verb_size.symbols(elf)
        self.at = {name: address for name, address, _, _ in found}
        code = sorted((address, name) for name, address, _, kind in found if kind in "tT")
        self.starts = [address for address, _ in code]
        self.names = [name for _, name in code]
        self.end = self.at["__image_end"]

    def link_address(self, address):
        """Where it is linked, or None when it does not belong to the image."""
        if address >= FIXED_BASE:
            address = address - FIXED_BASE + LINK_BASE
        return address if LINK_BASE <= address < self.end else None

    def function(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        return self.names[i] if i >= 0 else "?"

    def at_cpl0(self, address):
        return self.function(address) == CPL0_FUNCTION or \
            any(self.at[start] <= address < self.at[end] for start, end in CPL0_RANGES)


def count(elf, kind="microvm", options=(), args=()):
    """Boot `elf` under the plugin; its Boot. The image must end by itself with status 0."""
    build_plugin()
    symbols = Symbols(elf)
    out = os.path.join(BUILD, "bench", f"insn-{secrets.token_hex(4)}.out")
    stop = symbols.at["main"] - LINK_BASE + FIXED_BASE
    machine = Machine(elf, "tcg", kind, 128 << 20, nonce=secrets.token_hex(8),
                      options=["base=fixed", *options], args=list(args),
                      qemu_args=["-plugin", f"{PLUGIN},out={out},stop={stop:x}"])
    result = Guest(machine, None, lambda data: None, timeout=60).run()
    if result.status != 0:
        raise Failure(f"counting instructions of {os.path.basename(elf)}: status {result.status}; "
                      + result.problem)
    boot = read(out, symbols)
    os.unlink(out)
    return boot


def read(path, symbols):
    boot = Boot()
    with open(path, encoding="ascii") as f:
        for line in f:
            words = line.split()
            if words[0] == "lost":
                if words[1] != "0":
                    raise Failure("the instruction plugin ran out of room")
                continue
            address, size, at_stop, executed = int(words[0], 16), *map(int, words[1:])
            if at_stop < 0:
                raise Failure("main was never reached at its fixed address")
            linked = symbols.link_address(address)
            if linked is None:
                boot.before += size * at_stop
                continue
            boot.total += size * at_stop
            boot.until_end += size * executed
            boot.functions[symbols.function(linked)] += size * at_stop
            if symbols.at_cpl0(linked):
                boot.cpl0 += size * at_stop
    return boot
