# SPDX-License-Identifier: BSD-2-Clause
"""disk: pread, pwrite and fsync on files of ext4 and on a disk, on Pith and on the Linux guest.

Both get a copy of the same image; tests/bench/disk is the program. What is cold was never read before. The grid of
sizes, orders, directions and depths (tests/bench/disk/grid.c) is measured twice: with the host's page cache left out
(cache=none) and with it alone (unsafe). Beside it stands how often a request kicked the host and was told of by an
interrupt, as Pith's driver has counted.
"""

import glob
import os
import secrets
import shutil
import subprocess
import time

import image
import linux_guest
from bench import frame
from guest import Guest
from machine import Disk, Machine
from words import BUILD, TOP, Failure, say

NAME = "disk"
TITLE = "files on ext4 and a disk without one (tests/bench/disk)"
NEEDS = ("/usr/sbin/mke2fs",)

FOLDER = os.path.join(TOP, "tests", "bench", "disk")
MOUNT = os.path.join(TOP, "tests", "bench", "disk-linux", "mount.c")
WORK = os.path.join(BUILD, "bench", "disk")
LINUX_SOURCES = [os.path.join(FOLDER, "main.c"), os.path.join(FOLDER, "grid.c"),
                 os.path.join(TOP, "tests", "bench", "disk-linux", "direct.c")]
MODULES = ("virtio_blk", "crc32c-intel")  # ext4 is in the kernel
LINUX_O_DIRECT = 0o40000
DISK_SIZE, RAW_SIZE, COLD_SIZE = 768 << 20, 64 << 20, 64 << 20
MEMORY = 256 << 20
SECONDS = 900
GRID_PART = 8  # of the time that other measures take
CACHES = ("unsafe", "none")

TARGETS = {f"{cache} {way}-read-random-4k-d1 {what}/request": 1
           for cache in CACHES for way in ("raw", "direct") for what in ("kicks", "interrupts")}
TARGETS |= {f"{cache} {way}-{rw}-random-128k-d32 {what}/request": 0.2
            for cache in CACHES for way in ("raw", "direct") for rw in ("read", "write") for what in ("kicks", "interrupts")}
RATIOS = {f"{cache} raw-read-random-4k-d1 IOPS": 2.2 for cache in CACHES}
RATIOS |= {f"{cache} raw-{rw}-random-128k-d32 MB/s": 1 for cache in CACHES for rw in ("read", "write")}


def make_disks():
    """Both disks as each turn finds them."""
    shutil.rmtree(WORK, ignore_errors=True)
    source = os.path.join(WORK, "from")
    os.makedirs(source)
    for name in ("cold-a", "cold-b", "cold-c"):
        with open(os.path.join(source, name), "wb") as f:
            f.write(os.urandom(1 << 20) * (COLD_SIZE >> 20))
    path = os.path.join(WORK, "files.img")
    with open(path, "wb") as f:
        f.truncate(DISK_SIZE)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0",
                    "-d", source, path], check=True, stdin=subprocess.DEVNULL)
    shutil.rmtree(source)


def fresh_disks(cache=""):
    """Copies for one turn."""
    files, raw = (os.path.join(WORK, name) for name in ("turn.img", "raw.img"))
    subprocess.run(["cp", "--sparse=always", os.path.join(WORK, "files.img"), files], check=True)
    with open(raw, "wb") as f:
        f.write(b"raw!" * (RAW_SIZE // 4))
    return [Disk(files, cache=cache), Disk(raw, cache=cache)]


def caches():
    """Those that the file system of the build folder can do."""
    path = os.path.join(WORK, "files.img")
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT))
        return CACHES
    except OSError:
        say(f"{NAME}: no cache=none, which needs O_DIRECT at {WORK}")
        return CACHES[:1]


def values_of(machine, what):
    """{measure: value} of what the program says."""
    output = bytearray()
    Guest(machine, None, output.extend, timeout=SECONDS).run()
    lines = [line.split() for line in output.decode(errors="replace").splitlines()]
    found = {f"{words[1]} {words[2]}": float(words[3]) for words in lines
             if len(words) == 4 and words[0] == "disk" and words[1] != "hot-prepare"}
    if ["disk", "done"] not in lines:
        raise Failure(f"disk on {what}: {output.decode(errors='replace')[-500:]}")
    return found


def archive():
    """The Linux guest's initramfs."""
    def fill(root):
        os.makedirs(os.path.join(root, "disk"))
        linux_guest.compile_static(os.path.join(root, "program"), [MOUNT])
        linux_guest.compile_static(os.path.join(root, "disk", "program"), LINUX_SOURCES)
        for number, name in enumerate(MODULES):
            found = glob.glob(os.path.join(linux_guest.FOLDER, "lib", "modules", "*", "kernel", "**", name + ".ko"),
                              recursive=True)
            if not found:
                raise Failure(f"the Linux guest's kernel has no module {name}")
            shutil.copyfile(found[0], os.path.join(root, "disk", f"{number:02}"))
    return linux_guest.archive_of(NAME, fill)


def machine_of(side, bench, elf, initramfs, cache=""):
    """With a cache the machine of a grid."""
    time_ms = str(int(bench.seconds * 1000 / (GRID_PART if cache else 1)))
    grid = ["grid"] if cache else []
    if side == "Pith":
        return Machine(elf, bench.platform, bench.machine, MEMORY, disks=fresh_disks(cache),
                       options=["mount=/data:vda:ext4"], args=[time_ms, "0", *grid], nonce=secrets.token_hex(8))
    kernel, _, _ = linux_guest.fetch()
    return Machine(kernel, bench.platform, bench.machine, MEMORY, disks=fresh_disks(cache), options=linux_guest.OPTIONS,
                   args=["none", time_ms, str(LINUX_O_DIRECT), *grid], qemu_args=["-initrd", initramfs])


def grid(side, bench, elf, initramfs):
    """{measure: value} of the grid, the cache's name in front."""
    found = {}
    for cache in caches()[:1 if bench.quick else None]:
        values = values_of(machine_of(side, bench, elf, initramfs, cache), side)
        found.update({f"{cache} {measure}": value for measure, value in values.items()})
    return found


def run(bench):
    began = time.monotonic()
    app = image.find(FOLDER)
    image.build([app])
    sides = [side for side in ("Pith", "Linux") if not bench.sides or side.lower() in bench.sides]
    initramfs = archive() if "Linux" in sides else ""
    result = frame.Result(NAME, TITLE)
    make_disks()
    try:
        for number in range(max(bench.rounds, 1)):
            for side in sides:
                say(f"{NAME}, round {number + 1}: {side}")
                result.add(side, values_of(machine_of(side, bench, app.elf, initramfs), side))
                result.add(side, grid(side, bench, app.elf, initramfs))
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    result.seconds = time.monotonic() - began
    return result
