# SPDX-License-Identifier: BSD-2-Clause
"""Power cuts from QEMU's log of a disk (block/blklogwrites.c; the format is that of Linux' dm-log-writes,
Documentation/admin-guide/device-mapper/log-writes.rst): the disk as it was at a random point, without a random
part of what was written since the last flush. e2fsck must bring it in order, and what was promised must be there."""

import json
import os
import random
import struct
import subprocess

FS_SIZE = 32 << 20
DISK_SIZE = FS_SIZE + (1 << 20)
KEPT, RECORD, FILE_MAX = 10, 64, 20000
FLUSH, DISCARD = 1, 4
CUTS = 20
SEED = 4711


def tool(*words, ok=(0,)):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode not in ok:
        raise RuntimeError(f"{' '.join(words)}: status {done.returncode}\n{done.stdout[-1000:].decode(errors='replace')}")
    return done.stdout


def prepare(run):
    run.image, run.log = (os.path.join(run.dir, name) for name in ("cuts.img", "cuts.log"))
    with open(run.image, "wb") as f:
        f.truncate(DISK_SIZE)
    tool("mke2fs", "-q", "-F", "-t", "ext4", "-J", "size=4", run.image, f"{FS_SIZE >> 10}k")
    with open(run.image, "rb") as f:
        run.before = f.read()
    with open(run.log, "wb"):
        pass
    run.cleanup.append(lambda: [os.unlink(path) for path in (run.image, run.log) if os.path.exists(path)])
    node = {"driver": "blklogwrites", "node-name": "cuts", "file": {"driver": "file", "filename": run.image},
            "log": {"driver": "file", "filename": run.log}}
    device = "virtio-blk-device" if run.bed.machine == "microvm" else "virtio-blk-pci,disable-legacy=on"
    run.machine.qemu_args += ["-blockdev", json.dumps(node), "-device", f"{device},drive=cuts"]


def entries(path):
    """[(offset, data or None for a flush)] of the log, in its order."""
    found = []
    with open(path, "rb") as f:
        magic, version, count, size = struct.unpack("<QQQI", f.read(28))
        if magic != 0x6a736677736872 or version != 1:
            raise RuntimeError("the log has another format")
        at = size
        for _ in range(count):
            f.seek(at)
            sector, sectors, flags, _ = struct.unpack("<QQQQ", f.read(32))
            at += size
            if flags & FLUSH:
                found.append((0, None))
            if sectors and not flags & DISCARD:
                found.append((sector * size, read_at(f, at, sectors * size)))
                at += sectors * size
    return found


def read_at(file, at, length):
    file.seek(at)
    return file.read(length)


def cut(before, log, point, rng):
    """(the disk, what was promised) when the power goes behind `point` entries."""
    disk, promised = bytearray(before), 0
    flushed = max([i for i in range(point) if log[i][1] is None], default=0)
    for i, (offset, data) in enumerate(log[:point]):
        if data is None:
            continue
        if offset >= FS_SIZE:
            promised = struct.unpack("<I", data[:4])[0]
        elif i < flushed or rng.random() < 0.5:
            disk[offset:offset + len(data)] = data
        elif len(data) > 4096 and rng.random() < 0.5:  # a part of it
            length = rng.randrange(0, len(data), 4096)
            disk[offset:offset + length] = data[:length]
    return disk, promised


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


def try_cut(run, log, point, rng):
    disk, promised = cut(run.before, log, point, rng)
    path = os.path.join(run.dir, "cut.img")
    with open(path, "wb") as f:
        f.write(disk[:FS_SIZE])
    try:
        tool("e2fsck", "-fy", path, ok=(0, 1))
        tool("e2fsck", "-fn", path)
        return loss(path, promised, int(run.case.args[0]))
    except (RuntimeError, IndexError) as error:
        return str(error)
    finally:
        os.unlink(path)


def verify(run):
    log = entries(run.log)
    rng = random.Random(SEED)
    cuts = int(run.case.args[1]) if len(run.case.args) > 1 else CUTS
    bad = None
    for number in range(cuts):
        point = rng.randrange(len(log) + 1)
        bad = bad or (lambda why: f"cut {number} at {point}: {why}" if why else None)(try_cut(run, log, point, rng))
    yield "cuts", bad
    # A disk that never flushes loses what was promised: this test would see it.
    lying = [entry for entry in log if entry[1] is not None]
    lost = any(try_cut(run, lying, len(lying) - rng.randrange(len(lying) // 2), rng) for _ in range(10))
    yield "without-flushes", None if lost else "ten cuts without flushes, and nothing is lost"
