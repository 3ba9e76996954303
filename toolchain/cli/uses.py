# SPDX-License-Identifier: BSD-2-Clause
"""Which functions of the table in toolchain/cli/support.list a program uses, and where.

Of an image: what is in it after the link, and who refers to it. Of objects and archives: what they leave
undefined. Of a program for Linux: what it takes from glibc.
"""

import os
import re
import subprocess
from dataclasses import dataclass, field

import elf_symbols
from support import Libraries
from words import BUILD, usage

# What glibc's headers make of a name, and so no program has written.
GLIBC = re.compile(r"__(?:isoc99|isoc23)_(\w+)|__(\w+)_chk|__(open|openat|open64|openat64)_2|(\w+)64")
FOREIGN = re.compile(r"__\w+_chk|__isoc(99|23)_\w+|__errno_location|__ctype_b_loc|__libc_start_main|__open(at)?(64)?_2")
OTHERS = {"__xstat": "stat", "__lxstat": "lstat", "__fxstat": "fstat", "__register_atfork": "pthread_atfork",
          "__sigsetjmp": "sigsetjmp", "__dcgettext": "dcgettext", "_setjmp": "setjmp", "__fdelt_chk": "select"}
MACROS = {"stdin", "stdout", "stderr", "errno", "sigsetjmp", "siglongjmp"}  # of the headers
PITHS = re.compile(r"\?|(.*/)?libos/(libc|fs|net|core)/")  # where a function of Pith has its source; newlib has none
CPLUSPLUS = re.compile(r"_Z\w+|__cxa_(?!finalize|atexit)\w+|__gxx_personality_v0")


@dataclass
class Found:
    """What was found out about a program."""

    uses: dict = field(default_factory=dict)     # {name: [where, ...]}
    unknown: dict = field(default_factory=dict)  # undefined, and in no library: {name: [where, ...]}
    foreign: bool = False                        # compiled with the headers of another system
    cplusplus: bool = False


def of_image(elf, names):
    """The uses of an image, its libraries' own left out."""
    if not any(s.kind == elf_symbols.FUNC for s in elf.symbols):
        raise usage(f"{elf.name} is stripped: link it without -s")
    libraries = Libraries(BUILD)
    found, places = Found(), {}
    for name, callers in elf.uses(names - of_program(elf, names)).items():
        for address, symbol in callers.items():
            if symbol is None or not libraries.have(symbol):
                places.setdefault(name, {})[address] = symbol.name if symbol else "?"
    lines = source_lines(elf.name, sorted({a for where in places.values() for a in where}))
    for name, where in places.items():
        found.uses[name] = sorted({f"{caller} ({lines[a]})" if lines.get(a) else caller
                                   for a, caller in where.items()})
    return found


def of_program(elf, names):
    """Those of `names` that the program defines itself, as debugging information has it."""
    where = {s.value: s.name for s in elf.symbols if s.name in names and s.section != elf_symbols.UNDEFINED}
    paths = addr2line(elf.name, sorted(where))
    return {name for address, name in where.items() if not PITHS.match(paths[address])}


def addr2line(path, addresses):
    """{address: "path:line"}, ?? where nothing says it."""
    if not addresses:
        return {}
    text = subprocess.run(["addr2line", "-e", path], input="\n".join(f"{a:#x}" for a in addresses),
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, text=True).stdout
    return dict(zip(addresses, text.splitlines()))


def source_lines(path, addresses):
    """{address: "file:line"}, as far as the image was compiled with -g."""
    lines = {a: re.sub(r" \(discriminator \d+\)", "", line) for a, line in addr2line(path, addresses).items()}
    return {a: os.path.basename(line) for a, line in lines.items() if not line.startswith("?") and
            not line.endswith(("?", ":0"))}


def of_objects(objects, names):
    """The uses of objects that are to be linked together."""
    own = set().union(*(o.defined() for o in objects))
    have = Libraries(BUILD).names | installed()
    found, places = Found(), {}
    for o in objects:
        who = o.references()
        for name in o.undefined() - own:
            places.setdefault(name, set()).update(
                f"{caller} ({short(o.name)})" if caller != o.name else short(o.name) for caller in who.get(name, {o.name}))
    for name, where in places.items():
        found.foreign |= FOREIGN.fullmatch(name) is not None
        found.cplusplus |= CPLUSPLUS.fullmatch(name) is not None
        if name in names:
            found.uses[name] = sorted(where)
        elif name not in have and not FOREIGN.fullmatch(name) and not CPLUSPLUS.fullmatch(name):
            found.unknown[name] = sorted(where)
    if found.foreign:  # glibc's own names say nothing more
        found.uses.update({plain(name): sorted(where) for name, where in places.items() if plain(name) in names})
        found.unknown = {name: where for name, where in found.unknown.items()
                         if plain(name) not in have | set(names) | MACROS}
    return found


def short(path):
    """A path as one would write it here."""
    here = os.path.relpath(path) if os.path.isabs(path) else path
    return path if here.startswith("..") else here


def installed():
    """What the libraries of `pith add` define; the linker script's names too."""
    folder = os.path.join(BUILD, "sysroot", "usr", "lib")
    names = {"main", "_GLOBAL_OFFSET_TABLE_"}
    for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if file.endswith(".a"):
            for member in elf_symbols.members(os.path.join(folder, file)):
                names |= member.defined()
    return names


def plain(name):
    """The function that a program has called, of the name that glibc's headers made of it."""
    match = GLIBC.fullmatch(name)
    found = OTHERS.get(name) or (next(g for g in match.groups() if g) if match else name)
    return found.removesuffix("64") if len(found) > 4 else found


def of_linux_program(elf, names):
    """What a program that was linked for Linux takes from glibc."""
    text = subprocess.run(["nm", "-D", "--undefined-only", elf.name], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False, text=True).stdout
    words = [line.split()[-1] for line in text.splitlines() if line.split()]
    found = Found(foreign=True, cplusplus=any("@GLIBCXX" in w or "@CXXABI" in w for w in words))
    have = Libraries(BUILD).names
    for name in sorted({plain(w.partition("@")[0]) for w in words if "@GLIBC_" in w}):
        if name in names:
            found.uses[name] = []
        elif not name.startswith("_") and name not in have | MACROS:
            found.unknown[name] = []
    return found
