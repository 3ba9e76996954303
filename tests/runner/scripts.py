# SPDX-License-Identifier: BSD-2-Clause
"""Tests that are programs of their own: host unit tests, the toolchain's scripts, the build's checks."""

import os
import re
import shutil
import subprocess
import time

import image
import xen
from guest import Guest
from machine import Machine
from results import log_path
from schedule import COMPILING, Job
from words import BUILD, TOP


def call(words, log, timeout, cwd=TOP):
    """(exit status or None after `timeout`, output); everything goes to `log` too."""
    try:
        done = subprocess.run(words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, check=False)
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as e:
        status, output = None, e.stdout or b""
    with open(log, "wb") as f:
        f.write(output)
    return status, output.decode(errors="replace")


def tail(text, lines=3):
    return " | ".join(line.strip() for line in text.splitlines()[-lines:] if line.strip())


# ---- unit tests of pure code: tests/unit/test_NAME.c ----

# What a test's text says when it takes something that the toolchain unpacks.
UNPACKED = re.compile(r"\b(LWIP|EXT4|lwip)\b")


# These draw lots, and more of them in a full run.
LONGER = ("ext4_fuzz",)


def unit_jobs(wanted, full, _results):
    """Most need nothing but the host's compiler, and are run while the toolchain is built."""
    folder = os.path.join(TOP, "tests", "unit")
    names = sorted(f[len("test_"):-len(".c")] for f in os.listdir(folder)
                   if f.startswith("test_") and f.endswith(".c"))
    now, later = [], []
    for name in names:
        if not wanted or name in wanted:
            with open(os.path.join(folder, f"test_{name}.c"), encoding="utf-8") as f:
                needs = UNPACKED.search(f.read())
            (later if needs else now).append(make_unit(name, full and name in LONGER))
    return now + ([Job(lambda results: later, alone=COMPILING, name="unit/(toolchain)")] if later else [])


def make_unit(name, longer):
    def job(results):
        began = time.monotonic()
        # Most of the time is the compiler's; run.sh has its own limit for the program.
        status, output = call(["env"] + ["PITH_LONG=1"] * longer + ["sh", "tests/unit/run.sh", name],
                              log_path("unit", name + ".log"), 3700 if longer else 900)
        seconds = time.monotonic() - began
        if status == 0:
            results.ok(f"unit/{name}", seconds)
        else:
            lines = [line.strip() for line in output.splitlines()[1:] if line.strip()]
            telling = [line for line in lines if "expected" in line or "ERROR" in line
                       or "error:" in line] or lines
            results.fail(f"unit/{name}", seconds, telling[0] if telling else f"status {status}")
    return job


# ---- a script that ends with status 0 when all is well; it says `FAIL: why` per failure ----

def script_jobs(suite, script):
    def jobs(_wanted, _full, _results):
        return [job]

    def job(results):
        began = time.monotonic()
        status, output = call(["sh", script], log_path(suite + ".log"), 300)
        seconds = time.monotonic() - began
        failures = [line for line in output.splitlines() if line.startswith("FAIL")]
        if status == 0 and not failures:
            results.ok(suite, seconds, tail(output, 1))
        else:
            results.fail(suite, seconds, " | ".join(failures) or f"status {status}: {tail(output)}")
    return jobs


# ---- what `make check` looks at, and that each check fails when provoked ----

CHECKS = ("check-rooms", "check-headers", "check-limits", "check-support")

