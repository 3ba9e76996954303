# SPDX-License-Identifier: BSD-2-Clause
"""khttp: requests per second of apps/khttp by wrk, for pages of some sizes and numbers of connections."""

import os

import image
from bench import loads
from bench import sides as places
from words import TOP

NAME = "khttp"
TITLE = "HTTP from memory, one thread, epoll (apps/khttp); wrk -t1"
NEEDS = ("wrk", "ip")

PORT = 8080
PAGES = {"612 B": 612, "16 KiB": 16 << 10, "1 MiB": 1 << 20}
CASES = (("612 B", 1), ("612 B", 32), ("612 B", 256), ("16 KiB", 32), ("1 MiB", 32))
QUICK = CASES[:3]
XEN_CASES = (CASES[0], CASES[1], CASES[3])  # with all on one emulated CPU the others take minutes
# Requests at fixed moments, by the client of ours: fewer than either can serve under TCG.
OPEN_RATE = 2000
OPEN_CONNECTIONS = 32

TARGETS = {
    "612 B c1 instructions/request": 5500,
    "612 B c32 instructions/request": 4000,
    "612 B c32 exits/request": 1,
    "612 B c32 notifications/request": 0.2,
    "612 B c32 interrupts/request": 0.2,
}
# Times better than the Linux guest.
XEN_RATIOS = {f"{page} c{connections} requests/s": 1.5 for page, connections in XEN_CASES}
RATIOS = {"612 B c32 requests/s": 4, "612 B c32 p99 us": 3, "1 MiB c32 requests/s": 1}


def chosen_sides(name, app, args, native):
    folder = os.path.join(TOP, "apps", name)
    image.build([app])
    sources = [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.endswith(".c")]
    return places.of_sources(name, app.elf, sources, args, native=native)


def sides(bench):
    args = [str(PORT), *map(str, PAGES.values())]
    app = image.find(NAME)
    found = chosen_sides(NAME, app, args, not bench.quick)
    if bench.platform == "kvm":
        found.append(places.Pith(app.elf, args, name="TCG", platform="tcg"))
    return found


def one(started, bench, side, name, connections, where, values, profiles):
    """One measurement by wrk; `where` is a port and a path."""
    before = exits(started)
    with loads.Span(started, bench) as span:
        got = loads.wrk(started.ns, connections, bench.seconds, *where)
    done = got["requests"] or 1
    values[f"{name} requests/s"] = got["requests"] / got["seconds"]
    for percentile in ("50", "90", "99", "99.9"):
        values[f"{name} p{percentile} us"] = got["p" + percentile]
    if got["failed"] or not got["requests"]:
        values[f"{name} failed"] = got["failed"] or 1
    counted = loads.keep_counts(span, name, "request", done, values)
    if before is not None:
        values[f"{name} exits/request"] = (exits(started) - before) / done
    if not name.startswith("612 B"):
        values[f"{name} instructions/byte"] = span.instructions / got["bytes"]
    loads.keep_profile(span, side, counted, done, profiles)


def exits(started):
    """How often the virtual CPU has left for KVM so far, or None."""
    if "kvm" not in started.words:
        return None
    found = started.query("query-stats", target="vcpu", vcpus=["/machine/unattached/device[0]"],
                          providers=[{"provider": "kvm", "names": ["exits"]}])
    return sum(stat["value"] for one in found for stat in one["stats"])


def open_loop(started, bench, values):
    got = loads.client(started.ns, "http", PORT, OPEN_CONNECTIONS, OPEN_RATE, bench.seconds)
    name = f"612 B at {OPEN_RATE:,}/s"
    for percentile in ("50", "90", "99", "99.9"):
        values[f"{name} p{percentile} us"] = got["p" + percentile]
    if got["unanswered"]:
        values[f"{name} failed"] = got["unanswered"]


def measure(started, bench, side):
    values, profiles = {}, {}
    started.wait(PORT)
    loads.wrk(started.ns, 8, 1, PORT)  # warm-up
    for page, connections in XEN_CASES if bench.on_xen else QUICK if bench.quick else CASES:
        where = (PORT + list(PAGES).index(page), "/")
        one(started, bench, side, f"{page} c{connections}", connections, where, values, profiles)
    if started.meter is None and not bench.on_xen:
        open_loop(started, bench, values)
    return values, profiles
