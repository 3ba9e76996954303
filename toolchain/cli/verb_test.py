# SPDX-License-Identifier: BSD-2-Clause
"""pith test: build what the tests need and run them."""

import os
import sys

import packages
from words import TOP, usage

HELP = "run the tests"
EPILOG = """suites: unit checks toolchain docs apps programs nginx boot guest net conform torture xen cli; SUITE/NAME runs a part.
`full` runs every case on every bed and takes longer.
Results are one per line; the last line is `N passed, N failed, N skipped`.
Logs stay in build/test; times.txt there says when each job ran. The exit status is 0 when something ran and nothing failed."""


def add_arguments(parser):
    parser.add_argument("what", metavar="SUITE", nargs="*", help="suites (default: all), or `full`")
    parser.add_argument("--full", action="store_true", help="the same as `full`")
    # Half of a test's time is waiting.
    parser.add_argument("--jobs", metavar="N", default=str(2 * (os.cpu_count() or 1)),
                        help="how many run at once (default: two for each CPU)")


def run(options, _args):
    if not options.jobs.isdecimal() or int(options.jobs) < 1:
        raise usage(f"--jobs: '{options.jobs}' is no number of at least 1")
    packages.ensure(packages.BUILD + packages.QEMU + packages.GDB)
    sys.path.insert(0, os.path.join(TOP, "tests"))
    import run as runner  # pylint: disable=import-outside-toplevel
    return runner.run(options.what + (["full"] if options.full else []), int(options.jobs))
