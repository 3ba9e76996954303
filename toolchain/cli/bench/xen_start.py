# SPDX-License-Identifier: BSD-2-Clause
"""start on Xen: from the beginning of `xl create` to the first line of hello, and to khttp's first answer."""

import os
import threading
import time

import image
import linux_guest
from bench import frame, khttp, start, xen_sides
from words import TOP, Failure, say

NAME = "start"
TITLE = "from `xl create` to the first line of hello in its console's log, and to khttp's first answer"
NEEDS = ("wrk", "ip")

MEMORY_MIB = 128
SECONDS = 240  # Linux on a busy host


def first_line(bed, kind, kernel, **config):
    """Milliseconds. What xl reads is in dom0's memory before."""
    name, seen, over = bed.name(), [], threading.Event()

    def look():
        while not over.is_set() and not seen:
            if bed.host.console(name).strip():
                seen.append(time.monotonic())
            time.sleep(0.002)

    looker = threading.Thread(target=look, daemon=True)
    looker.start()
    began = time.monotonic()
    bed.host.create(name, kind, kernel, memory=MEMORY_MIB, **config)
    looker.join(SECONDS)
    over.set()
    bed.host.destroy(name)
    if not seen:
        raise Failure(f"{os.path.basename(kernel)} says nothing")
    return (seen[0] - began) * 1e3


def hellos():
    """{side: what first_line() takes}"""
    app = image.find("hello")
    image.build([app])
    kernel, _, _ = linux_guest.fetch()
    archive = linux_guest.initramfs("hello", [os.path.join(TOP, "apps", "hello", "main.c")])
    line = " ".join([*linux_guest.XEN_OPTIONS, "--", "none"])
    return {"Pith": (app.elf, {}), "Linux": (kernel, {"ramdisk": archive, "cmdline": line})}


def run(bench):
    began = time.monotonic()
    result = frame.Result(NAME, TITLE, platform=bench.platform)
    kind, programs = xen_sides.kind_of(bench), hellos()
    chosen = [side for side in khttp.sides(bench) if side.guest and (not bench.sides or side.name.lower() in bench.sides)]
    bed = xen_sides.beds.get(bench, False)
    for side in chosen:
        kernel, config = programs[side.name]
        for path in (kernel, config.get("ramdisk"), getattr(side, "elf", None), getattr(side, "archive", None)):
            if path:
                bed.host.image(path)
    for number in range(max(1, bench.rounds)):
        for side in chosen:
            say(f"{NAME}, round {number + 1}: {side.name}")
            kernel, config = programs[side.name]
            result.add(side.name, {"first line ms": first_line(bed, kind, kernel, **config)})
            result.add(side.name, {"first answer ms": start.first_answer(side, bench, SECONDS)})
    result.seconds = time.monotonic() - began
    return result
