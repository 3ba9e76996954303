# SPDX-License-Identifier: BSD-2-Clause
"""Lists the names of libpith.a that no public header mentions: usage private_symbols.py LIB HEADERS...

A program that defines one of them would silently take its place inside of Pith; the compiler wrapper
compares and refuses. Public are the C and POSIX headers, not those of libos/include/pith: who uses these
includes them, and the compiler sees the clash.
"""

import os
import re
import subprocess
import sys


def words_of(folders):
    words = set()
    for folder in folders:
        for base, inner, files in os.walk(folder):
            inner[:] = [d for d in inner if d != "pith"]
            for name in files:
                with open(os.path.join(base, name), encoding="utf-8", errors="replace") as f:
                    words.update(re.findall(r"\w+", f.read()))
    return words


def main(library, folders):
    text = subprocess.run(["nm", "-gP", "--defined-only", library], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    names = {line.split()[0] for line in text.splitlines() if len(line.split()) > 2}
    for name in sorted(names - words_of(folders)):
        print(name)


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    main(sys.argv[1], sys.argv[2:])
