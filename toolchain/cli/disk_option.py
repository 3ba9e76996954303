# SPDX-License-Identifier: BSD-2-Clause
"""What --disk names: FILE, or FILE:PATH[:ro] where the disk has an ext4 file system that is to be mounted."""

import os
import re

from machine import Disk
from words import say, usage

WORDS = re.compile(r"(?P<file>.+?)(?P<place>:(?:/[^/:,]+)+/?)?"
                   r"(?P<options>:(?:ro|rw|discard)(?:,(?:ro|rw|discard))*)?", re.DOTALL)
# Linux fs/ext4/ext4.h: the superblock begins 1024 bytes from the start, its s_magic at 56.
MAGIC_AT, MAGIC = 1024 + 56, b"\x53\xef"
MBR_AT, MBR = 510, b"\x55\xaa"  # a partition table, of either kind


def parse(word):
    """(file, place, [options]) of one word; a file's name may have colons in it."""
    if os.path.exists(word):
        return word, "", []
    found = WORDS.fullmatch(word)
    if not found:
        raise usage("--disk: which file?")
    file, place = found["file"], (found["place"] or "").strip(":").rstrip("/")
    options = found["options"][1:].split(",") if found["options"] else []
    if not os.path.exists(file):
        before = file.split(":")[0]
        if before == file or not os.path.exists(before):
            raise usage(f"--disk: there is no file {file}")
        place = None
    if place is None or "discard" in options and not place:
        raise usage(f"--disk {word}: write it like FILE, FILE:/data or FILE:/data:ro")
    return file, place, options


def read_at(path, at, length):
    with open(path, "rb") as f:
        f.seek(at)
        return f.read(length)


def check_ext4(path):
    if read_at(path, MAGIC_AT, len(MAGIC)) == MAGIC:
        return
    if read_at(path, MBR_AT, len(MBR)) == MBR:
        raise usage(f"--disk: {path} has partitions; name one: --disk {path} --boot-option mount=PATH:vda1:ext4")
    raise usage(f"--disk: there is no ext4 file system on {path}; `pith mkdisk` makes one")


def disk(word, readonly):
    path, place, options = parse(word)
    if os.path.isdir(path) or not os.access(path, os.R_OK):
        raise usage(f"--disk: {path} can't be read")
    readonly = readonly or "ro" in options
    if not readonly and not os.access(path, os.W_OK):
        say(f"{path} is not writable: the guest gets it read-only")
        readonly = True
    if place:
        check_ext4(path)
        options = (["ro"] if readonly else []) + ["discard"] * ("discard" in options)
    return Disk(os.path.abspath(path), readonly, place, options)


def read(words, readonly, taken):
    """The disks of all --disk; `taken` are the places that folders have."""
    found = []
    for word in words:
        found.append(disk(word, readonly))
        places = [d.mount for d in found if d.mount] + [place.rstrip("/") for place in taken]
        if found[-1].mount and places.count(found[-1].mount) > 1:
            raise usage(f"--disk {word}: something else is at {found[-1].mount}")
    return found
