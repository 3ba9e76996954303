# SPDX-License-Identifier: BSD-2-Clause
"""Many bytes through a guest's card and disk, byte-exact, with each feature that front and back end agree
on switched off in turn."""

import hashlib
import itertools
import os
import re
import threading
import time

import bed
import clients
import image
from words import TOP, Failure
from xen_site import Guest, disk_of, expect

MIB = 1 << 20
PEER = os.path.join(TOP, bed.PEER)
XENBLK = os.path.join(TOP, "tests", "guest", "xenblk")

# What is switched off by the boot options xen.net= and xen.blk=: words of the guest's line about its
# device that are missing then. Without an option all of them stand there.
NET_OFF = {
    "nosg": {"sg", "gso-tcpv4", "gso-tcpv6", "gro-tcpv4", "gro-tcpv6"},
    "nogso": {"gso-tcpv4", "gso-tcpv6"},
    "nogro": {"gro-tcpv4", "gro-tcpv6"},
    "nocsum": {"csum", "csum6", "gso-tcpv4", "gso-tcpv6", "gro-tcpv4", "gro-tcpv6"},
    "nosplit": {"split"},
    "norxnotify": {"rx-notify"},
}
BLK_OFF = {
    "ring=1": {"pages"},
    "noindirect": {"indirect"},
    "nopersistent": {"persistent"},
    "noflush": {"flush"},
    "nodiscard": {"discard"},
}


def size_of(site):
    """Bytes for each way."""
    return (256 if site.full else 16) * MIB


def negotiated(site, name, device, off, table):
    """The line in which the guest says what it has agreed on with the backend of `device`."""
    line = site.says(name, rf"\b{device}: (?:vif|vbd) \d+: (.*)")[1].strip()
    words = set(re.split(r"[ ,]+", line))
    every = set().union(*table.values())
    without = table[off] if off else set()
    expect(not words & without, f"{off} left '{line}'")
    expect(every - without <= words, f"'{line}' lacks {every - without - words}")
    return line


def options(kind, off):
    """Boot options that leave a feature away, and have the guest say what it has agreed on."""
    return ["loglevel=2"] + ([f"xen.{kind}={off}"] if off else [])


# ---- the network ----

def both_ways(guest, size):
    """Down and up, each for itself and then both at once; MB/s of each."""
    rates = []
    for service, function, seed in ((clients.SOURCE, clients.fetch, 5), (clients.SINK, clients.push, 6)):
        began = time.monotonic()
        with guest.ns.connect(guest.v4, service, 120) as sock:
            function(sock, seed, size)
        rates.append(size / (time.monotonic() - began) / 1e6)
    return rates


def at_once(guest, size):
    problems = []

    def one(service, function, seed):
        try:
            with guest.ns.connect(guest.v4, service, 120) as sock:
                function(sock, seed, size)
        except (Failure, OSError) as e:
            problems.append(f"{type(e).__name__}: {e}")

    threads = [threading.Thread(target=one, args=words) for words in
               ((clients.SOURCE, clients.fetch, 7), (clients.SINK, clients.push, 8))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect(not problems, f"both ways at once: {problems[:1]}")


def net(off):
    """`off` is a word of xen.net= or None."""
    def test(site):
        v4, size = site.address(), size_of(site)
        name = site.create("net", image.find(PEER).elf, options("net", off), v4=v4)
        guest = Guest(site, name, v4)
        site.says(name, "^ready")
        try:
            guest.reach(v4, clients.SINK, 30)
            down, up = both_ways(guest, size)
            at_once(guest, size // 8)
        except (Failure, OSError) as e:
            raise Failure(f"{type(e).__name__}: {e}; {site.words_of(name)}") from e
        said = negotiated(site, name, "eth0", off, NET_OFF)
        site.host.destroy(name)
        return f"{size // MIB} MiB down {down:.1f} MB/s, up {up:.1f} MB/s; {said}"
    return test


# ---- the disk ----

def pattern(seed, size):
    """`size` bytes of a seed's pattern."""
    start = seed * clients.STRIDE % clients.PERIOD
    one = clients.pattern()[start:start + clients.PERIOD]
    return (one * (size // clients.PERIOD + 1))[:size]


def digest(path, start, size):
    sha = hashlib.sha256()
    with open(path, "rb") as f:
        f.seek(start)
        while size:
            data = f.read(min(size, MIB))
            if not data:
                break
            sha.update(data)
            size -= len(data)
    return sha.hexdigest()


def disk(off, number, seed):
    """The bed's disk `number`, which the guest reads and writes; `off` is a word of xen.blk= or None."""
    def test(site):
        size = size_of(site)
        path = site.disk(number, 2 * size)
        with open(path, "r+b") as f:
            f.write(pattern(seed, size))
        name = site.create("disk", image.find(XENBLK).elf, options("blk", off),
                           ["data", str(seed)], disk=[disk_of(number)])
        found = site.says(name, r"^xenblk: (exact.*|FAIL.*)$", 60 + size // MIB)
        expect(found[1].startswith("exact"), f"{found[1]}; {site.words_of(name)}")
        said = negotiated(site, name, "vda", off, BLK_OFF)
        site.ends(name, "poweroff")
        for what, at, want in (("given", 0, seed), ("written", size, seed + 1)):
            have = digest(path, at, size)
            expect(have == hashlib.sha256(pattern(want, size)).hexdigest(),
                   f"what was {what} is not what lies on the disk: SHA-256 {have}")
        return f"{found[1].strip()}; {said}"
    return test


def all_tests(kind):
    found = {f"net-{kind}": net(None), f"disk-{kind}": disk(None, 0, 90),
             f"disk-4096-{kind}": disk(None, 2, 91)}
    for number, (one, other) in enumerate(itertools.zip_longest(NET_OFF, BLK_OFF)):
        if one:
            found[f"net-{one}-{kind}"] = net(one)
        if other:
            found[f"disk-{other}-{kind}"] = disk(other, 0, 100 + 2 * number)
    return found
