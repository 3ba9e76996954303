# SPDX-License-Identifier: BSD-2-Clause
"""udp: datagrams that come back (tests/bench/netpeer), some on their way at once, of some sizes."""

from bench import loads, tcp

NAME = "udp"
TITLE = "UDP echo, recvfrom and sendto in one thread (tests/bench/netpeer); 32 on their way"
NEEDS = ("ip",)

SIZES = (64, 512, 1472, 8192)
WINDOW = 32

sides = tcp.sides


def measure(started, bench, side):
    values, profiles = {}, {}
    started.wait(tcp.PORT)
    for size in SIZES[:1] if bench.quick else SIZES:
        name = f"{size} B"
        loads.client(started.ns, "udp", size, WINDOW, 1)  # warm-up
        with loads.Span(started, bench) as span:
            got = loads.client(started.ns, "udp", size, WINDOW, bench.seconds)
        done = got["answers"] or 1
        values[f"{name} answers/s"] = got["answers"] / got["seconds"]
        values[f"{name} p50 us"], values[f"{name} p99 us"] = got["p50"], got["p99"]
        values[f"{name} lost"] = got["lost"]
        counted = loads.keep_counts(span, name, "datagram", done, values)
        loads.keep_profile(span, side, counted, done, profiles)
    return values, profiles
