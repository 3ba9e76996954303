# SPDX-License-Identifier: BSD-2-Clause
"""Reads ld's map file: which input section of which object lies where in an image."""

import os
import re
import subprocess
from collections import defaultdict
from dataclasses import dataclass

from words import BUILD

ALLOCATED = (".text", ".monitor", ".note.Xen", ".rodata", ".rela.dyn",
             ".relr.dyn", ".pith.symtab", ".tdata", ".tbss", ".data", ".bss")
OWN_SECTIONS = {".pith.symtab": "symbol table", ".pith.initrd": "initrd"}  # what is not the program's
ZERO = (".bss", ".tbss")  # occupy memory and no file

PIECE = re.compile(r" (\S+)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?: (.+))?")
MEMBER = re.compile(r"(?:.*/)?(lib\w+)\.a\((.+)\)")


@dataclass
class Piece:
    output: str   # output section
    section: str  # input section
    owner: str    # library or room
    object: str
    size: int
    address: int = 0  # where it is linked


class Rooms:
    """The room of a member of libpith.a; the archive knows only file names, of which two may be equal."""

    def __init__(self):
        self.paths = defaultdict(list)
        self.sections = {}
        objects = os.path.join(BUILD, "obj")
        for top in ("libos", "lwip", "ext2fs", "platform"):
            for base, _, files in os.walk(os.path.join(objects, top)):
                for name in files:
                    if name.endswith(".o"):
                        self.paths[name].append(os.path.join(base, name))

    def of(self, member, section):
        paths = self.paths.get(member, [])
        if len(paths) > 1:
            paths = [p for p in paths if section in self.sections_of(p)] or paths
        if not paths:
            return "libpith"
        parts = os.path.relpath(paths[0], os.path.join(BUILD, "obj")).split("/")
        return parts[0] if parts[0] in ("lwip", "ext2fs") else "/".join(parts[:2])

    def sections_of(self, path):
        if path not in self.sections:
            text = subprocess.run(["readelf", "-SW", path], stdout=subprocess.PIPE, check=True,
                                  text=True).stdout
            self.sections[path] = set(re.findall(r"\] (\S+)", text))
        return self.sections[path]


def read(path):
    """The pieces of the image that `path` describes; padding belongs to "(padding)"."""
    rooms, pieces, output, pending = Rooms(), [], None, None
    with open(path, encoding="utf-8", errors="replace") as f:
        lines = f.read().split("Linker script and memory map", 1)[-1].splitlines()
    for line in lines:
        if line and not line[0].isspace():
            output = line.split()[0]
            continue
        if output not in ALLOCATED:
            continue
        if re.fullmatch(r" \.\S+", line):  # a long name: its numbers stand on the next line
            pending = line.strip()
            continue
        match = PIECE.fullmatch(line)
        if not match:
            pending = None
            continue
        section, size, file = match[1] or pending, int(match[3], 16), match[4]
        pending = None
        if size == 0 or section is None:
            continue
        if section == "*fill*":
            pieces.append(Piece(output, section, "(padding)", "", size))
        elif file and section.startswith((".", "COMMON")):
            owner, name = whose(file.strip(), section, rooms)
            pieces.append(Piece(output, section, owner, name, size, int(match[2], 16)))
    return pieces


def whose(file, section, rooms):
    member = MEMBER.fullmatch(file)
    if member is None:
        return OWN_SECTIONS.get(section, "program"), os.path.basename(file)
    library, name = member.groups()
    if library != "libpith":
        return library, name
    return rooms.of(name, section), name
