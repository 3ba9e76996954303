# SPDX-License-Identifier: BSD-2-Clause
"""tcp: bytes in bulk both ways and round trips of one byte (tests/bench/netpeer), and what idle connections cost."""

import os

import image
from bench import loads
from bench import sides as places
from words import TOP

NAME = "tcp"
TITLE = "TCP over a tap: 64 KiB reads and writes, 1-byte round trips (tests/bench/netpeer)"
NEEDS = ("ip",)

FOLDER = os.path.join(TOP, "tests", "bench", "netpeer")
PORT = 5001
WAYS = (("in", "S"), ("out", "R"), ("round trip", "E"))

TARGETS = {
    "in instructions/byte": 0.30,
    "out instructions/byte": 0.25,
    "round trip instructions/request": 4500,
}
XEN_RATIOS = {"in Mbit/s": 1.5, "out Mbit/s": 1.5}
RATIOS = {"in Mbit/s": 1.3, "out Mbit/s": 1.3}


def sides(bench):
    app = image.find(FOLDER)
    image.build([app])
    return places.of_sources("netpeer", app.elf, [os.path.join(FOLDER, "main.c")], native=not bench.quick)


def measure(started, bench, side):
    values, profiles = {}, {}
    started.wait(PORT)
    for name, way in WAYS:
        loads.client(started.ns, "tcp", way, 1)  # warm-up
        with loads.Span(started, bench) as span:
            got = loads.client(started.ns, "tcp", way, bench.seconds)
        if way == "E":
            values[f"{name} p50 us"], values[f"{name} p99 us"] = got["p50"], got["p99"]
            values[f"{name} p99.9 us"] = got["p99.9"]
            per = "request"
        else:
            values[f"{name} Mbit/s"] = got["bytes"] * 8 / got["seconds"] / 1e6
            per = "byte"
        counted = loads.keep_counts(span, name, per, got["bytes"], values)
        loads.keep_profile(span, side, counted, got["bytes"], profiles)
    return values, profiles
