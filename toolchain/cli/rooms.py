# SPDX-License-Identifier: BSD-2-Clause
"""Checks the walls between the rooms: usage rooms.py BUILD ROOMS.LIST, from the top of the tree.

Each object's undefined symbols must be on a list of its room, each #include of a platform file must be
one it may have, no object has weak symbols or constructors, and what runs in interrupts calls nothing that
uses vector registers. Prints every breach; status 1 if any.
"""

import os
import re
import subprocess
import sys
from collections import defaultdict

ARCHIVES = {"@newlib": ["build/sysroot/lib/libc.a", "build/sysroot/lib/libm.a"],
            "@builtins": ["build/sysroot/lib/libpithrt.a"]}
LINKER_SCRIPT = "platform/x86/link.ld"
INTERRUPT_ROOMS = ["libos/core", "platform/x86", "platform/xen", "platform/kvm"]
PLATFORM_HEADERS = ["libos/include/pith/platform.h", "libos/include/pith/irq.h"]
# Headers without a directory that a platform file may include; of newlib it is the first two.
PLAIN_HEADERS = {"errno.h", "string.h", "stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "limits.h",
                 "config.h", "cpuid.h"}
HEADER_FOLDERS = {"platform/x86": {"pith", "x86", "xen"},
                  "platform/xen": {"pith", "x86", "xen", "xenplat"},
                  "platform/kvm": {"pith", "x86", "kvm"}}