# (name, check, file, what to do to it, what the check has to say)
PROVOCATIONS = (
    ("libos-uses-platform", "check-rooms", "libos/core/trace.c",
     "\nvoid irq_free(unsigned v);\nvoid provoke(void);\nvoid provoke(void)\n{\n    irq_free(1);\n}\n",
     r"libos/core may not use irq_free"),
    ("kvm-uses-xen", "check-rooms", "platform/kvm/power.c",
     "\nextern const char xen_pv_ops[];\nconst char *provoke(void);\n"
     "const char *provoke(void)\n{\n    return xen_pv_ops;\n}\n",
     r"platform/kvm may not use xen_pv_ops"),
    ("xen-uses-kvm", "check-rooms", "platform/xen/stop.c",
     "\nextern const char kvm_ops[];\nconst char *provoke(void);\n"
     "const char *provoke(void)\n{\n    return kvm_ops;\n}\n",
     r"platform/xen may not use kvm_ops"),
    ("platform-uses-malloc", "check-rooms", "platform/kvm/power.c",
     "\nvoid *malloc(__SIZE_TYPE__ n);\nvoid *provoke(void);\n"
     "void *provoke(void)\n{\n    return malloc(1);\n}\n",
     r"platform/kvm may not use malloc"),
    ("monitor-uses-cpl3", "check-rooms", "platform/x86/monitor/mon_cpu.c",
     "\nvoid irq_free(unsigned v);\nvoid mon_provoke(void);\nvoid mon_provoke(void)\n{\n    irq_free(1);\n}\n",
     r"the monitor may not use irq_free"),
    ("platform-includes-stdio", "check-rooms", "platform/kvm/power.c", "\n#include <stdio.h>\n",
     r"may not include <stdio.h>"),
    ("weak-symbol", "check-rooms", "libos/core/trace.c",
     "\nvoid provoke(void);\n__attribute__((weak)) void provoke(void)\n{\n}\n",
     r"provoke is a weak symbol"),
    ("constructor", "check-rooms", "libos/core/trace.c",
     "\nstatic volatile int provoked;\n"
     "__attribute__((constructor)) static void provoke(void)\n{\n    provoked = 1;\n}\n", r"has constructors"),
    ("libos-includes-platform", "lib", "libos/core/trace.c", "\n#include <x86/cpu.h>\n",
     r"x86/cpu.h: No such file"),
    ("libos-includes-by-path", "check-rooms", "libos/core/trace.c",
     '\n#include "../../platform/x86/include/x86/cpu.h"\n', r"libos/core includes platform/x86"),
    ("header-not-alone", "check-headers", "libos/include/pith/log.h",
     "\nsize_t provoke(paddr_t);\n", r"log.h does not compile alone"),
    ("monitor-too-long", "check-limits", "platform/x86/monitor/provoke.c", "/* */\n" * 660,
     r"platform/x86/monitor has \d+ lines"),
    ("enosys-not-in-table", "check-support", "libos/libc/uname.c",
     "\nlong gethostid(void)\n{\n    return libc_result(-ENOSYS);\n}\n", r"gethostid can answer ENOSYS"),
    ("absent-in-table", "check-support", "toolchain/cli/support.list",
     "\nabsent fopen\n    x\n    -> y\n", r"fopen is there, and the table says it is absent"),
    ("partial-and-gone", "check-support", "toolchain/cli/support.list",
     "\npartial fopenxyz\n    x\n", r"fopenxyz is in no library"),
    ("file-too-long", "check-limits", "libos/core/provoke.c", "/* */\n" * 501,
     r"libos/core/provoke.c has 501 lines"),
)


def check_jobs(wanted, _full, _results):
    found = [make_check(name) for name in CHECKS if not wanted or name in wanted]
    if not wanted or "provoke" in wanted:
        found.append(provoke_all)
    if not wanted or "config" in wanted:
        found += [make_config("CONFIG_XEN", "tcg"), make_config("CONFIG_KVM", "xen-pv-dom0")]
    return found


def make_check(name):
    def job(results):
        began = time.monotonic()
        status, output = call(["make", "-s", "--no-print-directory", name],
                              log_path("checks", name + ".log"), 120)
        results.check(f"checks/{name}", time.monotonic() - began,
                      None if status == 0 else output or f"status {status}")
    return job


