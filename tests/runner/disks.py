# SPDX-License-Identifier: BSD-2-Clause
"""Raw disks for tests. A "pattern" disk holds at each 8-byte offset o the number o * PATTERN mod 2^64,
little endian: a guest writes or checks any part of it without knowing the rest."""

import os
import random
from array import array

from words import parse_size

PATTERN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def pattern(start, length):
    """Bytes of the pattern; start and length are multiples of 8."""
    words = array("Q", ((o * PATTERN) & MASK for o in range(start, start + length, 8)))
    return words.tobytes()


def make(path, description):
    """Create a disk as `disk: SIZE KIND` says."""
    size, kind = (description.split() + ["zero"])[:2]
    size = parse_size(size)
    with open(path, "wb") as f:
        if kind == "pattern":
            f.write(pattern(0, size))
        elif kind == "random":
            f.write(random.Random(size).randbytes(size))
        elif kind == "zero":
            f.truncate(size)
        else:
            raise ValueError(f"disk: '{kind}' is none of zero, random, pattern")


def problem(path, kind):
    """What is wrong with a disk that ought to hold `kind`, or None."""
    size = os.path.getsize(path)
    if kind != "pattern":
        raise ValueError(f"disk-after: '{kind}' is not pattern")
    step = 1 << 20
    with open(path, "rb") as f:
        for start in range(0, size, step):
            have, want = f.read(step), pattern(start, min(step, size - start))
            if have != want:
                bad = next(i for i in range(0, len(want), 8) if have[i:i + 8] != want[i:i + 8])
                return f"the disk is wrong at byte {start + bad}"
    return None
