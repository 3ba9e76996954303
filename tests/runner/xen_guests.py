# SPDX-License-Identifier: BSD-2-Clause
"""The suite `xen`: guests of a real Xen with a real dom0, all of one kind in one boot of it.

Linux is there as a control: where it fails, too, the bed is broken and not Pith. A test is a function
of a Site that returns words for its line of the results or None; what goes wrong is an exception.
"""

import hashlib
import os
import re
import shutil
import time
from dataclasses import dataclass, field

import bed as net_bed
import cases
import http_client
import httpd_guest
import image
import packages
import xen_data
import xen_documented
import xen_dom0
import xen_domus
import xen_hostile
import xen_life
import xen_moves
import xen_programs
import xen_shadow
import xen_share
from machine import MACHINES
from results import log_path
from schedule import COMPILING, COMPILING_SECONDS, XEN, Job
from words import TOP, Failure
from xen_host import BRIDGE, KINDS
from xen_site import Site, disk_of, expect, run_test

PROBE = os.path.join("tests", "cli", "probe")
HTTPD_PORT = 8080
PAGE = b"page of the linux guest\n"
NEEDS = ["ip", "curl", "wrk", "nsenter", "unshare"]


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

def linux(site):
    name, path, v4 = site.name("linux"), site.disk(0, 1 << 20), site.address()
    with open(path, "r+b") as f:
        f.write(b"sixteen letters!")
    site.linux(name, f"do=disk do=serve ip4={v4}/24", vif=[f"bridge={BRIDGE}"], disk=[disk_of(0)])
    try:
        site.says(name, f"linux guest: xen {site.kind.upper()}, 1 cpus")
        site.says(name, "begins with 'sixteen letters!'")
        site.says(name, "linux guest: serving")
        page = site.page(v4)
        expect(page == PAGE, f"the page is {page!r}")
    finally:
        site.host.run(f"xl shutdown -F {name}", check=False)
    site.ends(name, "poweroff")
    with open(path, "rb") as f:
        f.seek(512)
        expect(f.read(15) == b"linux was here\n", "what the guest wrote is not on the disk")


def linux_crash(site):
    name = site.name("linux-crash")
    site.linux(name, "do=crash")
    site.ends(name, "crash")


def linux_moves(site):
    """Saved, restored and moved alive, it still serves. Debian builds its Xen without
    CONFIG_SHADOW_PAGING, without which the pages that a PV guest writes can't be followed."""
    name, v4 = site.name("linux-moves"), site.address()
    site.linux(name, f"do=serve ip4={v4}/24", vif=[f"bridge={BRIDGE}"])
    site.says(name, "linux guest: serving")
    path = site.host.save(name)
    expect(site.host.reason(name) == "suspend", "the guest that was saved goes on")
    site.host.restore(path)
    expect(site.page(v4) == PAGE, "no page after a restore")
    if site.kind != "pv" or site.hypervisor:
        site.host.migrate(name)
        expect(site.page(v4) == PAGE, "no page after a migration")
    site.host.run(f"xl shutdown -F {name}")
    site.ends(name, "poweroff")


# ---- Pith as a guest ----

def pith(app, reason, says, *args, **config):
    """An image says this on its console and ends by itself, for this reason."""
    def test(site):
        began = time.monotonic()
        name = site.create(app.name, app.elf, args=args, **config)
        site.says(name, says)
        site.ends(name, reason)
        return f"{time.monotonic() - began:.1f} s from xl create to its end"
    return test


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def own_page():
    with open(os.path.join(TOP, "apps", "httpd", "root", "www", "index.html"), "rb") as f:
        return f.read()


def httpd(app):
    """The image that all other machines boot, too (`same-image`) serves its page."""
    def test(site):
        v4 = site.address()
        name = site.create("httpd", app.elf, v4=v4)
        page = site.page(v4, HTTPD_PORT)
        expect(page == own_page(), f"the page is {page!r}; {site.words_of(name)}")
        site.host.destroy(name)
        return f"{app.elf[len(TOP) + 1:]} sha256 {sha256(app.elf)}"
    return test


def same_image(app, machine):
    """The same file on a machine of QEMU's own."""
    def job(results):
        began, name = time.monotonic(), f"xen/same-image-{machine}"
        try:
            with httpd_guest.Running("same-" + machine, app.elf, cases.Bed("tcg", machine)) as server:
                with http_client.Connection(server.address) as c:
                    c.send(http_client.request("/"))
                    page = c.response().body
            expect(page == own_page(), f"the page is {page!r}")
        except (AssertionError, http_client.Bad, OSError, Failure) as e:
            results.fail(name, time.monotonic() - began, f"{type(e).__name__}: {e}")
        else:
            results.ok(name, time.monotonic() - began, f"{app.elf[len(TOP) + 1:]} sha256 {sha256(app.elf)}")
    return job


def nothing_left(site):
    """The last test: no domain is left, no zombie either."""
    expect(site.host.domains() == {}, f"domains are left: {site.host.domains()}")


# ---- the suite ----

@dataclass
class Plan:
    """What takes place in one boot of a Xen."""

    name: str
    kind: str
    shadow: bool = False                            # a Xen that follows what PV guests write
    tests: dict = field(default_factory=dict)
    apps: list = field(default_factory=list)        # what this one needs besides what all of them need
    offline: set = field(default_factory=set)       # names of tests that need no network


