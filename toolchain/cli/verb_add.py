# SPDX-License-Identifier: BSD-2-Clause
"""pith add: install third-party libraries into the sysroot, from their recipes."""

import glob
import os
import subprocess
import sys

import image
import packages
import recipes
from words import BUILD, NO_START, TOP, Failure, usage

HELP = "install libraries (zlib, pcre2, ...) for programs to link with"
EPILOG = """Without NAME it lists what there is. The sources come from Debian's source packages, checked against
toolchain/packages/pins; afterwards -lNAME, pkg-config, CMake and configure find them."""

FOLDER = os.path.join(TOP, "toolchain", "packages")


def add_arguments(parser):
    parser.add_argument("names", metavar="NAME", nargs="*", help="libraries")


def known():
    """{name: what it is}, as the first line of each recipe says."""
    found = {}
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.recipe"))):
        with open(path, encoding="utf-8") as f:
            found[os.path.basename(path).removesuffix(".recipe")] = f.readline().lstrip("# ").strip()
    return found


def run(options, _args):
    libraries = known()
    if not options.names:
        for name, text in libraries.items():
            print(f"{name:<10} {text}")
        return 0
    for name in options.names:
        if name not in libraries:
            raise usage(f"there is no library '{name}'; there are {', '.join(libraries)}")
    packages.ensure(packages.BUILD)
    recipes.ensure_tools(recipes.library(name) for name in options.names)
    image.make(["all"])
    for name in options.names:
        done = subprocess.run(["sh", os.path.join(FOLDER, "make.sh"), "library", name], check=False,
                              stdin=subprocess.DEVNULL, stdout=sys.stderr)
        if done.returncode:
            raise Failure(f"{name} could not be installed, see above", NO_START)
    print(os.path.relpath(os.path.join(BUILD, "sysroot", "usr")))
    return 0