def copy_tools(source, target, top):
    """The commands are scripts that know where their tree is."""
    os.makedirs(target)
    for name in os.listdir(source):
        path = os.path.join(target, name)
        shutil.copy2(os.path.join(source, name), path, follow_symlinks=False)
        if os.path.islink(path):
            continue
        with open(path, "rb") as f:
            data = f.read()
        if data.startswith(b"#!"):
            with open(path, "wb") as f:
                f.write(data.replace(TOP.encode() + b"/", top.encode() + b"/")
                        .replace(b"=" + TOP.encode() + b"\n", b"=" + top.encode() + b"\n"))


def scratch_copy(name):
    """The tree with its objects, in which things may be broken."""
    copy = os.path.join(BUILD, "test", name)
    shutil.rmtree(copy, ignore_errors=True)
    os.makedirs(copy)
    for name in ("Makefile", "Config.mk", "libos", "platform", "toolchain", "tests", "apps"):
        source = os.path.join(TOP, name)
        if os.path.isdir(source):
            shutil.copytree(source, os.path.join(copy, name), symlinks=True)
        else:
            shutil.copy2(source, copy)
    os.makedirs(os.path.join(copy, "build"))
    for name in ("sysroot", "share", "src"):
        os.symlink(os.path.join(BUILD, name), os.path.join(copy, "build", name))
    copy_tools(os.path.join(BUILD, "bin"), os.path.join(copy, "build", "bin"), copy)
    for name in ("obj", "lib", "config", "include"):
        shutil.copytree(os.path.join(BUILD, name), os.path.join(copy, "build", name), symlinks=True)
    # Newer than the sources and older than the objects: nothing is rebuilt but what is provoked.
    for name in ("toolchain.list", "toolchain.stamp"):
        shutil.copy2(os.path.join(BUILD, name), os.path.join(copy, "build"))
    return copy


def make_config(left_out, platform):
    """An image without one platform is built, smaller, and boots on the other."""
    def job(results):
        began = time.monotonic()
        name = f"config-{left_out}=n"
        copy = scratch_copy(name)
        status, output = call(["make", "-s", f"-j{os.cpu_count()}", f"{left_out}=n", "app",
                               "APP=apps/hello"], log_path("checks", name + ".log"), 200, cwd=copy)
        problem = None if status == 0 else tail(output)
        if not problem:
            elf = os.path.join(copy, "build", "hello", "hello.elf")
            xen_elf = xen.ensure() if platform.startswith("xen") else ""
            machine = Machine(elf, platform, nonce="c0", xen_elf=xen_elf)
            result = Guest(machine, None, lambda data: None, timeout=30).run()
            if result.status:
                problem = f"it does not run on {platform}: {result.problem}"
        results.check(f"checks/{name}", time.monotonic() - began, problem)
        shutil.rmtree(copy)
    return job


def provoke_all(results):
    """Break each rule in a copy of the tree; its check has to say so, and be content afterwards."""
    image.make(["lib"], quiet=True)
    copy = scratch_copy("provoke")

    def run(goal, name):
        return call(["make", "-s", "--no-print-directory", goal],
                    log_path("checks", f"provoke-{name}.log"), 120, cwd=copy)

    for name, goal, file, text, expected in PROVOCATIONS:
        began = time.monotonic()
        path = os.path.join(copy, file)
        before = None
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                before = f.read()
        with open(path, "a", encoding="utf-8") as f:
            f.write(text)
        status, output = run(goal, name)
        problem = None
        if status == 0:
            problem = f"{goal} found nothing wrong"
        elif not re.search(expected, output):
            problem = f"{goal} did not say /{expected}/: {tail(output)}"
        if before is None:
            os.unlink(path)
        else:
            with open(path, "w", encoding="utf-8") as f:
                f.write(before)
        results.check(f"checks/provoke-{name}", time.monotonic() - began, problem)
    shutil.rmtree(copy)
