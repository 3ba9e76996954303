# SPDX-License-Identifier: BSD-2-Clause
"""Redis, sqlited, nginx and a server in Lua as guests of a real Xen, with the clients that people use on the other
side of the bridge, and xl's shutdown in the end."""

import os
import re

import httpd_guest
import image
import initrd
import native
import nginx
import nginx_cases
import nginx_native
import redis_bed
import sqlited
import sqlited_cases
from words import TOP
from xen_site import expect

LUA = os.path.join(TOP, "tests", "apps", "lua")
NEEDS = ["redis-cli"]  # besides what the suite needs
# Of nginx' conversations those that ask nobody but nginx, and leave nothing.
GROUPS = ("files", "names", "ranges", "conditions", "encodings", "mistakes", "methods", "configured")
ELSEWHERE = re.compile(r"proxied|/asked/")
SECONDS = 120  # on a busy machine


def guest(site, word, args=(), options=(), memory=64, **config):
    """(name, address) of a guest with this program."""
    v4 = site.address()
    return site.create(word, image.find(word).elf, ["loglevel=3", *options], args, v4, memory=memory, **config), v4


def inside(site, function):
    """Call it where the bridge leads to; what it raises is raised here."""
    def caught():
        try:
            return function(), None
        except Exception as e:  # handed on
            return None, e
    value, error = site.ns.enter(caught)
    if error:
        raise error
    return value


def load(site, url, *more):
    """Requests in two seconds of wrk with 8 connections, none of them wrong."""
    said = site.ns.call("wrk", "-t", "1", "-c", "8", "-d", "2", "--timeout", f"{SECONDS}s", *more, url, timeout=SECONDS).stdout.decode()
    found = re.search(r"^ +([1-9]\d*) requests in", said, re.MULTILINE)
    expect(found and "Non-2xx" not in said and "Socket errors" not in said, f"wrk: {said}")
    return f"{found[1]} requests by wrk"


def redis(site):
    name, v4 = guest(site, "redis", options=["stack=1M"], memory=128)
    client = redis_bed.Client(v4, redis_bed.PORT, site.ns.words())
    client.wait(lambda: site.host.reason(name) is None, SECONDS)
    client.expect("^OK$", "set", "greeting", "hello")
    client.expect("^hello$", "get", "greeting")
    expect(client.fill("key", 5000) == (0, 5000), "not all of 5000 keys are stored")
    status, said = redis_bed.call(client.words("-n", "2000", "-c", "20", "-P", "4", "-t", "ping_mbulk,set,get,lpush", "--csv",
                                               tool="redis-benchmark"), SECONDS)
    lines = re.findall(rb'^"([A-Z][^"]*)","([\d.]+)"', said, re.MULTILINE)
    expect(status == 0 and len(lines) == 4, f"redis-benchmark: {said[-300:]!r}")
    client.expect("^OK$", "save")
    site.shut_down(name)
    return ", ".join(f"{what.decode()} {float(rate):.0f}/s" for what, rate in lines)


def database(site):
    name, v4 = guest(site, "sqlited", ["/cases.db"])
    site.page(v4, 8080, SECONDS)
    # What a statement may cost is measured in seconds, which pass quickly in a CPU that is emulated.
    cases = [(what, case) for what, case in sqlited_cases.all_cases() if what != "limits"]
    problem = inside(site, lambda: httpd_guest.run_cases(cases, (v4, 8080), None))
    expect(problem is None, problem)
    said = load(site, f"http://{v4}:8080/sql?q=select+count(*)+from+kv")
    site.shut_down(name)
    return f"{len(cases)} cases, {said}"


def web(site):
    """The distribution's nginx of this machine answers beside it."""
    folder = os.path.join(site.host.folder, "nginx")
    here, there = os.path.join(folder, "linux"), os.path.join(folder, "pith")
    port = native.free_port()
    for where, state, root in ((here, here + "/state", here), (there, "/state", "")):
        os.makedirs(os.path.join(where, "state"))
        nginx_native.write_site(where, STATE=state, SITE=root + "/site", CONF=root + "/conf", ERRORS="stderr", PORT=port,
                                BACKEND="127.0.0.1:9", GONE="127.0.0.1:9")
    name, v4 = guest(site, "nginx", ["-c", "/conf/nginx.conf"], ramdisk=initrd.archive(there))
    site.page(v4, port, SECONDS)
    chosen = [(what, steps) for what, steps in nginx_cases.all_cases()
              if what.partition(":")[0] in GROUPS and not ELSEWHERE.search(what)]
    with nginx_native.Native(here, port) as linux:
        wanted = {what: nginx_native.converse(linux.address, steps) for what, steps in chosen}
    answers = inside(site, lambda: {what: nginx_native.converse((v4, port), steps) for what, steps in chosen})
    found = [f"{what}: {wrong}" for what in wanted if (wrong := nginx_native.differs(wanted[what], answers[what]))]
    expect(not found, f"{len(found)} of {len(chosen)} answers differ: " + "; ".join(found[:nginx.LIMIT]))
    said = load(site, f"http://{v4}:{port}/plain.txt")
    site.shut_down(name)
    return f"{len(chosen)} answers as Linux' nginx gives them, {said}"


def script(site):
    name, v4 = guest(site, "lua", ["/server.lua", "8080"], ["stack=2M"], ramdisk=initrd.archive(LUA))
    site.page(v4, 8080, SECONDS)
    for n in range(20):
        said = site.ns.call("curl", "-sS", "-m", "20", "-d", f"number {n}", f"http://{v4}:8080/upper?x=1").stdout.decode()
        expect(said == f"POST /upper?x=1 NUMBER {n}\n", f"request {n}: {said!r}")
    said = load(site, f"http://{v4}:8080/")
    # Nobody in this program takes SIGTERM: it ends with 143.
    site.host.run(f"xl shutdown {name}")
    expect(site.host.wait_end(name), "xl shutdown does not end it")
    site.host.destroy(name)
    return f"20 answers, {said}"


def all_tests(kind):
    """(tests, images to build)."""
    tests = {f"program-redis-{kind}": redis, f"program-sqlited-{kind}": database, f"program-nginx-{kind}": web,
             f"program-lua-{kind}": script}
    return tests, [image.find(name) for name in ("redis", "sqlited", "nginx", "lua")]
