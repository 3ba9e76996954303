# SPDX-License-Identifier: BSD-2-Clause
"""What a test run has found: one line per result, and the last line that sums up."""

import os
import sys
import threading
import time

from words import BUILD

LOGS = os.path.join(BUILD, "test")


class Results:
    """Counts and prints; used by several threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = {"ok": 0, "FAIL": 0, "skip": 0}
        self.names = []
        self.own = threading.local()
        self.failures = []
        self.began = time.monotonic()
        os.makedirs(LOGS, exist_ok=True)
        self.file = open(os.path.join(LOGS, "results.txt"), "w", encoding="utf-8")

    def add(self, verdict, name, seconds=0.0, reason=""):
        reason = " ".join(str(reason).split())
        self.first_name = self.first_name or name
        line = f"{verdict} {name} ({seconds:.1f})" + (f" {reason}" if reason else "")
        with self.lock:
            self.count[verdict] += 1
            self.names.append(name)
            if verdict == "FAIL":
                self.failures.append(line)
            self.file.write(line + "\n")
            self.file.flush()
            print(line, flush=True)

    @property
    def first_name(self):
        """The first result of the thread's job; "" before."""
        return getattr(self.own, "name", "")

    @first_name.setter
    def first_name(self, name):
        self.own.name = name

    def names_of(self, suite):
        """All results of a suite so far; the suite's own name may be one of them."""
        with self.lock:
            return {name for name in self.names if name.split("/")[0] == suite}

    def ok(self, name, seconds=0.0, reason=""):
        self.add("ok", name, seconds, reason)

    def fail(self, name, seconds=0.0, reason=""):
        self.add("FAIL", name, seconds, reason)

    def skip(self, name, seconds=0.0, reason=""):
        self.add("skip", name, seconds, reason)

    def check(self, name, seconds, problem):
        """ok without a problem, FAIL with one."""
        if problem:
            self.fail(name, seconds, problem)
        else:
            self.ok(name, seconds)

    def finish(self):
        """Print the last line; the exit status. Nothing passed and nothing failed is a failure."""
        seconds = time.monotonic() - self.began
        if len(self.failures) > 0 and sum(self.count.values()) > 30:
            print("failures again:")
            for line in self.failures:
                print("  " + line)
        print(f"{seconds:.0f} s; logs in {os.path.relpath(LOGS)}")
        print(f"{self.count['ok']} passed, {self.count['FAIL']} failed, {self.count['skip']} skipped")
        sys.stdout.flush()
        return 1 if self.count["FAIL"] or not self.count["ok"] else 0


def log_path(*parts):
    """A file in build/test, its folder made."""
    path = os.path.join(LOGS, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path
