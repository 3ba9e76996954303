# SPDX-License-Identifier: BSD-2-Clause
"""Who is compared: an image of Pith, the same program on a Linux guest, and as a process of this host.

Each start is a fresh namespace with a fresh machine behind a tap (the process: behind a pair of virtual
cards), reached at the same address.
"""

import os
import secrets
import subprocess
import sys
import threading
import time

import linux_guest
import nics
from bench import events, plugin
from guest import Guest
from machine import Machine, qemu_command
from words import BUILD, TOP, Failure

sys.path.insert(0, os.path.join(TOP, "tests", "net"))

import bed  # noqa: E402  pylint: disable=wrong-import-position

ADDRESS = bed.GUEST4
START_SECONDS = 90  # Linux under the plugin on a busy host
MEMORY = 256 << 20


class Started:
    """A side that runs: `ns` is where it is reached at ADDRESS, `meter` counts its instructions or is None."""

    patience = START_SECONDS

    def __init__(self, ns, meter=None, trace=None):
        self.ns = ns
        self.meter = meter
        self.trace = trace   # events.Events, or None
        self.words = []      # how it was started
        self.pid = None      # of the one process that is all of it
        self.control = None  # QEMU's monitor, where there is one
        self.output = bytearray()

    def alive(self):
        raise NotImplementedError

    def instructions(self):
        """Executed so far; 0 where nobody counts."""
        return self.meter.total() if self.meter else 0

    def parts(self):
        """The same of parts of the machine, where it runs more than the guest: {name: instructions}."""
        return self.meter.parts() if self.meter else {}

    def events(self):
        """{"notifications": so far, "interrupts": so far}; nothing where nobody counts."""
        return self.trace.counts() if self.trace else {}

    def cpu(self):
        """Seconds that this host's CPUs have spent on it: much the same on a busy host as on an idle one."""
        if self.pid is None:
            return 0.0
        with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as f:
            user, system = f.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def wait(self, port):
        until = time.monotonic() + self.patience
        while time.monotonic() < until and self.alive():
            try:
                self.ns.connect(ADDRESS, port, 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Failure(f"no answer at port {port}: {self.last_words()!r}")

    def last_words(self):
        return bytes(self.output[-400:]).decode(errors="replace")

    def close(self):
        raise NotImplementedError


class StartedGuest(Started):
    def __init__(self, ns, machine, meter):
        trace = events.Events() if meter else None
        if trace:
            machine.qemu_args = machine.qemu_args + meter.words + trace.words
        super().__init__(ns, meter, trace)
        self.words = qemu_command(machine)
        self.guest = Guest(machine, None, self.output.extend, timeout=3600)
        self.thread = threading.Thread(target=self.guest.run, daemon=True)
        self.thread.start()

    def cpu(self):
        self.pid = self.guest.process.pid if self.guest.process else None
        return super().cpu()

    def alive(self):
        return self.thread.is_alive()

    def last_words(self):
        return super().last_words() + self.guest.words.decode(errors="replace")

    def query(self, command, **arguments):
        return self.guest.control.execute(command, **arguments)

    def close(self):
        if self.guest.process:
            self.guest.process.kill()
            self.thread.join(20)
        self.ns.close()
        for counter in (self.meter, self.trace):
            if counter:
                counter.close()


class StartedProcess(Started):
    def __init__(self, ns, words):
        super().__init__(ns)
        self.words = words
        self.far = bed.Namespace()
        ns.call("ip", "link", "add", "tap0", "type", "veth", "peer", "name", "eth0", "netns", str(self.far.holder.pid))
        ns.up("tap0", (bed.OURS4 + "/24",))
        self.far.up("eth0", (ADDRESS + "/24",))
        self.process = self.far.start(*words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        self.pid = self.process.pid

    def alive(self):
        return self.process.poll() is None

    def close(self):
        self.far.close()
        self.ns.close()


class Side:
    """What can be started. `counts`: whether its instructions can be counted; `guest`: whether it is a machine's."""

    counts = guest = True

    def __init__(self, name):
        self.name = name
        self.xen = {}  # more for its xl.cfg, as a guest of Xen

    def start(self, bench, counted):
        """A Started; `counted` with a meter."""
        raise NotImplementedError


def card(bench, ns):
    return nics.Nic("tap", tap=ns.tap(), netdev=["vhost=off"], device=list(bench.card))


class Pith(Side):
    places = ()  # addresses at which the plugin is to stamp; the image has to be at its fixed base

    def __init__(self, elf, args=(), options=(), memory=MEMORY, initrd="", name="Pith", platform=""):
        super().__init__(name)
        self.platform = platform  # another than the others'
        self.elf, self.args, self.options, self.memory = elf, list(args), list(options), memory
        self.initrd = initrd  # an archive of files

    def start(self, bench, counted):
        if bench.on_xen:
            from bench import xen_sides  # pylint: disable=import-outside-toplevel,cyclic-import
            return xen_sides.pith(self, bench, counted)
        ns = bed.Namespace()
        meter = plugin.Meter(blocks=bench.profile, places=self.places) if counted else None
        fixed = ["base=fixed"] if bench.profile else []
        return StartedGuest(ns, Machine(
            self.elf, self.platform or bench.platform, bench.machine, self.memory, nics=[card(bench, ns)], prefix=ns.words(),
            options=[f"ip={ADDRESS}/24", *fixed, *self.options, *bench.boot_options], args=self.args, nonce=secrets.token_hex(8),
            initrd=self.initrd), meter)


class Linux(Side):
    def __init__(self, archive, args=(), memory=MEMORY):
        super().__init__("Linux")
        self.kernel, _, _ = linux_guest.fetch()
        self.archive, self.args, self.memory = archive, list(args), memory

    def start(self, bench, counted):
        if bench.on_xen:
            from bench import xen_sides  # pylint: disable=import-outside-toplevel,cyclic-import
            return xen_sides.linux(self, bench, counted)
        ns = bed.Namespace()
        meter = plugin.Meter() if counted else None
        return StartedGuest(ns, Machine(
            self.kernel, bench.platform, bench.machine, self.memory, nics=[card(bench, ns)], prefix=ns.words(),
            options=linux_guest.options(bench.machine), args=[ADDRESS, *self.args],
            qemu_args=["-initrd", self.archive]), meter)


class Native(Side):
    counts = guest = False

    def __init__(self, binary, args=()):
        super().__init__("native")
        self.words = [binary, *args]

    def start(self, bench, counted):
        return StartedProcess(bed.Namespace(), self.words)


def of_sources(name, elf, sources, args=(), options=(), native=True):
    """The three sides of one program. The process is the Linux guest's binary."""
    archive = linux_guest.initramfs(name, sources)
    found = [Pith(elf, args, options), Linux(archive, args)]
    if native:
        found.append(Native(os.path.join(BUILD, "linux", name, "program"), args))
    return found
