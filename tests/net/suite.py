# SPDX-License-Identifier: BSD-2-Clause
"""The suite `net`: guests beside real peers, behind taps in namespaces of the tests' own.

A test is a function of a Site: it makes what it needs there and returns None, or words for its line
of the results; what goes wrong is an exception.
"""

import os
import shutil
import subprocess
import tempfile
import time

import accel
import basic
import bed
import bulk
import connections
import image
import links
import malformed
import nics
import packages
import qmp
import web
from cases import Bed
from results import log_path
from words import BUILD, TOP, Failure

packages.PACKAGE_OF.update({
    "ip": "iproute2", "ping": "iputils-ping", "curl": "curl", "wrk": "wrk",
    "nsenter": "util-linux", "unshare": "util-linux",
})
NEEDS = ["ip", "ping", "curl", "wrk", "nsenter", "unshare"]

BEDS = {f"{p}-{m}": Bed(p, m) for p in ("tcg", "kvm") for m in ("microvm", "q35", "pc")}
ALL = tuple(BEDS)
MICRO = ("tcg-microvm", "kvm-microvm")

# name: (function, beds of a quick run, beds of a full one)
TESTS = {
    "user": (basic.user, ("tcg-microvm", "kvm-q35"), ALL),
    "ping": (basic.pings, ("tcg-microvm", "kvm-q35"), ALL),
    "echo": (basic.echoes, ("tcg-pc", "kvm-microvm"), ALL),
    "refused": (basic.refused, ("tcg-microvm",), MICRO),
    "last-words": (basic.last_words, ("tcg-microvm",), MICRO),
    "several": (basic.several, ("tcg-microvm",), MICRO),
    "tap": (bulk.tap, ("kvm-microvm", "tcg-q35"), ALL),
    "impaired": (bulk.impaired, ("tcg-microvm",), MICRO),
    "exact": (bulk.exact, ("tcg-microvm", "kvm-microvm"), MICRO),
    "sequential": (connections.sequential, ("kvm-microvm",), MICRO),
    "simultaneous": (connections.simultaneous, ("tcg-microvm",), MICRO),
    "same-port": (connections.same_port, ("tcg-microvm",), MICRO),
    "resets": (connections.resets, ("tcg-microvm",), MICRO),
    "half-closed": (connections.half_closed, ("kvm-pc",), MICRO),
    "slow-readers": (connections.slow_readers, ("tcg-microvm",), MICRO),
    "pulled": (links.pulled, ("tcg-microvm",), ALL),
    "asleep": (links.asleep, ("kvm-q35",), ALL),
    "udp-flood": (links.udp_flood, ("tcg-microvm",), MICRO),
    "mutated": (malformed.mutated, ("tcg-microvm",), MICRO),
    "syn-flood": (malformed.syn_flood, ("tcg-microvm",), MICRO),
    "curl": (web.curl, ("tcg-microvm",), ALL),
    "wrk": (web.wrk, ("tcg-microvm", "kvm-q35"), ALL),
    "streams": (web.streams, ("kvm-microvm",), MICRO),
}
NO_ROOT = {"user"}  # what does without namespaces


class Site:
    """What one test on one bed has made; everything ends with it."""

    def __init__(self, name, where, full):
        self.name, self.bed, self.full = name, where, full
        self.dir = os.path.dirname(log_path("net", name, where.name if where else "linux", "x"))
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        self.short = tempfile.mkdtemp(prefix="pith-")  # for sockets, whose paths must be short
        self.servers, self.namespaces = [], []

    def namespace(self):
        self.namespaces.append(bed.Namespace())
        return self.namespaces[-1]

    def start(self, nic, ns=None, app=bed.PEER, **more):
        """A guest with this card; `app` is a folder."""
        elf = image.find(os.path.join(TOP, app)).elf
        log = os.path.join(self.dir, f"output{len(self.servers)}.log")
        server = bed.Server(ns, elf, self.bed, nic, log, **more)
        self.servers.append(server)
        return server

    def server(self, **more):
        """The peer (or `app`) behind a tap, ready."""
        ns = self.namespace()
        server = self.linux(ns) if self.bed is None else \
            self.start(nics.Nic("tap", tap=ns.tap()), ns, **more)
        if self.bed:
            server.expect("^(ready|httpd: serving)")
        return server

    def web(self, www, **more):
        """httpd that serves the folder `www`, at port web.PORT."""
        if self.bed is None:
            ns = self.namespace()
            return self.linux(ns, "httpd", ["apps/httpd/*.c", "tests/apps/machine_host.c"], ["-r", www],
                              ["-D_GNU_SOURCE", "-I", os.path.join(TOP, web.HTTPD)])
        return self.server(app=web.HTTPD, files=os.path.dirname(www), args=["-r", "/www"], **more)

    def impaired(self, **rates):
        """(the peer behind a cable that spoils at these rates, the cable)."""
        ns = self.namespace()
        if self.bed is None:
            far = self.namespace()
            cable = bed.Impair(ns, self.short, far, **rates)
            return bed.LinuxServer(ns, far), cable
        cable = bed.Impair(ns, self.short, **rates)
        server = self.start(cable.nic, ns)
        server.expect("^ready")
        return server, cable

    def linux(self, ns, *program):
        far = self.namespace()
        ns.call("ip", "link", "add", "tap0", "type", "veth", "peer", "name", "tap1", "netns",
                str(far.holder.pid))
        ns.up("tap0", (bed.OURS4 + "/24", bed.OURS6 + "/64"))
        return bed.LinuxServer(ns, far, *program)

    def close(self):
        for server in self.servers:
            server.stop()
        for ns in self.namespaces:
            ns.close()
        shutil.rmtree(self.short)


def make_job(name, function, where, full):
    full_name = f"net/{name}/{where.name if where else 'linux'}"

    def job(results):
        began, problem, said = time.monotonic(), None, ""
        site = Site(name, where, full)
        try:
            said = function(site) or ""
        except (Failure, OSError, ValueError, qmp.Refused, subprocess.SubprocessError) as e:
            problem = f"{type(e).__name__}: {e}"
        finally:
            site.close()
        seconds = time.monotonic() - began
        if problem:
            results.fail(full_name, seconds, f"{problem} [{os.path.relpath(site.dir, TOP)}]")
        else:
            results.ok(full_name, seconds, said)
    return job


def prepare():
    """Install and build; why namespaces can't be used, or None."""
    image.make(["app", f"APP={bed.PEER} {web.HTTPD}"], quiet=True)
    try:
        packages.ensure(NEEDS)
    except Failure as e:
        return str(e)
    return bed.why_not()


def jobs(wanted, full, results):
    """NAME or NAME/BED; the bed `linux` has the peer run on Linux itself, to try the tests with."""
    found, why, no_kvm = [], prepare(), accel.openable() or accel.try_kvm()
    for name, (function, quick_beds, full_beds) in TESTS.items():
        beds = list(full_beds if full else quick_beds)
        asked = [w.partition("/")[2] for w in wanted if w.partition("/")[0] == name]
        if wanted and not asked:
            continue
        if any(asked):
            beds = [b for b in asked if b == "linux" or b in BEDS]
        for where in beds:
            reason = (why if name not in NO_ROOT else None) or \
                (no_kvm if where.startswith("kvm") else None)
            if reason:
                results.skip(f"net/{name}/{where}", 0, reason)
            else:
                found.append(make_job(name, function, BEDS.get(where), full))
    return found
