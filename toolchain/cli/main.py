# SPDX-License-Identifier: BSD-2-Clause
"""The entry of the `pith` command: reads the command line and calls the verb."""

import argparse
import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import packages  # noqa: E402
from words import USAGE, Failure, say  # noqa: E402

VERBS = ("run", "build", "test", "check", "size", "debug", "bench", "add", "mkdisk")

OVERVIEW = """usage: pith VERB ...

  run APP      {run}
  build [APP]  {build}
  test         {test}
  check APP    {check}
  size APP     {size}
  debug APP    {debug}
  bench        {bench}
  add [NAME]   {add}
  mkdisk FILE  {mkdisk}

`pith VERB --help` tells more. Common option: --yes (install what is missing without asking)."""


# Options whose value may begin with a dash.
TAKES_ANYTHING = ("--qemu-arg", "--boot-option", "--batch")


def join_values(words):
    """["--qemu-arg", "-s"] -> ["--qemu-arg=-s"], which argparse would take for another option."""
    joined, rest = [], list(words)
    while rest:
        word = rest.pop(0)
        joined.append(f"{word}={rest.pop(0)}" if word in TAKES_ANYTHING and rest else word)
    return joined


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where help is."""

    def error(self, message):
        message = message[0].lower() + message[1:]
        message = message.replace("unrecognized arguments:", "unknown option:")
        say(f"{message}\n`{self.prog} --help` lists what there is")
        sys.exit(USAGE)


def load(verb):
    return importlib.import_module("verb_" + verb)


def overview():
    return OVERVIEW.format(**{verb: load(verb).HELP for verb in VERBS})


def main(argv):
    # What follows a lone "--" belongs to the program in the guest.
    if "--" in argv:
        cut = argv.index("--")
        argv, program_args = argv[:cut], argv[cut + 1:]
    else:
        program_args = None
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(overview(), file=sys.stdout if argv else sys.stderr)
        return 0 if argv else USAGE
    name = argv[0]
    if name not in VERBS:
        say(f"there is no '{name}'; the verbs are {', '.join(VERBS)}\n`pith --help` tells more")
        return USAGE
    verb = load(name)
    parser = Parser(prog="pith " + name, description=verb.HELP, epilog=verb.EPILOG,
                    formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--yes", action="store_true", help="install what is missing without asking")
    verb.add_arguments(parser)
    options = parser.parse_args(join_values(argv[1:]))
    packages.assume_yes = options.yes
    if program_args and name not in ("run", "debug"):
        parser.error("only run and debug take arguments after --")
    return verb.run(options, program_args)


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except Failure as e:
        say(str(e))
        status = e.status
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:  # who reads has seen enough, as `head` has
        status = 0
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(status)
