# SPDX-License-Identifier: BSD-2-Clause
"""pith mkdisk: make a disk with an ext4 file system for an image."""

import os
import subprocess

import packages
from words import NO_START, Failure, parse_size, usage

HELP = "make a disk with an ext4 file system for images that keep data"
EPILOG = """examples:
  pith mkdisk data.img --size 1G
  pith mkdisk data.img --size 64M --from ./content
  pith run APP --disk data.img:/data

The file has holes: it takes what is written to it. docs/disks.md tells more."""

SMALLEST = 2 << 20
# Where mke2fs is for those whose PATH has no place for the administrator's commands.
PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def add_arguments(parser):
    parser.add_argument("file", metavar="FILE", help="the disk that is made")
    parser.add_argument("--size", metavar="SIZE", required=True, help="like 64M or 10G")
    parser.add_argument("--from", dest="source", metavar="DIR",
                        help="copy what the folder has onto it, owners, modes and times included")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def size_of(options):
    try:
        size = parse_size(options.size)
    except ValueError as error:
        raise usage(f"--size: {error}") from error
    if size < SMALLEST:
        raise usage(f"--size: {options.size} is too small for a file system with a journal; 2M is the least")
    return size


def make(path, size, source):
    """Let mke2fs fill a file of that size."""
    with open(path, "wb") as f:
        f.truncate(size)
    words = ["mke2fs", "-q", "-F", "-t", "ext4", "-O", "has_journal,extent", "-E", "lazy_itable_init=0,nodiscard"]
    words += ["-d", source] if source else []
    done = subprocess.run(words + [path], env={**os.environ, "PATH": PLACES}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    if done.returncode:
        os.unlink(path)
        raise Failure(f"mke2fs has failed:\n{done.stdout.strip()}", NO_START)


def run(options, _args):
    size = size_of(options)
    if options.source is not None and not os.path.isdir(options.source):
        raise usage(f"--from: there is no folder {options.source}")
    if os.path.exists(options.file) and not (options.force and os.path.isfile(options.file)):
        raise usage(f"{options.file} is there already" + ("" if options.force else "; --force replaces it"))
    packages.ensure(["/usr/sbin/mke2fs"])
    # What was there stays until the new one is complete.
    new = options.file + ".new"
    try:
        make(new, size, options.source)
        os.replace(new, options.file)
    except OSError as error:
        raise usage(f"{options.file}: {error.strerror}") from error
    return 0
