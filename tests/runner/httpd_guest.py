# SPDX-License-Identifier: BSD-2-Clause
"""The servers in their virtual machines: the cases of tests/apps by a published port of QEMU's own
network."""

import os
import secrets
import shutil
import threading
import time

import cases
import http_cases
import http_client
import http_fuzz
import http_limits
import image
import initrd
import nics
import qmp
import site_tree
import small_servers
import verb_size
from guest import Guest
from machine import Machine
from results import log_path

STRIPPED_BYTES = 409_600
LEAST_MEMORY = 6 << 20
GROWTH = 256 << 10  # bytes that the guest may have less after the second half of the fuzzing
QUICK_BEDS = ("tcg-microvm", "kvm-microvm")


class Running:
    """A server in a machine, in a `with`; `address` is where it answers (`datagrams`: by UDP). `more` is for Machine."""

    def __init__(self, name, elf, bed, module=None, args=(), memory=64 << 20, port=8080,
                 shares=(), options=(), patience=60, **more):
        nic = nics.Nic("user")
        nic.ports += [nics.Port(0, port, "tcp"), nics.Port(0, port, "udp")]
        nics.settle([nic])
        self.address = ("127.0.0.1", nic.port(port, "tcp"))
        self.datagrams = ("127.0.0.1", nic.port(port, "udp"))
        http_client.PAUSES[self.address[1]] = 0.01
        machine = Machine(elf, bed.platform, bed.machine, memory, args=list(args),
                          nonce=secrets.token_hex(8), nics=[nic], initrd=module or "",
                          shares=list(shares), options=list(options), **more)
        self.patience = patience  # seconds until it answers
        self.output = bytearray()
        self.log = open(log_path("apps", f"serve-{name}.log"), "wb")
        self.guest = Guest(machine, None, self.feed, self.log, 600)
        self.result = None
        self.thread = threading.Thread(target=self.run, name=f"serve-{name}")
        self.poker = threading.Thread(target=self.poke, name=f"poke-{name}")
        self.over = threading.Event()

    def feed(self, data):
        self.output += data
        self.log.write(data)

    def run(self):
        self.result = self.guest.run()

    def poke(self):
        """QEMU's user network looks at its sockets when the main loop turns. What the guest does on
        a microvm does not turn it, so that a connection's bytes may lie there for a second (seen with
        7.2): a question to the monitor every few milliseconds turns it."""
        while not self.over.wait(0.002):
            try:
                if self.guest.control is not None:
                    self.guest.control.execute("query-status")
            except (OSError, qmp.Refused):
                pass

    def __enter__(self):
        self.thread.start()
        self.poker.start()
        self.wait_answer(time.monotonic() + self.patience)
        return self

    def wait_answer(self, until):
        """The guest's address comes by DHCP; until then QEMU takes connections and lets them wait."""
        while self.thread.is_alive() and time.monotonic() < until:
            try:
                with http_client.Connection(self.address) as c:
                    c.sock.settimeout(2)
                    c.send(http_client.request("/", "HEAD"))
                    if c.sock.recv(1):
                        return
            except OSError:
                pass
            time.sleep(0.05)
        self.__exit__()
        raise AssertionError(f"it does not serve: {bytes(self.output[-300:])!r}")

    def press(self):
        try:
            self.guest.control.execute("system_powerdown")
        except qmp.Refused:
            pass  # it may be gone before QEMU answers

    def ended(self):
        """None, or how it ended instead of well."""
        self.thread.join(60)
        if self.result is None:
            return "it did not end"
        return None if self.result.status == 0 else f"it ended with {self.result.status} {self.result.problem}"

    def __exit__(self, *_):
        if self.thread.is_alive() and self.guest.process is not None:
            self.guest.process.kill()
        self.thread.join()
        self.over.set()
        self.poker.join()
        self.log.close()


