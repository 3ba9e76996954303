# SPDX-License-Identifier: BSD-2-Clause
"""Guest tests: builds each image once, starts it on each of its beds, reads its result lines."""

import importlib.util
import os
import re
import secrets
import shlex
import shutil
import subprocess
import threading
import time

import accel
import cases
import disks
import image
import nets
import qmp
import xen
from guest import Guest
from machine import Disk, Machine, qemu_command
from results import log_path
from schedule import Job
from words import BUILD, TOP, Failure

LINE = re.compile(r"(ok|FAIL|skip) ([^\s:]+)(?:: (.*))?")
BESIDE_SECONDS = 15  # for host.py's part after the guest's end
SUMMARY = re.compile(r"checks: (\d+) ok, (\d+) failed, (\d+) skipped")


class Lines:
    """The guest's output, line by line, with the time at which each was complete."""

    def __init__(self):
        self.data = b""
        self.partial = b""
        self.began = self.last = time.monotonic()
        self.checks = []  # (verdict, name, seconds, reason)
        self.summary = None

    def feed(self, data):
        self.data += data
        *complete, self.partial = (self.partial + data).split(b"\n")
        for line in complete:
            self.line(line.decode(errors="replace").rstrip("\r"))

    def line(self, text):
        check, summary = LINE.fullmatch(text), SUMMARY.fullmatch(text)
        if check:
            now = time.monotonic()
            self.checks.append((check[1], check[2], now - self.last, check[3] or ""))
            self.last = now
        elif summary:
            self.summary = tuple(int(n) for n in summary.groups())

    @property
    def text(self):
        return self.data.decode(errors="replace")


