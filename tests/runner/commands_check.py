# SPDX-License-Identifier: BSD-2-Clause
"""`pith check`: what it finds in images, objects and programs for Linux, and that it says so before a boot."""

import os
import shutil
import subprocess
import tempfile

from pith_command import TCG, Wrong, expect, pith
from words import BUILD, TOP

FORKS = os.path.join("tests", "cli", "forks")
LACKS = os.path.join("tests", "cli", "lacks")
CC = os.path.join(BUILD, "bin", "x86_64-pith-elf-gcc")


def said(done, status, *parts, absent=()):
    """The output, after a look at it."""
    expect(done, status)
    text = " ".join(done.stdout.decode().split())
    for part in parts:
        if part not in text:
            raise Wrong(f"it does not say '{part}': {text[-600:]}")
    for part in absent:
        if part in text:
            raise Wrong(f"it says '{part}': {text[-600:]}")
    return text


def image():
    said(pith("check", FORKS, timeout=120), 1, "fork always fails (ENOSYS)", "instead: a thread (pthread_create)",
         "used by: save_in_background (main.c:", "system always fails", "used by: table",
         "setlocale partial", "used by: main (main.c:", "1 partial, 2 always fail, 0 absent", absent=["daemon always"])
    elf = os.path.join(BUILD, FORKS, "forks.elf")
    said(pith("check", elf), 1, "save_in_background (main.c:")
    said(pith("check", "hello", timeout=120), 0, "hello: 0 partial, 0 always fail, 0 absent")
    with tempfile.TemporaryDirectory() as folder:
        bare = os.path.join(folder, "bare.elf")
        subprocess.run(["strip", "--strip-debug", elf, "-o", bare], check=True)
        said(pith("check", bare), 1, "used by: save_in_background")
        subprocess.run(["strip", elf, "-o", bare], check=True)
        expect(pith("check", bare), 2, stderr="is stripped: link it without -s")


def objects():
    """A link that failed: by its folder, by its objects, and the compiler's own hint."""
    first = pith("check", LACKS, timeout=120)
    said(first, 1, "inotify_init absent: the link fails", "used by: watch (build/tests/cli/lacks/obj/main.o)", "instead: leave it out",
         "function_of_nobody in no library here", "0 partial, 0 always fail, 2 absent")
    expect(first, 1, stderr="pith check OBJECTS` says what is absent")
    objects_of = os.path.join(BUILD, LACKS, "obj", "main.o")
    said(pith("check", objects_of), 1, "0 partial, 0 always fail, 2 absent")
    said(pith("check", os.path.dirname(objects_of)), 1, "function_of_nobody")
    with tempfile.TemporaryDirectory() as folder:
        source, other = os.path.join(folder, "other.c"), os.path.join(folder, "other.o")
        with open(source, "w", encoding="ascii") as f:
            f.write("int function_of_nobody(int a) { return a; }\n")
        subprocess.run([CC, "-c", source, "-o", other], check=True)
        archive = os.path.join(folder, "libother.a")
        subprocess.run(["ar", "rcs", archive, other], check=True)
        said(pith("check", objects_of, archive), 1, "1 absent", absent=["function_of_nobody"])


def linux_program():
    """One that was compiled here for Linux, and its objects."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "forks")
        subprocess.run(["gcc", "-O2", "-D_FORTIFY_SOURCE=2", os.path.join(TOP, FORKS, "main.c"), "-o", out], check=True)
        said(pith("check", out), 1, "fork", "1 partial, 2 always fail, 0 absent", "compiled with the headers of Linux")
        subprocess.run(["gcc", "-c", "-O2", "-D_FORTIFY_SOURCE=2", "-fno-stack-protector", "-x", "c", "-", "-o", out + ".o"],
                       input=b"#include <stdio.h>\nint f(void); int f(void) { char b[4]; return sscanf(fgets(b, 4, stdin), \"x\"); }",
                       check=True)
        said(pith("check", out + ".o"), 0, "compiled with the headers of Linux", "0 absent")


def mistakes():
    expect(pith("check"), 2)
    expect(pith("check", "no-such-thing"), 2, stderr="there is no application")
    expect(pith("check", "/no/such.o", "/no/other.o"), 2, stderr="there is no file /no/such.o")
    expect(pith("check", os.path.join(TOP, "README.md")), 2, stderr="is no ELF file")
    with tempfile.TemporaryDirectory() as folder:
        broken = os.path.join(folder, "broken.o")
        with open(os.path.join(BUILD, "hello", "obj", "main.o"), "rb") as f:
            data = f.read()
        for size in (0, 5, 20, 63, 64, 200, len(data) // 2, len(data) - 70):
            with open(broken, "wb") as f:
                f.write(data[:size])
            expect(pith("check", broken), 2, stderr="ELF file")
        with open(broken, "wb") as f:
            f.write(b"!<arch>\n" + b"x" * 70)
        expect(pith("check", broken), 2, stderr="damaged archive")
        elf = os.path.join(BUILD, FORKS, "forks.elf")
        expect(pith("check", elf, elf), 2, stderr="is linked already")


def told_once():
    """`pith build` and `pith run` say it once, and say nothing of a program without."""
    shutil.rmtree(os.path.join(BUILD, "told"), ignore_errors=True)
    line = "forks uses fork, system, which always fail here: `pith check tests/cli/forks` says more"
    expect(pith("build", FORKS, timeout=120), 0, stderr=line)
    again = pith("run", FORKS, *TCG)
    expect(again, 0)
    if b"fork(): there is one program in an image; instead: a thread" not in again.stdout:
        raise Wrong(f"the log does not say it: {again.stdout[-300:]}")
    if line.encode() in again.stderr:
        raise Wrong("it is said again")
    shutil.rmtree(os.path.join(BUILD, "told"))
    expect(pith("run", FORKS, *TCG), 0, stderr=line)
    if b"always fail" in pith("run", "hello", *TCG).stderr:
        raise Wrong("it is said of hello")


TESTS = {"check-image": image, "check-objects": objects, "check-linux": linux_program, "check-mistakes": mistakes,
         "check-told": told_once}
