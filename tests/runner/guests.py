# SPDX-License-Identifier: BSD-2-Clause
"""Guest tests: builds each image once, starts it on each of its beds, reads its result lines."""

import importlib.util
import os
import re
import secrets
import shlex
import shutil
import subprocess
import time

import accel
import cases
import disks
import image
import xen
from guest import Guest
from machine import Disk, Machine, qemu_command
from results import log_path
from words import BUILD, TOP, Failure

LINE = re.compile(r"(ok|FAIL|skip) ([^\s:]+)(?:: (.*))?")
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
    """One case on one bed. A test's host.py may change `machine` in prepare(run), and add results
    in verify(run) by returning (name, problem or None) pairs; `cleanup` is called at the end."""

    def __init__(self, case, bed):
        self.case = case
        self.bed = bed
        self.name = f"guest/{case.full_name}/{bed.name}"
        self.elf = os.path.join(BUILD, "tests", "guest", case.test, case.test + ".elf")
        self.dir = log_path("guest", case.full_name, bed.name, "x")[:-2]
        self.output = Lines()
        self.cleanup = []
        self.machine = None
        self.result = None

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
        words = [w.replace("{dir}", self.dir) for line in case.all("qemu") for w in shlex.split(line)]
        return Machine(self.elf, self.bed.platform, self.bed.machine, case.memory,
                       int(case.get("cpus", "1")), found, case.all("option"), case.all("env"),
                       case.args, words, nonce=secrets.token_hex(8),
                       xen_elf=xen.XEN_ELF if self.bed.platform.startswith("xen") else "")

    def run(self, results):
        began = time.monotonic()
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        host = self.host_part()
        try:
            self.machine = self.build_machine()
            if host and hasattr(host, "prepare"):
                host.prepare(self)
            self.start()
            extra = list(host.verify(self)) if host and hasattr(host, "verify") else []
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

    def start(self):
        case = self.case
        with open(os.path.join(self.dir, "hypervisor.log"), "wb") as log:
            guest = Guest(self.machine, case.stdin, self.output.feed, log,
                          float(case.get("timeout", "30")))
            self.result = guest.run()
        with open(os.path.join(self.dir, "output.log"), "wb") as log:
            log.write((shlex.join(qemu_command(self.machine)) + "\n\n").encode())
            log.write(self.output.data)
            log.write(f"\n{self.result}\n".encode())

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
        found["xen-pv"] = found["xen-pvh"] = str(e)
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
                    found.append(run.run)
    return found
