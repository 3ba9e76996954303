# SPDX-License-Identifier: BSD-2-Clause
"""pith check: which functions of a program are partial or absent here, before its first boot."""

import hashlib
import os
import shlex
import textwrap

import elf_symbols
import image
import support
import uses
from words import BUILD, Failure, say, usage

HELP = "list what a program uses that Pith has not, or not wholly"
EPILOG = """APP is a folder below apps/, a folder of sources, an image, objects and archives, a folder with objects in it
(after a link that failed), or a program for Linux, such as /usr/bin/wget.

exit status:
  0 nothing, or only functions that are partial; 1 when one always fails or is absent"""

TITLES = {"partial": "partial", "enosys": "always fails (ENOSYS)", "absent": "absent: the link fails"}
SHOWN = 6  # places per function


def add_arguments(parser):
    parser.add_argument("app", metavar="APP", nargs="+", help="a program, in one of the forms below")
    parser.add_argument("--all", action="store_true", help="every place where a function is used")


def files_below(folder):
    """Objects below a folder; archives only where there are none, since they are made of them."""
    found = {".o": [], ".a": []}
    for base, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            found.get(os.path.splitext(name)[1], []).append(os.path.join(base, name))
    return found[".o"] or found[".a"]


def look(words, names):
    """What the program named by `words` uses."""
    word = words[0]
    if len(words) == 1 and os.path.isdir(word) and word not in image.known():
        files = files_below(word)
        if files:
            image.make(["all"])
            return of_files(files, names)
    if len(words) == 1 and not os.path.isfile(word):
        return of_application(image.find(word), names)
    image.make(["all"])
    for path in words:
        if not os.path.isfile(path):
            raise usage(f"there is no file {path}")
    return of_files(words, names)


def of_application(app, names):
    """Of its image; of its objects when they can't be linked."""
    try:
        image.build([app])
    except Failure:
        objects = files_below(os.path.join(os.path.dirname(app.elf), "obj"))
        link = os.path.join(os.path.dirname(app.elf), "link")
        if os.path.exists(link):
            with open(link, encoding="utf-8") as f:
                objects += [word for word in shlex.split(f.read()) if word.endswith((".o", ".a"))]
        if not objects:
            raise
        say("the link failed; this is about the objects")
        return of_files(objects, names)
    return of_files([app.elf], names)


def of_files(paths, names):
    try:
        objects = [member for path in paths for member in elf_symbols.members(path)]
        linked = [o for o in objects if o.type != elf_symbols.REL]
        if linked and len(objects) > 1:
            raise usage(f"{linked[0].name} is linked already: give it alone")
        if not objects:
            raise usage(f"{paths[0]} has no objects in it")
        if not linked:
            return uses.of_objects(objects, names)
        if any(s.name == ".interp" for s in linked[0].sections):
            return uses.of_linux_program(linked[0], names)
        if not any(s.name.startswith(".pith.") for s in linked[0].sections):
            raise usage(f"{linked[0].name} is neither an image of Pith nor a program that loads libraries")
        return uses.of_image(linked[0], names)
    except elf_symbols.Damaged as e:
        raise usage(str(e)) from e


def wrapped(text, indent):
    return textwrap.fill(text, 100, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
                         break_on_hyphens=False)


def show(title, names, what, instead, where, everything):
    print(wrapped(", ".join(names), ""))
    print(wrapped(title + (": " + what if what else ""), "    "))
    if instead:
        print(wrapped("instead: " + instead, "    "))
    places = sorted({place for name in names for place in where[name]})
    if places:
        more = len(places) - SHOWN if not everything else 0
        shown = places if more <= 0 else places[:SHOWN] + [f"and {more} more (--all)"]
        print(wrapped("used by: " + ", ".join(shown), "    "))
    print()


def report(found, entries, everything):
    """Print it; returns how many functions are in each state."""
    counts = dict.fromkeys(support.STATES, 0)
    for state in reversed(support.STATES):
        for entry in entries:
            names = [name for name in entry.names if name in found.uses]
            if entry.state == state and names:
                counts[state] += len(names)
                show(TITLES[state], names, entry.what, entry.instead, found.uses, everything)
    if found.unknown:
        counts["absent"] += len(found.unknown)
        show("in no library here", sorted(found.unknown), "a library that is not installed (`pith add` lists some), "
             "a function of the program that is not among these files, or one that Pith has not", "",
             found.unknown, everything)
    return counts


def run(options, _args):
    entries = support.read()
    found = look(options.app, set(support.by_name(entries)))
    counts = report(found, entries, options.all)
    if found.cplusplus:
        print("C++: there is no C++ library\n")
    if found.foreign:
        print("compiled with the headers of Linux: build it with x86_64-pith-elf-gcc\n")
    name = options.app[0] + (" ..." if len(options.app) > 1 else "")
    print(f"{name}: {counts['partial']} partial, {counts['enosys']} always fail, {counts['absent']} absent")
    return 1 if counts["enosys"] or counts["absent"] or found.cplusplus else 0


def tell(app):
    """One line about what always fails in an image: once per image, before its first boot."""
    fails = {name for entry in support.read() if entry.state == "enosys" for name in entry.names}
    if not fails & (image.symbols(app.elf) or set()):
        return
    state = os.stat(app.elf)
    stamp = os.path.join(BUILD, "told", hashlib.sha256(app.elf.encode()).hexdigest()[:16])
    if already(stamp, f"{state.st_mtime_ns} {state.st_size}"):
        return
    found = uses.of_image(elf_symbols.members(app.elf)[0], fails)
    if found.uses:
        say(f"{app.name} uses {', '.join(sorted(found.uses))}, which always fail here: "
            f"`pith check {app.folder or os.path.relpath(app.elf)}` says more")


def already(stamp, text):
    """Whether the stamp says so; from now on it does."""
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as f:
            if f.read() == text:
                return True
    os.makedirs(os.path.dirname(stamp), exist_ok=True)
    with open(stamp, "w", encoding="utf-8") as f:
        f.write(text)
    return False
