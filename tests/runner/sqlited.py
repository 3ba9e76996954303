# SPDX-License-Identifier: BSD-2-Clause
"""SQLite by HTTP in its virtual machine: the cases of tests/apps, curl and wrk, what can go wrong, and machines that
are killed while they write to a folder of the host's."""

import os
import re
import shutil
import sqlite3
import subprocess
import threading

import cases
import http_client
import image
import packages
import sqlited_cases
from guest import Guest
from httpd_guest import Running, run_cases
from machine import Machine, Share
from results import log_path
from scripts import tail

ACKNOWLEDGED = 150  # writes by HTTP, before the machine is killed
INSERTS = 40        # by the shell, which synchronises more
ROUNDS = 3
WRITERS = 4
WRK = """
local n = 0
request = function()
  n = n + 1
  local key = "/kv/wrk" .. n % 50
  if n % 2 == 0 then return wrk.format("GET", "/sql?q=select+count(*)+from+kv") end
  return wrk.format("PUT", key, nil, "value" .. n)
end
"""


def folder(name):
    """An empty folder of the test's own."""
    path = os.path.dirname(log_path("programs", name, "x"))
    shutil.rmtree(path)
    os.makedirs(path)
    return path


def serve(name, platform="kvm", args=(), share=None, memory=64 << 20, options=(), **more):
    app = image.find("sqlited")
    image.build([app], quiet=True)
    return Running(name, app.elf, cases.Bed(platform, "microvm"), None, args, memory,
                   shares=[Share(share)] if share else [], options=options, **more)


def host_finds(path, journal=None):
    """None, or how Linux' SQLite finds a database that a guest has left."""
    with sqlite3.connect(path) as db:
        if db.execute("pragma integrity_check").fetchall() != [("ok",)]:
            return f"the host finds {path} damaged"
        mode = db.execute("pragma journal_mode").fetchone()[0]
    db.close()
    return f"{path} has the journal {mode}" if journal and mode != journal else None


# ---- clients ----

def all_cases(platform):
    """All cases, then the end: the log is in the database, and the host finds it whole."""
    def check():
        share = folder("sqlited-" + platform)
        with serve("sqlited-" + platform, platform, ["-s", str(sqlited_cases.SECONDS), "-o", "1200000", "/share/cases.db"], share) as server:
            problem = run_cases(sqlited_cases.all_cases(), server.address, None) or tools(server.address, share)
            if problem:
                return problem
            server.press()
            problem = server.ended()
        left = sorted(os.listdir(share))
        return problem or host_finds(os.path.join(share, "cases.db")) or \
            (None if left == ["back", "cases.db", "put", "wrk.lua"] else f"it has left {left}")
    return check


