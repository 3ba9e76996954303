# SPDX-License-Identifier: BSD-2-Clause
"""What a toolstack does to a guest in its life: xl shutdown, reboot, pause, save, migrate, sysrq, console.

The guest is tests/guest/xenlife: ten ticks a second, and a line "bad: ..." for whatever it notices.
"""

import os
import re
import time

import image
import xen_config
import xen_dom0
from words import TOP, Failure
from xen_site import expect

XENBALLOON = os.path.join(TOP, "tests", "guest", "xenballoon")
XENLIFE = os.path.join(TOP, "tests", "guest", "xenlife")
PAUSE_SECONDS = 1.0
CLOCK_SECONDS = 30


def start(site, **config):
    name = site.create("life", image.find(XENLIFE).elf, **config)
    site.says(name, r"^tick 3 ")
    return name


def ticks(site, name):
    """The number of the last tick, and nothing bad before it."""
    text = site.host.console(name)
    bad = re.search(r"^(bad|FAIL).*", text, re.MULTILINE)
    expect(not bad, f"{bad and bad[0]}; {site.words_of(name)}")
    found = re.findall(r"^tick (\d+) generation \d+ .*\n", text, re.MULTILINE)
    return int(found[-1]) if found else 0


def goes_on(site, name, seconds=60):
    """It ticks from now on, some times more. After xl save -c no xl watches it that could say how it ended."""
    before, until = ticks(site, name), time.monotonic() + seconds
    while ticks(site, name) < before + 3:
        expect(time.monotonic() < until, f"no tick after {before}; {site.words_of(name)}")
        time.sleep(0.05)


def clock_is_right(site, name):
    """Its real-time clock, where it is now. Xen counts from the hour of this machine, which both show; what
    is allowed is how long a line of a busy machine is on its way."""
    began, before = time.time(), ticks(site, name)
    goes_on(site, name)
    found = re.search(rf"^tick {before + 2} .* real (\d+) ", site.host.console(name), re.MULTILINE)
    skew = int(found[1]) / 1000 - began
    expect(-CLOCK_SECONDS < skew < CLOCK_SECONDS + time.time() - began,
           f"its clock is wrong by {skew:.1f} s; {site.words_of(name)}")


def finish(site, name, watched=True):
    """xl shutdown: the guest says that it was asked, and that nothing was bad."""
    site.host.run(f"xl shutdown {name}")
    site.says(name, r"^term")
    site.says(name, r"^checks: \d+ ok, 0 failed")
    last = ticks(site, name)
    if watched:
        site.ends(name, "poweroff")
    else:
        site.host.destroy(name)
    return last


def shutdown(site):
    name = start(site)
    began = time.monotonic()
    finish(site, name)
    return f"{time.monotonic() - began:.1f} s from xl shutdown to its end"


def reboot(site):
    """xl reboot: the program is asked to end, and a new domain runs the same image."""
    name = start(site, on_reboot="restart")
    domain = site.host.domain(name)
    site.host.run(f"xl reboot {name}")
    site.says(name, r"^term")
    until = time.monotonic() + 60
    while len(re.findall(r"^tick 1 ", site.host.console(name), re.MULTILINE)) < 2:
        expect(time.monotonic() < until, f"it did not begin again; {site.words_of(name)}")
        time.sleep(0.05)
    expect(site.host.domain(name) != domain, "it is the same domain as before")
    goes_on(site, name)
    site.host.destroy(name)


def pause(site):
    """While it is paused nothing happens, and its clock does not notice more than that."""
    name = start(site)
    site.host.run(f"xl pause {name}")
    time.sleep(0.3)  # what it said lies in the ring, for xenconsoled
    before = ticks(site, name)
    time.sleep(PAUSE_SECONDS)
    expect(ticks(site, name) == before, "it ticks while it is paused")
    site.host.run(f"xl unpause {name}")
    goes_on(site, name)
    return f"{finish(site, name)} ticks"


def console(site):
    """Lines typed at its console come back, every byte of them, also more than the ring holds (1 KiB)."""
    name = start(site)
    lines = [f"line {number}: {'x' * (number * 7 % 100)}" for number in range(30)]
    site.type(name, "".join(line + "\n" for line in lines).encode())
    for line in lines:
        site.says(name, "^echo: " + re.escape(line) + r"\r?$")
    finish(site, name)
    return f"{sum(map(len, lines)) + len(lines)} bytes"


def sysrq(site):
    """xl sysrq: the crash report on its console, and the crash as the reason of the end."""
    name = start(site)
    site.host.run(f"xl sysrq {name} h")
    goes_on(site, name)
    site.host.run(f"xl sysrq {name} c")
    found = site.says(name, r"^.*(Crash|PANIC|panic).*$")
    site.ends(name, "crash")
    return found[0].strip()


