# SPDX-License-Identifier: BSD-2-Clause
"""The disk test's file system: made by mke2fs or written by this host's Linux, looked at by e2fsck, debugfs and,
where this host may, the Linux that mounts it.

    host.py fill FOLDER SMALL ENTRIES     what the guest expects of the host, in a folder
    host.py check FOLDER SMALL ENTRIES BIG"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys

KINDS = {"small-blocks": ["-b", "1024"], "large": ["-N", "150000"], "nojournal": ["-O", "^has_journal"],
         "discard": ["-E", "nodiscard"], "lists": ["-O", "^extents,^64bit,^metadata_csum,uninit_bg", "-b", "4096"]}
LINES = [bytes((i * 31 + first) & 255 for i in range(256)) for first in range(256)]
END = 4 << 30  # of the file with a hole


def contents(size, seed):
    """A file's bytes, the same as fill() of main.c makes them."""
    return b"".join(LINES[(i * 7 + seed) & 255] for i in range((size + 255) // 256))[:size]


def size_of(number):
    """Of a small file, as in main.c: most are of some kB, one in 50 of up to 400."""
    return number * 4099 % 400000 if number % 50 == 7 else number * 97 % 20000


def tool(*words, ok=(0,)):
    """Run one of Linux' tools; its output. An error when its status is none of `ok`."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, text=True, errors="surrogateescape")
    if done.returncode not in ok:
        raise RuntimeError(f"{' '.join(words)}: status {done.returncode}\n{done.stdout[-2000:]}")
    return done.stdout


def fill(top, small, entries):
    """What the host puts on the disk."""
    folder = os.path.join(top, "host")
    file = os.path.join(folder, "file")
    os.makedirs(folder)
    with open(file, "wb") as f:
        f.write(contents(1000000, 9))
    os.chmod(file, 0o604)
    os.utime(file, ns=(1111111111222333444, 1234567890123456789))
    os.symlink("file", os.path.join(folder, "link"))
    os.link(file, os.path.join(folder, "hard"))
    with open(os.path.join(folder, "sparse"), "wb") as f:
        for at in (0, END // 2, END - 3):
            f.seek(at)
            f.write(b"end")
    os.mkdir(os.path.join(folder, "small"))
    for i in range(small):
        with open(os.path.join(folder, "small", str(i)), "wb") as f:
            f.write(contents(size_of(i), i & 255))
    os.mkdir(os.path.join(folder, "many"))
    for i in range(entries):
        os.close(os.open(os.path.join(folder, "many", f"an-entry-of-the-host-{i}"), os.O_CREAT | os.O_EXCL, 0o644))


def by_linux(image, *words):
    """Run this program again with the image mounted by this host's Linux, in a namespace of its own. What it printed."""
    inside = 'mount -o "loop$1" "$2" "$3" && { shift 3; "$@"; r=$?; cd /; umount "$0"; exit $r; }'
    at = image + ".mnt"
    os.makedirs(at, exist_ok=True)
    readonly = ",ro" if words[0] == "check" else ""
    return tool("unshare", "-m", "sh", "-c", inside, at, readonly, image, at,
                sys.executable, os.path.abspath(__file__), words[0], at, *words[1:])


def can_mount():
    """Why this host can't mount an image, or None."""
    if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
        return "needs root and loop devices"
    done = subprocess.run(["unshare", "-m", "true"], check=False, stderr=subprocess.DEVNULL)
    return None if done.returncode == 0 else "needs a mount namespace"


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


def failing(run):
    """A disk with one block that can't be read, of host/file, and one that can't be written, of the journal."""
    path = os.path.join(run.dir, "failing.img")
    run.image = path
    with open(path, "wb") as f:
        f.truncate(64 << 20)
    folder = os.path.join(run.dir, "from")
    fill(folder, 0, 0)
    tool("mke2fs", "-t", "ext4", "-q", "-F", "-b", "4096", "-J", "size=4", "-d", folder, path)
    shutil.rmtree(folder)
    bad = [int(tool("debugfs", "-R", words, path).splitlines()[-1]) * 8
           for words in ("bmap /host/file 122", "bmap <8> 60")]
    rules = [{"event": "none", "iotype": kind, "errno": 5, "once": False, "sector": sector}
             for kind, sector in zip(("read", "write"), bad)]
    node = {"driver": "raw", "node-name": "failing",
            "file": {"driver": "blkdebug", "image": {"driver": "file", "filename": path}, "inject-error": rules}}
    device = "virtio-blk-device" if run.bed.machine == "microvm" else "virtio-blk-pci,disable-legacy=on"
    run.machine.qemu_args += ["-blockdev", json.dumps(node), "-device", f"{device},drive=failing"]


def check_promised(run):
    """After an error of the disk: the journal is sound, and what was promised is there."""
    tool("e2fsck", "-fy", run.image, ok=(0, 1))
    tool("e2fsck", "-fn", run.image)
    for i in range(int(re.search(r"^promised (\d+)", run.output.text, re.MULTILINE).group(1))):
        if dump(run, f"/{i}") != contents(size_of(i), i & 255):
            return f"/{i} is wrong"
    return None


def prepare(run):
    if run.case.name == "errors":
        failing(run)
        return
    disk = os.path.join(run.dir, "disk0.img")
    run.image = disk
    run.offset = 0
    if run.case.name == "absent":
        return
    counts = run.case.args[1:3] if len(run.case.args) > 2 else ["0", "0"]
    size = os.path.getsize(disk)
    if run.case.name == "discard":
        with open(disk, "wb") as f:  # no hole is in it now
            f.write(b"\xaa" * size)
        run.machine.disks[0].options = ["discard"]
    words = ["-t", "ext4", "-q", "-F"] + KINDS.get(run.case.name, [])
    folder = os.path.join(run.dir, "from")
    linux = can_mount() is None and not run.case.name == "partition"
    if not linux:
        fill(folder, *map(int, counts))
        words += ["-d", folder]
    if run.case.name == "partition":
        run.offset, size = partition(disk, size)
        words += ["-E", f"offset={run.offset}"]
    tool("mke2fs", *words, disk, f"{size // 1024}k")
    if linux:
        by_linux(disk, "fill", *counts)
    shutil.rmtree(folder, ignore_errors=True)
    if run.case.name == "readonly":
        with open(disk, "rb") as f:
            run.before = f.read()


def verify(run):
    if run.case.name == "absent":
        return
    if run.case.name == "errors":
        yield "promised", problem(check_promised, run)
        os.unlink(run.image)
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
    if run.case.name == "discard":
        holes = os.path.getsize(run.image) - os.stat(run.image).st_blocks * 512
        yield "holes", None if holes > 0 else "what was freed takes room on the host"
    if can_mount() is None:
        yield "linux", problem(check_by_linux, run)
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


def wrong_small(folder, small):
    """The first small file that is wrong, or None."""
    names = os.listdir(folder)
    if len(names) != small:
        return f"{len(names)} files, not {small}"
    for i in range(small):
        with open(os.path.join(folder, str(i)), "rb") as f:
            if f.read() != contents(size_of(i), i & 255):
                return f"small/{i} is wrong"
    return None


def check_by_linux(run):
    return by_linux(run.image, "check", *run.case.args[1:]).strip() or None


def check(top, small, entries, big):
    """What is wrong with what the guest has written, or None."""
    have = len(os.listdir(os.path.join(top, "many")))
    if have != entries - (entries + 4) // 5:
        return f"{have} entries in /many"
    for name in sorted(os.listdir(os.path.join(top, "many")))[::97]:
        os.stat(os.path.join(top, "many", name))
    with open(os.path.join(top, "big"), "rb") as f:
        for at in range(0, big << 20, 1 << 20):
            if f.read(1 << 20) != contents(1 << 20, 5 + (at >> 8) * 7):
                return f"big is wrong in the MiB at {at}"
    with open(os.path.join(top, "sparse"), "rb") as f:
        if os.fstat(f.fileno()).st_size != END or os.fstat(f.fileno()).st_blocks > 100:
            return "sparse: " + str(os.fstat(f.fileno()))
        for at, want in ((0, b"\0\0\0"), (END // 3, b"\0\0\0"), (END - 3, b"end")):
            f.seek(at)
            if f.read(3) != want:
                return f"sparse is wrong at {at}"
    return wrong_small(os.path.join(top, "small"), small)


def check_contents(run):
    small, entries, big = (int(word) for word in run.case.args[1:])
    folder = os.path.join(run.dir, "dump")
    os.makedirs(folder)
    tool("debugfs", "-R", f"rdump /small {folder}", run.image)
    wrong = wrong_small(os.path.join(folder, "small"), small)
    shutil.rmtree(folder)
    if wrong:
        return wrong
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


def main(what, folder, *counts):
    if what == "fill":
        fill(folder, *map(int, counts))
    else:
        print(check(folder, *map(int, counts)) or "")


if __name__ == "__main__":
    main(*sys.argv[1:])
