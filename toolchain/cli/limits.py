# SPDX-License-Identifier: BSD-2-Clause
"""Checks what has a limit in lines: the monitor as a whole, and every file. Usage: limits.py TOP"""

import os
import sys

MONITOR = "platform/x86/monitor"
MONITOR_LINES = 680
FILE_LINES = 500
KINDS = (".c", ".h", ".S", ".ld", ".py", ".sh", ".mk", ".md", ".in", "Makefile", "pith")
SKIP = {".git", "build", "__pycache__"}


def line_count(path):
    with open(path, "rb") as f:
        return f.read().count(b"\n")


def files_below(top):
    for base, folders, files in os.walk(top):
        folders[:] = sorted(f for f in folders if f not in SKIP)
        for name in sorted(files):
            yield os.path.join(base, name)


def monitor_lines(top):
    """Lines of everything in the monitor's folder, comments and headers too."""
    folder = os.path.join(top, MONITOR)
    return sum(line_count(path) for path in files_below(folder))


def main(top):
    failures = []
    lines = monitor_lines(top)
    if lines > MONITOR_LINES:
        failures.append(f"{MONITOR} has {lines} lines; {MONITOR_LINES} is the limit")
    if lines == 0:
        failures.append(f"{MONITOR} is empty or missing")
    for path in files_below(top):
        if path.endswith(KINDS) and line_count(path) > FILE_LINES:
            failures.append(f"{os.path.relpath(path, top)} has {line_count(path)} lines; "
                            f"{FILE_LINES} is the limit")
    for failure in failures:
        print("limits: " + failure)
    if not failures:
        print(f"limits: the monitor has {lines} of {MONITOR_LINES} lines, no file over {FILE_LINES}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
