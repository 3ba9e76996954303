# SPDX-License-Identifier: BSD-2-Clause
"""pith bench khttp: requests per second of apps/khttp on Pith and on a Linux guest, in one run.

Same QEMU, same machine, same card on a tap of a namespace, same source; the two take turns, and each
turn starts afresh, so that what else the host does meets both alike.
"""

import json
import os
import re
import statistics
import sys
import threading
import time
from dataclasses import dataclass

import image
import linux_guest
import nics
import packages
from guest import Guest
from machine import Machine
from words import BUILD, TOP, Failure, say

sys.path.insert(0, os.path.join(TOP, "tests", "net"))

import bed  # pylint: disable=wrong-import-position

PORT = 8080
CONNECTIONS = (1, 32, 256)
SERVER_MEMORY = 256 << 20


@dataclass
class Sample:
    requests: float  # per second
    p99_us: float
    errors: int


def number_of(text):
    """wrk's 1.23k, 4.56M."""
    factor = {"k": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1)
    return float(text.rstrip("kMG")) * factor


def microseconds(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(value) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6}[unit]


def parse_wrk(text):
    rate = re.search(r"Requests/sec:\s+([\d.]+[kMG]?)", text)
    tail = re.search(r"99%\s+([\d.]+\w+)", text)
    if not rate or not tail:
        raise Failure("wrk: " + text[-300:])
    errors = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", text))
    errors += sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", text))
    return Sample(number_of(rate[1]), microseconds(tail[1]), errors)


class Side:
    """One of the two servers; started and stopped once per turn."""

    def __init__(self, name, make):
        self.name = name
        self.make = make  # namespace, nic -> Machine
        self.samples = {c: [] for c in CONNECTIONS}

    def turn(self, platform, machine, seconds):
        ns = bed.Namespace()
        guest = None
        try:
            nic = nics.Nic("tap", tap=ns.tap())
            output = bytearray()
            guest = Guest(self.make(platform, machine, nic, ns), None, output.extend, timeout=600)
            thread = threading.Thread(target=guest.run, daemon=True)
            thread.start()
            self.wait(ns, thread, output)
            self.wrk(ns, 8, 1)  # warm-up
            for connections in CONNECTIONS:
                self.samples[connections].append(self.wrk(ns, connections, seconds))
        finally:
            if guest and guest.process:
                guest.process.kill()
                thread.join(20)
            ns.close()

    def wait(self, ns, thread, output):
        until = time.monotonic() + 60
        while time.monotonic() < until and thread.is_alive():
            try:
                ns.connect(bed.GUEST4, PORT, 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Failure(f"{self.name}: no answer at port {PORT}: {bytes(output[-400:])!r}")

    @staticmethod
    def wrk(ns, connections, seconds):
        done = ns.call("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
                       f"http://{bed.GUEST4}:{PORT}/", timeout=seconds + 60)
        return parse_wrk(done.stdout.decode())

    def median(self, connections, field):
        return statistics.median(getattr(s, field) for s in self.samples[connections])

    def spread(self, connections):
        values = [s.requests for s in self.samples[connections]]
        return f"{min(values):,.0f}..{max(values):,.0f}"


def pith_side(elf):
    def make(platform, machine, nic, ns):
        return Machine(elf, platform, machine, SERVER_MEMORY, nics=[nic], prefix=ns.words(),
                       options=[f"ip={bed.GUEST4}/24"], nonce="0" * 16)
    return Side("Pith", make)


def linux_side(kernel, archive):
    def make(platform, machine, nic, ns):
        return Machine(kernel, platform, machine, SERVER_MEMORY, nics=[nic], prefix=ns.words(),
                       options=linux_guest.OPTIONS, args=[bed.GUEST4],
                       qemu_args=["-initrd", archive])
    return Side("Linux", make)


def run(platform, machine, rounds, seconds):
    packages.ensure(packages.BUILD + packages.QEMU + ["wrk", "ip"])
    why = bed.why_not()
    if why:
        raise Failure(why)
    app = image.find("khttp")
    image.build([app])
    kernel, _, version = linux_guest.fetch()
    source = os.path.join(TOP, "apps", "khttp")
    sources = [os.path.join(source, f) for f in sorted(os.listdir(source)) if f.endswith(".c")]
    sides = [pith_side(app.elf), linux_side(kernel, linux_guest.initramfs("khttp", sources))]
    for number in range(rounds):
        for side in sides:
            say(f"khttp, round {number + 1} of {rounds}: {side.name}")
            side.turn(platform, machine, seconds)
    report(sides, platform, machine, version)
    save(sides, platform, machine, version, rounds, seconds)
    return 0


def report(sides, platform, machine, version):
    pith, linux = sides
    print(f"\nkhttp on {platform} {machine}, one CPU, wrk -t1: medians (spread); Linux {version}")
    print(f"  {'connections':>11}  {'Pith req/s':>24}  {'Linux req/s':>24}  {'ratio':>5}"
          f"  {'p99 us Pith':>11}  {'Linux':>9}  failed Pith, Linux")
    for c in CONNECTIONS:
        ours, theirs = pith.median(c, "requests"), linux.median(c, "requests")
        failed = ", ".join(str(sum(s.errors for s in side.samples[c])) for side in sides)
        print(f"  {c:>11}  {ours:>8,.0f} {pith.spread(c):>15}  {theirs:>8,.0f} {linux.spread(c):>15}"
              f"  {ours / theirs:>5.2f}  {pith.median(c, 'p99_us'):>11,.0f}"
              f"  {linux.median(c, 'p99_us'):>9,.0f}  {failed}")


def save(sides, platform, machine, version, rounds, seconds):
    data = {"platform": platform, "machine": machine, "linux": version, "rounds": rounds,
            "seconds": seconds,
            "samples": {side.name: {c: [vars(s) for s in side.samples[c]] for c in CONNECTIONS}
                        for side in sides}}
    path = os.path.join(BUILD, "bench", "khttp.json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(data, f, indent=1)
    say(f"raw data: {os.path.relpath(path)}")
