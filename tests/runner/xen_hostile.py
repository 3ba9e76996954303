# SPDX-License-Identifier: BSD-2-Clause
"""Of the suite `xen`: backends that lie, and devices that come and go.

The backends are tests/xen/badback.c, a program of dom0; the guest is tests/xen/victim. Many devices lie
at once, each in another way: the guest gives up those that it has to, with a line of its log each,
goes on to answer on its console, and a device that comes afterwards works. When all have gone it has
the pages, grants and event channels that it had before.
"""

import os
import re
import subprocess
import time

import image
import xen_lies
from words import BUILD, TOP, Failure
from xen_lies import FRAMES, GOOD, Lie
from xen_site import expect

VICTIM = os.path.join("tests", "xen", "victim")
BADBACK = os.path.join(BUILD, "xen", "badback")
SOURCES = os.path.join(TOP, "tests", "xen")
LIBRARIES = ("-lxengnttab", "-lxenevtchn", "-lxenstore")  # of libxen-dev; dom0 has them for xl
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wvla", "-Wstrict-prototypes",
         "-Wmissing-prototypes", "-Werror")
XVDA = 202 << 8  # xen docs/man/xen-vbd-interface.7: a disk every 16
# Lines of the log about devices that come and go as they ought to.
BIRTH = r": (?:vif|vbd) \d+:|: \d+ sectors, |: [0-9a-f:]{17}, MTU |: removed|: taken away|^disk |^net "
SLACK = 4        # pages of slabs and tables, which many cycles may add once; a card left behind has 66


def build_badback():
    sources = sorted(os.path.join(SOURCES, f) for f in os.listdir(SOURCES) if re.fullmatch(r"badback.*\.[ch]", f))
    if os.path.exists(BADBACK) and all(os.stat(BADBACK).st_mtime > os.stat(s).st_mtime for s in sources):
        return
    os.makedirs(os.path.dirname(BADBACK), exist_ok=True)
    subprocess.run(["gcc", *FLAGS, "-o", BADBACK + ".new", *(s for s in sources if s.endswith(".c")), *LIBRARIES],
                   check=True)
    os.replace(BADBACK + ".new", BADBACK)


# ---- the guest, and what dom0 does to it ----

class Victim:
    """The guest."""

    def __init__(self, site, app, *options):
        self.site, self.host = site, site.host
        self.name = site.create("victim", app.elf, options=["loglevel=2", *options], memory=32)
        self.host.wait_console(self.name, "^victim: ready")
        self.number = self.host.domain(self.name)
        self.run("test -x /bin/badback", check=False) or self.bring_badback()
        self.pings = self.rounds = self.devices = 0

    def run(self, text, check=True):
        status, said = self.host.run(f"d={self.number}\n{text}", check=check)
        return said if check else status == 0

    def bring_badback(self):
        build_badback()
        there = self.host.put(BADBACK)
        self.run(f"cp {there} /bin/badback.new && chmod 755 /bin/badback.new && mv /bin/badback.new /bin/badback")

    def say(self, *lines):
        """Type lines at its console."""
        self.run("tty=$(xenstore-read /local/domain/$d/console/tty)\n" +
                 "".join(f"echo '{line}' >$tty\n" for line in lines))

    def hear(self, pattern, begin=0, seconds=60):
        """The match of a pattern in what it says from `begin` on."""
        until = time.monotonic() + seconds
        while True:
            said = self.host.console(self.name)[begin:]
            match = re.search(pattern, said, re.MULTILINE)
            if match:
                return match
            if time.monotonic() > until or self.host.reason(self.name):
                raise Failure(f"{self.name} did not say /{pattern}/ ({self.host.reason(self.name)}): {said[-1500:]!r};"
                              f" Xen: {self.host.last_words()}")
            time.sleep(0.05)

    def mark(self):
        """It answers; where its words are that come next."""
        self.pings += 1
        begin = len(self.host.console(self.name))
        self.say(f"ping n{self.pings}")
        self.hear(rf"^pong n{self.pings}\r?$", begin)
        return len(self.host.console(self.name))

    def counts(self):
        begin = self.mark()
        self.say("counts")
        found = self.hear(r"^counts: free (\d+), grants (\d+), abandoned (\d+), frames (\d+), ports (\d+), "
                          r"working (\d+)", begin)
        return dict(zip(("free", "grants", "abandoned", "frames", "ports", "working"), map(int, found.groups())))

    def settled(self, before, seconds=10):
        """What it has in use is what it was before: nothing has leaked. Threads take a moment to go."""
        until = time.monotonic() + seconds
        while True:
            counts = self.counts()
            if 0 <= before["free"] - counts["free"] <= SLACK and dict(counts, free=0) == dict(before, free=0):
                return counts
            if time.monotonic() > until:
                raise Failure(f"{self.name} had {before} and has {counts} now")
            time.sleep(0.3)

    def leave(self):
        self.say("quit")
        self.site.ends(self.name, "poweroff")

    def log_of(self, name):
        return self.host.read(f"share/log/{name}.log")


