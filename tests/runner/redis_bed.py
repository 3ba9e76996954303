# SPDX-License-Identifier: BSD-2-Clause
"""Redis in its machine, for the tests: by `pith run`, or behind a tap in a namespace of the test's own.

QEMU's user network lets one client at a time wait for its connection; who opens fifty takes a tap.
"""

import os
import re
import signal
import subprocess
import threading
import time

import accel
import bed
import cases
import image
import nics
from guest import die_with_parent
from machine import Share
from results import log_path
from words import BUILD, TOP, Failure

PORT = 6379


def platform():
    return "kvm" if accel.openable() is None and accel.try_kvm() is None else "tcg"


def folder(name):
    path = os.path.dirname(log_path("programs", "redis-" + name, "x"))
    for file in sorted((os.path.join(where, f) for where, _, files in os.walk(path) for f in files)):
        os.unlink(file)
    return path


def call(words, timeout=60, stdin=b"", more=None):
    """(status, output and errors) of a command; `more` is for its environment."""
    done = subprocess.run(words, input=stdin, env=dict(os.environ, **(more or {})), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, check=False)
    return done.returncode, done.stdout


class Client:
    """Debian's redis-cli, from where the machine is reached."""

    def __init__(self, host, port, prefix=()):
        self.host, self.port, self.prefix = host, port, list(prefix)
        self.last_error = ""  # of fill()
        self.environment = {}  # of redis-cli; other tests run beside this one

    def words(self, *words, tool="redis-cli"):
        return self.prefix + [tool, "-h", self.host, "-p", str(self.port), *words]

    def ask(self, *words, stdin=b"", timeout=60):
        """What redis-cli prints, without the line's end."""
        return call(self.words(*words), timeout, stdin, self.environment)[1].decode(errors="replace").strip()

    def expect(self, want, *words, stdin=b"", timeout=60):
        got = self.ask(*words, stdin=stdin, timeout=timeout)
        if not re.search(want, got):
            raise Failure(f"`{' '.join(words)[:80]}` says {got[:200]!r}, not {want!r}")
        return got

    def wait(self, alive, seconds=60):
        until = time.monotonic() + seconds
        while not self.answers():
            if not alive() or time.monotonic() > until:
                raise Failure("it does not answer PING")
            time.sleep(0.1)

    def answers(self):
        try:
            return self.ask("ping", timeout=5) in ("PONG", "NOAUTH Authentication required.")
        except subprocess.TimeoutExpired:
            return False

    def fill(self, key, count, size=100, first=0):
        """Keys KEY:N, by redis-cli's pipe mode: (answers that are errors, replies in all)."""
        value = os.urandom((size + 1) // 2).hex().encode()[:size]  # which is not compressed
        names = (b"%s:%d" % (key.encode(), n) for n in range(first, first + count))
        sets = b"".join(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(name), name, size, value)
                        for name in names)
        got = self.ask("--pipe", stdin=sets, timeout=300)
        found = re.search(r"errors: (\d+), replies: (\d+)", got)
        if not found:
            raise Failure(f"redis-cli --pipe: {got[-300:]!r}")
        self.last_error = got.splitlines()[0]
        return int(found[1]), int(found[2])


def own_sysfs(prefix):
    """/sys is that of the namespace in which it was mounted; `pith run` looks there for its tap."""
    if not prefix:
        return []
    return [*prefix, "unshare", "--mount", "sh", "-c", 'mount -t sysfs sysfs /sys && exec "$@"', "sh"]


class Running:
    """`pith run redis ...` with a published port, in a `with`; ends with it whatever happens."""

    def __init__(self, name, options=(), args=(), port=PORT, prefix=(), host="127.0.0.1", patience=120):
        self.log = log_path("programs", f"redis-{name}.log")
        words = [os.path.join(TOP, "pith"), "run", "redis", *options]
        if "tap:" not in " ".join(options):
            words += ["-p", f"0:{port}"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(own_sysfs(prefix) + words + (["--", *args] if args else []), cwd=TOP,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=die_with_parent)
        self.client = Client(host, port, prefix)
        self.patience = patience  # seconds until it answers

    @property
    def text(self):
        with open(self.log, "rb") as f:
            return f.read().decode(errors="replace")

    def __enter__(self):
        try:
            if self.client.host == "127.0.0.1":
                until = time.monotonic() + self.patience
                while not re.search(r"tcp port (\d+) of localhost", self.text):
                    if self.process.poll() is not None or time.monotonic() > until:
                        raise Failure(f"pith run redis: {self.text[-300:]}")
                    time.sleep(0.05)
                self.client.port = int(re.search(r"tcp port (\d+) of localhost", self.text)[1])
            self.client.wait(lambda: self.process.poll() is None, self.patience)
            # It may answer before `xl create` has returned, and what cannot be asked to end yet is stopped.
            until = time.monotonic() + 60
            while "Ready to accept connections" not in self.text and time.monotonic() < until:
                time.sleep(0.05)
        except BaseException:
            self.__exit__()
            raise
        return self

    def stop(self, signum=signal.SIGINT, seconds=60):
        """Its status after a signal."""
        self.process.send_signal(signum)
        return self.process.wait(seconds)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Site:
    """A namespace with a tap, in a `with`; `start` boots a machine behind it."""

    def __enter__(self):
        self.ns = bed.Namespace()
        self.tap = self.ns.tap()
        self.guests = []
        self.client = Client(bed.GUEST4, PORT, self.ns.words())
        return self

    def start(self, name, args=(), mem=64, share="", options=(), wait=True, on=None, timeout=1000,
              readonly=False, **more):
        app = image.find("redis")
        guest = bed.Server(self.ns, app.elf, cases.Bed(on or platform(), "microvm"), nics.Nic("tap", tap=self.tap),
                           log_path("programs", f"redis-{name}.log"), mem=mem << 20, args=list(args),
                           options=["stack=1M", *options], shares=[Share(share, "/data", readonly)] if share else [], timeout=timeout,
                           **more)
        self.guests.append(guest)
        if wait:
            self.client.wait(lambda: guest.result is None)
        return guest

    def __exit__(self, *_):
        for guest in self.guests:
            guest.stop()
        self.ns.close()


def press(guest, seconds=60):
    """The power button: the status with which the program ends."""
    threading.Thread(target=guest.guest.asked_to_end, daemon=True).start()
    return guest.ended(seconds)


def source():
    """Redis' own tree, as the recipe has unpacked it."""
    return os.path.join(BUILD, "redis", "source")
