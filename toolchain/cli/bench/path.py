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
FEW, MANY = 100, 1100  # reads; the difference is what they cost
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


def instructions_of(elf, reads):
    """Of a whole run of tests/bench/reads, without the firmware's."""
    meter = plugin.Meter(ranges={"Pith": plugin.FIXED_RANGE})
    try:
        said = bytearray()
        machine = Machine(elf, "tcg", "pc", 64 << 20, options=["base=fixed"], args=["/dev/vda", str(reads)],
                          nonce=secrets.token_hex(8), qemu_args=DISK + meter.words)
        ended = Guest(machine, None, said.extend, timeout=60).run()
        if ended.status != 0 or b"reads done" not in said:
            raise Failure(f"reads: status {ended.status}: {said.decode(errors='replace')[-200:]}")
        return meter.parts()["Pith"]
    finally:
        meter.close()


def disk(result):
    app = image.find(READS)
    image.build([app])
    # The least: measuring the clock at the start takes longer where the host takes the CPU away meanwhile.
    few = min(instructions_of(app.elf, FEW) for _ in range(TIMES))
    for _ in range(TIMES):
        result.add("Pith", {"disk, 4 KiB instructions/read": (instructions_of(app.elf, MANY) - few) / (MANY - FEW)})


def run(bench):
    began = time.monotonic()
    result = frame.Result(NAME, TITLE)
    http(bench, result)
    streams(bench, result)
    disk(result)
    result.seconds = time.monotonic() - began
    return result
