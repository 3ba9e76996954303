# SPDX-License-Identifier: BSD-2-Clause
"""The disk test's file system: made by mke2fs, looked at by e2fsck and debugfs, which are Linux' own."""

import os
import re
import shutil
import struct
import subprocess

KINDS = {"small-blocks": ["-b", "1024"], "large": ["-N", "80000"], "nojournal": ["-O", "^has_journal"],
         "lists": ["-O", "^extents,^64bit,^metadata_csum,uninit_bg", "-b", "4096"]}


def contents(size, seed):
    """A file's bytes, the same as fill() of main.c makes them."""
    return bytes((i * 31 + (i >> 8) * 7 + seed) & 255 for i in range(size))


def tool(*words, ok=(0,)):
    """Run one of Linux' tools; its output. An error when its status is none of `ok`."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, text=True, errors="surrogateescape")
    if done.returncode not in ok:
        raise RuntimeError(f"{' '.join(words)}: status {done.returncode}\n{done.stdout[-2000:]}")
    return done.stdout


def make_source(run):
    """What the host puts on the disk."""
    folder = os.path.join(run.dir, "from")
    os.makedirs(os.path.join(folder, "host"))
    file = os.path.join(folder, "host", "file")
    with open(file, "wb") as f:
        f.write(contents(1000000, 9))
    os.chmod(file, 0o604)
    os.utime(file, ns=(1111111111222333444, 1234567890123456789))
    os.symlink("file", os.path.join(folder, "host", "link"))
    os.link(file, os.path.join(folder, "host", "hard"))
    return folder


def partition(path, size):
    """A GUID partition table whose second partition begins at 1 MiB; where that is and how long."""
    first, sectors = 2048, size // 512
    last = sectors - 34
    entry = bytes([1] * 16) + bytes([2] * 16)
    entries = struct.pack("<16s16sQQQ72s", entry[:16], entry[16:], 40, 2047, 0, b"") + \
        struct.pack("<16s16sQQQ72s", entry[:16], entry[16:], first, last, 0, b"")
    header = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, 1, sectors - 1, 34, last, b"g" * 16,
                         2, 128, 128, 0)
    mbr = bytes(446) + struct.pack("<BBBBBBBBII", 0, 0, 2, 0, 0xee, 255, 255, 255, 1, sectors - 1) + bytes(48) + \
        b"\x55\xaa"
    with open(path, "r+b") as f:
        f.write(mbr + header.ljust(512, b"\0") + entries)
    return first * 512, (last - first + 1) * 512


def prepare(run):
    disk = os.path.join(run.dir, "disk0.img")
    run.image = disk
    run.offset = 0
    if run.case.name == "absent":
        return
    folder = make_source(run)
    size = os.path.getsize(disk)
    words = ["-t", "ext4", "-q", "-F", "-d", folder] + KINDS.get(run.case.name, [])
    if run.case.name == "partition":
        run.offset, size = partition(disk, size)
        words += ["-E", f"offset={run.offset}"]
    tool("mke2fs", *words, disk, f"{size // 1024}k")
    shutil.rmtree(folder)
    if run.case.name == "readonly":
        with open(disk, "rb") as f:
            run.before = f.read()


def verify(run):
    if run.case.name == "absent":
        return
    if run.case.name == "readonly":
        with open(run.image, "rb") as f:
            yield "unchanged", None if f.read() == run.before else "the disk was written to"
        return
    if run.offset:
        image = run.image + ".part"
        with open(run.image, "rb") as f, open(image, "wb") as out:
            f.seek(run.offset)
            shutil.copyfileobj(f, out)
        os.unlink(run.image)
        run.image = image
    yield "e2fsck", problem(check_clean, run)
    yield "contents", problem(check_contents, run)
    os.unlink(run.image)


def problem(check, run):
    try:
        return check(run)
    except (RuntimeError, OSError) as error:
        return str(error)


def check_clean(run):
    tool("e2fsck", "-fn", run.image)


def dump(run, name):
    path = os.path.join(run.dir, "dumped")
    if os.path.exists(path):
        os.unlink(path)
    tool("debugfs", "-R", f"dump {name} {path}", run.image)
    with open(path, "rb") as f:
        return f.read()


def check_contents(run):
    small, entries, big = (int(word) for word in run.case.args[1:])
    folder = os.path.join(run.dir, "dump")
    os.makedirs(folder)
    tool("debugfs", "-R", f"rdump /small {folder}", run.image)
    for i in range(small):
        with open(os.path.join(folder, "small", str(i)), "rb") as f:
            if f.read() != contents(i * 97 % 20000, i & 255):
                return f"small/{i} is wrong"
    shutil.rmtree(folder)
    lines = tool("debugfs", "-R", "ls -l /many", run.image).splitlines()
    have = len([line for line in lines if "an-entry" in line and line.split()[0] != "0"])  # 0: not in use
    if have != entries - (entries + 4) // 5:
        return f"{have} entries in /many"
    if dump(run, "big") != contents(big << 20, 5):
        return "big is wrong"
    if dump(run, "moved/file") != contents(3000, 1):
        return "moved/file is wrong"
    text = tool("debugfs", "-R", "stat /a/hard", run.image)
    for word in (r"Mode:\s+0751", r"User: 70000\s+Group: 80000", r"Links: 2", r"mtime: 0xee6b2800:1d6f3455"):
        if not re.search(word, text):
            return f"attributes: no {word} in {text}"
    text = tool("debugfs", "-R", "stat /sparse", run.image)
    if not re.search(r"Size: 4294967296", text) or int(re.search(r"Blockcount: (\d+)", text).group(1)) > 100:
        return f"sparse: {text}"
    return None
