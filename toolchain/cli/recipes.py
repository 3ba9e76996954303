# SPDX-License-Identifier: BSD-2-Clause
"""What recipes say of themselves (toolchain/packages/make.sh), as far as it has to be known before one is run."""

import os
import re

import packages
from words import TOP

LIBRARIES = os.path.join(TOP, "toolchain", "packages")
SETTING = re.compile(r"(?:^|\s)(needs|host_tools)=(?:\"([^\"]*)\"|(\S*))")


def settings(path):
    """{"needs": words, "host_tools": words} of a recipe's head."""
    found = {"needs": [], "host_tools": []}
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("build()"):
                break
            for name, quoted, plain in SETTING.findall(line.split("#")[0]):
                found[name] += (quoted or plain).split()
    return found


def tools(path):
    """The commands that a recipe and the libraries below it need; what is no recipe needs none."""
    if not os.path.isfile(path):
        return set()
    found = settings(path)
    return set(found["host_tools"]).union(*(tools(library(name)) for name in found["needs"]))


def library(name):
    return os.path.join(LIBRARIES, name + ".recipe")


def ensure_tools(paths):
    """Install what these recipes need, as far as it is known which package has it: make.sh names the rest."""
    wanted = set().union(*(tools(path) for path in paths))
    packages.ensure(sorted(wanted & set(packages.PACKAGE_OF)))
