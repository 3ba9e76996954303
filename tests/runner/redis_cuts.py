# SPDX-License-Identifier: BSD-2-Clause
"""Redis on a disk whose machine loses its power: the append-only file with an fsync for each command, and SAVE.

What a cut leaves is loaded by Debian's Redis of the same version (redis-check-rdb is the server under another name),
and for some cuts by the image itself."""

import contextlib
import os
import re
import socket
import subprocess
import time

import bed
import blocklog
import cuts
from guest import die_with_parent
from machine import Disk
from redis_bed import Site, call, press
from words import Failure

ALWAYS = ["--appendonly", "yes", "--appendfsync", "always"]
MOUNT = "mount=/data:vda:ext4"
SAVES = 4
SAVED = "dump.rdb"


class Resp:
    """A connection to a Redis, by its own protocol."""

    def __init__(self, sock):
        self.sock, self.file = sock, sock.makefile("rb")

    def send(self, *commands):
        self.sock.sendall(b"".join(encode(words) for words in commands))

    def reply(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        if kind not in (b"+", b":"):
            raise Failure(f"Redis says {line!r}")
        return rest.decode()

    def ask(self, *words):
        self.send(words)
        return self.reply()

    def everything(self):
        """{key: value} of all strings."""
        keys = self.ask("KEYS", "*")
        return dict(zip(keys, self.ask("MGET", *keys))) if keys else {}


def encode(words):
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


@contextlib.contextmanager
def native(folder, *args):
    """Debian's Redis with the files of a folder, or its words when it does not serve."""
    log, path = os.path.join(folder, "native.log"), os.path.join(folder, "socket")
    with open(log, "wb") as out, subprocess.Popen(
            ["bash", "-c", 'exec -a redis-server redis-check-rdb --port 0 --save "" --dir "$0" --unixsocket "$@"', folder, path,
             *args], stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=die_with_parent) as process:
        try:
            until = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < until and b"eady to accept connections" not in read(log):
                time.sleep(0.01)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(60)
                try:
                    sock.connect(path)
                except OSError as e:
                    raise Failure(f"Debian's Redis: {read(log)[-300:].decode(errors='replace')}") from e
                yield Resp(sock)
        finally:
            process.kill()


def read(path):
    with open(path, "rb") as f:
        return f.read()


# ---- a session ----

def make(connection, who):
    """One change and its count, as a transaction."""
    def one(key, value, n):
        connection.send(["MULTI"], ["DEL", key] if value is None else ["SET", key, value], ["INCR", cuts.counter(who)], ["EXEC"])
        said = [connection.reply() for _ in range(4)]
        if said[3][1] != str(n):
            raise Failure(f"change {n} is answered with {said}")
    return one


def saves(session, connection):
    """SAVE some times while the clients write."""
    def while_they_write(more):
        while more() and len(session.saved) < SAVES:
            least = {client.who: len(client.acknowledged) for client in session.clients}
            if connection.ask("SAVE") != "OK":
                raise Failure("SAVE is refused")
            session.saved.append((blocklog.position(session.log), least))
            time.sleep(0.5)
        # Rewriting needs fork(), which is refused; what is there stays.
        connection.send(["BGREWRITEAOF"])
        with contextlib.suppress(Failure):
            raise OSError(f"BGREWRITEAOF is not refused but answered with {connection.reply()}")
    return while_they_write


def write(name, changes):
    session = cuts.Session(cuts.folder(name))
    words = session.prepare()
    with Site() as site:
        guest = site.start("cuts", ALWAYS, options=[MOUNT], qemu_args=words)
        connections = [Resp(site.ns.connect(bed.GUEST4, 6379, 60)) for _ in range(cuts.CLIENTS + 1)]
        session.write_all([make(c, client.who) for c, client in zip(connections, session.clients)], changes,
                          saves(session, connections[-1]))
        for connection in connections:
            connection.sock.close()
        guest.stop()
    return session


# ---- what a cut has left ----

def judge(found, path, point):
    """The append-only file; and the last copy that was acknowledged, or one that came later."""
    with found.session.taken_out(path) as folder:
        with native(folder, *ALWAYS) as redis:
            problem = cuts.wrong(redis.everything(), *found.bounds(point))
        return problem or judge_copy(found, folder, point)


def judge_copy(found, folder, point):
    saved = [least for position, least in found.session.saved if position <= point]
    if not os.path.exists(os.path.join(folder, SAVED)):
        return f"{len(saved)} copies were acknowledged, and there is none" if saved else None
    status, said = call(["redis-check-rdb", os.path.join(folder, SAVED)])
    if status:
        return f"redis-check-rdb: {said[-300:].decode(errors='replace')}"
    sent = found.bounds(point)[1]
    with native(folder) as redis:
        problem = cuts.wrong(redis.everything(), saved[-1] if saved else dict.fromkeys(sent, 0), sent)
    return problem and "the copy: " + problem


def by_machine(path):
    """What the image itself finds."""
    with Site() as site:
        guest = site.start("cut", ALWAYS, options=[MOUNT], disks=[Disk(path)])
        with site.ns.connect(bed.GUEST4, 6379, 60) as sock:
            found = Resp(sock).everything()
        if press(guest) != 0:
            raise Failure(f"the machine on a cut disk: {guest.text[-300:]!r}")
        return found


def test(sessions, changes, each, machines):
    """Cuts of several sessions' logs."""
    def run():
        total = 0
        for number in range(sessions):
            session = write(f"redis-cuts-{each}", changes)
            found = cuts.Cuts(session, judge, by_machine, number)
            problem = found.many(each, machines)
            if problem:
                raise Failure(f"session {number}: {problem}")
            total += len(found.log)
            session.remove()
        return f"{sessions * each} cuts of {total} writes and flushes, {sessions * machines} of them by the image too"
    return run


TESTS = {
    "cuts": (test(1, 50, 7, 1), True),
    "many-cuts": (test(5, 200, 40, 4), False),
}
