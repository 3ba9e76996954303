# SPDX-License-Identifier: BSD-2-Clause
"""Sides as guests of one Xen, PV or PVH: turns are in the same bed, a real Xen with a Linux dom0 in QEMU's TCG.

The load comes from this host, by a tap, QEMU's card, dom0's bridge and netback. All of it shares one CPU that
is emulated: Xen, dom0 and the guest. So what is counted is the whole machine, with two parts that their
addresses tell: Xen, and the image of Pith.
"""

import atexit
import os
import secrets
import threading

import linux_guest
import nics
from bench import plugin
from bench import sides
from machine import Disk, Machine, command_line, disk_words
from words import BUILD
from xen_host import BRIDGE, XenHost

FOLDER = os.path.join(BUILD, "bench", "xen")
# One address and one card for all guests, so that nobody has to unlearn a MAC.
MAC = "00:16:3e:70:69:74"
DOM0_MEMORY = 400 << 20
DISK_SIZE = 64 << 20
XEN_MEMORY = 160 << 20  # its own, and what a guest costs besides its memory
PARTS = {
    "Xen": (0xffff800000000000, 0xffff87ffffffffff),  # xen/arch/x86/include/asm/config.h: its part of any space
    "Pith": plugin.FIXED_RANGE,
}


class Bed:
    """One machine with Xen. Its dom0 has a disk, /dev/vda."""

    def __init__(self, bench, counted):
        self.counted = counted
        self.ns = sides.bed.Namespace()
        self.meter = plugin.Meter(blocks=bench.profile, ranges=PARTS) if counted else None
        os.makedirs(FOLDER, exist_ok=True)
        disk = os.path.join(FOLDER, "disk.img")
        with open(disk, "wb") as f:
            f.write(b"disk" * (DISK_SIZE // 4))
        nic = nics.Nic("tap", tap=self.ns.tap(), netdev=["vhost=off"], device=list(bench.card))
        self.host = XenHost(FOLDER, cpus=1, memory=DOM0_MEMORY + sides.MEMORY + XEN_MEMORY, dom0_memory=DOM0_MEMORY,
                            nic=nic, prefix=self.ns.words(),
                            qemu_args=disk_words(0, Disk(disk), "pc") + (self.meter.words if self.meter else []))
        self.number = 0
        self.host.start()

    def name(self):
        self.number += 1
        return f"bench{self.number}"

    def close(self):
        self.host.stop()
        self.ns.close()
        if self.meter:
            self.meter.close()


class Beds:
    """The one that runs, if any."""

    def __init__(self):
        self.bed, self.kind = None, None
        self.lock = threading.Lock()
        atexit.register(self.close)

    def get(self, bench, counted):
        """A bed of this kind: the last turn's, where that will do."""
        kind = (counted, bench.profile, tuple(bench.card))
        with self.lock:
            if self.bed and (self.kind != kind or self.bed.host.process.poll() is not None):
                self.bed.close()
                self.bed = None
            if self.bed is None:
                self.bed, self.kind = Bed(bench, counted), kind
            return self.bed

    def close(self):
        if self.bed:
            self.bed.close()
            self.bed = None


beds = Beds()


class StartedDomU(sides.Started):
    """A guest of the bed, which stays when the guest goes."""

    patience = 300  # Linux under the plugin, beside a dom0

    def __init__(self, bed, kind, kernel, **config):
        super().__init__(bed.ns, bed.meter)
        self.bed, self.name = bed, bed.name()
        self.pid = bed.host.process.pid
        bed.host.create(self.name, kind, kernel, **config)
        self.words = bed.host.process.args + ["--", *bed.host.read(f"share/files/{self.name}.cfg").splitlines()]

    def alive(self):
        return self.bed.host.reason(self.name) is None

    def says(self, pattern, seconds):
        """The match of a pattern in what it has said; a Failure when that does not come."""
        return self.bed.host.wait_console(self.name, pattern, seconds)

    def last_words(self):
        return self.bed.host.console(self.name)[-400:]

    def close(self):
        self.bed.host.destroy(self.name)


def config_of(memory, cmdline, more):
    return {"memory": memory >> 20, "cmdline": cmdline, "vif": [f"bridge={BRIDGE},mac={MAC}"], **more}


def kind_of(bench):
    return bench.platform.removeprefix("xen-")


def pith_config(side, bench, counted):
    """Words for XenHost.create() of an image, whose address is known where its instructions are to be told."""
    fixed = ["base=fixed"] if counted else []
    machine = Machine(side.elf, bench.platform, memory=side.memory, args=side.args, nonce=secrets.token_hex(8),
                            options=[f"ip={sides.ADDRESS}/24", *fixed, *side.options, *bench.boot_options])
    return config_of(side.memory, command_line(machine), {"ramdisk": side.initrd})


def linux_config(side):
    line = " ".join([*linux_guest.XEN_OPTIONS, "--", sides.ADDRESS, *side.args])
    return config_of(side.memory, line, {"ramdisk": side.archive})


def pith(side, bench, counted):
    bed = beds.get(bench, counted)
    return StartedDomU(bed, kind_of(bench), side.elf, **pith_config(side, bench, counted), **side.xen)


def linux(side, bench, counted):
    bed = beds.get(bench, counted)
    return StartedDomU(bed, kind_of(bench), side.kernel, **linux_config(side), **side.xen)
