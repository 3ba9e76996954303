# SPDX-License-Identifier: BSD-2-Clause
"""The modules of the cases, written byte by byte: what the tools don't make is what is tested."""

import array
import gzip
import os

REG, DIR, LNK, CHR = 0o100000, 0o040000, 0o120000, 0o020000
BIG = {"module": 1 << 20, "big": 64 << 20}


def entry(name, mode, data=b"", mtime=1234567890, ino=0, nlink=1, uid=0):
    name = name.encode() + b"\0"
    fields = (ino, mode, uid, 0, nlink, mtime, len(data), 0, 0, 0, 0, len(name), 0)
    out = b"070701" + b"".join(b"%08X" % f for f in fields) + name
    out += -len(out) % 4 * b"\0"
    return out + data + -len(data) % 4 * b"\0"


TRAILER = entry("TRAILER!!!", 0)
GOOD = entry("good", REG | 0o644, b"before\n")


def numbers(size):
    return array.array("I", range(size // 4)).tobytes()


def odd():
    """Everything that an archive may have, and what it may not."""
    first = [
        entry("moddir", DIR | 0o711, mtime=1000000000),
        entry("both.txt", REG | 0o600, b"from the module\n", uid=5),
        entry("twice", REG | 0o644, b"first\n"),
        entry("twice", REG | 0o644, b"second\n"),
        # as GNU cpio writes hard links: the contents come with the last name
        entry("hard1", REG | 0o644, ino=77, nlink=3),
        entry("./hard2", REG | 0o644, ino=77, nlink=3),
        entry("moddir/hard3", REG | 0o644, b"linked\n", ino=77, nlink=3),
        entry("made/on/the/way", REG | 0o644, b"deep\n"),
        entry("/absolute", REG | 0o644, b"name\n"),
        entry("was-file", REG | 0o644, b"x"),
        entry("was-file", DIR | 0o755),
        entry("moddir/../../escaped", REG | 0o644, b"refused"),
        entry("through", LNK | 0o777, b"/tmp"),
        entry("through/x", REG | 0o644, b"refused"),
        entry("through", REG | 0o644, b"replaces the link"),
        entry("device", CHR | 0o644),
        entry("sub", REG | 0o644, b"refused: there is a folder that is not empty"),
        entry("badlink", LNK | 0o777),
        entry("n" * 300, REG | 0o644, b"refused"),
        entry("big", REG | 0o644, numbers(BIG["module"])),
        TRAILER, bytes(512),
    ]
    # Numbers of files mean something within their own archive only.
    second = [entry("second-archive", REG | 0o644, b"follows\n", ino=77, nlink=2), TRAILER, bytes(7)]
    return b"".join(first + second)


def module(case):
    if case == "module":
        return odd()
    if case == "big":
        return entry("big", REG | 0o644, numbers(BIG["big"])) + TRAILER
    if case == "cut":
        return GOOD + entry("bad", REG | 0o644, bytes(5000))[:3000]
    if case == "junk":
        return GOOD + b"this is no header" * 20
    if case == "digits":
        return GOOD + entry("bad", REG | 0o644).replace(b"00000001", b"0000000g", 1) + TRAILER
    if case == "gzip":
        return gzip.compress(GOOD + TRAILER)
    if case == "empty":
        return bytes(1024)
    return None


def prepare(run):
    data = module(run.case.name)
    if data is not None:
        run.machine.initrd = os.path.join(run.dir, "initrd.cpio")
        with open(run.machine.initrd, "wb") as f:
            f.write(data)


def verify(run):
    if run.machine.initrd:
        os.unlink(run.machine.initrd)
    return []
