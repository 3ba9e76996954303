# SPDX-License-Identifier: BSD-2-Clause
"""Serves the guest's first disk by a backend that lies."""

import os
import re
import subprocess
import sys
import tempfile

import disks
from words import TOP, Failure

HONEST_REQUESTS = 20  # main.c reads as many first
QUIET = ("good", "bad-status", "no-status", "error")  # lies that do not cost the device


def prepare(run):
    mode = run.case.name
    disk = os.path.join(run.dir, "hostile.img")
    disks.make(disk, "1M pattern")
    folder = tempfile.mkdtemp(prefix="pith-")  # a socket's path must be short
    path = os.path.join(folder, "blk")
    backend = subprocess.Popen(
        [sys.executable, os.path.join(TOP, "tests", "hostile", "vhost_blk.py"), path, disk, mode,
         str(HONEST_REQUESTS)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def cleanup():
        backend.kill()
        run.backend_said = backend.stdout.read().decode(errors="replace")
        backend.wait()
        for name in (path, disk):
            if os.path.exists(name):
                os.unlink(name)
        os.rmdir(folder)

    run.cleanup.append(cleanup)
    if backend.stdout.readline() != b"ready\n":
        raise Failure("the hostile backend did not start")
    device = "vhost-user-blk" if run.bed.machine == "microvm" else "vhost-user-blk-pci"
    # Firmware that looks at disks would use up the honest requests.
    run.machine.qemu_args += [
        "-bios", "bios-microvm.bin" if run.bed.machine == "microvm" else "qboot.rom",
        "-object", f"memory-backend-memfd,id=shared,size={run.machine.memory},share=on",
        "-machine", "memory-backend=shared",
        "-chardev", f"socket,id=hostile,path={path}", "-device", f"{device},chardev=hostile"]


def verify(run):
    given_up = len(re.findall(r"given up:", run.output.text))
    wanted = 0 if run.case.name in QUIET else 1
    yield "one-line", None if given_up == wanted else f"{given_up} lines say that it was given up"
