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
XEN_MODULES = ("xen-netfront", "xen-blkfront")

# As a user would set it up who knows that it is a guest: none of this makes it slower.
OPTIONS = ["console=ttyS0", "quiet", "panic=-1", "no_timer_check", "init=/init"]
XEN_OPTIONS = ["console=hvc0", "quiet", "panic=-1", "init=/init"]


def options(kind):
    """Words of the kernel for a machine of this kind. On microvm there is nothing to measure the time stamp counter
    by, which under TCG is the host's: without being told its rate, Linux hangs in most of its starts."""
    if kind != "microvm":
        return OPTIONS
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        khz = int(float(re.search(r"cpu MHz\s*: ([\d.]+)", f.read())[1]) * 1000)
    return OPTIONS + [f"tsc_early_khz={khz}", f"lpj={khz * 4}"]


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
    return kernel, [module(name) for name in MODULES], version()


def module(name):
    """The file of a module of the kernel that was fetched."""
    found = glob.glob(os.path.join(FOLDER, "lib", "modules", "*", "kernel", "**", name + ".ko"), recursive=True)
    if not found:
        raise Failure(f"the Linux guest's kernel has no module {name}")
    return found[0]


def version():
    """Of the kernel that was fetched; empty when none was."""
    found = glob.glob(os.path.join(FOLDER, "boot", "vmlinuz-*"))
    return os.path.basename(found[0]).removeprefix("vmlinuz-") if found else ""


def compile_static(binary, sources):
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-D_GNU_SOURCE", "-static", "-pthread", "-o", binary, *sources],
                   check=True)


def libraries(binary, env=None):
    """The shared libraries of a program of this host, with the loader."""
    said = subprocess.run(["ldd", binary], check=True, stdout=subprocess.PIPE, text=True, env=env).stdout
    return sorted(set(re.findall(r"(/\S+) \(0x", said)))


def archive_of(name, fill):
    """Path of an archive with init, modules, and what fill(folder) puts there, /program among it."""
    fetch()
    root = os.path.join(FOLDER, name)
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    compile_static(os.path.join(root, "init"), [INIT])
    fill(root)
    for folder, names in (("modules", MODULES), ("modules-xen", XEN_MODULES)):
        os.makedirs(os.path.join(root, folder))
        for number, wanted in enumerate(names):
            shutil.copyfile(module(wanted), os.path.join(root, folder, f"{number:02}"))
    archive = root + ".cpio"
    initrd.pack(root, archive)
    return archive


def initramfs(name, sources):
    """Of a program made of `sources`."""
    return archive_of(name, lambda root: compile_static(os.path.join(root, "program"), sources))


def put_program(root, binary, env=None):
    """A program with the libraries that it finds in an environment, those of no package installed here too."""
    shutil.copy(os.path.realpath(binary), os.path.join(root, "program"))
    for library in libraries(binary, env):
        there = library
        if library.startswith(BUILD):
            there = "/lib/x86_64-linux-gnu/" + os.path.basename(library)
        os.makedirs(root + os.path.dirname(there), exist_ok=True)
        shutil.copy(os.path.realpath(library), root + there)


def initramfs_of_host(name, binary, files):
    """Of a program that this host has, with its libraries and `files`: {name at the root: text}."""
    def fill(root):
        put_program(root, binary)
        for file, text in files.items():
            with open(os.path.join(root, file), "w", encoding="utf-8") as f:
                f.write(text)
    return archive_of(name, fill)
