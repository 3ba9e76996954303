# SPDX-License-Identifier: BSD-2-Clause
"""run.cfg in an application's folder: with what `pith run` starts it when nothing else is said.

    publish: 8080:8080 http   a port as after -p; with "http" its address is printed (repeatable)
    mem: 32M                  as after --mem
    net: user                 as after --net
    option: loglevel=2        as after --boot-option (repeatable)
    env: NAME=VALUE           a variable, as after -e (repeatable)
    args: /www --quiet        the program's arguments when none are given, shell quotes understood

One -p on the command line replaces all of `publish`, one --net all of `net`. `#` starts a comment.

Variables come from here, then from each --env-file, then from each -e; what comes later counts. A file of
variables has lines NAME=VALUE, in which the value is what follows to the end of the line, without quoting.
"""

import os
import re
import shlex
from dataclasses import dataclass, field

import nics
from words import usage

NAME = "run.cfg"
LISTS = ("publish", "net", "option", "env")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^\0]*", re.DOTALL)
SINGLE = ("mem", "args")


@dataclass
class Config:
    publish: list = field(default_factory=list)  # of nics.Port
    net: list = field(default_factory=list)      # words as after --net
    option: list = field(default_factory=list)
    env: list = field(default_factory=list)      # NAME=VALUE
    mem: str = ""
    args: list = field(default_factory=list)


def port(value):
    words = value.split()
    if len(words) not in (1, 2) or words[1:] not in ([], ["http"]):
        raise usage(f"publish: '{value}' is not like `8080:8080` or `8080:8080 http`")
    found = nics.parse_port(words[0])
    found.scheme = "http" if words[1:] else ""
    return found


def parse(text, where):
    found = Config()
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or key not in LISTS + SINGLE:
            raise usage(f"{where}:{number}: '{key}' is no key; they are {', '.join(LISTS + SINGLE)}")
        try:
            if key == "publish":
                value = port(value)
            elif key == "args":
                value = shlex.split(value)
            elif key == "env" and not VARIABLE.fullmatch(value):
                raise ValueError(f"env: '{value}' is not like NAME=VALUE")
        except ValueError as e:
            raise usage(f"{where}:{number}: {e}") from e
        if key in LISTS:
            getattr(found, key).append(value)
        else:
            setattr(found, key, value)
    return found


def variables(text, where):
    """The NAME=VALUE lines of a file of variables."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not VARIABLE.fullmatch(line):
            raise usage(f"{where}:{number}: '{line}' is not like NAME=VALUE")
        found.append(line)
    return found


def read_variables(path):
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as f:
            return variables(f.read(), path)
    except OSError as e:
        raise usage(f"--env-file: {path}: {e.strerror}") from e


def merged(*sources):
    """One list of NAME=VALUE out of several; the last one of a name counts."""
    found = {}
    for variable in (v for source in sources for v in source):
        name, _, value = variable.partition("=")
        found[name] = value
    return [f"{name}={value}" for name, value in found.items()]


def read(app):
    """The Config of an application; an image that somebody has built has none."""
    path = os.path.join(app.full_folder, NAME) if app.full_folder else ""
    if not os.path.exists(path):
        return Config()
    with open(path, encoding="utf-8") as f:
        return parse(f.read(), path)