def save(site):
    """Saved and restored, twice; and once more with a copy of it kept: the first one goes on."""
    name = start(site)
    for number in (1, 2):
        path = site.host.save(name)
        expect(site.host.reason(name) == "suspend", f"the guest that was saved goes on; {site.words_of(name)}")
        site.host.restore(path)
        site.says(name, rf"^moved {number}\b")
        clock_is_right(site, name)
    return f"{finish(site, name)} ticks"


def checkpoint(site):
    """xl save -c: the guest is asked to suspend and goes on where it was."""
    name = start(site)
    site.host.run(f"cd /tmp && rm -f save && mkfifo save && {{ cat save >/dev/null & xl save -c {name} save; "
                  "status=$?; wait; exit $status; }")
    goes_on(site, name)
    expect("moved" not in site.host.console(name), "it thinks that it is elsewhere")
    return f"{finish(site, name, watched=False)} ticks"


def migrate(site):
    name = start(site)
    for number in (1, 2):
        site.host.migrate(name)
        site.says(name, rf"^moved {number}\b")
        clock_is_right(site, name)
    return f"{finish(site, name)} ticks"


def away(site, name):
    """KiB that the guest has given back, and nothing bad before."""
    ticks_of = re.findall(r"^tick \d+ free \d+ away (\d+) held \d+ .*\n", site.host.console(name), re.MULTILINE)
    bad = re.search(r"^(bad|FAIL).*", site.host.console(name), re.MULTILINE)
    expect(not bad, f"{bad and bad[0]}; {site.words_of(name)}")
    return int(ticks_of[-1]) if ticks_of else 0


def has_memory(site, name, least, most, seconds=30):
    """MiB that Xen says the guest has, once it is in these bounds."""
    until = time.monotonic() + seconds
    while True:
        row = re.search(rf"^{name} +\d+ +(\d+) ", site.host.run("xl list")[1], re.MULTILINE)
        if row and least <= int(row[1]) <= most:
            return int(row[1])
        expect(time.monotonic() < until, f"it has {row and row[1]} MiB, not {least} to {most}, and says that "
               f"{away(site, name)} KiB are away; {site.words_of(name)}")
        time.sleep(0.1)


def balloon(site):
    """xl mem-set down and up while a program uses its memory, and above what it has begun with: a PVH
    guest follows up to maxmem."""
    name = site.create("balloon", image.find(XENBALLOON).elf, memory=64, maxmem=96)
    site.says(name, r"^tick 2 ")
    site.type(name, b"take 16\n")
    site.says(name, r"^took 16\b")
    sizes = []
    for target, least, most in ((40, 38, 42), (64, 62, 65)):
        site.host.run(f"xl mem-set {name} {target}")
        sizes.append(has_memory(site, name, least, most))
    site.type(name, b"drop\n")  # one at a time: it takes what it reads for one line
    site.says(name, r"^dropped")
    site.host.run(f"xl mem-set {name} 88")
    site.type(name, b"take 4\n")
    site.says(name, r"^took 4\b")
    sizes.append(has_memory(site, name, *((86, 90) if site.kind == "pvh" else (62, 65))))
    site.type(name, b"take 40\n")
    site.says(name, r"^took 40\b")
    most = 2048 + (8192 if site.kind == "pvh" else 0)
    expect(away(site, name) <= most, f"{away(site, name)} KiB are away; {site.words_of(name)}")
    site.type(name, b"end\n")
    site.says(name, r"^checks: \d+ ok, 0 failed")
    site.ends(name, "poweroff")
    return f"64 MiB, {', '.join(map(str, sizes))}"


def not_looked_for(site):
    """A disk for a program that looks for none does not answer: xl block-detach says so, after a while, and
    the guest goes on and ends as any other."""
    name = start(site)
    device = xen_config.disk(3, "/dev/vda", True, xen_dom0.BLOCK_SCRIPT)
    site.host.run(f"xl block-attach {name} {device}")
    status, said = site.host.run(f"xl block-detach {name} xvdd", check=False)
    expect(status != 0 and "error" in said, f"xl block-detach: status {status}, {said!r}")
    goes_on(site, name)
    finish(site, name)
    left = site.host.run("xenstore-ls /local/domain/0/backend/vbd", check=False)[1]
    expect("device" not in left, f"dom0 keeps {left}")
    return said.strip().splitlines()[-1]


def killed(site):
    """20 guests are destroyed in the middle of their lives: none is left as a zombie."""
    for _ in range(20 if site.full else 3):
        site.host.destroy(start(site))
    left = site.host.domains()
    if left:
        raise Failure(f"domains are left: {left}")


def all_tests(kind, full):
    """All but migrate(), which a PV guest's Xen must be made for."""
    tests = {"shutdown": shutdown, "reboot": reboot, "pause": pause, "console": console, "sysrq": sysrq,
             "life-save": save, "checkpoint": checkpoint, "balloon": balloon, "killed": killed}
    if full:
        tests["disk-unlooked"] = not_looked_for
    return {f"{name}-{kind}": test for name, test in tests.items()}
