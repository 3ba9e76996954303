# SPDX-License-Identifier: BSD-2-Clause
"""Guest tests (tests/guest) as guests of a real Xen: the same images, options and checks as on other beds."""

import os
import secrets
import shutil
import time

import cases
import disks
import guests
import image
import streams
from machine import Machine, command_line
from words import TOP, Failure
from xen_host import BRIDGE
from xen_site import disk_of, expect

LAST_WORDS_SECONDS = 5
SLOW = 3  # times as long as on other beds: emulated twice, beside a dom0


class Ended:
    """How a domU has ended, in the words of guest.Result."""

    def __init__(self, said, reason, seconds):
        self.status = 70 if said == "crash" else said
        self.problem = "" if said is not None else f"no exit line; Xen says: {reason}"
        self.crashed = said == "crash"
        self.ended_itself = True
        self.seconds = seconds


class DomURun(guests.GuestRun):
    """One case as a domU; judged as guests.GuestRun judges."""

    def __init__(self, case, kind):
        super().__init__(case, cases.Bed("xen-" + kind, "domu"))
        self.nonce = secrets.token_hex(8)
        self.words = streams.GuestLines(self.nonce)

    def config(self, site):
        """xl's configuration for the case's disks, network card, memory and command line."""
        case = self.case
        found = {"memory": case.memory >> 20, "vcpus": int(case.get("cpus", "1"))}
        descriptions = case.all("disk")
        expect(len(descriptions) <= 1, f"{case.full_name}: more disks than the bed has")
        for number, description in enumerate(descriptions):
            os.makedirs(self.dir, exist_ok=True)
            made = os.path.join(self.dir, f"disk{number}.img")
            disks.make(made, description)
            if case.test in LOOKED_AT:
                self.host_part().prepare(self)
            with open(made, "rb") as f, open(site.disk(number, os.path.getsize(made)), "r+b") as disk:
                shutil.copyfileobj(f, disk)
            found["disk"] = [disk_of(number, case.get("readonly") != "yes")]
        if any(line != "none" for line in case.all("net")):
            found["vif"] = [f"bridge={BRIDGE}"]
        found["cmdline"] = command_line(Machine(
            self.elf, "xen-" + site.kind, options=case.all("option"), args=case.args,
            environ=case.all("env"), nonce=self.nonce))
        return found

    def carry(self, site, name, seconds):
        """Both ways, until the exit line or the guest's end; why Xen says that it ended."""
        until, taken, ended = time.monotonic() + seconds, 0, None
        pending = streams.frame_input(self.case.stdin) + streams.END_OF_INPUT
        while True:
            reason = site.host.reason(name)
            if reason and not ended:
                # Its last words may still be on their way.
                ended = reason
                until = min(until, time.monotonic() + LAST_WORDS_SECONDS)
            text = site.host.console(name).encode().replace(b"\r\n", b"\n")
            self.output.feed(self.words.feed(text[taken:]))
            taken = len(text)
            if (ended and self.words.status is not None) or time.monotonic() > until:
                self.output.feed(self.words.flush())
                return ended
            some = pending[:self.words.credit]
            if some:
                site.type(name, some)
                pending = pending[len(some):]
                self.words.credit -= len(some)
            time.sleep(0.05)

    def looked_at(self, site, before):
        """What host.py finds on the disk, and dom0 in its counts of what was done to it."""
        shutil.copyfile(site.disks[0], self.image)
        wrong = [f"{name}: {problem}" for name, problem in self.host_part().verify(self) if problem]
        after = disk_counts(site)
        return wrong + [f"dom0's disk has seen no {what}" for what in after if after[what] <= before[what]]

    def __call__(self, site):
        began = time.monotonic()
        config = self.config(site)
        before = disk_counts(site)
        name = site.name("-".join(self.case.full_name.split(".")))
        site.host.create(name, site.kind, self.elf, **config)
        reason = self.carry(site, name, SLOW * float(self.case.get("timeout", "30")))
        self.result = Ended(self.words.status, reason, time.monotonic() - began)
        wrong = [f"{what} {check}: {why}" for what, check, _, why in self.output.checks if what == "FAIL"]
        wrong += self.problems_of(site)
        if self.case.test in LOOKED_AT and not wrong:
            wrong += self.looked_at(site, before)
        expect(not wrong, f"{'; '.join(wrong)}; {site.words_of(name)}")
        want = "crash" if self.case.get("expect") == "crash" else "poweroff"
        expect(reason == want, f"Xen says {reason}, not {want}; {site.words_of(name)}")
        site.host.destroy(name)
        return self.figures()

    def problems_of(self, site):
        """As guests.GuestRun.problems(), whose machine has the disks of a QEMU of its own."""
        self.machine = Machine(self.elf, disks=[cases_disk(path) for path in site.disks[:1]])
        return list(self.problems())

    def figures(self):
        verdicts = [verdict for verdict, *_ in self.output.checks]
        if not verdicts:
            return f"ended as expected, {self.result.seconds:.1f} s"
        skipped = [f"{name}: {why}" for verdict, name, _, why in self.output.checks if verdict == "skip"]
        return f"{verdicts.count('ok')} checks" + (f", skipped {'; '.join(skipped)}" if skipped else "")


def disk_counts(site):
    """Linux' Documentation/ABI/stable/sysfs-block, stat: of the first disk."""
    words = site.host.run("cat /sys/block/vda/stat")[1].split()
    return {"write": int(words[4]), "discard": int(words[11]), "flush": int(words[15])}


def cases_disk(path):
    """What guests.GuestRun looks at of a disk."""
    return type("Disk", (), {"path": path})()


# Those whose host.py makes the disk's contents and looks at them afterwards.
LOOKED_AT = ("disk",)
# test.case: which of them, in a run that is not full; the full one takes more.
QUICK = ("xendom", "events.all", "fault.null", "block.write", "block.read", "block.readonly", "disk.xen")
FULL = QUICK + ("threads", "xenevents", "xenpages", "sockets.all", "fault.overflow", "fault.abort", "heap",
                "pthread", "files", "idlewake", "entropy", "libc")


def all_tests(kind, full):
    """({name: test}, images to build)."""
    found, apps = {}, []
    for word in FULL if full else QUICK:
        test, _, _ = word.partition(".")
        for case in cases.cases_of(test):
            if word in (case.full_name, test):
                found[f"guest-{case.full_name}-{kind}"] = DomURun(case, kind)
        apps.append(image.find(os.path.join(TOP, "tests", "guest", test)))
    if not found:
        raise Failure("there are no guest tests")
    return found, apps
