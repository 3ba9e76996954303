# SPDX-License-Identifier: BSD-2-Clause
"""The servers: the same tests for them as programs of the host, under sanitizers, and as images."""

import os
import shutil
import signal
import sys

from results import log_path
from words import TOP

sys.path.append(os.path.join(TOP, "tests", "apps"))

import http_cases  # noqa: E402
import http_client  # noqa: E402
import http_fuzz  # noqa: E402
import http_limits  # noqa: E402
import httpd_guest  # noqa: E402
import native  # noqa: E402
import site_tree  # noqa: E402
import small_servers  # noqa: E402
from httpd_guest import run_cases  # noqa: E402

FUZZ_QUICK, FUZZ_FULL = 1000, 10000
FUZZ_SEED = 20260607
GROWTH = 1 << 20  # bytes that a server may have more after the second half of the fuzzing


class OnHost:
    """httpd built for the host."""

    def __init__(self):
        self.folder = log_path("apps", "httpd-native", "x")[:-2]
        self.elf = os.path.join(self.folder, "httpd")
        self.root = os.path.join(self.folder, "site")

    def build(self):
        shutil.rmtree(self.root, ignore_errors=True)
        self.tree = site_tree.make(self.root)
        native.build("httpd", self.elf, ("machine.c",), ("machine_host.c",))

    def serve(self, name, options):
        self.port = native.free_port()
        return native.Server([self.elf, "-r", self.root, "-p", str(self.port), *options],
                             os.path.join(self.folder, name + ".log"), b"serving")

    def cases(self):
        with self.serve("cases", ["-l"]) as server:
            for host in ("127.0.0.1", "::1"):
                problem = run_cases(http_cases.all_cases(), (host, self.port), self.tree)
                if problem:
                    return f"{host}: {problem}"
            status = server.stop(signal.SIGTERM)
        return None if status == 0 else f"it ended with {status}"

    def limits(self):
        with self.serve("limits", http_limits.OPTIONS) as server:
            address = ("127.0.0.1", self.port)
            problem = run_cases(http_limits.all_limits(), address, self.tree)
            if problem:
                return problem
            try:
                http_limits.stopping(address, self.tree,
                                     lambda: server.process.send_signal(signal.SIGTERM))
            except (AssertionError, OSError) as e:
                return f"stopping: {e}"
            status = server.stop()
        return None if status == 0 else f"it ended with {status}"

    def fuzz(self, count):
        os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=1")
        with self.serve("fuzz", []) as server:
            address = ("::1", self.port)
            http_fuzz.run(address, self.tree, count // 2, FUZZ_SEED)
            before = server.resident()
            http_fuzz.run(address, self.tree, count - count // 2, FUZZ_SEED + 1)
            grown = server.resident() - before
            open_now = http_client.metrics(address)["httpd_connections"]
            status = server.stop(signal.SIGTERM)
        if grown > GROWTH:
            return f"{grown} bytes more memory after the second half"
        if open_now != 1:
            return f"{open_now} connections are left open"
        return None if status == 0 else f"it ended with {status}"


def small_on_host(name, word):
    """(address, server) of echo or khttp, built for the host."""
    elf = native.build(name, log_path("apps", f"{name}-native"))
    port = native.free_port()
    return ("127.0.0.1", port), native.Server([elf, str(port)], log_path("apps", f"{name}-native.log"),
                                              word)


def echo_on_host():
    (host, port), server = small_on_host("echo", b"TCP and UDP")
    with server:
        for address in ((host, port), ("::1", port)):
            small_servers.echo_stream(address)
            small_servers.echo_datagrams(address)
        status = server.stop(signal.SIGTERM)
    return None if status == 0 else f"it ended with {status}"


def khttp_on_host():
    address, server = small_on_host("khttp", b"listening")
    with server:
        small_servers.khttp(address)
    return None


def jobs(add, full):
    """Hand each test to add(name, bed, function)."""
    host = OnHost()
    def all_on_host():
        host.build()
        for name, test in (("cases", host.cases), ("limits", host.limits),
                           ("fuzz", lambda: host.fuzz(FUZZ_FULL if full else FUZZ_QUICK))):
            try:
                problem = test()
            except http_client.Bad as e:
                problem = str(e)
            if problem:
                return f"{name}: {problem}"
        return None

    add("httpd/native", None, all_on_host)
    add("echo/native", None, echo_on_host)
    add("khttp/native", None, khttp_on_host)
    httpd_guest.jobs(add, full, FUZZ_FULL if full else FUZZ_QUICK)
