# SPDX-License-Identifier: BSD-2-Clause
"""path: instructions of the way from a request to its answer, five short measurements of each, on Pith alone.

What a test holds against tests/bench/counts.json: short, and by numbers of requests and not by time, so that a busy
host changes little but how many packets meet in one batch.
"""

import os
import secrets
import time

import image
from bench import frame, khttp, loads, plugin, tcp
from bench import sides as places
from guest import Guest
from machine import Machine
from words import TOP, Failure

NAME = "path"
TITLE = "instructions of short measurements of network and disk, on Pith alone"
NEEDS = ("ip",)

TIMES = 5
REQUESTS = {1: 400, 32: 3200}  # connections: requests of one measurement
AMOUNTS = {"in": 16 << 20, "out": 16 << 20, "round trip": 400}  # bytes of one measurement
READS = os.path.join(TOP, "tests", "bench", "reads")
COUNT = 1000  # reads of one measurement
PAUSE_MS = 700  # before each, in which the instructions so far are looked at
# It answers after so long, when the guest has gone to sleep: with a file it would depend on how busy this host is.
DISK = ["-blockdev", "driver=null-co,node-name=disk,size=16777216,read-zeroes=on,latency-ns=1000000",
        "-device", "virtio-blk-pci,drive=disk,disable-legacy=on"]


def started(app, args, bench, port):
    side = places.Pith(app.elf, args)
    found = side.start(bench, True)
    found.wait(port)
    return found


def http(bench, result):
    app = image.find("khttp")
    image.build([app])
    guest = started(app, [str(khttp.PORT), str(khttp.PAGES["612 B"])], bench, khttp.PORT)
    try:
        loads.client(guest.ns, "http", khttp.PORT, 32, 0, 1000)  # warm-up
        for connections, requests in REQUESTS.items():
            for _ in range(TIMES):
                with loads.Span(guest, bench) as span:
                    got = loads.client(guest.ns, "http", khttp.PORT, connections, 0, requests)
                if got["unanswered"]:
                    raise Failure(f"khttp: {got['unanswered']:.0f} of {requests} requests have no answer")
                result.add("Pith", {f"khttp c{connections} instructions/request": span.instructions / requests})
    finally:
        guest.close()


def streams(bench, result):
    app = image.find(tcp.FOLDER)
    image.build([app])
    guest = started(app, [], bench, tcp.PORT)
    try:
        for name, way in tcp.WAYS:
            unit = "request" if way == "E" else "byte"
            loads.client(guest.ns, "tcp", way, 0, AMOUNTS[name])  # warm-up
            for _ in range(TIMES):
                with loads.Span(guest, bench) as span:
                    got = loads.client(guest.ns, "tcp", way, 0, AMOUNTS[name])
                if got["bytes"] < AMOUNTS[name]:
                    raise Failure(f"{name}: {got['bytes']:.0f} bytes in {got['seconds']:.0f} s")
                result.add("Pith", {f"{name} instructions/{unit}": span.instructions / got["bytes"]})
    finally:
        guest.close()


class Looker:
    """Keeps what the meter says at each "reads begin", a pause before the reads, and at the end."""

    def __init__(self, meter):
        self.meter, self.said, self.seen = meter, bytearray(), []

    def feed(self, data):
        self.said += data
        announced = self.said.count(b"reads begin") + self.said.count(b"reads done")
        while len(self.seen) < announced:
            self.seen.append(self.meter.parts()["Pith"])


def disk(result):
    """The firmware's instructions do not count."""
    app = image.find(READS)
    image.build([app])
    meter = plugin.Meter(ranges={"Pith": plugin.FIXED_RANGE})
    looker = Looker(meter)
    try:
        args = ["/dev/vda", "0", str(PAUSE_MS)] + [str(COUNT), "4096", "1"] * TIMES
        machine = Machine(app.elf, "tcg", "pc", 64 << 20, options=["base=fixed"], args=args, nonce=secrets.token_hex(8),
                          qemu_args=DISK + meter.words)
        ended = Guest(machine, None, looker.feed, timeout=300).run()
    finally:
        meter.close()
    if ended.status != 0 or len(looker.seen) != TIMES + 1:
        raise Failure(f"reads: status {ended.status}: {looker.said.decode(errors='replace')[-200:]}")
    for before, after in zip(looker.seen, looker.seen[1:]):
        result.add("Pith", {"disk, 4 KiB instructions/read": (after - before) / COUNT})


def run(bench):
    began = time.monotonic()
    result = frame.Result(NAME, TITLE)
    http(bench, result)
    streams(bench, result)
    disk(result)
    result.seconds = time.monotonic() - began
    return result
