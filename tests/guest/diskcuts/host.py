# SPDX-License-Identifier: BSD-2-Clause
"""Power cuts at random points of QEMU's log of the disk: e2fsck must bring it in order, and what was promised must be
there."""

import json
import os
import random
import struct

import blocklog
from blocklog import tool
from words import Failure

FS_SIZE = 32 << 20
DISK_SIZE = FS_SIZE + (1 << 20)
KEPT, RECORD, FILE_MAX = 10, 64, 20000
CUTS = 20
SEED = 4711


def prepare(run):
    run.image, run.log = (os.path.join(run.dir, name) for name in ("cuts.img", "cuts.log"))
    with open(run.image, "wb") as f:
        f.truncate(DISK_SIZE)
    tool("mke2fs", "-q", "-F", "-t", "ext4", "-J", "size=4", run.image, f"{FS_SIZE >> 10}k")
    with open(run.image, "rb") as f:
        run.before = f.read(FS_SIZE)
    with open(run.log, "wb"):
        pass
    run.cleanup.append(lambda: [os.unlink(path) for path in (run.image, run.log) if os.path.exists(path)])
    device = "virtio-blk-device" if run.bed.machine == "microvm" else "virtio-blk-pci,disable-legacy=on"
    run.machine.qemu_args += ["-blockdev", json.dumps(blocklog.node(run.image, run.log, "cuts")), "-device", f"{device},drive=cuts"]


def promised_by(log, point):
    """What the guest has promised before: it writes a number behind the end of the file system."""
    words = [entry.data for entry in log[:point] if entry.data and entry.offset >= FS_SIZE]
    return struct.unpack("<I", words[-1][:4])[0] if words else 0


def contents(i, length):
    return bytes((i + k // 3) & 255 for k in range(length))


def size_of(i):
    return i * 977 % FILE_MAX + 1


def read_file(image, name):
    text = tool("debugfs", "-R", f"cat {name}", image)
    return text.split(b"\n", 1)[1] if text.startswith(b"debugfs ") else text


def loss(image, promised, rounds):
    """What of the promises is not kept, or None."""
    log = read_file(image, "/log") if promised else b""
    if len(log) < promised * RECORD:
        return f"{promised} records were promised, {len(log) / RECORD} are there"
    if log[:promised * RECORD] != b"".join(b"%063u\n" % i for i in range(1, promised + 1)):
        return "the records are wrong"
    if promised and read_file(image, "/current") not in \
            [contents(i, size_of(i * 3)) for i in range(promised, rounds + 1)]:
        return "/current is none of its versions since the promise"
    for i in range(max(1, promised - KEPT + 2), promised + 1):  # the next round may have removed one more
        if read_file(image, f"/new-{i}") != contents(i, size_of(i)):
            return f"/new-{i} is wrong"
    return None


def try_cut(run, log, point, rng, flushes=True):
    path = os.path.join(run.dir, "cut.img")
    with open(path, "wb") as f:
        f.write(blocklog.cut(run.before, log, point, rng, flushes))
    try:
        blocklog.check(path)
        return loss(path, promised_by(log, point), int(run.case.args[0]))
    except (Failure, IndexError) as error:
        return str(error)
    finally:
        os.unlink(path)


def verify(run):
    log = blocklog.entries(run.log)
    rng = random.Random(SEED)
    cuts = int(run.case.args[1]) if len(run.case.args) > 1 else CUTS
    bad = None
    for number in range(cuts):
        point = rng.randrange(len(log) + 1)
        bad = bad or (lambda why: f"cut {number} at {point}: {why}" if why else None)(try_cut(run, log, point, rng))
    yield "cuts", bad
    # A disk that never flushes loses what was promised: this test would see it.
    lost = any(try_cut(run, log, len(log) - rng.randrange(len(log) // 2), rng, False) for _ in range(10))
    yield "without-flushes", None if lost else "ten cuts without flushes, and nothing is lost"
