# SPDX-License-Identifier: BSD-2-Clause
"""What sqlited promises, case by case, for a server on an empty database."""

import json
import threading
import time

import http_client

ROWS = 60   # that each of the writers at once puts
SECONDS = 5  # that a statement may take
TRIES = 50  # of a write that is answered with 503, which means: later


def ask(address, method, target, body=b"", fields=None):
    """(status, body) of one request; a body that is JSON is taken apart."""
    body = body.encode() if isinstance(body, str) else body
    fields = dict(fields or {}, **({"Content-Length": len(body)} if method in ("PUT", "POST") else {}))
    answer = http_client.fetch(address, target, method, fields, body=body)
    if answer is None:
        raise http_client.Bad("the connection ended without an answer")
    if answer["content-type"] == "application/json":
        return answer.status, json.loads(answer.body)
    return answer.status, answer.body


def sql(address, text, params=None):
    if params is None:
        return ask(address, "POST", "/sql", text)
    return ask(address, "POST", "/sql", json.dumps({"sql": text, "params": params}))


def rows(answer, number=-1):
    status, found = answer
    assert status == 200, answer
    return found["results"][number]["rows"]


def refused(answer, status, word):
    assert answer[0] == status and word in answer[1]["error"], answer


# ---- keys ----

def keys(address):
    value = bytes(range(256)) * 3
    assert ask(address, "GET", "/kv/a")[0] == 404
    assert ask(address, "DELETE", "/kv/a")[0] == 404
    for key in ("/kv/a", "/kv/a/b", "/kv/%C3%A4%20%27%22", "/kv/" + "k" * 1000):
        assert ask(address, "PUT", key, value) == (200, {"changes": 1})
        assert ask(address, "GET", key) == (200, value)
        assert ask(address, "PUT", key, b"") == (200, {"changes": 1})
        assert ask(address, "GET", key) == (200, b"")
        assert ask(address, "DELETE", key) == (200, {"changes": 1})
        assert ask(address, "GET", key)[0] == 404


def heads(address):
    ask(address, "PUT", "/kv/head", b"four")
    answer = http_client.fetch(address, "/kv/head", "HEAD")
    assert answer.status == 200 and answer["content-length"] == "4" and not answer.body
    answer = http_client.fetch(address, "/sql", "OPTIONS")
    assert answer.status == 204 and "PUT" in answer["allow"]
    assert http_client.fetch(address, "/").body.startswith(b"GET ")
    assert http_client.metrics(address)["httpd_connections"] >= 1


# ---- SQL ----

def values(address):
    """Each type there is, in and out; text of all kinds is JSON."""
    assert sql(address, "create table types(v)")[0] == 200
    given = [1, -9223372036854775808, 1.5, 1e300, "", "text", "\x01\"\\\n\u00e4\U0001f600", None, True]
    for value in given:
        assert sql(address, "insert into types values(?1)", [value])[0] == 200
    assert [row[0] for row in rows(sql(address, "select v from types order by rowid"))] == given[:-1] + [1]
    assert rows(sql(address, "select x'00fF', 9e999, cast(x'ff41c0' as text)")) == \
        [[{"hex": "00ff"}, None, "\ufffdA\ufffd"]]


def parameters(address):
    assert rows(sql(address, "select ?2, ?1, ?2", ["a", "b"])) == [["b", "a", "b"]]
    assert rows(sql(address, "select :x, @y, $z", {"x": 1, "y": "two", "z": None})) == [[1, "two", None]]
    got = ask(address, "GET", "/sql?q=select+:x%2C+%3F2&x=a+b%26%3D&2=%zz&unused")
    assert rows(got) == [["a b&=", "%zz"]], got
    refused(sql(address, "select :x", {"y": 1}), 400, "parameter")
    refused(sql(address, "select ?1, ?2", ["one"]), 400, "parameter")
    refused(ask(address, "GET", "/sql?q=select+:x"), 400, "parameter")


def statements(address):
    """One request is one transaction."""
    got = sql(address, "create table s(a unique); insert into s values(1),(2); select a from s; -- end\n ; ")
    assert [sorted(r) for r in got[1]["results"]] == [["changes", "last_insert_rowid"]] * 2 + [["columns", "rows"]]
    refused(sql(address, "insert into s values(3); insert into s values(1)"), 409, "UNIQUE")
    refused(sql(address, "insert into s values(3); selekt"), 400, "syntax error")
    assert rows(sql(address, "select count(*) from s")) == [[2]]
    assert rows(sql(address, "insert into s values(7) returning a, a + 1")) == [[7, 8]]
    assert sql(address, "-- nothing")[1] == {"results": []}


def mistakes(address):
    refused(sql(address, "selekt 1"), 400, 'near "selekt": syntax error')
    refused(sql(address, " ; "), 400, "no SQL")
    refused(sql(address, "select 1;\0 select 2"), 400, "zero byte")
    refused(sql(address, "select * from nowhere"), 400, "no such table")
    refused(ask(address, "POST", "/sql", '{"sql": '), 400, "malformed JSON")
    refused(ask(address, "POST", "/sql", '{"params": []}'), 400, "no SQL")
    refused(ask(address, "GET", "/sql"), 400, "no SQL")
    refused(ask(address, "GET", "/sql?q=create+table+x(a)"), 405, "only reads")
    refused(ask(address, "PUT", "/sql", "select 1"), 405, "GET and POST")
    refused(ask(address, "POST", "/kv/a", "x"), 405, "PUT")
    refused(ask(address, "GET", "/nowhere"), 404, "/kv/KEY")
    refused(ask(address, "GET", "/kv/a%00"), 400, "path")
    assert ask(address, "PATCH", "/sql")[0] == 405 and ask(address, "BREW", "/sql")[0] == 501


