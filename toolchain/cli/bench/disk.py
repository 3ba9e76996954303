# SPDX-License-Identifier: BSD-2-Clause
"""disk: pread, pwrite and fsync on files of ext4 and on a disk, on Pith and on the Linux guest.

Both get a copy of the same image; tests/bench/disk is the program. What is cold was never read before.
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
MODULES = ("virtio_blk", "crc32c-intel")  # ext4 is in the kernel
LINUX_O_DIRECT = 0o40000
DISK_SIZE, RAW_SIZE, COLD_SIZE = 768 << 20, 64 << 20, 64 << 20
MEMORY = 256 << 20
SECONDS = 900


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


def fresh_disks():
    """Copies for one turn."""
    files, raw = (os.path.join(WORK, name) for name in ("turn.img", "raw.img"))
    subprocess.run(["cp", "--sparse=always", os.path.join(WORK, "files.img"), files], check=True)
    with open(raw, "wb") as f:
        f.write(b"raw!" * (RAW_SIZE // 4))
    return [Disk(files), Disk(raw)]


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
        linux_guest.compile_static(os.path.join(root, "disk", "program"), sorted(glob.glob(os.path.join(FOLDER, "*.c"))))
        for number, name in enumerate(MODULES):
            found = glob.glob(os.path.join(linux_guest.FOLDER, "lib", "modules", "*", "kernel", "**", name + ".ko"),
                              recursive=True)
            if not found:
                raise Failure(f"the Linux guest's kernel has no module {name}")
            shutil.copyfile(found[0], os.path.join(root, "disk", f"{number:02}"))
    return linux_guest.archive_of(NAME, fill)


def machine_of(side, bench, elf, initramfs):
    args = [str(int(bench.seconds * 1000))]
    if side == "Pith":
        return Machine(elf, bench.platform, bench.machine, MEMORY, disks=fresh_disks(),
                       options=["mount=/data:vda:ext4"], args=args, nonce=secrets.token_hex(8))
    kernel, _, _ = linux_guest.fetch()
    return Machine(kernel, bench.platform, bench.machine, MEMORY, disks=fresh_disks(),
                   options=linux_guest.OPTIONS, args=["none", *args, str(LINUX_O_DIRECT)], qemu_args=["-initrd", initramfs])


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
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    result.seconds = time.monotonic() - began
    return result
