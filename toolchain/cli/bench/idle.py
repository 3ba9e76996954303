# SPDX-License-Identifier: BSD-2-Clause
"""idle: the instructions per second of a machine with nothing to do, alone and with 10,000 open connections."""

import errno
import resource
import socket
import time

from bench import khttp, loads
from bench import sides as places
from words import Failure

NAME = "idle"
TITLE = "nothing to do (apps/khttp): alone, and with open connections"
NEEDS = ("ip",)

CONNECTIONS = 10000
SETTLE_SECONDS = 3
START_SECONDS = 16 # until routers have been asked for (RFC 4861, 6.3.7), and nobody has said a word for a while
SECONDS = 5

TARGETS = {"alone instructions/s": 2000, "10,000 connections instructions/s": 100000}


def sides(bench):
    return [side for side in khttp.sides(bench) if side.counts]


def connect_many(ns, count):
    """That many connections, made in one thread that is in the namespace."""
    def inside():
        found = []
        try:
            for _ in range(count):
                found.append(socket.create_connection((places.ADDRESS, khttp.PORT), 30))
        except OSError as e:
            for sock in found:
                sock.close()
            raise OSError(e.errno or errno.ETIMEDOUT, f"connection {len(found) + 1}: {e}") from e
        return found
    return ns.enter(inside)


def span_of(started, bench, side, name, values, profiles):
    with loads.Span(started, bench) as span:
        time.sleep(SECONDS)
    values[name] = span.instructions / span.seconds
    loads.keep_profile(span, side, name, span.seconds, profiles)


def measure(started, bench, side):
    values, profiles = {}, {}
    if started.meter is None:
        return values, profiles
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    started.ns.call("sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=1024 65535")
    started.wait(khttp.PORT)
    loads.wrk(started.ns, 8, 1, khttp.PORT)
    time.sleep(START_SECONDS)
    span_of(started, bench, side, "alone instructions/s", values, profiles)
    try:
        held = connect_many(started.ns, CONNECTIONS)
    except OSError as e:
        raise Failure(f"{side.name}: {e}") from e
    time.sleep(SETTLE_SECONDS)
    span_of(started, bench, side, f"{CONNECTIONS:,} connections instructions/s", values, profiles)
    for sock in held:
        sock.close()
    return values, profiles
