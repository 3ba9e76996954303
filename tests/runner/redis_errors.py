# SPDX-License-Identifier: BSD-2-Clause
"""Redis on a disk that fails or is full: it says and does what Debian's does on Linux, nothing that was acknowledged is
lost, and the next start goes on."""

import os
import re
import shutil
import socket
import subprocess
import time

import bed
import blockerrors
import blocklog
import cuts
from machine import Disk
from redis_bed import Site, press
from redis_cuts import ALWAYS, MOUNT, Resp, native
from words import Failure

SECOND = ["--appendonly", "yes", "--appendfsync", "everysec"]
KEYS = 60
FSYNC = r"Can't persist AOF for fsync error when the AOF fsync policy is 'always': Input/output error\. Exiting\.\.\."
WRITE = r"Can't recover from AOF write error when the AOF fsync policy is 'always'\. Exiting\.\.\."


def value(n):
    return f"{n}:" + "v" * (n * 337 % 9000)


def fill(connection, count=KEYS, of=value, first=0):
    """SET k0, k1, ... until it is refused or over: (how many were acknowledged, the refusal)."""
    for n in range(first, first + count):
        try:
            if connection.ask("SET", f"k{n}", of(n)) != "OK":
                raise Failure("SET is not answered with OK")
        except (Failure, OSError, ValueError) as e:
            return n, str(e)
    return first + count, ""


class Trial:
    """A disk with an empty file system, and the machines that use it."""

    def __init__(self, name):
        self.folder = cuts.folder("redis-errors-" + name)
        cuts.remove(self.folder)
        os.makedirs(self.folder)
        self.disk = os.path.join(self.folder, "disk.img")
        cuts.make_disk(self.disk, 24 << 20)

    def run(self, args, work, qemu=None, wait=True):
        """(what `work(connection)` returns, the ended machine)."""
        with Site() as site:
            more = {"qemu_args": qemu} if qemu else {"disks": [Disk(self.disk)]}
            guest = site.start("errors", args, options=[MOUNT], wait=wait, **more)
            found = None
            if work:
                with site.ns.connect(bed.GUEST4, 6379, 60) as sock:
                    found = work(Resp(sock))
            if not wait:
                guest.ended(20)
            elif guest.ended(0.5) is None:
                press(guest)
            return found, guest

    def keeps(self, acknowledged, args=ALWAYS, of=value):
        """Linux finds all that was acknowledged, before the next start has touched the disk; so does the image then."""
        folder, copy = os.path.join(self.folder, "taken"), os.path.join(self.folder, "copy.img")
        shutil.copyfile(self.disk, copy)
        blocklog.check(copy)
        blocklog.take_out(copy, "/", folder)
        with native(folder, *args) as redis:
            here = redis.everything()
        cuts.remove(folder)
        there, guest = self.run(args, lambda c: (c.everything(), fill(c, 5, first=1000)))
        if guest.result is None or guest.result.status:
            return f"the next start ends with {guest.result}: {guest.text[-300:]!r}"
        blocklog.check(self.disk)
        for who, found in (("Linux", here), ("the next start", there[0])):
            lost = [n for n in range(acknowledged) if found.get(f"k{n}") != of(n)]
            if lost:
                return f"{who}: {len(lost)} of {acknowledged} acknowledged are lost, like k{lost[0]}"
        return None if there[1][0] == 1005 else f"the next start does not go on: {there[1]}"


def need(what, said):
    if not what:
        raise Failure(said)


def said(guest, words, status):
    need(guest.result is not None and not guest.result.crashed and guest.result.status == status and re.search(words, guest.text),
         f"not {status} and {words}: {guest.result}: {guest.text[-400:]!r}")


def always():
    """With an fsync for each command: whatever fails, it ends as everywhere."""
    for kind, n, once, errno in (("flush", 30, True, blockerrors.EIO), ("write", 41, False, blockerrors.EIO),
                                 ("write", 61, True, blockerrors.ENOSPC)):
        trial = Trial("always")
        (acknowledged, _), guest = trial.run(ALWAYS, fill, blockerrors.words(trial.disk, kind, n, once, errno))
        need(0 < acknowledged < KEYS, f"{kind}: {acknowledged} of {KEYS} were acknowledged")
        said(guest, FSYNC, 1)
        need("the file system is read-only from now on" in guest.text, f"the log is silent: {guest.text[-300:]!r}")
        wrong = trial.keeps(acknowledged)
        need(not wrong, f"{kind} {n}: {wrong}")


