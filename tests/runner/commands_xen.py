# SPDX-License-Identifier: BSD-2-Clause
"""Tests of `pith run --on xen-pv` and `xen-pvh`: guests of a real Xen, in the bed on this machine."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

import bed
import clients
from pith_command import PITH, PROBE, Skip, Wrong, expect, pith
from words import CRASHED, INTERRUPTED, TIMED_OUT, TOP

LIMIT = 120  # seconds; the bed's start is most of it


def run(kind, *words, options=(), **more):
    return pith("run", PROBE, "--on", "xen-" + kind, *options, "--", *words, timeout=LIMIT, **more)


def carries(kind):
    """Every byte goes in and comes out again, and only the program's."""
    def test():
        data = bytes(range(256)) * 64
        expect(run(kind, "cat", stdin=data), 0, data, f"running on xen-{kind}, a guest of")
    return test


def ends(kind):
    """Statuses, words for the program, what looks like the end and is none, a crash, a time limit."""
    def test():
        said = bytes(range(256)) + b"\n[pith-exit 0123456789abcdef 5]\n[pith-exit "
        expect(run(kind, "bytes"), 0, said)
        expect(run(kind, "exit", "7"), 7, b"")
        words = ["a b", "c\"d'e", "f\\g", "$h"]
        expect(run(kind, "args", *words), 0, "".join(f"[{w}]\n" for w in words).encode())
        expect(run(kind, "env", "NAME", options=["-e", 'NAME=v "w"']), 0, b'v "w"\n')
        done = run(kind, "time")
        if done.returncode or abs(int(done.stdout) - time.time()) > 300:
            raise Wrong(f"its time is {done.stdout!r}, ours {time.time():.0f}")
        done = run(kind, "null")
        expect(done, CRASHED, None, "the guest crashed")
        if b"Crash: page fault, write to 0x0" not in done.stdout:
            raise Wrong(f"no crash report: {done.stdout[-300:]!r}")
        expect(run(kind, "spin", options=["--timeout", "2"]), TIMED_OUT, b"spinning\n", "stopped after 2 s")
    return test


class Served:
    """`pith run` of the network tests' peer in a namespace: two cards, of QEMU's user network and a tap, and
    published ports."""

    def __init__(self, kind, folder):
        self.ns = bed.Namespace()
        words = ["run", bed.PEER, "--on", "xen-" + kind, "--boot-option", "loglevel=2",
                 "--net", "user", "-p", "0:7", "-p", "0:7/udp",
                 "--net", "tap:" + self.ns.tap(), "--mac", "02:00:00:00:00:01", "--mac", "02:00:00:00:00:02",
                 "--boot-option", f"net.eth1={bed.GUEST4}/24"]
        # The /sys of a namespace shows its taps.
        inside = ["unshare", "--mount", "sh", "-c", 'mount -t sysfs sysfs /sys && exec "$@"', "sh"]
        self.log = os.path.join(folder, "said")
        with open(self.log, "wb") as log:
            self.process = self.ns.start(*inside, PITH, *words, cwd=TOP, stdin=subprocess.DEVNULL,
                                         stdout=log, stderr=subprocess.STDOUT)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def hear(self, pattern):
        until = time.monotonic() + LIMIT
        while not (found := re.search(pattern, self.said(), re.MULTILINE)):
            if self.process.poll() is not None or time.monotonic() > until:
                raise Wrong(f"it did not say /{pattern}/: {self.said()[-500:]}")
            time.sleep(0.05)
        return found

    def check(self):
        """A Failure of bed.Host when it has ended."""
        if self.process.poll() is not None:
            raise Wrong(f"it has ended: {self.said()[-500:]}")


def serves(kind):
    """Each card and each published port leads to the guest, and Ctrl-C ends it."""
    def test():
        why = bed.why_not()
        if why:
            raise Skip(why)
        with tempfile.TemporaryDirectory() as folder:
            served = Served(kind, folder)
            try:
                served.hear("^ready")
                for number, mac in enumerate(("02:00:00:00:00:01", "02:00:00:00:00:02")):
                    served.hear(rf"eth{number}: .*{mac}")
                tcp, udp = (int(served.hear(rf"{protocol} port (\d+) of localhost is the guest's port 7")[1])
                            for protocol in ("tcp", "udp"))
                for address, ports in (("127.0.0.1", (tcp, udp)), (bed.GUEST4, (clients.ECHO, clients.ECHO))):
                    host = bed.Host(served.ns, address)
                    host.check = served.check
                    word = "to " + address
                    if host.ask(word, ports[1], LIMIT) != word:
                        raise Wrong(f"{address}: a datagram came back as another")
                    host.reach(address, ports[0])
                    with served.ns.connect(address, ports[0]) as sock:
                        sock.sendall(word.encode())
                        sock.shutdown(socket.SHUT_WR)
                        echo = sock.makefile("rb").read()
                        if echo != word.encode():
                            raise Wrong(f"{address}: {word!r} came back as {echo!r}")
                served.process.send_signal(signal.SIGINT)
                status = served.process.wait(30)
                if status != INTERRUPTED:
                    raise Wrong(f"status {status} after Ctrl-C: {served.said()[-300:]}")
            finally:
                served.ns.close()
    return test


def files(kind):
    """Disks and an initrd, in as much memory as is asked for."""
    def test():
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "root"))
            want, words = b"", ["sha256", "--on", "xen-" + kind, "--mem", "24M",
                                "--initrd", os.path.join(folder, "root")]
            for name, there, size in (("root/a file", "/a file", 4096), ("first, disk", "/dev/vda", 1 << 20),
                                      ("second", "/dev/vdb", 3 << 20)):
                data = os.urandom(size)
                with open(os.path.join(folder, name), "wb") as f:
                    f.write(data)
                words += ["--disk", f.name] if there.startswith("/dev") else []
                want += f"{hashlib.sha256(data).hexdigest()}  {there}\n".encode()
            expect(pith("run", *words, "--", "/a file", "/dev/vda", "/dev/vdb", timeout=LIMIT), 0, want)
    return test


def stops(kind):
    """Ctrl-C at one that can't be asked to end stops the machine at once."""
    def test():
        process = subprocess.Popen([PITH, "run", PROBE, "--on", "xen-" + kind, "--", "spin"], cwd=TOP,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            if process.stdout.readline() != b"spinning\n":
                raise Wrong("the guest did not begin to spin")
            process.send_signal(signal.SIGINT)
            status = process.wait(30)
        finally:
            process.kill()
            process.communicate()
        if status != INTERRUPTED:
            raise Wrong(f"status {status} after Ctrl-C")
    return test


def does_not_start():
    with tempfile.TemporaryDirectory() as folder:
        image = os.path.join(folder, "broken.elf")
        with open(image, "wb") as f:
            f.write(b"\x7fELF\2\1\1" + bytes(100))
        done = pith("run", image, "--on", "xen-pv", timeout=LIMIT)
        expect(done, 71, b"", "xl create")


QUICK = {f"xen-{kind}": carries(kind) for kind in ("pv", "pvh")}
FULL = {f"xen-{kind}-files": files(kind) for kind in ("pv", "pvh")} | \
    {f"xen-{kind}-ends": ends(kind) for kind in ("pv", "pvh")} | \
    {f"xen-{kind}-serves": serves(kind) for kind in ("pv", "pvh")} | \
    {"xen-pv-stops": stops("pv"), "xen-broken": does_not_start}
