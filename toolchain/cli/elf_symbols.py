# SPDX-License-Identifier: BSD-2-Clause
"""Reads ELF files and archives of them: symbols, and which function refers to which name.

System V ABI, "Object Files"; the archive format is ar(5) with GNU's table of long names.
"""

import re
import struct
import subprocess
from bisect import bisect_right
from dataclasses import dataclass

REL, EXEC, DYN = 1, 2, 3             # e_type
SYMTAB, RELA, RELR = 2, 4, 19        # sh_type
ALLOC = 2                            # sh_flags
OBJECT, FUNC, SECTION, FILE = 1, 2, 3, 4  # of a symbol
UNDEFINED = 0


class Damaged(Exception):
    """No ELF file of this machine, or a broken one."""


@dataclass
class Section:
    name: str
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int


@dataclass
class Symbol:
    name: str
    value: int
    size: int
    kind: int
    local: bool
    section: int
    file: str  # of a local one: its source's name, where the symbol table has it


class Elf:
    """One object or image."""

    def __init__(self, data, name):
        self.data, self.name = data, name
        try:
            if data[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", data, 18)[0] != 62:
                raise Damaged(f"{name} is no ELF file of x86-64")
            self.type = struct.unpack_from("<H", data, 16)[0]
            self.sections = self.read_sections()
            self.symbols = self.read_symbols()
        except (struct.error, IndexError, ValueError) as e:
            raise Damaged(f"{name} is a damaged ELF file") from e
        self.places = {}

    def text(self, at):
        return self.data[at:self.data.index(b"\0", at)].decode(errors="replace")

    def read_sections(self):
        (start,) = struct.unpack_from("<Q", self.data, 40)
        size, count, names = struct.unpack_from("<HHH", self.data, 58)
        if start == 0:
            return []
        raw = [struct.unpack_from("<IIQQQQIIQQ", self.data, start + i * size) for i in range(max(count, 1))]
        if count == 0:  # more than 65,279 of them: the first says how many
            count = raw[0][5]
            raw = [struct.unpack_from("<IIQQQQIIQQ", self.data, start + i * size) for i in range(count)]
        names = raw[0][6] if names == 0xffff else names
        base = raw[names][4]
        return [Section(self.text(base + r[0]), *r[1:8]) for r in raw]

    def read_symbols(self):
        found = []
        for table in self.sections:
            if table.kind != SYMTAB:
                continue
            names, file = self.sections[table.link].offset, ""
            for at in range(table.offset, table.offset + table.size, 24):
                name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
                symbol = Symbol(self.text(names + name), value, size, info & 15, info >> 4 == 0, section, "")
                if symbol.kind == FILE:
                    file = symbol.name
                symbol.file = file if symbol.local else ""
                found.append(symbol)
        return found

    def defined(self):
        """Names of the globals that it has."""
        return {s.name for s in self.symbols if not s.local and s.section != UNDEFINED}

    def undefined(self):
        return {s.name for s in self.symbols if s.name and s.section == UNDEFINED and not s.local}

    def at(self, section, address):
        """The function or variable that an address lies in; None when nothing is said there."""
        if section not in self.places:
            here = sorted((s for s in self.symbols if s.kind in (FUNC, OBJECT) and s.name and
                           (s.section == section if section is not None else s.section != UNDEFINED)),
                          key=lambda s: s.value)
            self.places[section] = here, [s.value for s in here]
        here, values = self.places[section]
        index = bisect_right(values, address) - 1
        if index < 0 or address >= here[index].value + max(here[index].size, 1):
            return None
        return here[index]

    def references(self):
        """{undefined name: {who refers to it}} of an object."""
        found = {}
        for table in self.sections:
            if table.kind != RELA or not self.sections[table.info].flags & ALLOC or \
                    self.sections[table.info].name.startswith(".eh_frame"):
                continue
            for at in range(table.offset, table.offset + table.size, 24):
                offset, info, _ = struct.unpack_from("<QQq", self.data, at)
                symbol = self.symbols[info >> 32]
                if symbol.section == UNDEFINED and symbol.name:
                    who = self.at(table.info, offset)
                    found.setdefault(symbol.name, set()).add(who.name if who else self.name)
        return found

    def pointers(self):
        """(address, value) of every pointer in an image's data: packed relocations, gABI "RELR"."""
        for section in self.sections:
            if section.kind != RELR:
                continue
            where = 0
            for (word,) in struct.iter_unpack("<Q", self.data[section.offset:section.offset + section.size]):
                if word & 1:
                    slots = [where + 8 * i for i in range(63) if word >> (i + 1) & 1]
                    where += 63 * 8
                else:
                    slots, where = [word], word + 8
                for slot in slots:
                    yield slot, self.word_at(slot)

    def word_at(self, address):
        for s in self.sections:
            if s.flags & ALLOC and s.kind != 8 and s.address <= address < s.address + s.size:
                return struct.unpack_from("<Q", self.data, s.offset + address - s.address)[0]
        return None

    def uses(self, names):
        """{name: {address: symbol that refers to it there}} of an image, for functions in `names`."""
        targets = {s.value: s.name for s in self.symbols if s.name in names and s.section != UNDEFINED}
        found = {name: set() for name in targets.values()}
        if not targets:
            return found
        text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", self.name], stdout=subprocess.PIPE,
                              check=True, text=True, errors="replace").stdout
        wanted = re.compile(r"^ *([0-9a-f]+):.* (?:# )?(" + "|".join(f"{value:x}" for value in targets) + r") <",
                            re.MULTILINE)
        for match in wanted.finditer(text):
            address, target = int(match[1], 16), int(match[2], 16)
            found[targets[target]].add(address)
        for slot, value in self.pointers():
            if value in targets:
                found[targets[value]].add(slot)
        return {name: {address: self.at(None, address) for address in places} for name, places in found.items()}


def members(path):
    """The objects of a file: of an archive each of its members, else the file itself."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:8] == b"!<thin>\n":
        raise Damaged(f"{path} is a thin archive: give its objects")
    if data[:8] != b"!<arch>\n":
        return [Elf(data, path)]
    found, long_names, at = [], b"", 8
    while at + 60 <= len(data):
        name = data[at:at + 16].rstrip()
        try:
            size = int(data[at + 48:at + 58])
        except ValueError as e:
            raise Damaged(f"{path} is a damaged archive") from e
        content = data[at + 60:at + 60 + size]
        at += 60 + size + size % 2
        if name == b"//":
            long_names = content
        elif name not in (b"/", b"/SYM64/"):
            if name[:1] == b"/":
                start = int(name[1:])
                name = long_names[start:long_names.index(b"\n", start)]
            if content[:4] == b"\x7fELF":
                found.append(Elf(content, name.decode(errors="replace").rstrip("/")))
    return found