class Device:
    """A backend in dom0 that tells a lie, or none."""

    def __init__(self, victim, lie: Lie, number):
        self.victim, self.lie, self.number = victim, lie, number
        victim.devices += 1
        self.log = f"{victim.name}-{lie.name}-{victim.devices}"
        self.unit = XVDA + 16 * number if lie.kind == "disk" else number
        self.label = "vd" + chr(ord("a") + number) if lie.kind == "disk" else str(number)

    def start_text(self):
        nodes = " ".join(f"'{node}'" for node in self.lie.nodes)
        return (f"badback {self.lie.kind} $d {self.unit} {self.lie.fault} {nodes} </dev/null "
                f">/share/log/{self.log}.log 2>&1 & echo $! >/tmp/{self.log}.pid\n")

    def said(self):
        return self.victim.log_of(self.log)

    def wait(self, pattern, seconds=180):
        until = time.monotonic() + seconds
        while not re.search(pattern, self.said(), re.MULTILINE):
            if time.monotonic() > until:
                raise Failure(f"{self.log}: the backend did not say /{pattern}/ but {self.said()!r}; "
                              f"{self.victim.name}: {self.victim.host.console(self.victim.name)[-800:]!r}")
            time.sleep(0.05)

    def order(self):
        return f"disk {self.label}" if self.lie.kind == "disk" else f"net {self.label} {FRAMES} {self.lie.patience}"

    def outcome(self, pattern, begin):
        """Its own words: those of a request that times out after half a minute come late."""
        words = rf"^{self.lie.kind} {self.label}: (?:{pattern}).*$"
        try:
            return self.victim.hear(words, begin, 120)[0]
        except Failure as e:
            raise Failure(f"{self.lie.name}: {e}; its backend: {self.said()!r}") from e

    def term(self):
        return f"read -r pid </tmp/{self.log}.pid && kill $pid\n"

    def log_lines(self, text):
        """What the guest has logged of this device. Lines that tell its birth are no complaints."""
        if self.lie.kind == "disk":
            names = rf"{self.label}:|device/vbd/{self.unit}\b"
        else:
            found = re.search(rf"(eth\d+): vif {self.unit}:", text)
            names = rf"device/vif/{self.unit}\b" + (rf"|{found[1]}:" if found else "")
        return [line for line in text.splitlines() if re.search(names, line) and not re.search(BIRTH, line)]


def see(victim, devices, begin):
    """Use them all, see what becomes of each, and take them away."""
    for device in devices:
        if not device.lie.fault.startswith("never"):
            device.wait(r"^front [4-6]|^injected|^failed")
    victim.say(*(device.order() for device in devices))
    outcomes = {device: device.outcome(device.lie.says, begin) for device in devices if device.lie.says}
    victim.mark()
    victim.run("".join(device.term() for device in devices))
    for device in devices:
        device.wait("^over")
        expect("failed:" not in device.said(), f"{device.lie.name}: {device.said()!r}")
        if device.lie.later:
            outcomes[device] = device.outcome(device.lie.later, begin)
    victim.mark()
    keepers = [device for device in devices if device.lie.fault == "keep"]
    if keepers:
        expect(victim.counts()["grants"] > 0, f"{victim.name} has no grants, and the backend has its pages")
        victim.run("".join(device.term() for device in keepers))
    for device in keepers:
        device.wait("^let go")
    return outcomes


