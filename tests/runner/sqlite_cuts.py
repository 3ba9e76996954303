# SPDX-License-Identifier: BSD-2-Clause
"""SQLite by HTTP on a disk whose machine loses its power, with both journals. What a cut leaves is looked at by Linux'
SQLite, and for some cuts by the image itself."""

import json
import os
import sqlite3

import cuts
import http_client
import sqlited
from machine import Disk
from words import Failure

FILE = "/data/cuts.db"
MOUNT = "mount=/data:vda:ext4"
PUT = "insert into kv values(?1, ?2) on conflict(key) do update set value = excluded.value;"
DELETE = "delete from kv where key = ?1 and ?2 is null;"
COUNT = "insert into kv values(?3, ?4) on conflict(key) do update set value = excluded.value"


def post(connection, text, params=()):
    """The answer to a request on a connection that stays."""
    body = json.dumps({"sql": text, "params": list(params)}).encode()
    connection.send(http_client.request("/sql", "POST", {"Content-Length": len(body)}, body=body))
    answer = connection.response("POST")
    if answer is None or answer.status != 200:
        raise Failure(f"it answers {answer and (answer.status, answer.body)}")
    return json.loads(answer.body)["results"]


def make(connection, who):
    """One change and its count, as a transaction."""
    def one(key, value, n):
        post(connection, (DELETE if value is None else PUT) + COUNT, [key, value, cuts.counter(who), str(n)])
    return one


def serve(journal, **more):
    return sqlited.serve("sqlite-cuts-" + journal, args=["-s", "60", "-o", "16777216", "-j", journal, FILE], options=[MOUNT],
                         patience=200, **more)


def write(journal, changes, name):
    session = cuts.Session(cuts.folder(name))
    words = session.prepare()
    with serve(journal, qemu_args=words) as server:
        connections = [http_client.Connection(server.address) for _ in range(cuts.CLIENTS)]
        session.write_all([make(c, client.who) for c, client in zip(connections, session.clients)], changes)
        for connection in connections:
            connection.sock.close()
    return session


def judge(found, path, point):
    """All that was acknowledged is in a database that is whole, for Linux' SQLite."""
    with found.session.taken_out(path) as folder:
        return cuts.wrong(rows(os.path.join(folder, os.path.basename(FILE))), *found.bounds(point))


def rows(path):
    if not os.path.exists(path):
        return {}
    db = sqlite3.connect(path)
    try:
        said = db.execute("pragma integrity_check").fetchall()
        if said != [("ok",)]:
            raise Failure(f"Linux finds the database damaged: {said[:3]}")
        there = db.execute("select name from sqlite_schema where name = 'kv'").fetchall()
        return dict(db.execute("select key, value from kv")) if there else {}
    except sqlite3.DatabaseError as e:
        raise Failure(f"Linux' SQLite: {e}") from e
    finally:
        db.close()


def by_machine(journal):
    """What the image itself finds."""
    def look(path):
        with serve(journal, disks=[Disk(path)]) as server, http_client.Connection(server.address) as connection:
            if post(connection, "pragma integrity_check")[0]["rows"] != [["ok"]]:
                raise Failure("the machine finds the database damaged")
            found = dict(post(connection, "select key, value from kv")[0]["rows"])
            server.press()
            wrong = server.ended()
            if wrong:
                raise Failure(f"the machine on a cut disk: {wrong}")
            return found
    return look


def test(journal, sessions, changes, each, machines):
    """Cuts of several sessions' logs."""
    def run():
        for number in range(sessions):
            session = write(journal, changes, f"sqlite-cuts-{journal}-{each}")
            problem = cuts.Cuts(session, judge, by_machine(journal), number).many(each, machines)
            if problem:
                return f"session {number}: {problem}"
            session.remove()
        return None
    return run


TESTS = {
    "sqlite/cuts-wal": (test("wal", 1, 40, 7, 1), "sqlited", False),
    "sqlite/cuts-delete": (test("delete", 1, 40, 6, 1), "sqlited", False),
    "sqlite/many-cuts-wal": (test("wal", 5, 200, 40, 4), "sqlited", True),
    "sqlite/many-cuts-delete": (test("delete", 5, 200, 40, 4), "sqlited", True),
}