def tools(address, share):
    """curl and wrk; None, or what went wrong."""
    packages.ensure(["curl", "wrk"])
    url = f"http://{address[0]}:{address[1]}"
    with open(os.path.join(share, "put"), "wb") as f:
        f.write(os.urandom(300000))
    for words in (["-T", os.path.join(share, "put"), url + "/kv/curl"],
                  ["-o", os.path.join(share, "back"), url + "/kv/curl"],
                  ["-d", '{"sql": "select length(value) from kv where key = ?1", "params": ["curl"]}', url + "/sql"]):
        done = subprocess.run(["curl", "-sS", "--fail-with-body", "-m", "60", *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            return f"curl {words}: {done.returncode} {tail(done.stdout.decode(errors='replace'))}"
    if b'"rows":[[300000]]' not in done.stdout:
        return f"curl has got {done.stdout!r}"
    with open(os.path.join(share, "put"), "rb") as put, open(os.path.join(share, "back"), "rb") as back:
        if put.read() != back.read():
            return "curl has not got back what it put"
    with open(os.path.join(share, "wrk.lua"), "w", encoding="ascii") as f:
        f.write(WRK)
    said = subprocess.run(["wrk", "-t", "1", "-c", "16", "-d", "3", "-s", f.name, url + "/"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=True, timeout=60).stdout.decode()
    if not re.search(r"^ +[1-9]\d* requests in", said, re.MULTILINE) or "Non-2xx" in said:
        return f"wrk: {said}"
    return None


# ---- what can go wrong ----

def starts_badly():
    """A database that can't be opened is told in SQLite's words, and the machine ends with 1."""
    share = folder("sqlited-bad")
    with open(os.path.join(share, "damaged.db"), "wb") as f:
        f.write(b"SQLite format 3\0" + b"\xff" * 4080)
    for file, words in (("/nowhere/x.db", "unable to open database file"), ("/share", "unable to open database file"),
                        ("/share/damaged.db", "file is not a database")):
        try:
            with serve("sqlited-bad", args=[file], share=share) as server:
                return f"it serves {file}"
        except AssertionError as e:
            if words not in str(e):
                return str(e)
    return None


def full_memory():
    """No room for the file any more: 507, what was acknowledged is there, and it goes on answering."""
    with serve("sqlited-full", args=["/x.db"], memory=48 << 20, options=["ramfs.max=6M"]) as server:
        value, kept = b"v" * 200_000, []
        for n in range(100):
            status, told = sqlited_cases.ask(server.address, "PUT", f"/kv/{n}", value)
            if status != 200:
                break
            kept.append(n)
        if status != 507 or "full" not in told["error"]:
            return f"write {n}: {status} {told}"
        for n in kept:
            if sqlited_cases.ask(server.address, "GET", f"/kv/{n}") != (200, value):
                return f"value {n} of {len(kept)} is lost"
        if sqlited_cases.rows(sqlited_cases.sql(server.address, "pragma integrity_check")) != [["ok"]]:
            return "the database is damaged"
        server.press()
        return server.ended()


def damage():
    """Pages that turn bad while it serves: those who need them get 500, the others their answers."""
    share = folder("sqlited-damage")
    path = os.path.join(share, "d.db")
    with sqlite3.connect(path) as db:
        db.execute("create table good(a)")
        db.execute("insert into good values(7)")
        db.execute("create table bad(a)")
        db.execute("insert into bad values(zeroblob(20000))")
        page = db.execute("select rootpage from sqlite_schema where name = 'bad'").fetchone()[0]
    db.close()
    with open(path, "r+b") as f:
        f.seek((page - 1) * 4096)
        f.write(b"\xa5" * 4096)
    with serve("sqlited-damage", args=["/share/d.db"], share=share) as server:
        status, told = sqlited_cases.sql(server.address, "select length(a) from bad")
        if status != 500 or "malformed" not in told["error"]:
            return f"the damaged table: {status} {told}"
        if sqlited_cases.rows(sqlited_cases.sql(server.address, "select a from good")) != [[7]]:
            return "the good table can't be read"
        server.press()
        return server.ended()


# ---- machines that are killed ----

class Acknowledged:
    """Keys whose PUT was answered with 200, from several clients at once."""

    def __init__(self, server, first):
        self.server, self.first = server, first
        self.lock, self.keys, self.enough = threading.Lock(), [], threading.Event()

    def write(self, who):
        n = self.first
        try:
            while not self.enough.is_set():
                key = f"{who}.{n}"
                status, _ = sqlited_cases.ask(self.server.address, "PUT", "/kv/" + key, key * 100)
                if status != 200:
                    return
                with self.lock:
                    self.keys.append(key)
                    if len(self.keys) >= ACKNOWLEDGED:
                        self.enough.set()
                n += 1
        except (OSError, http_client.Bad):
            pass  # the machine is gone

    def until_killed(self):
        threads = [threading.Thread(target=self.write, args=(who,)) for who in range(WRITERS)]
        for thread in threads:
            thread.start()
        self.enough.wait(120)
        self.server.guest.process.kill()
        for thread in threads:
            thread.join()


def killed_log():
    """With the write-ahead log: what was acknowledged is there, for Linux' SQLite and for the next machine."""
    share, keys = folder("sqlited-killed"), []
    path = os.path.join(share, "k.db")
    for number in range(ROUNDS):
        with serve("sqlited-killed", args=["/share/k.db"], share=share) as server:
            got = Acknowledged(server, len(keys))
            got.until_killed()
        keys += got.keys
        if len(got.keys) < ACKNOWLEDGED:
            return f"round {number}: only {len(got.keys)} writes were answered"
        if number % 2:
            continue  # the next machine finds the log as it was left
        problem = host_finds(path, "wal")
        with sqlite3.connect(path) as db:
            there = dict(db.execute("select key, value from kv"))
        db.close()
        lost = [key for key in keys if there.get(key) != (key * 100).encode()]
        if problem or lost:
            return problem or f"round {number}: {len(lost)} of {len(keys)} acknowledged are lost, like {lost[0]}"
    return None


class Shell:
    """The shell with a rollback journal, fed by a pipe; it answers each insert with a line."""

    def __init__(self, elf, share):
        ours, theirs = os.pipe()
        self.source, self.feed, self.acknowledged = ours, theirs, 0
        self.enough, self.output = threading.Event(), bytearray()
        machine = Machine(elf, "kvm", "microvm", 256 << 20, nonce="shell", shares=[Share(share)], options=["stack=1M"],
                          args=["-batch", "/share/r.db"])
        self.guest = Guest(machine, self.source, self.take, None, 300)

    def take(self, data):
        self.output += data
        self.acknowledged = self.output.count(b"ack ")
        if self.acknowledged >= INSERTS:
            self.enough.set()

    def run(self, first):
        thread = threading.Thread(target=self.guest.run)
        thread.start()
        script = "pragma journal_mode=delete; create table if not exists t(n integer primary key, pad);\n" + "".join(
            f"insert into t values({n}, randomblob(3000)); select 'ack ' || {n};\n" for n in range(first, first + 4000))
        feeder = threading.Thread(target=self.write, args=(script.encode(),))
        feeder.start()
        self.enough.wait(120)
        self.guest.process.kill()
        thread.join()
        os.close(self.source)
        feeder.join()
        return [int(n) for n in re.findall(rb"^ack (\d+)\r?$", bytes(self.output), re.MULTILINE)]

    def write(self, data):
        try:
            with os.fdopen(self.feed, "wb") as f:
                f.write(data)
        except BrokenPipeError:
            pass


def killed_journal():
    """The same with a rollback journal, by the shell."""
    share, kept = folder("sqlite-killed"), []
    app = image.find("sqlite")
    image.build([app], quiet=True)
    for number in range(ROUNDS):
        shell = Shell(app.elf, share)
        kept += shell.run(number * 10000)
        if len(kept) < INSERTS * (number + 1):
            return f"round {number}: only {len(kept)} inserts: {tail(shell.output.decode(errors='replace'))}"
        problem = host_finds(os.path.join(share, "r.db"), "delete")
        with sqlite3.connect(os.path.join(share, "r.db")) as db:
            there = {row[0] for row in db.execute("select n from t")}
        db.close()
        lost = set(kept) - there
        if problem or lost:
            return problem or f"round {number}: {len(lost)} of {len(kept)} acknowledged inserts are lost"
    return None


TESTS = {
    "sqlited/kvm": (all_cases("kvm"), "sqlited", False),
    "sqlited/tcg": (all_cases("tcg"), "sqlited", True),
    "sqlited/start": (starts_badly, "sqlited", False),
    "sqlited/full": (full_memory, "sqlited", False),
    "sqlited/damage": (damage, "sqlited", False),
    "sqlited/killed": (killed_log, "sqlited", False),
    "sqlite/killed": (killed_journal, "sqlite", True),
}
