# SPDX-License-Identifier: BSD-2-Clause
"""Which accelerator `--on auto` takes: KVM when a guest of ours runs on it, TCG otherwise.

That /dev/kvm opens says little: the answer is a real start of hello, remembered until the host
reboots, QEMU changes, or hello's image does.
"""

import errno
import json
import os
import secrets
import shutil

import image
from guest import Guest
from machine import KVM_CPU, QEMU, Machine
from words import BUILD, TOP, Failure

CACHE = os.path.join(BUILD, "kvm-probe.json")
PROBE_SECONDS = 10


def openable():
    """None when /dev/kvm opens, else why not."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
        return None
    except OSError as e:
        if e.errno == errno.ENOENT:
            return "this host has no /dev/kvm"
        return f"/dev/kvm does not open: {e.strerror}"


def stamp(path):
    try:
        info = os.stat(path)
        return [info.st_mtime_ns, info.st_size]
    except OSError:
        return None


def state_of_host(elf):
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        boot = f.read().strip()
    return {"boot": boot, "qemu": stamp(shutil.which(QEMU) or ""), "image": stamp(elf), "cpu": KVM_CPU}


def try_kvm():
    """Start hello on KVM; None when it worked, else why not."""
    apps = os.path.join(TOP, "apps", "hello")
    if not image.has_sources(apps):
        return "there is no apps/hello to try it with"
    hello = image.find(apps)
    try:
        image.build([hello], quiet=True)
    except Failure as e:
        return f"apps/hello, to try it with, can't be built: {e}"
    state = state_of_host(hello.elf)
    try:
        with open(CACHE, encoding="utf-8") as f:
            known = json.load(f)
        if known["state"] == state:
            return known["why_not"]
    except (OSError, ValueError, KeyError):
        pass
    machine = Machine(hello.elf, "kvm", nonce=secrets.token_hex(8))
    result = Guest(machine, None, lambda data: None, timeout=PROBE_SECONDS).run()
    why_not = None if result.status == 0 else "a trial start failed: " + \
        (result.problem.split("\n")[0] or f"status {result.status}")
    with open(CACHE + ".new", "w", encoding="utf-8") as f:
        json.dump({"state": state, "why_not": why_not}, f)
    os.replace(CACHE + ".new", CACHE)
    return why_not


def choose():
    """("kvm" or "tcg", why)."""
    why_not = openable() or try_kvm()
    return ("tcg", why_not) if why_not else ("kvm", "it works here")
