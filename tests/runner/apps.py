# SPDX-License-Identifier: BSD-2-Clause
"""The applications on every bed, and what is promised of hello: size, memory, boot instructions."""

import hashlib
import os
import random
import secrets
import time

import cases
import guests
import httpd
import image
import verb_size
import xen
from bench import counts
from guest import Guest
from machine import Disk, Machine
from results import log_path

DISK_BYTES = 64 << 20

# What is promised of hello, and of the size of a small server (docs/performance.md).
STRIPPED_BYTES = 98_304
SERVER_BYTES = 304_000  # khttp
BOOT_INSTRUCTIONS = 150000
CPL0_INSTRUCTIONS = 3000
LEAST_MEMORY = 2 << 20


def start(elf, bed, log_name, **more):
    """(result, output) of one run."""
    output = bytearray()
    machine = Machine(elf, bed.platform, bed.machine, nonce=secrets.token_hex(8),
                      xen_elf=xen.XEN_ELF, **more)
    with open(log_path("apps", log_name + ".log"), "wb") as log:
        result = Guest(machine, None, output.extend, log, 60).run()
        log.write(bytes(output) + f"\n{result}\n".encode())
    return result, bytes(output)


def problem_of(result, output, want):
    if result.status != 0:
        return f"status {result.status}: {result.problem}"
    if want not in output:
        return f"the output lacks {want!r}: {output[-200:]!r}"
    if not result.ended_itself:
        return "the machine did not stop after the program's end"
    return None


def timed(name, function):
    """A job that reports what `function` returns: None or a problem."""
    def job(results):
        results.check(f"apps/{name}", *measured(function))
    return job


def measured(function):
    began = time.monotonic()
    problem = function()
    return time.monotonic() - began, problem


def hello_on(app, bed):
    return lambda: problem_of(*start(app.elf, bed, f"hello-{bed.name}"), b"Hello")


def random_disk():
    """A disk of random data and its checksum."""
    path = log_path("apps", "random.img")
    data = random.Random(DISK_BYTES).randbytes(DISK_BYTES)
    if not os.path.exists(path) or os.path.getsize(path) != DISK_BYTES:
        with open(path, "wb") as f:
            f.write(data)
    return path, hashlib.sha256(data).hexdigest().encode()


def sha256_on(app, bed, disk, want):
    def run():
        return problem_of(*start(app.elf, bed, f"sha256-{bed.name}", disks=[Disk(disk, True)]), want)
    return run


def same_image(app, before):
    def run():
        return None if checksum(app.elf) == before else "the image changed while it was run"
    return run


def checksum(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def small(app, most):
    def run():
        size = verb_size.stripped_size(app.elf)[0]
        return None if size <= most else f"{size} bytes stripped, more than {most}"
    return run


def little_memory(app, platform):
    def run():
        bed = cases.Bed(platform, "microvm")
        return problem_of(*start(app.elf, bed, f"memory-{platform}", memory=LEAST_MEMORY), b"Hello")
    return run


def quick_boot(app):
    def run():
        boot = counts.count(app.elf)
        if boot.total > BOOT_INSTRUCTIONS:
            return f"{boot.total} instructions to main, more than {BOOT_INSTRUCTIONS}"
        if not 0 < boot.cpl0 <= CPL0_INSTRUCTIONS:
            return f"{boot.cpl0} instructions at CPL 0, allowed are {CPL0_INSTRUCTIONS}"
        return None
    return run


def jobs(wanted, full, results):
    known = image.known()
    found = []
    unusable = guests.unusable_beds()

    def add(name, bed, function):
        if wanted and not any(name.startswith(w) for w in wanted):
            return
        if bed is not None and bed.platform in unusable:
            results.skip(f"apps/{name}", 0, unusable[bed.platform])
        else:
            found.append(timed(name, function))

    if "hello" in known:
        hello = image.find("hello")
        image.build([hello], quiet=True)
        before = checksum(hello.elf)
        for bed in cases.BEDS:
            add(f"hello/{bed.name}", bed, hello_on(hello, bed))
        add("hello/size", None, small(hello, STRIPPED_BYTES))
        add("hello/boot", None, quick_boot(hello))
        for platform in ("tcg", "kvm"):
            bed = cases.Bed(platform, "microvm")
            add(f"hello/2MiB-{platform}", bed, little_memory(hello, platform))
        add("hello/same-image", None, same_image(hello, before))
    if "khttp" in known:
        khttp = image.find("khttp")
        image.build([khttp], quiet=True)
        add("khttp/size", None, small(khttp, SERVER_BYTES))
    if "sha256" in known:
        sha256 = image.find("sha256")
        image.build([sha256], quiet=True)
        disk, want = random_disk()
        for bed in cases.BEDS:
            if not bed.platform.startswith("xen"):
                add(f"sha256/{bed.name}", bed, sha256_on(sha256, bed, disk, want))
    httpd.jobs(add, full)
    return found