def each_second():
    """With an fsync each second: writing is refused, reading goes on, and the machine lives."""
    trial = Trial("second")

    def work(c):
        acknowledged, refused = fill(c, 20)
        until = time.monotonic() + 60
        while not refused and time.monotonic() < until:
            time.sleep(0.1)
            acknowledged, refused = fill(c, 1, first=acknowledged)
        need("MISCONF Errors writing to the AOF file" in refused, f"writing is answered with {refused}")
        need(c.ask("GET", "k1") == value(1), "reading does not go on")
        c.send(["SAVE"])
        need("ERR" in (refusal(c) or ""), "SAVE is not refused")
        c.send(["SHUTDOWN", "NOSAVE"])
    _, guest = trial.run(SECOND, work, blockerrors.words(trial.disk, "flush", 12))
    said(guest, "Input/output error", 0)
    need("rite error saving DB on disk" in guest.text or "Failed opening the temp RDB file" in guest.text, guest.text[-400:])
    wrong = trial.keeps(0, SECOND)
    need(not wrong, wrong)


def refusal(connection):
    try:
        return connection.reply() and None
    except Failure as e:
        return str(e)


def reads():
    """Read errors while it starts: its own words, and not a byte of what is there is touched."""
    trial = Trial("reads")
    (acknowledged, refused), guest = trial.run(ALWAYS, fill)
    need(acknowledged == KEYS and guest.result.status == 0, f"{refused}: {guest.result}")
    _, guest = trial.run(ALWAYS, None, blockerrors.words(trial.disk, "read", 2), wait=False)
    said(guest, "Can't open or create append-only dir appendonlydir: Input/output error", 1)
    # Which read is the first one of the file depends on what is read before; one of these is.
    for n in range(15, 25):
        _, guest = trial.run(ALWAYS, None, blockerrors.words(trial.disk, "read", n), wait=False)
        need("Ready to accept" not in guest.text, f"with the {n}th read failing it serves: {guest.text[-300:]!r}")
        said(guest, "", 1)
        if re.search(r"Unrecoverable error reading the append only file \S*incr\.aof: Input/output error", guest.text):
            break
    wrong = trial.keeps(acknowledged)
    need(not wrong, wrong)


# ---- no room ----

def big(n):
    return f"{n}:" + "v" * 20000


def last_words(text):
    """What Redis has said of the AOF, without times and numbers."""
    lines = re.findall(r"\d+:M .*? [#*] (.*)", text)
    return [re.sub(r"\d+", "N", line.strip()) for line in lines if "AOF" in line]


def native_full(folder):
    """What Debian's Redis says when the file system, memory of Linux', is full."""
    mount = os.path.join(folder, "mount")
    os.makedirs(mount)
    script = ('mount -t tmpfs -o size=2m tmpfs "$0" && exec -a redis-server redis-check-rdb --port 0 --save "" --dir "$0" "$@"')
    path, log = os.path.join(folder, "socket"), os.path.join(folder, "native.log")
    with open(log, "wb") as out, subprocess.Popen(["unshare", "--mount", "bash", "-c", script, mount, "--unixsocket", path, *ALWAYS],
                                                  stdin=subprocess.DEVNULL, stdout=out, stderr=out) as process:
        try:
            until = time.monotonic() + 30
            while not os.path.exists(path) and time.monotonic() < until:
                time.sleep(0.02)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(path)
                fill(Resp(sock), 1000, big)
            status = process.wait(30)
        finally:
            process.kill()
    with open(log, encoding="utf-8", errors="replace") as f:
        return status, last_words(f.read())


def full():
    """No room: the same words and status as on Linux; after something was removed it goes on."""
    trial = Trial("full")
    cuts.put_file(trial.disk, 14 << 20)
    (acknowledged, _), guest = trial.run(ALWAYS, lambda c: fill(c, 2000, big))
    said(guest, WRITE, 1)
    status, want = native_full(trial.folder)
    need((status, want) == (1, last_words(guest.text)), f"{last_words(guest.text)}; on Linux {status} and {want}")
    cuts.remove_file(trial.disk)
    wrong = trial.keeps(acknowledged, of=big)
    need(not wrong, wrong)
    return f"{acknowledged} values acknowledged before the disk was full"


TESTS = {
    "errors-always": (always, True),
    "errors-second": (each_second, False),
    "errors-read": (reads, False),
    "errors-full": (full, True),
}
