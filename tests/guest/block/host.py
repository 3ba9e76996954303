# SPDX-License-Identifier: BSD-2-Clause
"""Disks that the plain test description can't say: failing sectors, other device options."""

import json
import os

import disks

# Read errors in sector 16, write errors in sector 32, for good.
RULES = [
    {"event": "read_aio", "iotype": "read", "sector": 16, "errno": 5},
    {"event": "write_aio", "iotype": "write", "sector": 32, "errno": 5},
]


def attach(run, description, device, debug=False):
    path = os.path.join(run.dir, "special.img")
    disks.make(path, description)
    run.special = path
    run.cleanup.append(lambda: os.path.exists(path) and os.unlink(path))
    node = {"driver": "file", "filename": path}
    if debug:
        node = {"driver": "blkdebug", "image": node, "inject-error": RULES}
    node = {"driver": "raw", "node-name": "special", "file": node}
    run.machine.qemu_args += ["-blockdev", json.dumps(node), "-device", f"{device},drive=special"]


def prepare(run):
    name, mmio = run.case.name, run.bed.machine == "microvm"
    pci = "virtio-blk-pci,disable-legacy=on"
    if name == "errors":
        attach(run, "2M pattern", "virtio-blk-device" if mmio else pci, debug=True)
    elif name == "wire":
        attach(run, "16M pattern", pci + ",vectors=0")
    elif name == "transitional":
        attach(run, "16M pattern", "virtio-blk-pci-transitional")
    elif name.startswith("plain"):
        device = "virtio-blk-device" if mmio else pci
        attach(run, "16M pattern" if name == "plain" else "16M zero",
               device + ",indirect_desc=off,event_idx=off,queue-size=16,seg-max-adjust=on")


def verify(run):
    if run.case.name == "plainwrite":
        yield "host-compares", disks.problem(run.special, "pattern")
