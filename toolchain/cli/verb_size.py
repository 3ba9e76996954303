# SPDX-License-Identifier: BSD-2-Clause
"""pith size: what is in an image, by library, object and symbol."""

import gzip
import os
import shutil
import subprocess
import tempfile
from collections import Counter

import image
import limits
import linkmap
from words import TOP, usage

HELP = "tell what is in an image: by library, object and symbol"
EPILOG = "Bytes in the file are what a loader reads; memory has the zeroed part (bss) too."

MONITOR_RANGE = ("__monitor_text_start", "__monitor_text_used")


def add_arguments(parser):
    parser.add_argument("app", metavar="APP", help="a folder below apps/, or the path of one")
    parser.add_argument("--top", metavar="N", default="15", help="how many objects and symbols to list")


def stripped_size(elf):
    """(bytes, bytes after gzip -9) of the image without symbols and debug information."""
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "image")
        shutil.copy(elf, copy)
        subprocess.run(["strip", copy], check=True)
        with open(copy, "rb") as f:
            data = f.read()
    return len(data), len(gzip.compress(data, 9))


def symbols(elf):
    """[(name, address, size, kind)] of an image."""
    text = subprocess.run(["nm", "-P", elf], check=True, stdout=subprocess.PIPE, text=True).stdout
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3:
            size = int(words[3], 16) if len(words) > 3 else 0
            found.append((words[0], int(words[2], 16), size, words[1]))
    return found


def segments(elf):
    text = subprocess.run(["readelf", "-lW", elf], check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in text.splitlines():
        words = line.split()
        if words and words[0] == "LOAD":
            yield "".join(words[6:-1]), int(words[4], 16), int(words[5], 16), int(words[3], 16)


def table(title, counter, top):
    """Rows of the largest; what is left over is summed."""
    print(f"\n{title}")
    rows = counter.most_common()
    for name, size in rows[:top]:
        print(f"  {size:9,}  {name}")
    if len(rows) > top:
        print(f"  {sum(size for _, size in rows[top:]):9,}  ({len(rows) - top} more)")


def print_summary(elf):
    plain, packed = stripped_size(elf)
    print(f"{os.path.relpath(elf)}: {plain:,} bytes stripped, {packed:,} after gzip -9, "
          f"{os.path.getsize(elf):,} with symbols")
    print("\nsegment  in file   in memory  at")
    for flags, in_file, in_memory, address in segments(elf):
        print(f"  {flags:4} {in_file:9,}  {in_memory:10,}  {address:#x}")


def print_monitor(elf, found):
    at = {name: address for name, address, _, _ in found}
    if all(name in at for name in MONITOR_RANGE):
        text = at[MONITOR_RANGE[1]] - at[MONITOR_RANGE[0]]
        print(f"\nmonitor: {text:,} bytes of code at CPL 0, {limits.monitor_lines(TOP)} of "
              f"{limits.MONITOR_LINES} lines (platform/x86/monitor)")


def run(options, _args):
    if not options.top.isdecimal():
        raise usage(f"--top: '{options.top}' is no number")
    app, top = image.find(options.app), int(options.top)
    image.build([app])
    found = symbols(app.elf)
    print_summary(app.elf)
    print_monitor(app.elf, found)
    path = os.path.splitext(app.elf)[0] + ".map"
    if os.path.exists(path):
        libraries, zeroed, objects = Counter(), Counter(), Counter()
        for piece in linkmap.read(path):
            if piece.output in linkmap.ZERO:
                zeroed[piece.owner] += piece.size
            else:
                libraries[piece.owner] += piece.size
                objects[f"{piece.owner}  {piece.object}"] += piece.size
        table("in the file, by library", libraries, 30)
        table("zeroed memory, by library", zeroed, 30)
        table("in the file, by object", Counter({k: v for k, v in objects.items() if "(" != k[0]}), top)
    sized = Counter()
    for name, address, size, kind in found:
        if kind not in "bB":
            sized[f"{name} at {address:#x}"] += size
    table("in the file, by symbol", sized, top)
    return 0