class GuestRun:
    """One case on one bed. A test's host.py may have three functions: prepare(run) changes `machine`
    before the start; beside(run) runs in a thread while the guest does; verify(run) comes after it.
    The latter two return or yield (name, problem or None) pairs, which become results. The functions
    on the list `cleanup` are called at the end."""

    def __init__(self, case, bed):
        self.case = case
        self.bed = bed
        self.name = f"guest/{case.full_name}/{bed.name}"
        self.elf = os.path.join(BUILD, "tests", "guest", case.test, case.test + ".elf")
        self.dir = log_path("guest", case.full_name, bed.name, "x")[:-2]
        self.output = Lines()
        self.cleanup = []
        self.machine = None
        self.guest = None
        self.result = None
        self.peers = []  # nets.Peer of each card that is a cable, else None

    def host_part(self):
        path = os.path.join(cases.FOLDER, self.case.test, "host.py")
        if not os.path.exists(path):
            return None
        spec = importlib.util.spec_from_file_location("host_" + self.case.test, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def build_machine(self):
        case = self.case
        found = []
        for number, description in enumerate(case.all("disk")):
            path = os.path.join(self.dir, f"disk{number}.img")
            disks.make(path, description)
            found.append(Disk(path, case.get("readonly") == "yes"))
        lines = [] if self.bed.platform.startswith("xen") else case.all("net")
        made = [nets.make(line, self.cleanup) for line in lines if line != "none"]
        self.peers = [peer for _, peer in made]
        words = [w.replace("{dir}", self.dir) for line in case.all("qemu") for w in shlex.split(line)]
        return Machine(self.elf, self.bed.platform, self.bed.machine, case.memory,
                       int(case.get("cpus", "1")), found, case.all("option"), case.all("env"),
                       case.args, words, nonce=secrets.token_hex(8),
                       xen_elf=xen.XEN_ELF if self.bed.platform.startswith("xen") else "",
                       nics=[nic for nic, _ in made])

    @property
    def seconds(self):
        """Those that may take long do."""
        return float(self.case.get("timeout", "30")) / 10

    # ---- for host.py, beside(run) ----

    def port(self, guest, protocol="tcp", nic=0):
        """Where at 127.0.0.1 the guest's port is published."""
        return self.machine.nics[nic].port(guest, protocol)

    def expect(self, pattern, seconds=20):
        """Wait for a line of the guest's that matches; the match. A Failure when none comes."""
        until = time.monotonic() + seconds
        while True:
            ended = self.result is not None
            match = re.search(pattern, self.output.text, re.MULTILINE)
            if match:
                return match
            if ended or time.monotonic() > until:
                raise Failure(f"the guest did not say /{pattern}/"
                              + (" before it ended" if ended else f" within {seconds} s"))
            time.sleep(0.02)

    def control(self, command, **arguments):
        """A command for QEMU's monitor, like control("set_link", name="net0", up=False)."""
        return self.guest.control.execute(command, **arguments)

    # ---- the run ----

    def run(self, results):
        began = time.monotonic()
        self.output = Lines()  # its clock begins now
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        host = self.host_part()
        try:
            self.machine = self.build_machine()
            if host and hasattr(host, "prepare"):
                host.prepare(self)
            extra = self.start(getattr(host, "beside", None))
            extra += list(host.verify(self)) if host and hasattr(host, "verify") else []
        except (Failure, OSError, ValueError, subprocess.SubprocessError) as e:
            results.fail(self.name, time.monotonic() - began, f"{type(e).__name__}: {e}")
            return
        finally:
            for function in self.cleanup:
                function()
        self.report(results, extra)
        for disk in self.machine.disks:
            if os.path.exists(disk.path):
                os.unlink(disk.path)

    def start(self, beside):
        """Run the machine, and `beside` in a thread; what the latter found."""
        case, found = self.case, []
        source = case.stdin
        if case.get("stdin") == "open":
            source, other = os.pipe()
            self.cleanup += [lambda: os.close(source), lambda: os.close(other)]
        with open(os.path.join(self.dir, "hypervisor.log"), "wb") as log:
            self.guest = Guest(self.machine, source, self.output.feed, log,
                               float(case.get("timeout", "30")))
            thread = threading.Thread(target=self.call, args=(beside, found), daemon=True)
            if beside:
                thread.start()
            self.result = self.guest.run()
            if beside:
                thread.join(BESIDE_SECONDS)
                if thread.is_alive():
                    found.append(("host", "host.py's beside() goes on after the guest's end"))
        with open(os.path.join(self.dir, "output.log"), "wb") as log:
            log.write((shlex.join(qemu_command(self.machine)) + "\n\n").encode())
            log.write(self.output.data)
            log.write(f"\n{self.result}\n".encode())
        return found

    def call(self, beside, found):
        try:
            found.extend(beside(self) or [])
        except (Failure, OSError, ValueError, AssertionError, qmp.Refused) as e:
            found.append(("host", f"{type(e).__name__}: {e}"))

    def problems(self):
        """What is wrong with the run as a whole."""
        result, case = self.result, self.case
        if result.status != case.status:
            last = [line for line in self.output.text.splitlines() if line.strip()][-1:]
            if not (result.status == 1 and any(c[0] == "FAIL" for c in self.output.checks)):
                yield (f"status {result.status}, not {case.status}"
                       + (f": {result.problem}" if result.problem else "")
                       + (f"; last line: {last[0]}" if last else ""))
        elif case.get("expect") == "crash" and not result.crashed:
            yield "it ended without a crash report's exit line: " + result.problem
        elif not result.ended_itself and case.get("expect") != "timeout":
            yield "the machine did not stop after the program's end"
        if case.has_checks:
            counted = tuple(sum(c[0] == v for c in self.output.checks) for v in ("ok", "FAIL", "skip"))
            if self.output.summary is None:
                yield "no summary line: it died before its end"
            elif counted != self.output.summary:
                yield f"the summary line says {self.output.summary}, the lines are {counted}"
        for pattern in case.all("output"):
            if not re.search(pattern, self.output.text, re.MULTILINE):
                yield f"no match for /{pattern}/ in the output"
        for pattern in case.all("no-output"):
            if re.search(pattern, self.output.text, re.MULTILINE):
                yield f"the output matches /{pattern}/"
        if case.get("disk-after") and result.status == case.status:
            wrong = disks.problem(self.machine.disks[0].path, case.get("disk-after"))
            if wrong:
                yield wrong

    def report(self, results, extra):
        if self.case.has_checks:
            for verdict, name, seconds, reason in self.output.checks:
                results.add(verdict, f"{self.name}/{name}", seconds, reason)
        for name, problem in extra:
            results.check(f"{self.name}/{name}", 0.0, problem)
        problems = list(self.problems())
        if problems:
            where = os.path.relpath(os.path.join(self.dir, "output.log"), TOP)
            results.fail(self.name, self.result.seconds, "; ".join(problems) + f" [{where}]")
        elif not self.case.has_checks:
            results.ok(self.name, self.result.seconds)


def build_images(tests, results):
    """Build the images of these tests; the names of those that did."""
    folders = {test: f"tests/guest/{test}" for test in tests}
    try:
        image.make(["-k", "app", "APP=" + " ".join(folders.values())], quiet=True)
        return list(tests)
    except Failure:
        pass
    good = []
    for test, folder in folders.items():
        began = time.monotonic()
        try:
            image.make(["app", "APP=" + folder], quiet=True)
            good.append(test)
        except Failure as e:
            results.fail(f"guest/{test}/build", time.monotonic() - began, e)
    return good


def unusable_beds():
    """{platform: reason} of what this host has not."""
    found = {}
    why = accel.openable() or accel.try_kvm()
    if why:
        found["kvm"] = why
    try:
        xen.ensure()
    except Failure as e:
        found["xen-pv-dom0"] = found["xen-pvh-dom0"] = str(e)
    return found


def jobs(wanted, full, results):
    """Functions to call, each running one case on one bed."""
    tests = [t for t in cases.tests() if not wanted or t in wanted]
    found = []
    if not tests:
        return found
    unusable = unusable_beds()
    for test in build_images(tests, results):
        try:
            described = cases.cases_of(test)
        except cases.Malformed as e:
            results.fail(f"guest/{test}", 0, e)
            continue
        for case in described:
            for bed in case.beds(full):
                run = GuestRun(case, bed)
                if bed.platform in unusable:
                    results.skip(run.name, 0, unusable[bed.platform])
                else:
                    found.append(Job(run.run, run.seconds))
    return found
