# SPDX-License-Identifier: BSD-2-Clause
"""The configurations that docs/deploying.md shows, xl's and libvirt's: a guest is made of each as it stands
there, but for names and paths. It serves a page and writes to its disk.
"""

import os
import re
import time

import bed
import image
import xen_libvirt
import xen_moves
from words import TOP, Failure
from xen_host import BRIDGE
from xen_moves import LOG_BLOCK, LOG_SLOTS, PORT, XENBLK
from xen_site import expect

DOCUMENT = os.path.join(TOP, "docs", "deploying.md")
XL = r"^### xl\n.*?^```\n(.*?)^```"
XML = r"^```xml\n(.*?)^```"
HELLO = "Hello from Pith"


def example(pattern, replacements):
    """A fenced block of the document, with what stands there for the reader's own replaced."""
    with open(DOCUMENT, encoding="utf-8") as f:
        found = re.search(pattern, f.read(), re.MULTILINE | re.DOTALL)
    if not found:
        raise Failure(f"docs/deploying.md has no block {pattern!r}")
    text = found[1]
    for old, new in replacements:
        if old not in text:
            raise Failure(f"the block {pattern!r} of docs/deploying.md lacks {old}")
        text = text.replace(old, new)
    return text


class Guest:
    """What a documented guest gets: an address, a card's address, and a disk, which is a file in dom0's
    own memory."""

    def __init__(self, site, word):
        self.site, self.v4, self.name = site, site.address(), site.name(word)
        self.mac = f"00:16:3e:00:01:{site.numbers % 256:02x}"
        self.disk = f"/tmp/{self.name}.img"
        site.host.run(f"dd if=/dev/zero of={self.disk} bs={LOG_BLOCK} count={LOG_SLOTS} 2>/dev/null")
        line = f"loglevel=2 ip={self.v4}/24,gw={bed.OURS4} stop.grace=10 -- log {PORT}"
        self.words = [("server", self.name), ("/path/to/NAME.elf", site.host.image(image.find(XENBLK).elf)),
                      ("loglevel=2 -- ARGUMENTS", line), ("xenbr0", BRIDGE), ("00:16:3e:00:00:01", self.mac)]

    def works(self):
        """It serves from the address that the document gives its card, and blocks are on the disk."""
        self.site.page(self.v4, PORT)
        said = self.site.ns.call("ip", "neigh", "show", self.v4).stdout.decode()
        expect(self.mac in said, f"its card has not the address {self.mac}: {said}")
        self.site.says(self.name, r"^acked \d+")

    def gone(self, seconds=60):
        """Wait until the toolstack has taken it away; how many blocks it wrote."""
        until = time.monotonic() + seconds
        while self.site.host.domains():
            expect(time.monotonic() < until, f"{self.name} is still there; {self.site.words_of(self.name)}")
            time.sleep(0.3)
        copy = os.path.join(self.site.host.share, "files", "written.img")
        self.site.host.run(f"cp {self.disk} /share/files/written.img && rm {self.disk}")
        acked = xen_moves.acknowledged(self.site, self.name)
        xen_moves.check_log(copy, acked)
        os.unlink(copy)
        return acked + 1


# ---- xl ----

def console_of(site, hello):
    """xl create -c: the program's output is the console's."""
    name = site.name("console")
    config = site.host.configure(name, site.kind, hello.elf, on_poweroff="destroy")
    said = site.host.run(f"xl create -c {config}")[1]
    expect(HELLO in said, f"xl create -c says {said[-300:]!r}; {site.words_of(name)}")


def xl(hello):
    """The configuration, from xl create to xl shutdown, after which the domain is gone by itself."""
    def test(site):
        console_of(site, hello)
        guest = Guest(site, "documented")
        text = example(XL, guest.words + [('"pvh" ', f'"{site.kind}" '), ("/path/to/disk.img", guest.disk)])
        if site.kind == "pvh":
            text += 'tsc_mode = "native"\n'  # as the document says of a Xen in QEMU
        site.host.run("xl -vv create " + site.host.write(guest.name + ".cfg", text))
        guest.works()
        site.host.run(f"xl shutdown {guest.name}")
        expect(site.host.wait_end(guest.name) == "poweroff", site.words_of(guest.name))
        return f"{guest.gone()} blocks written"
    return test


# ---- libvirt ----

def libvirt(site):
    """The domain XML, from virsh create to virsh shutdown."""
    words = xen_libvirt.start(site.host)
    try:
        guest = Guest(site, "libvirt")
        loop = site.host.run(f"loop=$(losetup -f) && losetup $loop {guest.disk} && echo $loop")[1].strip()
        more = [(f"/dev/vg/{guest.name}", loop)]
        more += [("machine='xenpvh'>xenpvh", "machine='xenpv'>linux")] if site.kind == "pv" else []
        path = site.host.write(guest.name + ".xml", example(XML, guest.words + more))
        xen_libvirt.virsh(site.host, f"create {path}")
        guest.works()
        listed = xen_libvirt.virsh(site.host, "list --name").split()
        expect(guest.name in listed, f"virsh lists {listed}")
        native = xen_libvirt.virsh(site.host, f"domxml-to-native xen-xl {path}")
        expect(f'name = "{guest.name}"' in native, f"virsh makes of it: {native}")
        xen_libvirt.virsh(site.host, f"shutdown {guest.name}")
        blocks = guest.gone()
        site.host.run(f"losetup -d {loop}")
    finally:
        xen_libvirt.stop(site.host)
    return f"{words}, {blocks} blocks written"


def all_tests(kind, full, hello):
    """As it stands in the document xl's is for a PVH guest."""
    tests = {f"documented-{kind}": xl(hello)} if full or kind == "pvh" else {}
    if full:
        tests[f"libvirt-{kind}"] = libvirt
    return tests