def nm(paths):
    """(file, kind, name) of all symbols of objects or archives."""
    if not paths:
        return
    text = subprocess.run(["nm", "-A", "-P"] + paths, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout
    for line in text.splitlines():
        file, rest = line.split(": ", 1)
        name, kind = rest.split()[:2]
        yield file, kind, name


def defined(paths):
    return {name for _, kind, name in nm(paths) if kind.isupper() and kind != "U"}


def read_lists(path):
    lists, rooms, current = defaultdict(set), {}, None
    with open(path, encoding="ascii") as f:
        for line in f:
            line = line.split("#")[0].strip()
            if line.startswith("["):
                words = line.strip("[]").split()
                current = "rooms" if words == ["rooms"] else "@" + words[1]
            elif line and current == "rooms":
                room, allowed = line.split(":")
                rooms[room.strip()] = allowed.split()
            elif line:
                lists[current].update(line.split())
    return lists, rooms


def computed(lists):
    for name, archives in ARCHIVES.items():
        lists[name] = defined([a for a in archives if os.path.exists(a)])
    with open(LINKER_SCRIPT, encoding="utf-8") as f:
        lists["@link"] = set(re.findall(r"\b(\w+)\s*=[^=]", f.read()))
    lists["@link"].add("_GLOBAL_OFFSET_TABLE_")
    for header in PLATFORM_HEADERS:
        with open(header, encoding="utf-8") as f:
            lists["@platform.h"].update(re.findall(r"\b(platform_\w+)\(", f.read()))
    return lists


def objects_of(folder, room):
    """The room's objects that the archive is made of; older ones may lie beside them."""
    with open(os.path.join(folder, "lib", "objects.list"), encoding="utf-8") as f:
        return sorted(o for o in f.read().split() if o.startswith(f"{folder}/obj/{room}/"))


def check_symbols(objects, rooms, lists):
    own = {room: defined(paths) for room, paths in objects.items()}
    breaches = []
    for room, paths in objects.items():
        allowed = set(own[room])
        for word in rooms[room]:
            allowed |= lists[word] if word.startswith("@") else own.get(word, set())
        for file, kind, name in nm(paths):
            if kind in "wWvV":
                breaches.append(f"{file}: {name} is a weak symbol")
            elif kind == "U" and name not in allowed:
                owner = next((r for r in own if name in own[r]), None)
                where = f", which is in {owner}" if owner else ", which no room defines"
                breaches.append(f"{file}: {room} may not use {name}{where}")
    return breaches


def check_monitor(objects):
    """What runs at CPL 0 refers to nothing that CPL 3 could change or be called through."""
    paths = [p for p in objects.get("platform/x86", []) if "/monitor/" in p]
    return [f"{file}: the monitor may not use {name}" for file, kind, name in nm(paths)
            if kind == "U" and not name.startswith("mon_") and name != "_GLOBAL_OFFSET_TABLE_"]


def check_vectors(objects):
    """Rooms that run in interrupts reach no string function with vector registers, by whatever way through libc."""
    needs, where = defaultdict(set), {}
    for file, kind, name in nm(ARCHIVES["@newlib"][:1]):
        if kind == "U":
            needs[file].add(name)
        elif kind.isupper():
            where[name] = file
    vector = {name[len("plain_"):] for name in where if name.startswith("plain_")}
    breaches, seen = [], set()
    todo = [(name, file) for room in INTERRUPT_ROOMS for file, kind, name in nm(objects.get(room, [])) if kind == "U"]
    while todo:
        name, file = todo.pop()
        if name in vector:
            breaches.append(f"{file}: {name} uses vector registers, in an interrupt it is plain_{name}")
        elif name in where and name not in seen:
            seen.add(name)
            todo += [(needed, f"{file}, by {name}") for needed in needs[where[name]]]
    return breaches if vector else ["libc.a has no plain_ string functions"]


def check_waits(objects):
    """No room waits where handlers run or a thread may end: it holds something of its own (pith/libc.h)."""
    return [f"{file}: {name} runs signal handlers; rooms take locks and wait by pith/libc.h"
            for room in sorted(objects) if not room.startswith("libos/libc")
            for file, kind, name in nm(objects[room])
            if kind == "U" and re.fullmatch("pthread_mutex_(timed|clock)?lock|pthread_cond_(timed|clock)?wait", name)]


def check_constructors(objects):
    breaches = []
    for paths in objects.values():
        for path in paths:
            text = subprocess.run(["readelf", "-SW", path], check=True, stdout=subprocess.PIPE,
                                  text=True).stdout
            if re.search(r"\.(init_array|ctors|preinit_array)", text):
                breaches.append(f"{path}: has constructors")
    return breaches


def sources_of(object_path, folder):
    """The source of an object: same path without the objects' folder."""
    stem = os.path.splitext(os.path.relpath(object_path, os.path.join(folder, "obj")))[0]
    return [stem + end for end in (".c", ".S") if os.path.exists(stem + end)]


def included_files(object_path):
    """What the compiler read for it besides system headers."""
    try:
        with open(object_path[:-2] + ".d", encoding="utf-8") as f:
            text = f.read().replace("\\\n", " ")
    except OSError:
        return []
    return text.split(":", 1)[1].split("\n")[0].split()


def check_includes(objects, folder):
    breaches = []
    for room, paths in objects.items():
        for path in paths:
            for file in included_files(path):
                file = os.path.normpath(file)
                if room.startswith("libos") and file.startswith("platform/"):
                    breaches.append(f"{room} includes {file} ({path})")
                if room.startswith("platform") and re.match(r"platform/(kvm|xen)/", file) and \
                        not file.startswith(room):
                    breaches.append(f"{room} includes {file} ({path})")
            if room in HEADER_FOLDERS:
                for source in sources_of(path, folder):
                    breaches += check_source(source, HEADER_FOLDERS[room])
    return breaches


def check_source(source, folders):
    breaches = []
    with open(source, encoding="utf-8") as f:
        for name in re.findall(r"^\s*#\s*include\s*<([^>]+)>", f.read(), re.MULTILINE):
            head = name.split("/")[0]
            if not (name in PLAIN_HEADERS or "/" in name and head in folders):
                breaches.append(f"{source}: may not include <{name}>")
    return breaches


def main(folder, list_file):
    lists, rooms = read_lists(list_file)
    computed(lists)
    objects = {room: objects_of(folder, room) for room in rooms}
    objects = {room: paths for room, paths in objects.items() if paths}
    if not objects:
        print(f"rooms: there are no objects in {folder}")
        return 1
    breaches = check_symbols(objects, rooms, lists) + check_monitor(objects) + \
        check_vectors(objects) + check_waits(objects) + check_constructors(objects) + check_includes(objects, folder)
    for breach in sorted(set(breaches)):
        print("rooms: " + breach)
    if not breaches:
        count = sum(len(paths) for paths in objects.values())
        print(f"rooms: {count} objects in {len(objects)} rooms, no breach")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
