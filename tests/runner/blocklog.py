# SPDX-License-Identifier: BSD-2-Clause
"""Power cuts from QEMU's log of a disk (block/blklogwrites.c; the format is that of Linux' dm-log-writes,
Documentation/admin-guide/device-mapper/log-writes.rst): the disk as it was at some point, without a random part of what
was written since the last flush; and what e2fsck says to it.

QEMU writes the number of entries to the log's beginning before it answers a request. So who has seen that something was
promised, and reads that number then, has a point from which on no cut may lose it."""

import os
import struct
import subprocess
from dataclasses import dataclass

from words import Failure

FLUSH, DISCARD = 1, 4
MAGIC, VERSION = 0x6a736677736872, 1
SUPER = "<QQQI"  # magic, version, number of entries, bytes in a sector
SECTOR = 4096    # of what may be torn


@dataclass
class Entry:
    flush: bool            # what entries before it have written is safe
    offset: int = 0
    data: bytes = b""


def tool(*words, ok=(0,)):
    """The output of one of Linux' tools; a Failure when its status is none of `ok`."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode not in ok:
        raise Failure(f"{' '.join(words)}: status {done.returncode}\n{done.stdout[-1000:].decode(errors='replace')}")
    return done.stdout


def node(image, log, name):
    """The value of -blockdev for such a disk. The log has the order of things: this machine's disk needs no flush."""
    def file(path):
        return {"driver": "file", "filename": path, "cache": {"no-flush": True}}
    return {"driver": "blklogwrites", "node-name": name, "file": file(image), "log": file(log),
            "log-super-update-interval": 1}


def position(path):
    """How many entries a log has at least; what has been promised until now lies before."""
    with open(path, "rb") as f:
        head = f.read(struct.calcsize(SUPER))
    return struct.unpack(SUPER, head)[2] if len(head) == struct.calcsize(SUPER) else 0


def entries(path):
    """The log, in its order."""
    found = []
    with open(path, "rb") as f:
        magic, version, count, size = struct.unpack(SUPER, f.read(struct.calcsize(SUPER)))
        if magic != MAGIC or version != VERSION:
            raise Failure("the log has another format")
        at = size
        for _ in range(count):
            f.seek(at)
            sector, sectors, flags, _ = struct.unpack("<QQQQ", f.read(32))
            at += size
            entry = Entry(bool(flags & FLUSH))
            if sectors and not flags & DISCARD:
                f.seek(at)
                entry.offset, entry.data = sector * size, f.read(sectors * size)
                at += sectors * size
            found.append(entry)
    return found


def cut(before, log, point, rng, flushes=True):
    """The disk, whose first contents are `before`, when the power goes behind `point` entries. Without `flushes` it is
    a disk that ignores them. What lies behind the end of `before` is left out."""
    disk = bytearray(before)
    safe = max([i for i in range(point) if log[i].flush], default=0) if flushes else 0
    for i, entry in enumerate(log[:point]):
        length = len(entry.data)
        if i >= safe and rng.random() < 0.5:
            # A part of it, or nothing.
            length = rng.randrange(0, length, SECTOR) if length > SECTOR and rng.random() < 0.5 else 0
        if entry.offset + length <= len(disk):
            disk[entry.offset:entry.offset + length] = entry.data[:length]
    return disk


def check(path):
    """e2fsck replays the journal and finds nothing else to do; a Failure when it does."""
    said = tool("e2fsck", "-fy", path, ok=(0, 1))
    if b"? yes" in said:
        raise Failure(f"e2fsck repairs: {said[-1000:].decode(errors='replace')}")
    tool("e2fsck", "-fn", path)


def take_out(path, what, folder):
    """The files below `what` of a file system, in a new folder."""
    os.makedirs(folder)
    tool("debugfs", "-R", f'rdump {what} "{folder}"', path)
    return folder
