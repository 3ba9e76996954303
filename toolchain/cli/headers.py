# SPDX-License-Identifier: BSD-2-Clause
"""Checks that each header compiles alone: usage headers.py "COMPILER FLAGS" FOLDER=FLAGS..."""

import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor


def headers_in(folder):
    found = []
    for base, _, files in os.walk(folder):
        found += [os.path.join(base, f) for f in files if f.endswith(".h")]
    return sorted(found)


def check(job):
    """None, or what the compiler says."""
    words, header = job
    done = subprocess.run(words + ["-fsyntax-only", "-x", "c", "-"], check=False, text=True,
                          input=f'#include "{os.path.abspath(header)}"\n',
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return None if done.returncode == 0 else f"headers: {header} does not compile alone\n{done.stdout}"


def main(compiler, folders):
    jobs = []
    for entry in folders:
        folder, flags = entry.split("=", 1)
        words = shlex.split(compiler) + shlex.split(flags)
        jobs += [(words, header) for header in headers_in(folder)]
    if not jobs:
        print("headers: there are none")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [words for words in pool.map(check, jobs) if words]
    for words in failures:
        print(words)
    if not failures:
        print(f"headers: {len(jobs)} compile alone")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
