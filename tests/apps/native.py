# SPDX-License-Identifier: BSD-2-Clause
"""The applications as programs of the host, under AddressSanitizer and UBSan."""

import glob
import os
import re
import socket
import subprocess

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
    """A program that runs until the end of a `with`; `ready` is a word that it prints on stderr."""

    def __init__(self, argv, log, ready):
        self.log = open(log, "wb")
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.PIPE)
        seen = b""
        while ready not in seen:
            data = os.read(self.process.stderr.fileno(), 4096)
            self.log.write(data)
            seen += data
            if not data:
                raise RuntimeError(f"{argv[0]} ended: {seen.decode(errors='replace')}")

    def resident(self):
        """Its memory in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+) kB", f.read())[1]) << 10

    def stop(self, sig=None):
        """Ask it to end (or kill it); returns its exit status."""
        if sig is not None:
            self.process.send_signal(sig)
        _, rest = self.process.communicate(timeout=60)
        self.log.write(rest or b"")
        self.log.flush()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.log.close()
