# SPDX-License-Identifier: BSD-2-Clause
"""redis: GET and SET by redis-benchmark, one request at a time and sixteen, on Pith's Redis and Debian's."""

import os
import shutil

import image
import linux_guest
import packages
from bench import loads
from bench import sides as places

NAME = "redis"
TITLE = "Redis; redis-benchmark, 32 clients, values of 32 bytes; on Linux Debian's redis-server"
NEEDS = ("ip", "redis-benchmark")

packages.PACKAGE_OF.setdefault("redis-benchmark", "redis-tools")

PORT = 6379
# Debian's one binary is all of Redis' programs, and its name says which (package redis-tools).
BINARY = "redis-check-rdb"
# As in apps/redis/redis.conf.
CONFIG = 'protected-mode no\nsave ""\n'
COMMANDS = ("set", "get")
PIPELINES = {1: 8000, 16: 40000}  # requests per second to expect at least, for the length of a measurement

TARGETS = {"GET P=1 instructions/request": 9000, "SET P=1 instructions/request": 9000}


def sides(bench):
    app = image.find("redis")
    image.build([app])
    archive = linux_guest.initramfs_of_host("redis", shutil.which(BINARY), {"redis.conf": CONFIG})
    found = [places.Pith(app.elf, (), ["stack=1M"]), places.Linux(archive, ["/redis.conf"])]
    if not bench.quick:
        folder = os.path.join(linux_guest.FOLDER, "redis")
        found.append(places.Native(os.path.join(folder, "program"), [os.path.join(folder, "redis.conf")]))
    return found


def measure(started, bench, side):
    values, profiles = {}, {}
    started.wait(PORT)
    loads.redis_benchmark(started.ns, "set", 10000, 1)  # warm-up
    for pipeline, rate in PIPELINES.items():
        for command in COMMANDS:
            name = f"{command.upper()} P={pipeline}"
            requests = int(rate * bench.seconds)
            with loads.Span(started, bench) as span:
                got = loads.redis_benchmark(started.ns, command, requests, pipeline)
            values[f"{name} requests/s"] = got["rps"]
            values[f"{name} p50 us"], values[f"{name} p99 us"] = got["p50"], got["p99"]
            counted = loads.keep_counts(span, name, "request", requests, values)
            loads.keep_profile(span, side, counted, requests, profiles)
    return values, profiles
