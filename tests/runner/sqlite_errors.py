# SPDX-License-Identifier: BSD-2-Clause
"""SQLite by HTTP on a disk that fails or is full: SQLite's own words for the request, the machine goes on answering,
nothing that was acknowledged is lost, and the next start goes on."""

import os
import shutil
import sqlite3

import blockerrors
import blocklog
import cuts
import http_client
import sqlited
import sqlited_cases
from machine import Disk
from words import Failure

FILE, MOUNT = "/data/errors.db", "mount=/data:vda:ext4"
KEYS = 40


def value(n):
    return (b"%d:" % n) + b"v" * (n * 337 % 9000)


def serve(journal, **more):
    return sqlited.serve("sqlite-errors-" + journal, args=["-s", "30", "-j", journal, FILE], options=[MOUNT], **more)


def fill(address, count=KEYS, of=value, first=0):
    """PUT 0, 1, ... until one is refused: (how many were acknowledged, (status, words) of the refusal)."""
    for n in range(first, first + count):
        status, said = sqlited_cases.ask(address, "PUT", f"/kv/{n}", of(n))
        if status != 200:
            return n, (status, said["error"])
    return first + count, None


def need(what, said):
    if not what:
        raise Failure(said)


def same(address, keys, of=value):
    for n in keys:
        need(sqlited_cases.ask(address, "GET", f"/kv/{n}") == (200, of(n)), f"value {n} is another one")


def there(address, kept, journal):
    """A rollback journal that can't be rolled back is in the way of readers, too, as on Linux' read-only file systems."""
    status, said = sqlited_cases.ask(address, "GET", "/kv/0")
    if journal == "delete" and status == 500 and "unable to open database file" in said["error"]:
        need(http_client.fetch(address, "/").status == 200, "it answers no more")
        return
    same(address, range(kept))


def ended(server):
    server.press()
    wrong = server.ended()
    need(not wrong, wrong)


class Trial:
    def __init__(self, name, size=24 << 20):
        self.folder = cuts.folder("sqlite-errors-" + name)
        cuts.remove(self.folder)
        os.makedirs(self.folder)
        self.disk = os.path.join(self.folder, "disk.img")
        cuts.make_disk(self.disk, size)

    def keeps(self, journal, keys, of=value):
        """Linux finds all of it, before the next start has touched the disk; so does the image then, and goes on."""
        folder, copy = os.path.join(self.folder, "taken"), os.path.join(self.folder, "copy.img")
        shutil.copyfile(self.disk, copy)
        blocklog.check(copy)
        blocklog.take_out(copy, "/", folder)
        path = os.path.join(folder, os.path.basename(FILE))
        wrong = sqlited.host_finds(path)
        need(not wrong, wrong)
        db = sqlite3.connect(path)
        there = dict(db.execute("select key, value from kv"))
        db.close()
        cuts.remove(folder)
        lost = [n for n in keys if there.get(str(n)) != of(n)]
        need(not lost, f"Linux: {len(lost)} of {len(keys)} acknowledged are lost, like {lost[:3]}")
        with serve(journal, disks=[Disk(self.disk)]) as server:
            same(server.address, keys, of)
            need(fill(server.address, 5, of, 1000)[1] is None, "the next start does not go on")
            ended(server)
        blocklog.check(self.disk)


def fails(journal):
    """A flush or a write fails, once or from then on: 500 with SQLite's words for what writes, and answers for who reads."""
    def test():
        for kind, n, once, errno in (("flush", 40, True, blockerrors.EIO), ("write", 61, False, blockerrors.EIO),
                                     ("write", 50, True, blockerrors.ENOSPC)):
            trial = Trial("fails-" + journal)
            with serve(journal, qemu_args=blockerrors.words(trial.disk, kind, n, once, errno)) as server:
                kept, refusal = fill(server.address)
                need(kept and refusal and refusal[0] == 500 and "disk I/O error" in refusal[1], f"{kind} {n}: {kept} and {refusal}")
                for n in (kept, kept, kept + 1):  # the same once more has nothing to do, and is not safe either
                    refused = fill(server.address, 1, first=n)[1]
                    need(refused and refused[0] in (403, 500), f"{kind} {n}: the next change is answered with {refused}")
                    there(server.address, kept, journal)
                ended(server)
            trial.keeps(journal, range(kept))
    return test


def big(n):
    return (b"%d:" % n) + b"v" * 100_000


def full(journal):
    """No room: 507. With a rollback journal it goes on when rows were deleted. A log as long as it gets has no room to be
    taken over, so that there, as on Linux, something else has to go."""
    def test():
        trial = Trial("full-" + journal, 16 << 20)
        cuts.put_file(trial.disk, 4 << 20)
        first = 5 if journal == "delete" else 0
        with serve(journal, disks=[Disk(trial.disk)]) as server:
            kept, refusal = fill(server.address, 1000, big)
            need(kept and refusal[0] == 507 and "full" in refusal[1], f"value {kept} is answered with {refusal}")
            same(server.address, range(kept), big)
            for n in range(first):
                need(sqlited_cases.ask(server.address, "DELETE", f"/kv/{n}")[0] == 200, f"{n} can't be deleted")
            if first:
                more, refusal = fill(server.address, 3, big, kept)
                need(more == kept + 3, f"after values were deleted: {refusal}")
                kept = more
            ended(server)
        cuts.remove_file(trial.disk)
        trial.keeps(journal, range(first, kept), big)
    return test


def readable(journal):
    """Reads fail from some point on: 500 for who needs the disk, not the machine's end."""
    def test():
        trial = Trial("reads-" + journal)
        with serve(journal, disks=[Disk(trial.disk)]) as server:
            kept = fill(server.address, 30, big)[0]
            ended(server)
        with serve(journal, qemu_args=blockerrors.words(trial.disk, "read", 30)) as server:
            said = [sqlited_cases.ask(server.address, "GET", f"/kv/{n}") for n in range(kept)]
            bad = [(status, text) for status, text in said if status != 200]
            # For SQLite EIO is damage to the file system (SQLITE_IOERR_CORRUPTFS).
            need(all(status == 500 and any(word in text["error"] for word in ("disk I/O error", "malformed")) for status, text in bad),
                 f"{bad[:3]}")
            need(http_client.fetch(server.address, "/").status == 200, "it answers no more")
            server.press()
            server.ended()
        trial.keeps(journal, range(kept), big)
        need(bad, "no read has failed")
    return test


def checked(function):
    """As programs.py has its tests: None or what is wrong."""
    def test():
        try:
            return function()
        except (Failure, AssertionError, OSError, http_client.Bad) as e:
            return f"{type(e).__name__}: {e}"
    return test


QUICK = ("write-delete", "full-wal")
TESTS = {f"sqlite/errors-{name}-{journal}": (checked(test(journal)), "sqlited", f"{name}-{journal}" not in QUICK)
         for name, test in (("write", fails), ("read", readable), ("full", full)) for journal in ("wal", "delete")}
