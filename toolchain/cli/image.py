# SPDX-License-Identifier: BSD-2-Clause
"""Applications and their images: finding the folder, building it, reading the ELF's outline."""

import contextlib
import fcntl
import os
import struct
import subprocess
import sys

import packages
import recipes
from words import BUILD, NO_START, TOP, Failure, usage


class Application:
    """A folder with C files, or an image that somebody has built already."""

    def __init__(self, folder, elf, prebuilt=False):
        self.folder = folder  # as make is to see it: relative to TOP where it lies below
        self.full_folder = folder and os.path.join(TOP, folder)
        self.elf = elf
        self.prebuilt = prebuilt
        self.name = os.path.splitext(os.path.basename(elf))[0]


def known():
    """Names of the applications below apps/."""
    apps = os.path.join(TOP, "apps")
    if not os.path.isdir(apps):
        return []
    return sorted(name for name in os.listdir(apps) if has_sources(os.path.join(apps, name)))


def has_sources(folder):
    return os.path.isdir(folder) and any(f.endswith((".c", ".S")) or f == "recipe" for f in os.listdir(folder))


def has_recipe(name):
    """Whether an application's source is somebody else's, to be fetched."""
    return os.path.isfile(os.path.join(TOP, "apps", name, "recipe"))


def find(word):
    """The application that `word` names: below apps/, a path to a folder, or a built image."""
    if os.path.isfile(word):
        with open(word, "rb") as f:
            if f.read(4) != b"\x7fELF":
                raise usage(f"{word} is a file but no ELF image; APP is a folder or an image")
        return Application(None, os.path.abspath(word), prebuilt=True)
    for folder in (os.path.join(TOP, "apps", word), word):
        if os.path.isdir(folder):
            if not has_sources(folder):
                raise usage(f"{folder} has no .c file and no recipe, so it is no application")
            return Application(*places(folder))
    raise usage(f"there is no application '{word}'\n"
                f"known: {', '.join(known()) or 'none yet'}; or give the path of a folder or image")


def places(folder):
    """(folder for make, image) of an application's folder; the Makefile has the same rule."""
    full = os.path.realpath(folder)
    relative = os.path.relpath(full, os.path.realpath(TOP))
    inside = not relative.startswith("..")
    if not inside and any(c in full for c in " \t:$#%'\"\\"):
        raise usage(f"{full}: make can't build in a path with such characters")
    name = os.path.basename(full)
    if not inside:
        return full, os.path.join(BUILD, "outside" + full, name + ".elf")
    out = relative[len("apps/"):] if relative.startswith("apps/") else relative
    return relative, os.path.join(BUILD, out, name + ".elf")


def make(goals, quiet=False):
    """Run make for `goals`; its words are progress on stderr.

    What several applications share is built by one make at a time, while no other runs; after that, each application
    is built by one at a time. So nobody waits while some other program compiles for minutes."""
    packages.ensure(packages.BUILD)
    folders = [folder for goal in goals if goal.startswith("APP=") for folder in goal[len("APP="):].split()]
    recipes.ensure_tools(os.path.join(TOP, folder, "recipe") for folder in folders)
    shared = ["lib"] if folders else goals
    with contextlib.ExitStack() as held:
        tree = held.enter_context(lock("tree", fcntl.LOCK_SH))
        if call_make(["-q"] + shared, True).returncode:
            fcntl.flock(tree, fcntl.LOCK_EX)
            checked(shared, quiet)
            fcntl.flock(tree, fcntl.LOCK_SH)
        for folder in sorted(set(folders)):
            held.enter_context(lock("app:" + folder.replace("/", ":")))
        if folders:
            checked(goals, quiet)


@contextlib.contextmanager
def lock(name, how=fcntl.LOCK_EX):
    """A lock of this tree's; waits for it."""
    os.makedirs(os.path.join(BUILD, "locks"), exist_ok=True)
    with open(os.path.join(BUILD, "locks", name[-200:]), "w", encoding="ascii") as file:
        fcntl.flock(file, how)
        yield file


def call_make(words, quiet):
    return subprocess.run(["make", "-s", "--no-print-directory", "-C", TOP, f"-j{os.cpu_count() or 1}"] + words,
                          stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE if quiet else sys.stderr,
                          stderr=subprocess.STDOUT if quiet else None)


def checked(words, quiet):
    done = call_make(words, quiet)
    if done.returncode:
        if quiet:
            sys.stderr.write(done.stdout.decode(errors="replace"))
        raise Failure("the build failed, see above", NO_START)


def build(apps, quiet=False):
    """Bring the images of `apps` up to date."""
    folders = [app.folder for app in apps if not app.prebuilt]
    if folders:
        make(["app", "APP=" + " ".join(folders)], quiet)


def memory_end(elf):
    """The address after the last byte that the image occupies when it is loaded."""
    end = 0
    with open(elf, "rb") as f:
        header = f.read(64)
        if len(header) < 64 or header[:5] != b"\x7fELF\x02":
            raise Failure(f"{elf} is no 64-bit ELF image")
        (phoff,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        if phoff + size * count > os.path.getsize(elf):
            raise Failure(f"{elf} is broken: its program headers lie behind its end")
        f.seek(phoff)
        table = f.read(size * count)
    for i in range(count):
        kind, _, _, _, paddr, _, memsz, _ = struct.unpack_from("<IIQQQQQQ", table, i * size)
        if kind == 1:  # PT_LOAD
            end = max(end, paddr + memsz)
    return end


def symbols(elf):
    """The names in the image's symbol table; None when it is stripped."""
    with open(elf, "rb") as f:
        data = f.read()
    (shoff,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    headers = [struct.unpack_from("<IIQQQQII", data, shoff + i * size) for i in range(count)]
    for _, kind, _, _, offset, length, link, _ in headers:
        if kind == 2 and link < count:  # SHT_SYMTAB; its names are in section `link`
            names = headers[link][4]
            found = set()
            for at in range(offset, offset + length, 24):
                start = names + struct.unpack_from("<I", data, at)[0]
                found.add(data[start:data.index(b"\0", start)].decode())
            return found
    return None


# One of these is in an image that may open a network card: the stack's start, or raw frames.
NETWORK = {"net_start", "netdev_at", "netdev_find"}

# What an image has that hears the power button.
POWER = {"stop_requested"}


def mounts(elf, kind):
    """Whether file systems of that kind (9p, ext4) can be mounted; of a stripped image nobody knows, so yes."""
    found = symbols(elf)
    return found is None or "mount_" + kind in found


def can_be_asked(elf):
    """Whether the power button reaches the program; of a stripped image nobody knows, so yes."""
    found = symbols(elf)
    return found is None or bool(found & POWER)


def uses_network(elf):
    """Whether a card would be of any use; of a stripped image nobody knows, so yes."""
    found = symbols(elf)
    return found is None or bool(found & NETWORK)
