# SPDX-License-Identifier: BSD-2-Clause
"""Runs one image as a guest of a real Xen, by xl: in this machine's own dom0, or in the bed's.

A guest that ends is kept until its console has been read to the end and then destroyed: xenconsoled
closes the console of a domain that is gone, and what it has not handed out by then is lost.
"""

import os
import shutil
import socket
import time

import nics
import xen_config
import xen_dom0
from console import STOP_SECONDS, Console
from machine import disk_words
from words import Failure, say
from xen_host import BRIDGE, XenHost

DOM0_MEMORY = 300 << 20
XEN_MEMORY = 150 << 20  # its own, and what a guest costs besides its memory

# A guest that has ended has said what it had to say when nothing came for so long.
QUIET_SECONDS = 0.5

# The console of the guest $1 on a port of the bed's machine, both ways. The daemon opens the terminal
# soon after the domain's creation.
RELAY = r"""
for port in /sys/class/virtio-ports/*; do
    [ "$(cat "$port/name")" = console ] && exec 4<>"/dev/${port##*/}"
done
domain=$(xl domid "$1") || exit 1
tries=0
until tty=$(xenstore-read "/local/domain/$domain/console/tty" 2>/dev/null) && [ -n "$tty" ]; do
    tries=$((tries + 1))
    [ $tries -lt 500 ] || { echo "no terminal for $1"; exit 1; }
    usleep 10000
done
cat <"$tty" >&4 &
cat <&4 >"$tty" &
"""

# The other cards of the machine have bridges of their own, with the numbers $1...
BRIDGES = r"""
for n in "$@"; do
    brctl delif xenbr0 "eth$n" 2>/dev/null
    brctl addbr "xenbr$n" && brctl addif "xenbr$n" "eth$n" &&
        ip link set "eth$n" up && ip link set "xenbr$n" up || exit 1
done
"""


class Bed:
    """The machine of xen_host.py around one guest: its cards are what the guest's bridges lead to,
    its disks the guest's disks, so that a write reaches the file at once."""

    where = "a Xen with a Linux dom0 in QEMU's TCG"

    def __init__(self, machine, name, folder):
        self.machine, self.name, self.folder = machine, name, folder
        self.console, self.theirs = socket.socketpair()
        files = [machine.elf] + ([machine.initrd] if machine.initrd else [])
        dom0 = DOM0_MEMORY + 2 * sum(map(os.path.getsize, files))
        words = ["-chardev", f"socket,id=console,fd={self.theirs.fileno()}",
                 "-device", "virtserialport,chardev=console,name=console"]
        for number, nic in enumerate(machine.nics):
            words += nics.nic_words(number, uplink(nic), "pc")
        for number, disk in enumerate(machine.disks):
            words += disk_words(number, disk, "pc")
        self.host = XenHost(folder, cpus=1, dom0_memory=dom0,
                            memory=dom0 + machine.memory + XEN_MEMORY, qemu_args=words + machine.qemu_args,
                            pass_fds=[self.theirs.fileno()])

    def start(self):
        self.host.start()
        self.theirs.close()
        others = [str(n) for n in range(1, len(self.machine.nics))]
        if others:
            self.host.run(f"set -- {' '.join(others)}\n{BRIDGES}")

    def create(self):
        """Start the guest; the descriptor of its console."""
        targets = ["/dev/vd" + xen_config.letters(n) for n in range(len(self.machine.disks))]
        bridges = [BRIDGE[:-1] + str(n) for n in range(len(self.machine.nics))]
        config = xen_config.of_machine(self.machine, targets, bridges, xen_dom0.BLOCK_SCRIPT)
        if self.machine.initrd:
            config["ramdisk"] = self.machine.initrd
        config = self.host.configure(self.name, xen_config.kind(self.machine), self.machine.elf, **config)
        status, said = self.host.run(f"xl create {config}", check=False)
        if status:
            raise Failure("xl create: " + xen_config.complaint(said))
        self.host.run(f"set -- {self.name}\n{RELAY}")
        return self.console.fileno()

    def reason(self):
        if self.host.process.poll() is not None:
            return "the machine has ended: " + self.host.last_words()
        return self.host.reason(self.name)

    def shutdown(self):
        self.host.run(f"xl shutdown {self.name}", check=False)

    def stop(self):
        """Nothing runs afterwards; the logs stay."""
        self.host.stop()
        self.console.close()
        shutil.rmtree(os.path.join(self.host.share, "files"), ignore_errors=True)

    def logs(self):
        return f"{os.path.relpath(self.folder)}/ (xen.log, share/log)"


def uplink(nic):
    """The bed's own card, which is not the guest's: another address."""
    return nics.Nic(nic.kind, nic.ports, nic.tap, nic.paths, random_mac(), nic.netdev)


def random_mac():
    return "02:" + ":".join(f"{byte:02x}" for byte in os.urandom(5))


class XenGuest(Console):
    """One run. `toolstack` is a Bed or a xen_local.Local."""

    tick = 0.05

    def __init__(self, machine, source, sink, toolstack, timeout=None):
        super().__init__(machine, source, sink, None, timeout)
        self.toolstack = toolstack
        if isinstance(toolstack, Bed):
            self.grace_seconds = 60.0  # `xl shutdown` takes seconds where a busy machine emulates it
        self.console = None
        self.begun = False  # its domain is being made, or is there; the program may run before xl returns
        self.reason = None
        self.quiet_until = None

    def run(self):
        """Boot what is needed, then the guest; the time limit is the guest's."""
        began = time.monotonic()
        killed = False
        try:
            self.toolstack.start()
            self.begun = True
            self.console = self.toolstack.create()
            began = time.monotonic()
            timed_out = not self.carry(began)
            killed = not self.wait_stopped(timed_out)
        finally:
            self.begun = False
            self.console = None
            self.toolstack.stop()
        if not self.reason and not timed_out and self.lines.status is None:
            self.words += b"its console was closed"
        elif self.lines.status is None and self.reason:
            self.words += f"why the domain ended: {self.reason}".encode()
        return self.judge(timed_out, killed, time.monotonic() - began)

    def pipes(self):
        return self.console, None, self.console

    def ended(self):
        """Some time after its end, when nothing more comes out of its console."""
        self.reason = self.reason or self.toolstack.reason()
        if not self.reason:
            return False
        now = time.monotonic()
        self.quiet_until = self.quiet_until or now + QUIET_SECONDS
        return now >= self.quiet_until

    def output(self, data):
        self.quiet_until = None
        super().output(data)

    def wait_stopped(self, timed_out):
        """Wait for the domain's end; False when it has to be destroyed."""
        until = time.monotonic() + (0 if timed_out else STOP_SECONDS)
        while not self.reason:
            self.reason = self.toolstack.reason()
            if not self.reason and time.monotonic() >= until:
                return False
            time.sleep(0.02)
        return True

    def can_be_asked(self):
        return self.begun

    def asked_to_end(self):
        try:
            self.toolstack.shutdown()
        except (Failure, OSError) as e:
            # It may have ended before the answer came; else the time runs out.
            if self.console is not None and self.lines.status is None:
                say(f"xl shutdown: {e}")
