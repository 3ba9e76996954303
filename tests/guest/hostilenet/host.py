# SPDX-License-Identifier: BSD-2-Clause
"""Puts the guest's network card on a backend that lies."""

import os
import re
import subprocess
import sys
import tempfile

from words import TOP, Failure

HONEST, LIES = 20, 10  # frames; main.c has the same numbers
# Lies that cost frames, and those that cost nothing; the others cost the device.
DROPPED = ("good", "csum-", "gso-", "buffers-", "length-", "too-long", "empty-buffer")
QUIET = ("gro", "silent", "flood", "dies")


def prepare(run):
    mode = run.case.args[0]
    folder = tempfile.mkdtemp(prefix="pith-")  # a socket's path must be short
    path = os.path.join(folder, "net")
    backend = subprocess.Popen(
        [sys.executable, os.path.join(TOP, "tests", "hostile", "vhost_net.py"), path,
         "good" if mode == "gro" else mode, str(HONEST), str(LIES) if mode.startswith(DROPPED) else "999999"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def cleanup():
        backend.kill()
        run.backend_said = backend.stdout.read().decode(errors="replace")
        backend.wait()
        if os.path.exists(path):
            os.unlink(path)
        os.rmdir(folder)

    run.cleanup.append(cleanup)
    if backend.stdout.readline() != b"ready\n":
        raise Failure("the hostile backend did not start")
    device = "virtio-net-device"
    if run.bed.machine != "microvm":
        device = "virtio-net-pci,disable-legacy=on,romfile="
        if run.bed.platform == "tcg":
            device += ",vectors=0"  # with MSI-X and without KVM, QEMU 7.2 crashes over its own vectors
    run.machine.qemu_args += [
        "-object", f"memory-backend-memfd,id=shared,size={run.machine.memory},share=on",
        "-machine", "memory-backend=shared", "-chardev", f"socket,id=hostile,path={path}",
        "-netdev", "vhost-user,id=hostile,chardev=hostile", "-device", f"{device},netdev=hostile"]


def verify(run):
    mode, text = run.case.args[0], run.output.text
    frames = mode.startswith(DROPPED)
    for name, pattern, wanted in (("given-up", r"given up:", not frames and mode not in QUIET),
                                  ("dropped", r"frame dropped:", frames)):
        found = len(re.findall(pattern, text))
        yield name, None if found == wanted else f"{found} lines, not {int(wanted)}"
