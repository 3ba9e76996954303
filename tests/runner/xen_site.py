# SPDX-License-Identifier: BSD-2-Clause
"""Where the tests of the suite `xen` take place: a Xen with dom0, a bridge that leads to a tap in a network
namespace of the tests' own, and disks of this host that dom0 hands on to its guests.
"""

import os
import re
import subprocess
import time
import traceback

import bed
import nics
import qmp
import xen_config
import xen_dom0
from words import TOP, Failure
from xen_host import BRIDGE, XenHost

DISKS = (512, 512, 4096)  # of a bed: bytes of a block
DISK_BYTES = 1 << 20      # until a test wants more
DISK_SECONDS = 10         # for dom0 to see a new size
FIRST_ADDRESS = 10  # of 10.77.0.0/24, where bed.OURS4 is ours


def expect(truth, words):
    if not truth:
        raise Failure(words)


class Guest(bed.Host):
    """A guest at `v4`, in the words of the network tests."""

    def __init__(self, site, name, v4):
        super().__init__(site.ns, v4)
        self.site, self.name = site, name

    def check(self):
        reason = self.site.host.reason(self.name)
        if reason:
            raise Failure(f"{self.name} has ended: {reason}; {self.site.words_of(self.name)}")


class Site:
    """What the tests of one bed share. `kind` is of the guests; `why_no_net` says why there is no
    network, or is None."""

    def __init__(self, folder, kind, full, hypervisor=None, why_no_net=None, **more):
        self.folder, self.kind, self.full = folder, kind, full
        self.hypervisor = hypervisor
        self.why_no_net = why_no_net
        self.ns = None if why_no_net else bed.Namespace()
        nic = nics.Nic("tap", tap=self.ns.tap()) if self.ns else None
        self.disks = [os.path.join(folder, f"disk{number}.img") for number in range(len(DISKS))]
        for path in self.disks:
            with open(path, "wb") as f:
                f.truncate(DISK_BYTES)
        self.host = XenHost(folder, nic=nic, prefix=self.ns.words() if self.ns else (),
                            qemu_args=disk_words(self.disks), hypervisor=hypervisor, **more)
        self.given = FIRST_ADDRESS
        self.numbers = 0

    def close(self):
        self.host.stop()
        if self.ns:
            self.ns.close()

    # ---- guests ----

    def name(self, word):
        """A name that no guest of this bed has had, so that its logs are its own."""
        self.numbers += 1
        return f"{word}-{self.kind}-{self.numbers}"

    def address(self):
        """One that no guest has had: nobody has to unlearn a MAC."""
        self.given += 1
        return f"10.77.0.{self.given}"

    def create(self, word, elf, options=(), args=(), v4=None, **config):
        """A guest of ours by its image; its name. With `v4` it has a card with this address."""
        name = self.name(word)
        words = list(options)
        if v4:
            words.append(f"ip={v4}/24,gw={bed.OURS4}")
            config.setdefault("vif", [f"bridge={BRIDGE}"])
        line = " ".join(words + (["--", *args] if args else []))
        if line:
            config["cmdline"] = line
        self.host.create(name, self.kind, elf, **config)
        return name

    def linux(self, name, cmdline, **config):
        """The control guest."""
        self.host.create(name, self.kind, xen_dom0.KERNEL, ramdisk=xen_dom0.LINUX_GUEST, memory=128,
                         cmdline="console=hvc0 quiet panic=-1 " + cmdline, **config)

    def says(self, name, pattern, seconds=60):
        return self.host.wait_console(name, pattern, seconds)

    def words_of(self, name):
        """The ends of what a guest, its xl and Xen have said."""
        return (f"console: {self.host.console(name)[-400:]!r}; xl: "
                f"{self.host.read(f'share/log/xl-{name}.log')[-300:]!r}; Xen: {self.host.last_words()}")

    def lives(self, name):
        reason = self.host.reason(name)
        expect(reason is None, f"{name} has ended: {reason}; {self.words_of(name)}")

    def ends(self, name, reason, seconds=60):
        """Wait until a guest has ended for this reason, and take it away."""
        found = self.host.wait_end(name, seconds)
        expect(found == reason, f"{name} ended by {found}, not {reason}; {self.words_of(name)}")
        self.host.destroy(name)

    def shut_down(self, name, seconds=60):
        """xl shutdown, and the guest's own end."""
        self.host.run(f"xl shutdown {name}")
        self.ends(name, "poweroff", seconds)

    def clear(self):
        """Take away what a failed test has left."""
        said = self.host.run("xl list", check=False)[1]
        for number in re.findall(r"^\S+ +(\d+) +\d+ +\d+ ", said, re.MULTILINE):
            if number != "0":
                self.host.run(f"xl destroy {number}", check=False)

    def type(self, name, data):
        """Give a guest's console this input: on the terminal that xenconsoled has for it."""
        octal = "".join(f"\\0{c:03o}" for c in data)
        self.host.run(f"tty=$(xenstore-read /local/domain/{self.host.domain(name)}/console/tty) && "
                      f"printf '%b' '{octal}' >$tty")

    # ---- disks ----

    def disk(self, number, size):
        """Give a disk that no guest has this size, full of zeros; the path of its file, which dom0 has as
        /dev/vda and so on."""
        path = self.disks[number]
        self.host.control.execute("block_resize", device=f"disk{number}", size=size)
        with open(path, "r+b") as f:
            f.truncate(0)
            f.truncate(size)
        at = f"/sys/block/vd{'abcdefgh'[number]}/size"
        until = time.monotonic() + DISK_SECONDS
        while int(self.host.run(f"cat {at}")[1]) * 512 != size:
            expect(time.monotonic() < until, f"dom0 sees no {size} bytes of disk {number}")
            time.sleep(0.05)
        return path

    # ---- the network ----

    def page(self, v4, port=80, seconds=30):
        """What the web server of a guest answers."""
        until = time.monotonic() + seconds
        while True:
            done = self.ns.call("curl", "-sS", "-m", "10", f"http://{v4}:{port}/", check=False)
            if done.returncode == 0:
                return done.stdout
            expect(time.monotonic() < until,
                   f"no page from {v4}: {done.stdout.decode(errors='replace').strip()}")
            time.sleep(0.2)


def disk_words(paths):
    words = []
    for number, path in enumerate(paths):
        name = f"disk{number}"
        words += ["-drive", f"file={path},if=none,id={name},format=raw,cache=unsafe,discard=unmap",
                  "-device", f"virtio-blk-pci,disable-legacy=on,drive={name},serial={name},"
                  f"logical_block_size={DISKS[number]},physical_block_size={DISKS[number]}"]
    return words


def disk_of(number, writable=True):
    """xl's words for the bed's disk of this number, which the guest has as xvda."""
    return xen_config.disk(0, f"/dev/vd{'abcdefgh'[number]}", not writable, xen_dom0.BLOCK_SCRIPT)


def run_test(site, name, test, results):
    began, problem, said = time.monotonic(), None, ""
    try:
        said = test(site) or ""
    except Exception as e:  # a broken test is a failure, and the others go on
        if not isinstance(e, (Failure, OSError, qmp.Refused, subprocess.SubprocessError)):
            traceback.print_exc()
        problem = f"{type(e).__name__}: {e} [{os.path.relpath(site.host.folder, TOP)}]"
    seconds = time.monotonic() - began
    if problem:
        results.fail(f"xen/{name}", seconds, problem)
        try:
            site.clear()
        except Failure as e:
            results.fail(f"xen/{name}/clear", 0, e)
    else:
        results.ok(f"xen/{name}", seconds, said)
