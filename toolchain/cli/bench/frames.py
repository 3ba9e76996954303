# SPDX-License-Identifier: BSD-2-Clause
"""frames: raw Ethernet frames in, out and back by the device API (tests/bench/frames), no sockets and no stack; on
Linux the same by a packet socket, as many frames a call."""

import glob
import os

import image
import linux_guest
from bench import loads
from bench import sides as places
from words import TOP

NAME = "frames"
TITLE = "raw frames by the device API (tests/bench/frames); on Linux by a packet socket"
NEEDS = ("ip",)

FOLDER = os.path.join(TOP, "tests", "bench", "frames")
LINUX = os.path.join(TOP, "tests", "bench", "frames-linux", "linux.c")
SIZES = (64, 512, 1514)  # bytes, the Ethernet header among them
WAYS = ("in", "out", "echo")


def sides(bench):
    app = image.find(FOLDER)
    image.build([app])
    archive = linux_guest.initramfs(NAME, [os.path.join(FOLDER, "main.c"), LINUX])
    return [places.Pith(app.elf), places.Linux(archive)]


def client(ns, *words):
    places.bed.build(loads.CLIENT, sorted(glob.glob(loads.CLIENT_SOURCES)), ["-pthread"])
    done = ns.call(loads.CLIENT, "tap0", "frames", *map(str, words), timeout=120)
    said = done.stdout.decode().split()
    return dict(zip(said[0::2], map(float, said[1::2])))


def measure(started, bench, side):
    values, profiles = {}, {}
    client(started.ns, "hello", SIZES[0], places.START_SECONDS)
    for size in SIZES[:1] if bench.quick else SIZES:
        for way in WAYS:
            name = f"{size} B {way}"
            client(started.ns, way, size, 0.5)  # warm-up
            with loads.Span(started, bench) as span:
                got = client(started.ns, way, size, bench.seconds)
            # What the guest has sent counts for its work, what has arrived for the rate.
            values[f"{name} frames/s"] = got.get("arrived", got["frames"]) / got["seconds"]
            counted = f"{name} instructions/frame"
            values[counted] = span.instructions / (got["frames"] or 1)
            loads.keep_profile(span, side, counted, got["frames"] or 1, profiles)
    return values, profiles