class OnGuest:
    """The image, with the tests' site as a boot module."""

    def __init__(self):
        self.lock = threading.Lock()
        self.module = None

    def build(self):
        with self.lock:
            if self.module is None:
                folder = log_path("apps", "httpd-site", "x")[:-2]
                shutil.rmtree(folder, ignore_errors=True)
                self.tree = site_tree.make(folder)
                self.elf, self.module = built("httpd"), initrd.archive(folder)

    def cases(self, bed, count):
        def run():
            self.build()
            with Running(bed.name, self.elf, bed, self.module, ["-r", "/"]) as server:
                problem = run_cases(http_cases.all_cases(), server.address, self.tree)
                if problem:
                    return problem
                problem = self.fuzz(server.address, count)
                if problem:
                    return problem
                server.press()
                return server.ended()
        return run

    def fuzz(self, address, count):
        def free():
            return http_client.metrics(address)["pith_memory_free_bytes"]
        try:
            http_fuzz.run(address, self.tree, count // 2, 1)
            before = free()
            http_fuzz.run(address, self.tree, count - count // 2, 2)
            http_limits.eventually(lambda: free() >= before - GROWTH, 150)
            http_limits.eventually(
                lambda: http_client.metrics(address)["httpd_connections"] == 1)
        except (AssertionError, http_client.Bad, OSError) as e:
            return f"fuzz: {type(e).__name__}: {e}"
        return None

    def limits(self, bed):
        def run():
            self.build()
            with Running("limits-" + bed.name, self.elf, bed, self.module,
                         ["-r", "/", *http_limits.OPTIONS]) as server:
                problem = run_cases(http_limits.all_limits(), server.address, self.tree)
                if problem:
                    return problem
                try:
                    http_limits.stopping(server.address, self.tree, server.press)
                except (AssertionError, OSError, http_client.Bad) as e:
                    return f"stopping: {type(e).__name__}: {e}"
                return server.ended()
        return run

    def little_memory(self, bed):
        """6 MiB for everything: the page that the image carries, many times, by many clients."""
        def run():
            self.build()
            with Running("memory-" + bed.name, self.elf, bed, memory=LEAST_MEMORY) as server:
                with open(os.path.join(os.path.dirname(__file__), "..", "..", "apps", "httpd", "root",
                                       "www", "index.html"), "rb") as f:
                    page = f.read()
                conns = [http_client.Connection(server.address) for _ in range(30)]
                for _ in range(5):
                    for c in conns:
                        c.send(http_client.request("/"))
                    for c in conns:
                        assert c.response().body == page
                for c in conns:
                    c.sock.close()
                server.press()
                return server.ended()
        return run

    def small(self):
        self.build()
        size = verb_size.stripped_size(self.elf)[0]
        return None if size <= STRIPPED_BYTES else f"{size} bytes stripped, more than {STRIPPED_BYTES}"


def echo_on(bed):
    def run():
        with Running("echo-" + bed.name, built("echo"), bed, port=7) as server:
            small_servers.echo_stream(server.address)
            small_servers.echo_datagrams(server.datagrams)
            server.press()
            return server.ended()
    return run


def khttp_on(bed):
    def run():
        with Running("khttp-" + bed.name, built("khttp"), bed) as server:
            small_servers.khttp(server.address)
            server.press()  # it has no handler of SIGTERM
            server.thread.join(60)
            status = server.result.status if server.result else None
            return None if status == 143 else f"it ended with {status}"
    return run


def built(name):
    app = image.find(name)
    image.build([app], quiet=True)
    return app.elf


def run_cases(todo, address, tree):
    """None, or what went wrong first and how many cases with it."""
    problems = []
    for name, case in todo:
        try:
            case(address, tree)
        except (AssertionError, AttributeError, http_client.Bad, OSError) as e:
            problems.append(f"{name}: {type(e).__name__}: {e}"[:500])
    if not problems:
        return None
    return "; ".join(problems)


def jobs(add, full, fuzz_count):
    """Hand each test to add(name, bed, function)."""
    guest = OnGuest()
    add("httpd/size", None, guest.small)
    for bed in cases.BEDS:
        if bed.platform.startswith("xen") or not (full or bed.name in QUICK_BEDS):
            continue
        add(f"echo/{bed.name}", bed, echo_on(bed))
        add(f"khttp/{bed.name}", bed, khttp_on(bed))
        add(f"httpd/{bed.name}", bed, guest.cases(bed, fuzz_count))
        if full or bed.name == "kvm-microvm":
            add(f"httpd/limits-{bed.name}", bed, guest.limits(bed))
        if bed.machine == "microvm":
            add(f"httpd/6MiB-{bed.platform}", bed, guest.little_memory(bed))