def plans(full):
    """(plans, images to build)."""
    hello, probe, web, *_ = apps = [image.find(os.path.join(TOP, path)) for path in (
        "apps/hello", PROBE, "apps/httpd", net_bed.PEER, xen_data.XENBLK, xen_life.XENLIFE,
        xen_life.XENBALLOON)]
    share, found = image.find(os.path.join(TOP, xen_share.APP)), []
    apps += [share] if full else []
    for kind in KINDS:
        plan = Plan(kind, kind)
        plan.tests[f"bed-{kind}"] = bed
        domus, more = xen_domus.all_tests(kind, full)
        plan.tests.update({
            f"hello-8MiB-{kind}": pith(hello, "poweroff", "^Hello from Pith", memory=8),
            f"crash-{kind}": pith(probe, "crash", "Crash: page fault, write to 0x0", "null"),
        })
        plan.tests.update(domus)
        lies, victims = xen_hostile.all_tests(kind, full)
        plan.tests.update(lies)
        if full:
            plan.tests[f"hello-{kind}"] = pith(hello, "poweroff", "^Hello from Pith")
            plan.tests[f"linux-crash-{kind}"] = linux_crash
            plan.tests[f"share-{kind}"] = xen_share.share(share)
        plan.tests.update(xen_life.all_tests(kind, full))
        plan.offline = set(plan.tests)
        if full:
            plan.tests[f"linux-{kind}"] = linux
        plan.tests[f"httpd-{kind}"] = httpd(web)
        plan.tests.update(xen_documented.all_tests(kind, full, hello))
        plan.tests.update(xen_data.all_tests(kind))
        found.append(plan)
        apps += [app for app in more + victims if app not in apps]
        if full:
            programs = Plan(f"programs-{kind}", kind)
            programs.tests, programs.apps = xen_programs.all_tests(kind)
            found.append(programs)
        moves = Plan(f"moves-{kind}", kind, shadow=kind == "pv")
        found.append(moves)
        if full:
            moves.tests[f"linux-moves-{kind}"] = linux_moves
            moves.tests[f"life-migrate-{kind}"] = xen_life.migrate
        moves.tests.update(xen_moves.all_tests(kind))
    found = [plan for plan in found if plan.tests]
    for plan in found:
        plan.tests[f"nothing-left-{plan.name}"] = nothing_left
        plan.offline.add(f"nothing-left-{plan.name}")
    return found, apps


def run_plan(plan, chosen, full, why_no_net, results):
    folder = os.path.dirname(log_path("xen", plan.name, "x"))
    shutil.rmtree(folder)
    os.makedirs(folder)
    began = time.monotonic()
    site = None
    try:
        hypervisor = xen_shadow.ensure() if plan.shadow else None
        site = Site(folder, plan.kind, full, hypervisor, why_no_net)
        site.host.start()
        results.ok(f"xen/start-{plan.name}", time.monotonic() - began, "until dom0 takes orders")
        for name in chosen:
            if why_no_net and name not in plan.offline:
                results.skip(f"xen/{name}", 0, why_no_net)
            else:
                run_test(site, name, plan.tests[name], results)
    except Failure as e:
        results.fail(f"xen/start-{plan.name}", time.monotonic() - began, e)
    finally:
        if site:
            site.close()


XEN_SECONDS = 300.0


def is_wanted(name, kind, wanted):
    """By NAME, NAME-KIND, or what stands before a "-" in NAME: `net` is net-pv and net-nosg-pvh, too,
    and `net-nosg` one of each kind."""
    words = name.removesuffix("-" + kind).split("-")
    return not wanted or name in wanted or any("-".join(words[:n]) in wanted for n in range(1, len(words) + 1))


def jobs(wanted, full, _results):
    found, apps = plans(full)
    chosen = [(plan, [name for name in plan.tests if is_wanted(name, plan.kind, wanted)]) for plan in found]
    chosen = [(plan, names) for plan, names in chosen if names]
    elsewhere = [machine for machine in MACHINES
                 if not wanted or f"same-image-{machine}" in wanted or "same-image" in wanted]
    if not chosen and not elsewhere:
        return []
    more = {app.name: app for plan, _ in chosen for app in plan.apps}
    packages.ensure(NEEDS + (xen_programs.NEEDS if more else []))
    image.build(apps + list(more.values()), quiet=True)
    xen_dom0.ensure()
    why = net_bed.why_not()

    def job(plan, names):
        return Job(lambda results: run_plan(plan, names, full, why, results), XEN_SECONDS, XEN, name="xen/" + plan.name)

    def shadow(results):
        late = [(plan, names) for plan, names in chosen if plan.shadow]
        try:
            xen_shadow.ensure()
        except Failure as e:
            for plan, _ in late:
                results.fail(f"xen/start-{plan.name}", 0, e)
            return []
        return [job(plan, names) for plan, names in late]

    found = [job(plan, names) for plan, names in chosen if not plan.shadow]
    if len(found) < len(chosen):
        found.append(Job(shadow, COMPILING_SECONDS, COMPILING, name="xen/(a Xen with shadow pages)"))
    return found + [same_image(image.find("httpd"), machine) for machine in elsewhere]
