# SPDX-License-Identifier: BSD-2-Clause
"""disk on Xen: reads of a disk of dom0's by blkfront (tests/bench/reads), Pith and a Linux domU in turns."""

import os

import image
import xen_dom0
from bench import loads
from bench import path as counts
from bench import sides as places
from bench.disk import LINUX_O_DIRECT

NAME = "disk"
TITLE = "reads of a disk without a file system, as guests of Xen (tests/bench/reads); on Linux with O_DIRECT"
NEEDS = ("ip",)

PAUSE_MS = 1000
# name: (reads per second to expect at least, bytes, threads)
CASES = {"4 KiB, depth 1": (300, 4 << 10, 1), "4 KiB, depth 32": (1000, 4 << 10, 32),
         "128 KiB, depth 32": (100, 128 << 10, 32)}
SECONDS = 240  # for all of it
XEN_RATIOS = {"4 KiB, depth 1 IOPS": 1, "4 KiB, depth 32 IOPS": 1, "128 KiB, depth 32 MB/s": 1}


def sides(bench):
    app = image.find(counts.READS)
    image.build([app])
    words = [str(PAUSE_MS)]
    for rate, size, threads in CASES.values():
        words += [str(int(rate * bench.seconds)), str(size), str(threads)]
    found = places.of_sources("reads", app.elf, [os.path.join(counts.READS, "main.c")], native=False)
    for side, flags in zip(found, ("0", str(LINUX_O_DIRECT))):
        side.args = ["/dev/xvda", flags, *words]
        side.xen = {"disk": [f"format=raw,vdev=xvda,access=r,script={xen_dom0.BLOCK_SCRIPT},target=/dev/vda"]}
    return found


def measure(started, bench, side):
    values, profiles = {}, {}
    for number, (name, (rate, size, threads)) in enumerate(CASES.items()):
        started.says(rf"(reads begin[^$]*){{{number + 1}}}", SECONDS)
        with loads.Span(started, bench) as span:
            found = started.says(rf"^reads {size} {threads} (\S+)\r?$", SECONDS)
        count = int(rate * bench.seconds) // threads * threads
        speed = count / float(found[1])
        if size > 4096:
            values[f"{name} MB/s"] = speed * size / 1e6
        else:
            values[f"{name} IOPS"] = speed
        counted = loads.keep_counts(span, name, "read", count, values)
        loads.keep_profile(span, side, counted, count, profiles)
    return values, profiles
