# SPDX-License-Identifier: BSD-2-Clause
"""What the command says and how it ends: exit statuses, messages on stderr, places in the tree."""

import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")

# Exit statuses of pith itself; a program's own status is passed on as it is.
USAGE = 2          # the command line makes no sense
CRASHED = 70       # the guest crashed, or stopped without saying how
NO_START = 71      # the machine or something before it did not start
TIMED_OUT = 124    # as timeout(1)
INTERRUPTED = 130  # as a shell says of SIGINT


class Failure(Exception):
    """Ends the command with words for a person and an exit status."""

    def __init__(self, message, status=NO_START):
        super().__init__(message)
        self.status = status


def usage(message):
    return Failure(message, USAGE)


def say(message):
    """One line (or several) on stderr, marked as ours and not the guest's."""
    for line in message.split("\n"):
        sys.stderr.write("pith: " + line + "\n")
    sys.stderr.flush()


def parse_size(text):
    """Bytes of "32M", "2G", "512K" or a plain number of MiB."""
    units = {"": 20, "K": 10, "M": 20, "G": 30, "T": 40}
    word = text.strip().upper()
    if word.endswith("IB"):
        word = word[:-2]
    elif word.endswith("B"):
        word = word[:-1]
    number = word.rstrip("KMGT")
    unit = word[len(number):]
    if not number.isdecimal() or unit not in units:
        raise ValueError(f"'{text}' is no size; write it like 32M or 1G")
    return int(number) << units[unit]


def format_size(size):
    for unit, shift in (("G", 30), ("M", 20), ("K", 10)):
        if size and size % (1 << shift) == 0:
            return f"{size >> shift}{unit}"
    return str(size)
