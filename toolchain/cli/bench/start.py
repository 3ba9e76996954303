# SPDX-License-Identifier: BSD-2-Clause
"""start: from the start of QEMU to the first line of hello, and to the first answer of khttp at a static address; the
least memory with which httpd answers."""

import dataclasses
import os
import time

import image
import linux_guest
from bench import frame, khttp
from bench import sides as places
from guest import Guest
from machine import MACHINES, Machine
from words import TOP, Failure, say

NAME = "start"
TITLE = "from the start of QEMU to the first line of hello, and to khttp's first answer"
NEEDS = ("ip",)

MEMORY = 128 << 20
SECONDS = 60

MEMORY_STEPS_MIB = (3, 4, 5, 6, 8, 12, 16, 32)
LEAST = "httpd answers, least memory MiB"

TARGETS = {LEAST: 4}
RATIOS = {f"first line on {kind} ms": 10 for kind in MACHINES}


class FirstByte:
    def __init__(self):
        self.at = None

    def feed(self, data):
        if data.strip():
            self.at = self.at or time.monotonic()


def first_line(machine):
    """Milliseconds until the program's first byte."""
    came = FirstByte()
    began = time.monotonic()
    Guest(machine, None, came.feed, timeout=SECONDS).run()
    if came.at is None:
        raise Failure(f"{os.path.basename(machine.elf)} on {machine.machine} says nothing")
    return (came.at - began) * 1e3


def first_answer(side, bench, seconds=SECONDS):
    """The same until the first byte of an answer; namespace and card are made before."""
    began = time.monotonic()
    started = side.start(bench, False)
    try:
        # Who asks too early would otherwise wait a second, for the guest's card and for the first SYN.
        started.ns.call("sysctl", "-q", "-w", "net.ipv4.neigh.tap0.retrans_time_ms=10")
        request = b"GET / HTTP/1.1\r\nHost: pith\r\n\r\n"
        while time.monotonic() < began + seconds and started.alive():
            try:
                with started.ns.connect(places.ADDRESS, khttp.PORT, 0.05) as sock:
                    sock.settimeout(seconds)
                    sock.sendall(request)
                    if sock.recv(1):
                        return (time.monotonic() - began) * 1e3
            except OSError:
                time.sleep(0.002)
        raise Failure(f"{side.name}: no answer: {started.last_words()!r}")
    finally:
        started.close()


def least_memory(bench):
    """The fewest MiB of MEMORY_STEPS_MIB with which httpd answers, on microvm."""
    app = image.find("httpd")
    image.build([app])
    for size in MEMORY_STEPS_MIB:
        try:
            first_answer(places.Pith(app.elf, memory=size << 20), dataclasses.replace(bench, machine="microvm"))
            return size
        except Failure:
            continue
    raise Failure(f"httpd does not even answer with {MEMORY_STEPS_MIB[-1]} MiB")


def hellos(bench):
    """{side: machine's kind -> Machine}"""
    app = image.find("hello")
    image.build([app])
    found = {"Pith": lambda kind: Machine(app.elf, bench.platform, kind, MEMORY, nonce="0" * 16)}
    if not bench.sides or "linux" in bench.sides:
        archive = linux_guest.initramfs("hello", [os.path.join(TOP, "apps", "hello", "main.c")])
        kernel, _, _ = linux_guest.fetch()
        found["Linux"] = lambda kind: Machine(kernel, bench.platform, kind, MEMORY, options=linux_guest.options(kind),
                                              args=["none"], qemu_args=["-initrd", archive])
    return found


def run(bench):
    began = time.monotonic()
    result = frame.Result(NAME, TITLE)
    machines = hellos(bench)
    servers = [side for side in khttp.sides(bench) if side.counts and side.name in machines]
    for number in range(max(1, bench.rounds)):
        for kind in MACHINES:
            for side, make in machines.items():
                say(f"{NAME}, round {number + 1}: {side} on {kind}")
                result.add(side, {f"first line on {kind} ms": first_line(make(kind))})
            for side in servers:
                say(f"{NAME}, round {number + 1}: khttp, {side.name} on {kind}")
                there = dataclasses.replace(bench, machine=kind)
                result.add(side.name, {f"first answer on {kind} ms": first_answer(side, there)})
    if not bench.sides or "pith" in bench.sides:
        result.add("Pith", {LEAST: least_memory(bench)})
    result.seconds = time.monotonic() - began
    return result
