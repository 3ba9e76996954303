# SPDX-License-Identifier: BSD-2-Clause
"""The Xen hypervisor for tests: unpacked from its package into build/xen, never installed.

Installing the package would change the machine's boot loader; only the one file is wanted.
"""

import glob
import gzip
import os
import shutil
import subprocess
import sys
import tempfile

import image
import packages
from words import BUILD, Failure, say

XEN_ELF = os.path.join(BUILD, "xen", "xen.elf")


def package_name():
    """The hypervisor package of this distribution: the meta package depends on it."""
    done = subprocess.run(["apt-cache", "depends", "xen-system-amd64"], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in done.stdout.splitlines():
        word = line.split()[-1] if line.split() else ""
        if word.startswith("xen-hypervisor-") and word.endswith("-amd64"):
            return word
    return None


def ensure():
    """The path of an uncompressed Xen."""
    if not os.path.exists(XEN_ELF):
        with image.lock("xen"):
            if not os.path.exists(XEN_ELF):
                fetch()
    return XEN_ELF


def fetch():
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Failure("no apt here to fetch Xen with; put an uncompressed xen at build/xen/xen.elf")
    name = package_name()
    if name is None:
        subprocess.call(packages.root_command(["apt-get", "update"]), stdout=sys.stderr)
        name = package_name()
    if name is None:
        raise Failure("this distribution has no package xen-hypervisor-*-amd64")
    say(f"fetching {name} (unpacked into build/xen, not installed)")
    os.makedirs(os.path.dirname(XEN_ELF), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(XEN_ELF)) as scratch:
        os.chmod(scratch, 0o755)  # apt drops its rights while it downloads
        for attempt in ("first", "after an update"):
            if attempt != "first":
                subprocess.call(packages.root_command(["apt-get", "update"]), stdout=sys.stderr)
            if subprocess.call(["apt-get", "-q", "-o", "APT::Sandbox::User=root",
                                "download", name], cwd=scratch,
                               stdout=subprocess.DEVNULL, stderr=sys.stderr) == 0:
                break
        debs = glob.glob(os.path.join(scratch, "*.deb"))
        if not debs:
            raise Failure(f"{name} could not be downloaded")
        subprocess.check_call(["dpkg-deb", "-x", debs[0], os.path.join(scratch, "root")])
        found = sorted(glob.glob(os.path.join(scratch, "root", "boot", "xen-*-amd64.gz")))
        if not found:
            raise Failure(f"{name} has no boot/xen-*-amd64.gz")
        with gzip.open(found[-1]) as packed, open(XEN_ELF + ".new", "wb") as plain:
            shutil.copyfileobj(packed, plain)
    os.replace(XEN_ELF + ".new", XEN_ELF)