def outside(address):
    """What reaches beyond the database or the request is refused."""
    for text in ("attach '/tmp/x' as x", "vacuum into '/tmp/x'", "pragma journal_mode = off", "begin", "savepoint x",
                 "create temp table x(a)", "pragma writable_schema = 1", "select 1; commit", "pragma cache_size = 9"):
        status, found = sql(address, text)
        assert status in (400, 403) and "error" in found, (text, status, found)
    assert sql(address, "update sqlite_schema set sql = 'x'")[0] == 400
    assert rows(sql(address, "pragma journal_mode")) == [["wal"]]
    assert rows(sql(address, "pragma integrity_check")) == [["ok"]]


def limits(address):
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select "
    began = time.monotonic()
    status, found = sql(address, endless + "i from n")
    late = time.monotonic() - began > SECONDS  # a machine that is slow is stopped by the other limit
    assert status == 422 and "too large" in found["error"] or late and status == 503, (status, found)
    refused(sql(address, endless + "count(*) from n"), 503, "interrupted")
    refused(sql(address, "create table e(a); insert into e " + endless + "i from n"), 503, "interrupted")
    refused(sql(address, "select * from e"), 400, "no such table")
    refused(sql(address, "select " + "+".join("1" * 300)), 400, "too large")
    refused(sql(address, "select '" + "x" * 5000 + "' like '" + "%x" * 900 + "'"), 400, "too complex")
    deep = "[" * 1900 + "]" * 1900
    assert rows(sql(address, "select length(json(?1))", [deep])) == [[3800]]
    assert rows(sql(address, "select " + "(" * 90 + "1" + ")" * 90 + "+1" * 150)) == [[151]]


def bodies(address):
    """The largest body passes, one byte more does not; one that waits for our word gets it."""
    largest = b"x" * (1 << 20)
    assert ask(address, "PUT", "/kv/large", largest) == (200, {"changes": 1})
    assert ask(address, "GET", "/kv/large") == (200, largest)
    with http_client.Connection(address) as c:
        c.send(http_client.request("/kv/large", "PUT", {"Content-Length": (1 << 20) + 1}))
        assert c.response().status == 413
    with http_client.Connection(address) as c:
        c.send(http_client.request("/kv/c", "PUT", {"Content-Length": 4, "Expect": "100-continue"}))
        assert c.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        c.send(b"bo")
        c.send(b"dy" + http_client.request("/kv/c"))
        assert c.response().body == b'{"changes":1}\n' and c.response().body == b"body"


def pipelined(address):
    """Bodies and what follows them come in one piece, or byte by byte."""
    wanted = b"".join(http_client.request(f"/kv/p{n}", "PUT", {"Content-Length": n}, body=b"v" * n) +
                      http_client.request(f"/kv/p{n}") for n in range(1, 20))
    for piece in (len(wanted), 7):
        with http_client.Connection(address) as c:
            for at in range(0, len(wanted), piece):
                c.send(wanted[at:at + piece])
            for n in range(1, 20):
                assert c.response().status == 200
                assert c.response().body == b"v" * n


def gone(address):
    """Clients that leave before their answer, or in the middle of a body."""
    for _ in range(20):
        with http_client.Connection(address) as c:
            c.send(http_client.request("/sql", "POST", {"Content-Length": 40}, body=b"select count(*) from sqlite_schema      "))
        with http_client.Connection(address) as c:
            c.send(http_client.request("/kv/gone", "PUT", {"Content-Length": 40}, body=b"half of it"))
    assert ask(address, "GET", "/kv/gone")[0] == 404


def together(address):
    """Writers at once lose nothing, and readers see whole transactions only."""
    sql(address, "create table pairs(who, n); create table sums(who unique, n)")
    problems = []

    def write(who):
        with http_client.Connection(address) as c:
            for n in range(ROWS):
                body = f"insert into pairs values({who}, {n}); insert into sums values({who}, {n})" \
                       f" on conflict(who) do update set n = n + excluded.n"
                for _ in range(TRIES):
                    c.send(http_client.request("/sql", "POST", {"Content-Length": len(body)}, body=body.encode()))
                    answer = c.response()
                    if answer.status != 503:
                        break
                if answer.status != 200:
                    problems.append(answer)

    def read():
        while any(t.is_alive() for t in threads[:-1]):
            got = rows(ask(address, "GET", "/sql?q=select+(select+sum(n)+from+pairs)+is+(select+sum(n)+from+sums)"))
            if got != [[1]]:
                problems.append(got)

    threads = [threading.Thread(target=write, args=(who,)) for who in range(6)]
    threads.append(threading.Thread(target=read))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems[:3]
    assert rows(sql(address, "select count(*), count(distinct who || '.' || n) from pairs")) == [[6 * ROWS, 6 * ROWS]]


ALL = (keys, heads, values, parameters, statements, mistakes, outside, limits, bodies, pipelined, gone, together)


def all_cases():
    return [(case.__name__, lambda address, _tree, case=case: case(address)) for case in ALL]
