# SPDX-License-Identifier: BSD-2-Clause
"""The applications as programs of the host, under AddressSanitizer and UBSan."""

import glob
import os
import re
import socket
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLAGS = ["-std=gnu11", "-g", "-O1", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Wvla",
         "-Wstrict-prototypes", "-Wmissing-prototypes", "-Werror",
         "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def build(app, out, leave_out=(), instead=()):
    """Compile apps/APP to the file `out`: the sources in `instead` stand in for those left out."""
    folder = os.path.join(TOP, "apps", app)
    sources = [s for s in sorted(glob.glob(folder + "/*.c")) if os.path.basename(s) not in leave_out]
    sources += [os.path.join(TOP, "tests", "apps", s) for s in instead]
    os.makedirs(os.path.dirname(out), exist_ok=True)
    done = subprocess.run(["gcc", *FLAGS, "-I", folder, "-o", out, *sources], stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{app} does not compile for the host:\n{done.stderr}")
    return out


def free_port():
    """A port that nobody listens on at the moment."""
    with socket.socket(socket.AF_INET6) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.bind(("::", 0))
        return s.getsockname()[1]


class Server:
    """A program that runs until the end of a `with`; `ready` is a word that it prints on stderr.
    What it prints goes to the file `log`: a pipe that nobody empties would stop it."""

    def __init__(self, argv, log, ready):
        with open(log, "wb") as out:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        until = time.monotonic() + 30
        while ready not in self.printed(log):
            if self.process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise RuntimeError(f"{argv[0]}: {self.printed(log).decode(errors='replace')}")
            time.sleep(0.02)

    @staticmethod
    def printed(log):
        with open(log, "rb") as f:
            return f.read()

    def resident(self):
        """Its memory in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+) kB", f.read())[1]) << 10

    def stop(self, sig=None):
        """Ask it to end (or kill it); returns its exit status."""
        if sig is not None:
            self.process.send_signal(sig)
        return self.process.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
