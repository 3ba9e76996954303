# SPDX-License-Identifier: BSD-2-Clause
"""pith bench boot: how long a machine that waits takes from being let go until its program's main.

A machine is made and paused, so that making it is not in the figures; then it is let go, by the
monitor's `cont` or by `xl unpause`. "main" is the moment that the program's wall clock tells, which on
Xen is dom0's as well; "line" is when its first line is seen outside, by us or by a reader of the
console in dom0.
"""

import json
import os
import re
import secrets
import statistics
import threading
import time
from dataclasses import asdict, dataclass

import accel
import image
import linux_guest
import packages
import qmp
import xen_dom0
from guest import Guest
from machine import MACHINES, Machine
from words import BUILD, TOP, Failure, say
from xen_host import KINDS, XenHost

MARK = os.path.join(TOP, "tests", "bench", "bootmark")
UNPAUSE = os.path.join(TOP, "tests", "bench", "unpause.c")
MEMORY = 64 << 20
LINUX_MEMORY = 128 << 20
SECONDS = 60


@dataclass
class Boot:
    """Times in ns; None where nobody can know."""

    line: int               # let go until the first line is seen
    main: int | None = None     # let go until main
    clock: int | None = None    # from the start of the guest's own clock until main
    xl: int | None = None       # xl unpause, from its start to its end


def mark(said):
    """(wall clock, time since the boot) of the program's line."""
    match = re.search(r"^mark (\d+) (\d+)\r?$", said, re.MULTILINE)
    if not match:
        raise Failure(f"the program did not say when its main began: {said[-300:]!r}")
    return int(match[1]), int(match[2])


# ---- QEMU's machines ----

class FirstByte:
    """Keeps what comes and when the first of it came."""

    def __init__(self):
        self.data, self.at = b"", None

    def feed(self, data):
        self.at = self.at or time.monotonic_ns()
        self.data += data


def let_go(guest):
    """Continue a machine that is complete and waits; when that was."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            if guest.control and guest.control.execute("query-status")["status"] == "prelaunch":
                began = time.monotonic_ns()
                guest.control.execute("cont")
                return began
        except qmp.Refused:
            pass  # it does not listen yet
        time.sleep(0.01)
    raise Failure("QEMU's machine does not come up")


def on_qemu(elf, platform, kind):
    came = FirstByte()
    machine = Machine(elf, platform, kind, MEMORY, nonce=secrets.token_hex(8), qemu_args=["-S"])
    guest = Guest(machine, None, came.feed, None, SECONDS)
    results = []
    thread = threading.Thread(target=lambda: results.append(guest.run()), daemon=True)
    thread.start()
    began = let_go(guest)
    thread.join()
    if not results or results[0].status:
        raise Failure(f"{platform}-{kind}: {results and results[0]}")
    _, clock = mark(came.data.decode(errors="replace"))
    return Boot(came.at - began, None, clock)


# ---- Xen's guests ----

class Bed:
    """The Xen that all guests of this bench run on."""

    def __init__(self, elf):
        self.elf = elf
        folder = os.path.join(BUILD, "bench", "xen")
        os.makedirs(folder, exist_ok=True)
        self.helper = os.path.join(folder, "unpause")
        linux_guest.compile_static(self.helper, [UNPAUSE])
        self.host = XenHost(folder)
        self.count = 0

    def start(self):
        self.host.start()
        self.host.run(f"cp {self.host.put(self.helper)} /tmp/unpause && chmod 755 /tmp/unpause")

    def measure(self, kind, kernel, pattern, **config):
        """(what the guest said, times of `unpause`)"""
        self.count += 1
        name = f"boot{self.count}"
        self.host.create(name, kind, kernel, paused=True, **config)
        tty = f"$(xenstore-read /local/domain/{self.host.domain(name)}/console/tty)"
        times = [int(word) for word in self.host.run(f"/tmp/unpause {name} {tty}")[1].split()]
        self.host.wait_console(name, pattern)
        said = self.host.console(name)
        self.host.destroy(name)
        return said, times

    def pith(self, kind):
        said, (began, done, byte) = self.measure(kind, self.elf, r"^mark \d+ \d+$", memory=MEMORY >> 20)
        wall, clock = mark(said)
        return Boot(byte - began, wall - began, clock, done - began)

    def linux(self, kind):
        _, (began, done, byte) = self.measure(
            kind, xen_dom0.KERNEL, "^linux guest: ", ramdisk=xen_dom0.LINUX_GUEST,
            memory=LINUX_MEMORY >> 20, cmdline="console=hvc0 quiet loglevel=0 panic=1")
        return Boot(byte - began, None, None, done - began)


# ---- the table ----

def spread(values):
    if None in values:
        return ""
    ms = [value / 1e6 for value in values]
    return f"{statistics.median(ms):.1f} ({min(ms):.1f}..{max(ms):.1f})"


def print_row(name, boots):
    columns = [spread([getattr(boot, field) for boot in boots]) for field in ("main", "line", "clock", "xl")]
    print(f"  {name:20}" + "".join(f"{column:>26}" for column in columns), flush=True)


def rounds_of(name, measure, rounds, found):
    boots = []
    for _ in range(rounds):
        boots.append(measure())
    print_row(name, boots)
    found[name] = [asdict(boot) for boot in boots]


def run(rounds, linux):
    packages.ensure(packages.BUILD + packages.QEMU)
    app = image.find(MARK)
    image.build([app])
    xen_dom0.ensure()
    found = {}
    print(f"\nms, medians of {rounds} (least..most): from `cont` or `xl unpause` to main, to the first "
          "line outside;\nthe guest's own clock at main; xl unpause itself\n"
          f"  {'':20}{'main':>26}{'line':>26}{'own clock':>26}{'xl':>26}")
    why = accel.openable() or accel.try_kvm()
    if why:
        say(f"without kvm: {why}")
    for platform in ("tcg",) if why else ("tcg", "kvm"):
        for kind in MACHINES:
            rounds_of(f"{platform}-{kind}", lambda p=platform, k=kind: on_qemu(app.elf, p, k), rounds, found)
    bed = Bed(app.elf)
    try:
        bed.start()
        for kind in KINDS:
            rounds_of("xen-" + kind, lambda k=kind: bed.pith(k), rounds, found)
        for kind in KINDS if linux else ():
            rounds_of("xen-" + kind + ", Linux", lambda k=kind: bed.linux(k), 1, found)
    finally:
        bed.host.stop()
    path = os.path.join(BUILD, "bench", "boot.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(found, f, indent=1)
    say(f"raw data: {os.path.relpath(path)}")
    return 0
