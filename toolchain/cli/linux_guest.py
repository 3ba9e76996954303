# SPDX-License-Identifier: BSD-2-Clause
"""A Linux guest to compare with: the distribution's cloud kernel and one static program.

The kernel comes from Debian's package linux-image-cloud-amd64, taken apart in build/linux and not
installed; its initramfs has our init (tests/bench/linux/init.c), the modules of a virtio card, and the
program, compiled by this host's gcc from the same sources as the image of Pith.
"""

import glob
import os
import re
import shutil
import subprocess

import initrd
from words import BUILD, TOP, Failure, say

FOLDER = os.path.join(BUILD, "linux")
INIT = os.path.join(TOP, "tests", "bench", "linux", "init.c")
META_PACKAGE = "linux-image-cloud-amd64"

# In the order in which they need each other.
MODULES = ("virtio_ring", "virtio", "virtio_mmio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
           "virtio_pci", "failover", "net_failover", "virtio_net")

# As a user would set it up who knows that it is a guest: none of this makes it slower.
OPTIONS = ["console=ttyS0", "quiet", "panic=-1", "no_timer_check", "init=/init"]


def output(words):
    done = subprocess.run(words, cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{' '.join(words)}: {done.stdout[-300:]}")
    return done.stdout


def kernel_package():
    """The package that the meta package stands for today."""
    for line in output(["apt-cache", "depends", META_PACKAGE]).splitlines():
        match = re.search(r"Depends: (linux-image-\S+-cloud-amd64)$", line)
        if match:
            return match[1]
    raise Failure(f"apt knows no {META_PACKAGE}; the comparison with Linux needs it")


def fetch():
    """(kernel, [modules], version); downloaded once."""
    os.makedirs(FOLDER, exist_ok=True)
    if not glob.glob(os.path.join(FOLDER, "boot", "vmlinuz-*")):
        package = kernel_package()
        say(f"fetching {package}, to compare with")
        output(["apt-get", "-q", "download", "-o", "APT::Sandbox::User=", package])
        for deb in glob.glob(os.path.join(FOLDER, "*.deb")):
            output(["dpkg-deb", "-x", deb, FOLDER])
            os.unlink(deb)
    kernel = glob.glob(os.path.join(FOLDER, "boot", "vmlinuz-*"))[0]
    modules = []
    for name in MODULES:
        found = glob.glob(os.path.join(FOLDER, "lib", "modules", "*", "kernel", "**", name + ".ko"),
                          recursive=True)
        if not found:
            raise Failure(f"{kernel} has no module {name}")
        modules.append(found[0])
    return kernel, modules, os.path.basename(kernel).removeprefix("vmlinuz-")


def compile_static(binary, sources):
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-static", "-o", binary, *sources], check=True)


def initramfs(name, sources):
    """Path of an archive with init, modules, and /program made of `sources`."""
    _, modules, _ = fetch()
    root = os.path.join(FOLDER, name)
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(os.path.join(root, "modules"))
    compile_static(os.path.join(root, "init"), [INIT])
    compile_static(os.path.join(root, "program"), sources)
    for number, module in enumerate(modules):
        shutil.copyfile(module, os.path.join(root, "modules", f"{number:02}"))
    archive = root + ".cpio"
    initrd.pack(root, archive)
    return archive
