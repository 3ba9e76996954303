# SPDX-License-Identifier: BSD-2-Clause
"""Guest instructions, counted by a TCG plugin of ours (tests/bench/insn.c) into a file that is read at any time."""

import bisect
import mmap
import os
import secrets
import struct
import subprocess
from collections import Counter, defaultdict

import linkmap
import verb_size
from words import BUILD, TOP, Failure

SOURCE = os.path.join(TOP, "tests", "bench", "insn.c")
PLUGIN = os.path.join(BUILD, "bench", "insn.so")

# tests/bench/insn.c
RANGES = 4
HEAD = struct.Struct(f"={4 + RANGES}Q")
BLOCK = struct.Struct("=QQQq")
HEAD_SIZE = 4096
MAX_STAMPS = 1 << 16
STAMP = struct.Struct("=QQQ")

# platform/x86/image.c: where an image runs with base=fixed, and where it is linked.
FIXED_BASE = 0xffff000000000000 | 300 << 39
LINK_BASE = 0x100000
FIXED_RANGE = (FIXED_BASE, FIXED_BASE + (1 << 30) - 1)


def build():
    os.makedirs(os.path.dirname(PLUGIN), exist_ok=True)
    if os.path.exists(PLUGIN) and os.path.getmtime(PLUGIN) > os.path.getmtime(SOURCE):
        return
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
                    "-fvisibility=hidden", SOURCE, "-o", PLUGIN], check=True)


class Meter:
    """One machine's counter. `blocks`: per translated block, for a profile; `stop`: an address at which
    the counts so far are kept; `ranges`: {name: (first, last address)} whose instructions are counted by themselves;
    `places`: addresses at which functions begin, each call of which leaves a stamp."""

    def __init__(self, blocks=False, stop=None, ranges=None, places=()):
        build()
        self.path = os.path.join(BUILD, "bench", f"insn-{secrets.token_hex(4)}.count")
        words = [PLUGIN, "to=" + self.path]
        if blocks:
            words.append("blocks=on")
        if stop is not None:
            words.append(f"stop={stop:x}")
        self.ranges = ranges or {}
        words += [f"range={first:x}-{last:x}" for first, last in self.ranges.values()]
        self.stamps_path = ""
        if places:
            self.stamps_path = self.path + ".stamps"
            words += ["stamps=" + self.stamps_path] + [f"at={place:x}" for place in places]
        self.words = ["-plugin", ",".join(words)]
        self.map = None

    def head(self):
        if self.map is None:
            with open(self.path, "rb") as f:
                self.map = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
        return HEAD.unpack_from(self.map)

    def total(self):
        return self.head()[0]

    def parts(self):
        """{name of a range: instructions}"""
        return dict(zip(self.ranges, self.head()[4:]))

    def blocks(self):
        """[(address, instructions, executed, executed at `stop` or -1)]"""
        _, count, lost, stopped = self.head()[:4]
        if lost:
            raise Failure("the instruction plugin ran out of room")
        data = self.map[HEAD_SIZE:HEAD_SIZE + count * BLOCK.size]
        found = BLOCK.iter_unpack(data)
        return list(found) if stopped else [(at, size, executed, -1) for at, size, executed, _ in found]

    def stamps_written(self):
        with open(self.stamps_path, "rb") as f:
            return struct.unpack("=Q", f.read(8))[0]

    def stamps(self, since=0):
        """[(number of the place, instructions, ns)], from the `since`-th on"""
        written = self.stamps_written()
        if written - since > MAX_STAMPS:
            raise Failure(f"more than {MAX_STAMPS} stamps")
        with open(self.stamps_path, "rb") as f:
            data = f.read()
        return [STAMP.unpack_from(data, HEAD_SIZE + i % MAX_STAMPS * STAMP.size) for i in range(since, written)]

    def close(self):
        if self.map is not None:
            self.map.close()
            self.map = None
        for path in (self.path, self.stamps_path):
            if path and os.path.exists(path):
                os.unlink(path)


class Symbols:
    """Addresses of an image's functions, at their link address, and the rooms that they are in."""

    def __init__(self, elf):
        path = os.path.splitext(elf)[0] + ".map"
        pieces = linkmap.read(path) if os.path.exists(path) else []
        self.pieces = sorted((piece.address, piece.owner, piece.object) for piece in pieces
                             if piece.output == ".text" and piece.owner != "(padding)")
        found = verb_size.symbols(elf)
        self.at = {name: address for name, address, _, _ in found}
        code = sorted((address, name) for name, address, _, kind in found if kind in "tT")
        self.starts = [address for address, _ in code]
        self.names = [name for _, name in code]
        self.end = self.at["__image_end"]

    def link_address(self, address):
        """Where it is linked, or None when it does not belong to the image."""
        if address >= FIXED_BASE:
            address = address - FIXED_BASE + LINK_BASE
        return address if LINK_BASE <= address < self.end else None

    def function(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        return self.names[i] if i >= 0 else "?"

    def place(self, address):
        """"function [room object]"."""
        i = bisect.bisect_right(self.pieces, (address + 1,)) - 1
        room = " ".join(self.pieces[i][1:]) if i >= 0 else "other"
        return f"{self.function(address)} [{room}]"


def profile(symbols, before, after, done):
    """{function: [instructions, calls]} per one of `done`, most first, between two answers of Meter.blocks(); the
    image at its fixed base. Calls are what entered at the function's first instruction."""
    functions = defaultdict(lambda: [0, 0])
    starts = set(symbols.starts)
    for number, (address, size, executed, _) in enumerate(after):
        more = executed - (before[number][2] if number < len(before) else 0)
        if more:
            linked = symbols.link_address(address)
            counts = functions["(not the image)" if linked is None else symbols.place(linked)]
            counts[0] += more * size
            counts[1] += more * (linked in starts)
    ordered = sorted(functions.items(), key=lambda item: -item[1][0])
    return {name: [instructions / done, calls / done] for name, (instructions, calls) in ordered}


def by_room(functions):
    """[(room, instructions)], most first, of what profile() found."""
    rooms = Counter()
    for name, (instructions, _) in functions.items():
        rooms[name.split(" [")[-1].rstrip("]").split(" ")[0]] += instructions
    return rooms.most_common()
