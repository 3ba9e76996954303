# SPDX-License-Identifier: BSD-2-Clause
"""hello: what hello weighs, the least memory it runs in, and the instructions of its boot."""

import os
import secrets
import time

import image
import linux_guest
import verb_size
from bench import counts, frame
from guest import Guest
from machine import MACHINES, Machine
from words import Failure

NAME = "hello"
TITLE = "hello: bytes (and httpd's), least memory, instructions from the image's entry to main"
NEEDS = ()

BOOTS = 3
MEMORY_STEPS_MIB = (2, 3, 4, 6, 8, 12, 16, 32, 64)

TARGETS = {
    "stripped bytes": 65536,
    "least memory MiB": 2,
    "httpd, stripped bytes": 320000,
    "boot to main on microvm instructions": 60000,
    "boot to main on microvm, at CPL 0 instructions": 2000,
}
PEERS = {
    "stripped bytes": "79,120 (Solo5, no libc)",
    "gzip -9 bytes": "37,157 (Mini-OS PV)",
    "least memory MiB": "2 (Unikraft)",
    "boot to main on microvm instructions": "90,000 and 100 ms (Unikraft)",
}


def least_memory(elf):
    """The fewest MiB of MEMORY_STEPS_MIB with which the image ends with status 0."""
    for size in MEMORY_STEPS_MIB:
        machine = Machine(elf, "tcg", memory=size << 20, nonce=secrets.token_hex(8))
        if Guest(machine, None, lambda data: None, timeout=10).run().status == 0:
            return size
    raise Failure(f"{os.path.basename(elf)} does not even run in {MEMORY_STEPS_MIB[-1]} MiB")


def run(bench):
    began = time.monotonic()
    app, server = image.find("hello"), image.find("httpd")
    image.build([app, server])
    stripped, packed = verb_size.stripped_size(app.elf)
    values = {"stripped bytes": stripped, "gzip -9 bytes": packed, "least memory MiB": least_memory(app.elf),
              "httpd, stripped bytes": verb_size.stripped_size(server.elf)[0]}
    result = frame.Result(NAME, TITLE)
    for kind in MACHINES:
        # The least of some: measuring the clock takes longer where the host takes the CPU away meanwhile.
        boot = min((counts.count(app.elf, kind) for _ in range(BOOTS)), key=lambda boot: boot.total)
        name = f"boot to main on {kind}"
        values[f"{name} instructions"] = boot.total
        values[f"{name}, at CPL 0 instructions"] = boot.cpl0
        if bench.profile:
            result.profiles[f"{name} instructions"] = boot.functions
    result.add("Pith", values)
    if not bench.sides or "linux" in bench.sides:
        kernel, _, _ = linux_guest.fetch()
        result.add("Linux", {"stripped bytes": os.path.getsize(kernel)})
    result.seconds = time.monotonic() - began
    return result