def lie_all(victim, lies):
    """Have all these devices at once; what becomes of each is what has to."""
    begin = victim.mark()
    devices = [Device(victim, lie, i) for i, lie in enumerate(lies)]
    victim.run("".join(device.start_text() for device in devices))
    try:
        outcomes = see(victim, devices, begin)
    except Failure:
        victim.run("killall badback; usleep 300000; killall badback", check=False)
        raise
    text = victim.host.console(victim.name)[begin:]
    for device in devices:
        lines, outcome = device.log_lines(text), outcomes[device]
        wanted = ": failed" in outcome if device.lie.lines is None else device.lie.lines
        expect(len(lines) == wanted, f"{device.lie.name}: {outcome!r}, and {len(lines)} lines of log: {lines}")


def honest(lies):
    """Devices in the same places that work."""
    return tuple(next(lie for lie in GOOD if lie.kind == each.kind) for each in lies)


def works_again(victim):
    """Devices that come after all this: honest ones of ours, and those of the toolstack."""
    lie_all(victim, GOOD)
    begin = victim.mark()
    victim.run(f"dd if=/dev/zero of=/tmp/{victim.name} bs=1M count=4 2>/dev/null\n"
               f"xl block-attach $d file:/tmp/{victim.name},xvdc,w && xl network-attach $d bridge=xenbr0")
    victim.say("disk vdc")
    victim.hear("^disk vdc: good 16", begin)
    victim.hear(r"eth\d+: vif 0:", begin)
    victim.run(f"xl block-detach $d xvdc && xl network-detach $d 0 && rm /tmp/{victim.name}")


# ---- devices that come and go ----

def dom0_has(victim):
    """What Xen says that dom0 has of the guest: event channels to it, and grants that are mapped."""
    host = victim.host
    begin = len(host.dmesg())
    victim.run("xl debug-keys e && xl debug-keys g")
    until = time.monotonic() + 20
    while not re.search(r"gnttab_usage_print_all \] done", host.dmesg()[begin:]):
        if time.monotonic() > until:
            raise Failure(f"Xen does not print its grants: {host.dmesg()[begin:][-300:]!r}")
        time.sleep(0.1)
    said = host.dmesg()[begin:]
    part = re.search(r"Event channel information for domain 0:(.*?)(?:Event channel information for|\Z)", said,
                     re.DOTALL)
    table = re.search(rf"grant-table for remote d{victim.number} (.*?)(?:grant-table for remote|done)", said,
                      re.DOTALL)
    return {"ports": len(re.findall(rf" s=3 .*\bd={victim.number}\b", part[1])),
            "grants": len(re.findall(r"\[0x[0-9a-f]+\] ", table[1])) if table else 0}


def cycles(victim, kind, times):
    """Attach and detach a device of Linux's backends; the time of each."""
    if kind == "vbd":
        victim.run("[ -e /tmp/cycle ] || dd if=/dev/zero of=/tmp/cycle bs=1M count=1 2>/dev/null\n"
                   "losetup /dev/loop7 /tmp/cycle")
        unit, nodes = XVDA + 16 * 9, "params=/dev/loop7 physical-device=7:7 type=phy"
    else:
        unit, nodes = 9, "bridge=xenbr0"
    victim.rounds += 1
    name = f"cycle-{victim.name}-{kind}-{victim.rounds}"
    # While it lasts the guest has to answer.
    victim.run(f"badback cycle {kind} $d {unit} {times} {nodes} >/share/log/{name}.log 2>&1 & echo $! >/tmp/cycle.pid")
    until = time.monotonic() + 60 + 3 * times
    pattern = r"^\d+ times in ([0-9.]+) s"
    while not (found := re.search(pattern, victim.log_of(name), re.MULTILINE)):
        expect("failed:" not in victim.log_of(name) and time.monotonic() < until,
               f"{kind}: {victim.log_of(name)!r}; {victim.name}: "
               f"{victim.host.console(victim.name)[-1000:]!r}; Xen: {victim.host.last_words()}")
        victim.mark()
        time.sleep(0.5)
    if kind == "vbd":
        victim.run("losetup -d /dev/loop7")
    return float(found[1]) / times


