# SPDX-License-Identifier: BSD-2-Clause
"""Load on a started side: wrk, redis-benchmark, and the client of ours (tests/bench/client)."""

import csv
import glob
import json
import os
import time

from bench import plugin, sides
from words import BUILD, TOP, Failure

PERCENTILES = os.path.join(TOP, "tests", "bench", "percentiles.lua")
CLIENT = os.path.join(BUILD, "bench", "client")
CLIENT_SOURCES = os.path.join(TOP, "tests", "bench", "client", "*.c")


class Span:
    """What happens to a side between two moments: seconds, of the clock and of this host's CPUs, instructions, and with `bench.profile` in which
    functions."""

    def __init__(self, started, bench):
        self.started = started
        self.profiled = bench.profile and started.meter is not None and started.meter.words[1].find("blocks=on") > 0

    def __enter__(self):
        self.blocks = self.started.meter.blocks() if self.profiled else []
        self.seconds = time.monotonic()
        self.events = self.started.events()
        self.parts = self.started.parts()
        self.cpu = self.started.cpu()
        self.instructions = self.started.instructions()
        return self

    def __exit__(self, *_):
        self.instructions = self.started.instructions() - self.instructions
        self.parts = {part: now - self.parts[part] for part, now in self.started.parts().items()}
        self.events = {what: now - self.events[what] for what, now in self.started.events().items()}
        self.cpu = self.started.cpu() - self.cpu
        self.seconds = time.monotonic() - self.seconds
        self.after = self.started.meter.blocks() if self.profiled else []


def keep_counts(span, name, per, done, values):
    """A span's instructions per one of `done`, as the measure "NAME instructions/PER"; where a machine has several
    parts, those of each too; what this host's CPUs have spent on it; and what is told to devices and by them. Returns
    the measure."""
    measure = f"{name} instructions/{per}"
    if span.cpu:
        values[f"{name} CPU ns/{per}"] = span.cpu * 1e9 / done
    values[measure] = span.instructions / done
    for part, instructions in span.parts.items():
        if instructions:
            values[f"{name}, {part} instructions/{per}"] = instructions / done
    if per != "byte":
        for what, count in span.events.items():
            values[f"{name} {what}/{per}"] = count / done
    return measure


def keep_profile(span, side, measure, done, profiles):
    """Note in which functions a span's instructions were, per one of `done`."""
    if span.profiled:
        profiles[measure] = plugin.profile(plugin.Symbols(side.elf), span.blocks, span.after, done)


def wrk(ns, connections, seconds, port, path="/"):
    """What percentiles.lua says: {requests, seconds, bytes, failed, p50, ...}, times in us."""
    url = f"http://{sides.ADDRESS}:{port}{path}"
    done = ns.call("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", PERCENTILES, url,
                   timeout=seconds + 60)
    lines = [line for line in done.stdout.decode().splitlines() if line.startswith("{")]
    if not lines:
        raise Failure("wrk: " + done.stdout.decode()[-300:])
    return json.loads(lines[-1])


def client(ns, *words, timeout=120):
    """What tests/bench/client says: {name: number}."""
    sides.bed.build(CLIENT, sorted(glob.glob(CLIENT_SOURCES)), ["-pthread"])
    done = ns.call(CLIENT, sides.ADDRESS, *map(str, words), timeout=timeout)
    said = done.stdout.decode().split()
    return dict(zip(said[0::2], map(float, said[1::2])))


def redis_benchmark(ns, test, requests, pipeline, clients=32):
    """{rps, p50, p99, ...} of one command, times in us."""
    done = ns.call("redis-benchmark", "-h", sides.ADDRESS, "-t", test, "-n", str(requests), "-c", str(clients),
                   "-P", str(pipeline), "-d", "32", "-r", "10000", "--csv", timeout=300)
    rows = list(csv.DictReader(line for line in done.stdout.decode().splitlines() if line.startswith('"')))
    if not rows:
        raise Failure("redis-benchmark: " + done.stdout.decode()[-300:])
    return {"rps": float(rows[0]["rps"]), "p50": float(rows[0]["p50_latency_ms"]) * 1e3,
            "p99": float(rows[0]["p99_latency_ms"]) * 1e3}
