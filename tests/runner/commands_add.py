# SPDX-License-Identifier: BSD-2-Clause
"""`pith add` where something is wrong, and what CMake finds in the sysroot. Longer than the default run's tests."""

import glob
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time

from pith_command import PITH, Wrong, expect, pith
from words import BUILD, NO_START, TOP, USAGE

TARBALL = "zlib_1.2.13.dfsg.orig.tar.bz2"
CACHED = os.path.join(BUILD, "download", TARBALL)
STAMP = os.path.join(BUILD, "stamp", "package-zlib")
LOCK = threading.Lock()
SECONDS = 900  # as long as it takes on a busy machine


def add(*names, **env):
    return pith("add", *names, env=dict(os.environ, **env), timeout=SECONDS)


def forget():
    """As if zlib had not been installed yet."""
    if os.path.exists(STAMP):
        os.unlink(STAMP)


class NoNetwork:
    """Commands that can't reach anything, in front of PATH; the tarball is out of the way."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        for name in ("apt-get", "apt-cache"):
            path = os.path.join(self.folder.name, name)
            with open(path, "w", encoding="ascii") as f:
                f.write("#!/bin/sh\necho 'Could not resolve' >&2\nexit 100\n")
            os.chmod(path, 0o755)
        self.kept = os.path.join(self.folder.name, "kept")
        shutil.move(CACHED, self.kept)
        return {"PATH": self.folder.name + ":" + os.environ["PATH"]}

    def __exit__(self, *_):
        shutil.move(self.kept, CACHED)
        self.folder.cleanup()


def mistakes():
    """Unknown names, wrong tarballs, no network: said in words, nothing half done is taken for done."""
    expect(add("zlib"), 0)
    expect(add("no-such"), USAGE, b"", "there is no library 'no-such'; there are ")
    expect(add("zlib", "../zlib"), USAGE, b"", "there is no library '../zlib'")
    with tempfile.TemporaryDirectory() as folder:
        forget()
        shutil.copy(CACHED, folder)
        with open(os.path.join(folder, TARBALL), "ab") as f:
            f.write(b"more")
        expect(add("zlib", PITH_TARBALLS=folder), NO_START, b"", "has the wrong SHA-256")
    with NoNetwork() as env:
        expect(add("zlib", **env), NO_START, b"", f"give {TARBALL} by hand")
        with open(CACHED, "wb") as f:
            f.write(b"half")
        expect(add("zlib", **env), NO_START, b"", "is damaged, fetching it again")
    if os.path.exists(STAMP):
        raise Wrong("a library that could not be made counts as installed")
    expect(add("zlib"), 0)
    if not os.path.exists(STAMP):
        raise Wrong("it is not installed afterwards")


class Replaced:
    """An archive of our own in front of PATH, where a later revision of Debian's has taken the place of Lua's pinned
    changes: it has these patches. What it has been taken for is forgotten behind it."""

    def __init__(self, revision, **patches):
        self.name, self.patches = f"lua5.4_{revision}.debian.tar.xz", patches
        self.revision = revision
        self.folder = tempfile.TemporaryDirectory()

    def __enter__(self):
        def path(*names):
            return os.path.join(self.folder.name, *names)
        os.makedirs(path("debian", "patches"))
        names = [name + ".patch" for name in self.patches]
        for name, text in zip(["series", *names], ["# in this order\n" + "\n".join(names) + "\n", *self.patches.values()]):
            with open(path("debian", "patches", name), "w", encoding="ascii") as f:
                f.write(text)
        with tarfile.open(path(self.name), "w:xz") as tar:
            tar.add(path("debian"), "debian")
        for name, line in (("apt-cache", f"echo Version: {self.revision}"),
                           ("apt-get", f'case "$*" in *--diff-only*) cp {path(self.name)} . ;; esac')):
            with open(path(name), "w", encoding="ascii") as f:
                f.write(f"#!/bin/sh\n{line}\n")
            os.chmod(path(name), 0o755)
        self.pinned = glob.glob(os.path.join(BUILD, "download", "lua5.4_*.debian.tar.*"))
        for found in self.pinned:
            shutil.move(found, path("kept-" + os.path.basename(found)))
        return {"PATH": self.folder.name + ":" + os.environ["PATH"]}

    def __exit__(self, *_):
        for left in glob.glob(os.path.join(BUILD, "download", self.name + "*")):
            os.unlink(left)
        for found in self.pinned:
            shutil.move(os.path.join(self.folder.name, "kept-" + os.path.basename(found)), found)
        self.folder.cleanup()


PATCH = """What it is for.
--- a/src/lua.h
+++ b/src/lua.h
@@ -1,3 +1,4 @@
+/* patched */
 /*
%s ** $Id: lua.h $
 ** Lua - A Scripting Language
"""


def patches():
    """Debian's changes are in; where they are replaced the later ones are, and one that doesn't apply is named."""
    stamp, header = os.path.join(BUILD, "stamp", "package-lua"), os.path.join(BUILD, "sysroot", "usr", "include", "lua.h")
    expect(add("lua"), 0)

    def made(env, status, words):
        if os.path.exists(stamp):
            os.unlink(stamp)
        expect(add("lua", **env), status, None, words)
        with open(header, encoding="utf-8") as f:
            return f.read().startswith("/* patched */")
    with Replaced("5.4.4-9", good=PATCH % "", bad=PATCH % "x") as env:
        made(env, NO_START, "Debian's patch bad.patch of lua5.4 5.4.4-9 does not apply")
        if os.path.exists(stamp):
            raise Wrong("a library that could not be patched counts as installed")
    with Replaced("5.4.5-1", good=PATCH % "") as env:
        made(env, NO_START, "which has 5.4.5-1")
    with Replaced("5.4.4-9", good=PATCH % "") as env:
        if not made(env, 0, "with 1 patches of Debian's 5.4.4-9"):
            raise Wrong("the later changes are not in")
    if made({}, 0, "patches of Debian's 5.4.4-3+deb"):
        raise Wrong("the earlier changes are not out")