def round_trip(victim, times=1):
    """Both kinds come and go, `times` of each at once: what is made once has been made, and the
    cache of threads' stacks has what it will have."""
    lie_all(victim, GOOD * times)
    return victim.counts()


# ---- the tests ----

def hostile(app, full):
    """All lies, or some; after each batch devices that work, in the same places."""
    def test(site):
        # Where a silent disk is to be taken away the driver has more patience than the slowest machine.
        victim = Victim(site, app, *([] if full else ["blk.timeout=600"]))
        before = round_trip(victim, 5)
        if full:
            # As many devices at once as there will be liars: what the heap and the grant table grow by stays.
            lie_all(victim, honest(max(xen_lies.ALL, key=len)))
            before = victim.counts()
        lies = 0
        for batch in xen_lies.ALL if full else (xen_lies.QUICK,):
            lie_all(victim, batch)
            lie_all(victim, honest(batch))
            lies += len(batch)
        works_again(victim)
        after = victim.counts()
        expect(after["free"] >= before["free"] - SLACK, f"pages are missing: {before} before, {after} after")
        for what in ("grants", "abandoned", "ports", "working"):
            expect(after[what] == before[what], f"{what}: {before[what]} before, {after[what]} after: {after}")
        victim.leave()
        return (f"{lies} lies borne, and as many devices work in their places; pages free "
                f"{before['free']}, {after['free']} after")
    return test


def cycling(app, times, by_xl):
    """Devices of Linux's backends come and go in one running guest, and nothing is left of them."""
    def test(site):
        victim = Victim(site, app)
        for kind in ("vif", "vbd"):
            cycles(victim, kind, 2)
        if by_xl:
            works_again(victim)
        round_trip(victim, 5)
        for kind in ("vif", "vbd"):  # as it is to be counted: tables of pages and slabs are there then
            cycles(victim, kind, 5)
        before, theirs = victim.counts(), dom0_has(victim)
        seconds = [cycles(victim, kind, times) for kind in ("vif", "vbd")]
        for _ in range(by_xl):
            works_again(victim)
        after = victim.settled(before)
        left = dom0_has(victim)
        expect(left == theirs, f"dom0 had {theirs} of the guest and has {left} now")
        victim.leave()
        return (f"{times} times a vif ({seconds[0]:.2f} s each) and a vbd ({seconds[1]:.2f} s); the guest: "
                f"{before}, {after['free']} free after; dom0: {theirs}")
    return test


def destroying(app, times):
    """Guests are destroyed with their devices in use; no zombie is left, and Xen has nothing to say."""
    def test(site):
        host = site.host
        host.run("dd if=/dev/zero of=/tmp/gone bs=1M count=4 2>/dev/null")
        begin = len(host.dmesg())
        for _ in range(times):
            name = site.create("gone", app.elf, options=["loglevel=2"], memory=32, vif=["bridge=xenbr0"],
                               disk=["file:/tmp/gone,xvda,w"])
            site.says(name, "^victim: ready")
            host.run("echo disk vda >$(xenstore-read /local/domain/$(xl domid " + name + ")/console/tty)")
            host.destroy(name)
        host.run("rm /tmp/gone")
        until = time.monotonic() + 20
        while host.domains() and time.monotonic() < until:
            time.sleep(0.2)
        expect(host.domains() == {}, f"domains are left: {host.domains()}")
        said = [line for line in host.dmesg()[begin:].splitlines()
                if re.search(r"\(XEN\)", line) and not re.search(r"HVM ?\d+|HVM d\d+|upcall vector", line)]
        expect(not said, f"Xen says: {said[:5]}")
        return f"{times} times"
    return test


def all_tests(kind, full):
    """({name: test}, images to build)."""
    app = image.find(os.path.join(TOP, VICTIM))
    tests = {f"hostile-{kind}": hostile(app, full),
             f"attach-detach-{kind}": cycling(app, 200 if full else 10, 20 if full else 0)}
    if full:
        tests[f"destroy-{kind}"] = destroying(app, 20)
    return tests, [app]
