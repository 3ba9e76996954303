# SPDX-License-Identifier: BSD-2-Clause
"""What must be installed, and installing it through the machine's own package manager."""

import glob
import os
import shutil
import subprocess
import sys
import threading

from words import Failure, say

# What to look for -> the Debian package that has it. A path with a slash is a file, else a command.
PACKAGE_OF = {
    "gcc": "gcc",
    "make": "make",
    "ld": "binutils",
    "xz": "xz-utils",
    "patch": "patch",
    "/usr/include/stdlib.h": "libc6-dev",
    "/usr/include/xen/xen.h": "libxen-dev",
    "qemu-system-x86_64": "qemu-system-x86",
    "/usr/share/qemu/qboot.rom": "qemu-system-data",
    "gdb": "gdb",
    "ip": "iproute2",
    "wrk": "wrk",
    "curl": "curl",
    "flex": "flex",
    "bison": "bison",
    "bzip2": "bzip2",
    "tclsh": "tcl",
    "redis-cli": "redis-tools",
    "openssl": "openssl",
    "perl": "perl",
    "/usr/sbin/mke2fs": "e2fsprogs",
}

BUILD = ["gcc", "make", "ld", "xz", "patch", "/usr/include/stdlib.h", "/usr/include/xen/xen.h"]
QEMU = ["qemu-system-x86_64", "/usr/share/qemu/qboot.rom"]
GDB = ["gdb"]

assume_yes = False  # --yes
installing = threading.Lock()
WAIT = ["-o", "DPkg::Lock::Timeout=300"]  # for another one that installs


def missing(needs):
    def have(need):
        return os.path.exists(need) if "/" in need else shutil.which(need) is not None
    return [need for need in needs if not have(need)]


def root_command(words):
    return words if os.geteuid() == 0 else ["sudo"] + words


def agreed(question):
    """Ask, unless nobody is there to answer or the answer was given beforehand."""
    if assume_yes or os.environ.get("CI") == "true" or not sys.stdin.isatty():
        return True
    sys.stderr.write(f"pith: {question} [Y/n] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def have_lists():
    return bool(glob.glob("/var/lib/apt/lists/*_Packages*"))


def ensure(needs):
    """Install what is missing of `needs`, or fail with words that say what to do. Context: any thread."""
    if missing(needs):
        with installing:
            install_missing(missing(needs))


def install_missing(absent):
    if not absent:
        return  # another thread was quicker
    packages = sorted({PACKAGE_OF[need] for need in absent})
    if shutil.which("apt-get") is None:
        raise Failure("these are missing, and this machine has no apt-get to install them with: "
                      + ", ".join(absent))
    install = root_command(["apt-get", "install", "-y", "--no-install-recommends"] + packages)
    update = root_command(["apt-get", "update"])
    say("missing: " + ", ".join(absent) + ". To install:\n    " + " ".join(install))
    if not agreed("do that now?"):
        raise Failure("not installed: " + ", ".join(packages))
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")

    def call(words):
        # Their output is progress, not the result of ours.
        return subprocess.call(words, stdout=sys.stderr, stdin=subprocess.DEVNULL, env=env) == 0

    if not (have_lists() and call(install + WAIT)) and not (call(update) and call(install + WAIT)):
        raise Failure("installing failed: " + " ".join(install))
    absent = missing(absent)
    if absent:
        raise Failure("still missing after installing: " + ", ".join(absent))
