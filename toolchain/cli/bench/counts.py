# SPDX-License-Identifier: BSD-2-Clause
"""Counts guest instructions of a boot, per function and by privilege."""

import os
import secrets
from dataclasses import dataclass, field

from bench import plugin
from guest import Guest
from machine import Machine
from words import Failure

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
    functions: dict = field(default_factory=dict)  # as of plugin.profile()


def at_cpl0(symbols, address):
    return symbols.function(address) == CPL0_FUNCTION or \
        any(symbols.at[start] <= address < symbols.at[end] for start, end in CPL0_RANGES)


def count(elf, kind="microvm", options=(), args=()):
    """Boot `elf` under the plugin; its Boot. The image must end by itself with status 0."""
    symbols = plugin.Symbols(elf)
    meter = plugin.Meter(stop=symbols.at["main"] - plugin.LINK_BASE + plugin.FIXED_BASE)
    try:
        machine = Machine(elf, "tcg", kind, 128 << 20, nonce=secrets.token_hex(8),
                          options=["base=fixed", *options], args=list(args), qemu_args=meter.words)
        result = Guest(machine, None, lambda data: None, timeout=60).run()
        if result.status != 0:
            raise Failure(f"counting instructions of {os.path.basename(elf)}: status {result.status}; "
                          + result.problem)
        return read(meter.blocks(), symbols)
    finally:
        meter.close()


def read(blocks, symbols):
    boot = Boot()
    for address, size, executed, at_stop in blocks:
        if at_stop < 0:
            raise Failure("main was never reached at its fixed address")
        linked = symbols.link_address(address)
        if linked is None:
            boot.before += size * at_stop
            continue
        boot.total += size * at_stop
        boot.until_end += size * executed
        if at_cpl0(symbols, linked):
            boot.cpl0 += size * at_stop
    inside = [(address, size, at_stop, 0) for address, size, _, at_stop in blocks
              if symbols.link_address(address) is not None]
    boot.functions = plugin.profile(symbols, [], inside, 1)
    return boot