def interrupted():
    """Ctrl-C in the middle, then twice at once: it is whole afterwards."""
    forget()
    process = subprocess.Popen([PITH, "add", "zlib"], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
    while b"LIB" not in process.stderr.readline():
        if process.poll() is not None:
            raise Wrong("it ended before it began")
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    if process.returncode != 130:
        raise Wrong(f"status {process.returncode}, not 130")
    ends = []
    both = [threading.Thread(target=lambda: ends.append(add("zlib"))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    for done in ends:
        expect(done, 0)
    members = subprocess.run(["nm", os.path.join(BUILD, "sysroot", "usr", "lib", "libz.a")], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=True, text=True).stdout
    if " T deflate\n" not in members or " T inflate\n" not in members:
        raise Wrong("libz.a is not whole")


CMAKE = """cmake_minimum_required(VERSION 3.13)
project(found C)
include(CheckFunctionExists)
include(CheckSymbolExists)
foreach(name fork epoll_create1 inotify_init kqueue)
    check_function_exists(${name} HAVE_${name})
endforeach()
if(HAVE_inotify_init OR HAVE_kqueue OR NOT HAVE_epoll_create1)
    message(FATAL_ERROR "what is absent is found, or the other way round")
endif()
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(Z REQUIRED IMPORTED_TARGET zlib)
add_executable(by_package main.c)
target_link_libraries(by_package ZLIB::ZLIB Threads::Threads m)
add_executable(by_pkgconfig main.c)
target_link_libraries(by_pkgconfig PkgConfig::Z)
"""
MAIN = "#include <stdio.h>\n#include <zlib.h>\nint main(void) { puts(zlibVersion()); return 0; }\n"


def cmake():
    """A project finds zlib by its own means, by pkg-config, and no function that is absent."""
    expect(add("zlib"), 0)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("CMakeLists.txt", CMAKE), ("main.c", MAIN)):
            with open(os.path.join(folder, name), "w", encoding="ascii") as f:
                f.write(text)
        made = os.path.join(folder, "made")
        for words in (["-DCMAKE_TOOLCHAIN_FILE=" + os.path.join(BUILD, "share", "pith-toolchain.cmake"), "-S", folder,
                       "-B", made], ["--build", made]):
            done = subprocess.run(["cmake", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                                  timeout=SECONDS)
            if done.returncode:
                raise Wrong(done.stdout.decode(errors="replace")[-600:])
        for name in ("by_package", "by_pkgconfig"):
            expect(pith("run", os.path.join(made, name), "--on", "tcg"), 0, b"1.2.13\n")


def alone(test):
    """They change the one sysroot, so they wait for each other."""
    def run():
        with LOCK:
            test()
    return run


FULL = {"add-mistakes": alone(mistakes), "add-interrupted": alone(interrupted), "add-patches": alone(patches), "cmake": alone(cmake)}
