# SPDX-License-Identifier: BSD-2-Clause
"""Databases whose machine loses its power at any moment. Several clients make numbered changes, each of which counts
itself in the same transaction, and remember how long the log of the disk (blocklog.py) was when each was acknowledged.
What is found on a disk that was cut must be what each client's first m changes make, with m at least what was
acknowledged before the cut."""

import contextlib
import functools
import json
import os
import random
import shutil
import threading
from dataclasses import dataclass, field

import blocklog
from results import log_path
from words import Failure

CLIENTS, KEYS = 4, 30
SIZES = (1, 10, 100, 1000, 5000, 30000)
FS_SIZE = 48 << 20


def counter(who):
    return f"count:{who}"


@functools.lru_cache(None)
def change(who, n):
    """(key, value or None) of a client's n-th change."""
    rng = random.Random(f"{who}.{n}")
    key, size = f"{who}:{rng.randrange(KEYS)}", rng.choice(SIZES)
    return key, None if rng.random() < 0.15 else (f"{who}.{n}." * (size // 4 + 1))[:size]


def state(who, m):
    """What a client's keys are after its first m changes."""
    found = {}
    for n in range(1, m + 1):
        key, value = change(who, n)
        found[key] = value
    return {key: value for key, value in found.items() if value is not None} | ({counter(who): str(m)} if m else {})


@dataclass
class Client:
    """What one client has asked for, and where the log was when it was told that it is done."""

    who: int
    sent: int = 0
    acknowledged: list = field(default_factory=list)

    def until(self, point):
        return sum(position <= point for position in self.acknowledged)


@dataclass
class Session:
    """A machine that was written to until it was stopped, and what is left of it."""

    folder: str
    clients: list = field(default_factory=lambda: [Client(who) for who in range(CLIENTS)])
    saved: list = field(default_factory=list)  # (position, {who: changes}) of each copy that was acknowledged
    before: bytes = b""
    error: Exception = None

    @property
    def image(self):
        return os.path.join(self.folder, "disk.img")

    @property
    def log(self):
        return os.path.join(self.folder, "disk.log")

    def prepare(self):
        """An empty file system, and the words for QEMU."""
        remove(self.folder)
        os.makedirs(self.folder)
        make_disk(self.image, FS_SIZE)
        with open(self.image, "rb") as f:
            self.before = f.read()
        write_file(self.log, b"")
        return disk_words(blocklog.node(self.image, self.log, "cuts"))

    def write(self, client, make, changes):
        """One client's work. `make(key, value, n)` returns when a change is acknowledged."""
        try:
            for n in range(client.sent + 1, client.sent + changes + 1):
                client.sent = n
                make(*change(client.who, n), n)
                client.acknowledged.append(blocklog.position(self.log))
        except Exception as e:  # pylint: disable=broad-exception-caught
            self.error = e

    def write_all(self, makes, changes, meanwhile=None):
        """All clients at once, with one `make` for each; `meanwhile(more)` is called beside them."""
        threads = [threading.Thread(target=self.write, args=(client, make, changes))
                   for client, make in zip(self.clients, makes)]
        for thread in threads:
            thread.start()
        if meanwhile:
            meanwhile(lambda: any(thread.is_alive() for thread in threads))
        for thread in threads:
            thread.join()
        if self.error:
            raise Failure(f"a client: {type(self.error).__name__}: {self.error}")

    @contextlib.contextmanager
    def taken_out(self, path):
        """The files of an image in a folder, for as long as they are looked at."""
        folder = os.path.join(self.folder, "taken")
        remove(folder)
        try:
            yield blocklog.take_out(path, "/", folder)
        finally:
            remove(folder)

    def remove(self):
        remove(self.folder)


def make_disk(path, size):
    with open(path, "wb") as f:
        f.truncate(size)
    blocklog.tool("mke2fs", "-q", "-F", "-t", "ext4", "-J", "size=4", path)


def put_file(disk, size):
    """A file that takes room on a disk, by Linux."""
    path = disk + ".filler"
    write_file(path, os.urandom(size))
    blocklog.tool("debugfs", "-w", "-R", f"write {path} filler", disk)
    os.unlink(path)


def remove_file(disk):
    blocklog.check(disk)
    blocklog.tool("debugfs", "-w", "-R", "rm filler", disk)


def disk_words(node):
    return ["-blockdev", json.dumps(node), "-device", f"virtio-blk-device,drive={node['node-name']}"]


def wrong(found, least, sent):
    """What is wrong with a database, as {key: text}; `least` and `sent` are {who: changes}."""
    want = {}
    for who in range(CLIENTS):
        m = int(found.get(counter(who), "0"))
        if not least[who] <= m <= sent[who]:
            return f"client {who}: {least[who]} changes were acknowledged, {m} are there, {sent[who]} were asked for"
        want |= state(who, m)
    differ = sorted(key for key in found.keys() | want.keys() if found.get(key) != want.get(key))
    return f"{len(differ)} keys are wrong, like {differ[0]}" if differ else None


class Cuts:
    """Cuts of one session's log. `judge(path, point)` says what is wrong with an image of which e2fsck says nothing;
    `machine(path)` has the machine itself look at one, which no one has touched."""

    def __init__(self, session, judge, machine, seed):
        self.session, self.judge, self.machine = session, judge, machine
        self.log = blocklog.entries(session.log)
        self.rng = random.Random(seed)

    def bounds(self, point):
        clients = self.session.clients
        return {c.who: c.until(point) for c in clients}, {c.who: c.sent for c in clients}

    def one(self, point, by_machine=False, flushes=True):
        """None, or what is wrong; the image is kept then."""
        path = os.path.join(self.session.folder, "cut.img")
        disk = blocklog.cut(self.session.before, self.log, point, self.rng, flushes)
        problem = self.find(path, disk, point, by_machine)
        if problem and flushes:
            write_file(path, disk)
        return problem

    def find(self, path, disk, point, by_machine):
        write_file(path, disk)
        try:
            if by_machine:
                problem = wrong(self.machine(path), *self.bounds(point))
                if problem:
                    return "the machine finds: " + problem
                blocklog.tool("e2fsck", "-fn", path)
            blocklog.check(path)
            return self.judge(self, path, point)
        except (Failure, OSError, AssertionError) as e:
            return f"{type(e).__name__}: {e}"
        finally:
            os.unlink(path)

    def many(self, cuts, by_machine):
        """None, or what is wrong behind one of so many cuts; the machine looks at the first ones."""
        for number in range(cuts):
            point = self.rng.randrange(len(self.log) + 1)
            problem = self.one(point, number < by_machine)
            if problem:
                return f"cut {number} at {point} of {len(self.log)}: {problem}"
        # A disk that ignores flushes loses what was acknowledged, and these tests see it.
        half = len(self.log) // 2
        if not any(self.one(len(self.log) - self.rng.randrange(half), flushes=False) for _ in range(10)):
            return "ten cuts of a disk that ignores flushes, and nothing is lost"
        return None


def write_file(path, data):
    with open(path, "wb") as f:
        f.write(data)


def remove(path):
    shutil.rmtree(path, ignore_errors=True)


def folder(name):
    return os.path.dirname(log_path("programs", name, "x"))
