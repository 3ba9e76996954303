# SPDX-License-Identifier: BSD-2-Clause
"""The suite `xen`: guests of a real Xen with a real dom0, all of them in one boot of it.

Linux is there as a control: where it fails, too, the bed is broken and not Pith. A test is a function
of a Site that returns words for its line of the results or None; what goes wrong is an exception.
"""

import os
import re
import shutil
import subprocess
import time

import image
import nics
import xen_dom0
from results import log_path
from words import TOP, Failure
from xen_host import BRIDGE, KINDS, XenHost

PROBE = os.path.join("tests", "cli", "probe")
ADDRESS = "10.0.2.15"  # where QEMU's user network looks for a guest's published ports
PAGE = b"page of the linux guest\n"


def expect(truth, words):
    if not truth:
        raise Failure(words)


class Site:
    """What the tests share: the machine, and the port that leads to a guest's port 80."""

    def __init__(self, folder):
        nic = nics.Nic(ports=[nics.Port(0, 80)])
        nics.settle([nic])
        self.port = nic.port(80)
        self.host = XenHost(folder, nic=nic)

    def linux(self, name, kind, cmdline, **config):
        """The control guest."""
        self.host.create(name, kind, xen_dom0.KERNEL, ramdisk=xen_dom0.LINUX_GUEST, memory=128,
                         cmdline="console=hvc0 quiet panic=-1 " + cmdline, **config)

    def ends(self, name, reason):
        """Wait until a guest has ended for this reason, and take it away."""
        found = self.host.wait_end(name)
        expect(found == reason, f"{name} ended by {found}, not {reason}; its console: "
               f"{self.host.console(name)[-300:]!r}; Xen: {self.host.last_words()}")
        self.host.destroy(name)

    def page(self):
        """What port 80 of the guest that has ADDRESS answers."""
        done = subprocess.run(["curl", "-sS", "--retry", "10", "--retry-all-errors", "--retry-delay", "1",
                               "--retry-max-time", "30", "-m", "5", f"http://127.0.0.1:{self.port}/"], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expect(done.returncode == 0, "no page: " + done.stderr.decode(errors="replace").strip())
        return done.stdout


# ---- the bed itself ----

def bed(site):
    """Xen offers both kinds, dom0 has its tools, and what can't be done is told as a Failure."""
    said = site.host.run("xl info")[1]
    for word in ("xen-3.0-x86_64", "hvm", "hap"):
        expect(re.search(rf"^(xen_caps|virt_caps) .*\b{re.escape(word)}\b", said, re.MULTILINE),
               f"xl info lacks {word}: {said}")
    expect(site.host.domains() == {}, "there are guests before the first one")
    status, output = site.host.run("echo one; echo two >&2; exit 3", check=False)
    expect((status, output) == (3, "one\ntwo\n"), f"an order gave {status}, {output!r}")
    for wrong in (lambda: site.host.run("exit 1"),
                  lambda: site.host.create("nothing", "pv", os.path.join(TOP, "Makefile"))):
        try:
            wrong()
        except Failure:
            continue
        raise Failure("what can't be done was done")
    return re.search(r"^xen_version\s*: (.*)$", said, re.MULTILINE)[1]


# ---- Linux as a guest ----

def linux(kind):
    def test(site):
        name = f"linux-{kind}"
        disk = os.path.join(site.host.folder, name + ".img")
        with open(disk, "wb") as f:
            f.write(b"sixteen letters!" + bytes((1 << 20) - 16))
        path = site.host.put(disk)
        site.linux(name, kind, f"do=disk do=serve ip4={ADDRESS}/24", vif=[f"bridge={BRIDGE}"],
                   disk=[f"file:{path},xvda,w"])
        try:
            site.host.wait_console(name, f"linux guest: xen {kind.upper()}, 1 cpus")
            site.host.wait_console(name, "begins with 'sixteen letters!'")
            site.host.wait_console(name, "linux guest: serving")
            page = site.page()
            expect(page == PAGE, f"the page is {page!r}")
        finally:
            site.host.run(f"xl shutdown -F {name}", check=False)
        site.ends(name, "poweroff")
        with open(os.path.join(site.host.share, "files", name + ".img"), "rb") as f:
            f.seek(512)
            expect(f.read(15) == b"linux was here\n", "what the guest wrote is not in the disk's file")
    return test


def linux_crash(site):
    site.linux("linux-crash", "pv", "do=crash")
    site.ends("linux-crash", "crash")


def linux_moves(kind):
    """Saved, restored and moved alive, it still serves. Debian builds its Xen without
    CONFIG_SHADOW_PAGING, without which the pages that a PV guest writes can't be followed."""
    def test(site):
        name = f"linux-moves-{kind}"
        site.linux(name, kind, f"do=serve ip4={ADDRESS}/24", vif=[f"bridge={BRIDGE}"])
        site.host.wait_console(name, "linux guest: serving")
        path = site.host.save(name)
        expect(site.host.reason(name) == "suspend", "the guest that was saved goes on")
        site.host.restore(path)
        expect(site.page() == PAGE, "no page after a restore")
        if kind != "pv":
            site.host.migrate(name)
            expect(site.page() == PAGE, "no page after a migration")
        site.host.run(f"xl shutdown -F {name}")
        site.ends(name, "poweroff")
    return test


# ---- Pith as a guest ----

def pith(app, kind, reason, says, *args):
    """An image says this on its console and ends by itself, for this reason."""
    def test(site):
        name = f"{app.name}-{kind}-{args[0] if args else 'plain'}"
        config = {"cmdline": "-- " + " ".join(args)} if args else {}
        began = time.monotonic()
        site.host.create(name, kind, app.elf, **config)
        site.host.wait_console(name, says)
        site.ends(name, reason)
        return f"{time.monotonic() - began:.1f} s from xl create to its end"
    return test


def nothing_left(site):
    """The last test: no domain is left, no zombie either."""
    expect(site.host.domains() == {}, f"domains are left: {site.host.domains()}")


# ---- the suite ----

def all_tests(full):
    hello, probe = (image.find(os.path.join(TOP, path)) for path in (os.path.join("apps", "hello"), PROBE))
    tests = {"bed": bed, "linux-pv": linux("pv")}
    for kind in KINDS:
        tests[f"hello-{kind}"] = pith(hello, kind, "poweroff", "^Hello from Pith")
        tests[f"crash-{kind}"] = pith(probe, kind, "crash", "Crash: page fault, write to 0x0", "null")
    if full:
        tests["linux-pvh"] = linux("pvh")
        tests["linux-crash"] = linux_crash
        for kind in KINDS:
            tests[f"linux-moves-{kind}"] = linux_moves(kind)
    tests["nothing-left"] = nothing_left
    return tests, [hello, probe]


def run_test(site, name, test, results):
    began, problem, said = time.monotonic(), None, ""
    try:
        said = test(site) or ""
    except (Failure, OSError, subprocess.SubprocessError) as e:
        problem = f"{type(e).__name__}: {e} [{os.path.relpath(site.host.folder, TOP)}]"
    seconds = time.monotonic() - began
    if problem:
        results.fail(f"xen/{name}", seconds, problem)
    else:
        results.ok(f"xen/{name}", seconds, said)


def jobs(wanted, full, _results):
    tests, apps = all_tests(full)
    chosen = {name: test for name, test in tests.items() if not wanted or name in wanted}
    if not chosen:
        return []

    def all_of_them(results):
        image.build(apps, quiet=True)
        xen_dom0.ensure()
        folder = os.path.dirname(log_path("xen", "x"))
        shutil.rmtree(folder)
        os.makedirs(folder)
        began = time.monotonic()
        site = Site(folder)
        try:
            site.host.start()
            results.ok("xen/start", time.monotonic() - began, "until dom0 takes orders")
            for name, test in chosen.items():
                run_test(site, name, test, results)
        except Failure as e:
            results.fail("xen/start", time.monotonic() - began, e)
        finally:
            site.host.stop()

    return [all_of_them]
