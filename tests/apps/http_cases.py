# SPDX-License-Identifier: BSD-2-Clause
"""What httpd promises, case by case, for a server that serves site_tree with its default limits.

A case is a function case_NAME(address, tree) that raises AssertionError or Bad."""

import errno
import re
import time
import urllib.parse

import site_tree
from http_client import TIMEOUT, Connection, fetch, metrics, request


def status(address, target, want, method="GET", fields=None, **more):
    got = fetch(address, target, method, fields, **more)
    assert got is not None and got.status == want, f"{method} {target}: {got}, wanted {want}"
    return got


def raw(address, data, want):
    """Send these bytes; the first answer has this status, and where it refuses, it is the last one."""
    with Connection(address) as c:
        c.send(data)
        got = c.response()
        assert got is not None and got.status == want, f"{data[:80]!r}: {got}, wanted {want}"
        if got["connection"] == "close":
            assert c.ended(), f"{data[:80]!r}: something behind the last answer"


# ---- files ---------------------------------------------------------------------------------------

def case_files(address, tree):
    for path, data in tree.items():
        if path.startswith(".secret"):
            continue
        got = status(address, "/" + urllib.parse.quote(path), 200)
        assert got.body == data, f"{path}: {len(got.body)} bytes, not the right {len(data)}"
        assert got["last-modified"] == site_tree.MODIFIED and got["etag"], got
        assert got["accept-ranges"] == "bytes" and got["server"] and got["date"].endswith(" GMT"), got


def case_one_connection(address, tree):
    with Connection(address) as c:
        for path in ("index.html", "empty.txt", "data.bin", "big.bin", "none", "one.bin"):
            c.send(request("/" + path))
            got = c.response()
            assert got.status == (200 if path in tree else 404) and got["connection"] == "keep-alive", got
            assert path not in tree or got.body == tree[path], path


def case_types(address, _tree):
    for path, want in (("page.css", "text/css; charset=utf-8"), ("index.html", "text/html; charset=utf-8"),
                       ("data.bin", "application/octet-stream"), ("noext", "application/octet-stream"),
                       ("sub/deep/deeper/x.json", "application/json")):
        got = status(address, "/" + path, 200)
        assert got["content-type"] == want, got


def case_head(address, tree):
    with Connection(address) as c:
        for path in ("data.bin", "empty.txt", "none", "", "list", "list/", "metrics"):
            c.send(request("/" + path, "HEAD") + request("/" + path))
            head, get = c.response("HEAD"), c.response()
            assert head.status == get.status and head.body == b"", head
            if path != "metrics":
                assert head["content-length"] == get["content-length"], (head, get)
            assert head["content-type"] == get["content-type"], (head, get)
    assert int(status(address, "/data.bin", 200, "HEAD")["content-length"]) == len(tree["data.bin"])


def case_directories(address, tree):
    assert status(address, "/", 200).body == tree["index.html"]
    assert status(address, "/dir/", 200).body == tree["dir/index.html"]
    assert status(address, "/dir", 301)["location"] == "/dir/"
    assert status(address, "/dir?a=b", 301)["location"] == "/dir/?a=b"
    assert status(address, "//dir", 301)["location"] == "/dir/", "an address of another host"
    assert status(address, "/sub/./deep", 301)["location"] == "/sub/deep/"
    status(address, "/data.bin/", 404)
    status(address, "/data.bin/x", 404)


def case_listing(address, _tree):
    got = status(address, "/list/", 200)
    page = got.body.decode()
    assert got["content-type"].startswith("text/html"), got
    assert "<b>" not in page and "a&lt;b&gt;&amp;&#39;.txt" in page, page
    links = re.findall(r'href="([^"]*)"', page)
    assert links[0] == "../" and "./sub/" in links, links
    for link in links[1:]:
        status(address, "/list/" + link[2:], 200)
    assert len(links) == 4, links
    assert ".secret" not in status(address, "/sub/", 200).body.decode()
    status(address, "/" + ".well-known/", 200)


# ---- targets -------------------------------------------------------------------------------------

def case_targets(address, tree):
    for target in ("/data.bin?x=1", "/./data.bin", "//data.bin", "/%64ata.bin", "/data%2Ebin",
                   "http://anything/data.bin", "HTTP://anything:80/data.bin?y"):
        assert status(address, target, 200).body == tree["data.bin"], target
    assert status(address, "/100%25.txt", 200).body == tree["100%.txt"]
    assert status(address, "http://anything", 200).body == tree["index.html"]
    assert status(address, "/.well-known/ok.txt", 200).body == tree[".well-known/ok.txt"]


def case_traversal(address, _tree):
    for target in ("/../etc/passwd", "/..", "/dir/../../etc/passwd", "/%2e%2e/etc/passwd",
                   "/%2E%2e%2fetc/passwd", "/dir/..%2f..%2fetc/passwd", "/..%2f", "http://h/../x",
                   "/dir/..", "/list/%2e%2e/"):
        status(address, target, 400)
    for target in ("/.secret", "/%2esecret", "/dir/.git/config", "/.../x", "/nowhere/none",
                   "/..%5c..%5cetc"):
        status(address, target, 404)


def case_bad_targets(address, _tree):
    for target in ("/%", "/%1", "/%zz", "/%00", "/data.bin%00.html", "/%0a", "/%7f", "data.bin", "*",
                   "http://", "http:///x", "ftp://host/x"):
        status(address, target, 400)
    status(address, "/" + "x" * 300, 404)
    status(address, "/" + "x/" * 600, 414)
    status(address, "/" + "x" * 5000, 414)
    status(address, "/" + "x" * 9000, 414)


# ---- methods, versions, heads --------------------------------------------------------------------

def case_methods(address, _tree):
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"):
        assert "GET" in status(address, "/data.bin", 405, method)["allow"]
    for method in ("get", "BREW", "GE", "GETS", "M-SEARCH"):
        status(address, "/", 501, method)
    for target in ("*", "/", "/data.bin"):
        assert "HEAD" in status(address, target, 204, "OPTIONS")["allow"]
    for method in ("G(T", "G T", "", "G\x80"):
        status(address, "/", 400, method)


def case_versions(address, tree):
    for version, want in (("1.0", 200), ("1.1", 200), ("1.9", 200), ("2.0", 505), ("0.9", 505),
                          ("3.1", 505), ("1", 400), ("1.10", 400), ("11.1", 400), ("x.y", 400)):
        status(address, "/one.bin", want, version=version)
    raw(address, b"GET /\r\n\r\n", 400)
    raw(address, b"GET / http/1.1\r\nHost: x\r\n\r\n", 400)
    with Connection(address) as c:
        c.send(request("/one.bin", version="1.0", host=None))
        got = c.response()
        assert got.body == tree["one.bin"] and got["connection"] == "close" and c.ended(), got
    with Connection(address) as c:
        c.send(request("/one.bin", version="1.0", host=None, fields={"Connection": "Keep-Alive"}) * 2)
        assert c.response()["connection"] == c.response()["connection"] == "keep-alive"
    with Connection(address) as c:
        c.send(request("/one.bin", fields={"Connection": "x, Close"}) * 2)
        assert c.response()["connection"] == "close" and c.ended()


def case_bad_heads(address, _tree):
    get = b"GET / HTTP/1.1\r\n"
    host = b"Host: x\r\n"
    for data in (get + b"\r\n",                                        # no Host
                 get + host + host + b"\r\n",                          # two
                 get + b"Host: a b\r\n\r\n",
                 get + host + b"no colon\r\n\r\n",
                 get + host + b"Space : x\r\n\r\n",
                 get + host + b" folded\r\n\r\n",
                 get + host + b": no name\r\n\r\n",
                 get + host + b"N\x00ul: x\r\n\r\n",
                 get + host + b"Bare: x\n\r\n",
                 get + host + b"Cr: x\ry\r\n\r\n",
                 b"GET / HTTP/1.1\n\n",
                 b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",      # TLS
                 b"\x00" * 20,
                 get + host + b"Content-Length: x\r\n\r\n",
                 get + host + b"Content-Length: -1\r\n\r\n",
                 get + host + b"Content-Length: 1, 1\r\n\r\n",
                 get + host + b"Content-Length: 99999999999999999999\r\n\r\n",
                 get + host + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
                 get + host + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                 b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"):
        raw(address, data, 400)
    raw(address, get + host + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411)
    raw(address, get + host + b"Expect: miracles\r\n\r\n", 417)
    raw(address, get + host + b"\xff-ok\xff: x\r\n\r\n", 400)
    raw(address, get + host + b"Value: \xff\xfe\r\n\r\n", 200)
    raw(address, b"\r\n\r\n" + get + host + b"\r\n", 200)


def case_large_heads(address, _tree):
    status(address, "/one.bin", 200, fields={"X": "y" * 6000})
    status(address, "/one.bin", 431, fields={"X": "y" * 9000})
    status(address, "/one.bin", 200, fields={f"X{i}": "y" for i in range(60)})
    status(address, "/one.bin", 431, fields={f"X{i}": "y" for i in range(80)})
    with Connection(address) as c:  # one byte less than fits, then exactly what fits
        for total, want in ((8191, 200), (8192, 200), (8193, 431)):
            short = len(request("/one.bin", fields={"X": ""}))
            c.send(request("/one.bin", fields={"X": "y" * (total - short)}))
            got = c.response()
            assert got.status == want, (total, got)


# ---- bodies --------------------------------------------------------------------------------------

def case_bodies(address, tree):
    for size in (0, 1, 5000, 65536):
        with Connection(address) as c:
            body = b"GET /smuggled HTTP/1.1\r\n" * 4000
            c.send(request("/one.bin", "POST", {"Content-Length": size}, body=body[:size]))
            c.send(request("/one.bin", "GET", {"Content-Length": size}, body=body[:size]))
            c.send(request("/one.bin"))
            assert [c.response().status for _ in range(3)] == [405, 200, 200], size
    with Connection(address) as c:
        c.send(request("/one.bin", "POST", {"Content-Length": 1 << 30}))
        assert c.response().status == 413 and c.ended()
    with Connection(address) as c:  # the answer arrives although much is still on its way
        c.send(request("/one.bin", "POST", {"Content-Length": 200_000}, body=b"x" * 200_000))
        assert c.response().status == 413 and c.ended()
    with Connection(address) as c:
        c.send(request("/one.bin", fields={"Content-Length": 5, "Expect": "100-continue"}))
        got = c.response()
        assert got.status == 200 and got.body == tree["one.bin"] and got["connection"] == "close", got


# ---- conditions and ranges -----------------------------------------------------------------------

def case_conditions(address, tree):
    etag = status(address, "/data.bin", 200)["etag"]
    early, late = "Sat, 01 Jan 2000 00:00:00 GMT", "Wed, 01 Jan 2020 00:00:00 GMT"
    for fields, want in (
            ({"If-None-Match": etag}, 304), ({"If-None-Match": f'"x", W/{etag}'}, 304),
            ({"If-None-Match": "*"}, 304), ({"If-None-Match": '"x"'}, 200), ({"If-None-Match": "x"}, 200),
            ({"If-None-Match": '"x"', "If-Modified-Since": late}, 200),
            ({"If-Modified-Since": site_tree.MODIFIED}, 304), ({"If-Modified-Since": late}, 304),
            ({"If-Modified-Since": early}, 200), ({"If-Modified-Since": "yesterday"}, 200),
            ({"If-Modified-Since": "Sunday, 09-Sep-01 01:46:40 GMT"}, 304),
            ({"If-Modified-Since": "Sun Sep  9 01:46:40 2001"}, 304),
            ({"If-Modified-Since": "Sun Sep  9 01:46:39 2001"}, 200),
            ({"If-Match": etag}, 200), ({"If-Match": "*"}, 200), ({"If-Match": '"x"'}, 412),
            ({"If-Match": f"W/{etag}"}, 412), ({"If-Match": f'"x,y", {etag}'}, 200),
            ({"If-Unmodified-Since": early}, 412), ({"If-Unmodified-Since": late}, 200),
            ({"If-Match": etag, "If-None-Match": etag}, 304)):
        for method in ("GET", "HEAD"):
            got = status(address, "/data.bin", want, method, fields)
            if want == 304:
                assert got["etag"] == etag and got["content-length"] is None, got
            elif want == 200 and method == "GET":
                assert got.body == tree["data.bin"], fields
    assert status(address, "/empty.txt", 200)["etag"] != etag


def case_ranges(address, tree):
    data = tree["data.bin"]
    n = len(data)
    for spec, first, end in (("0-0", 0, 1), ("0-", 0, n), ("100-199", 100, 200), ("-1", n - 1, n),
                             (f"-{n * 2}", 0, n), (f"{n - 1}-", n - 1, n), (f"5-{10 ** 30}", 5, n),
                             (f"99-{n - 1}", 99, n)):
        got = status(address, "/data.bin", 206, fields={"Range": "bytes=" + spec})
        assert got.body == data[first:end], spec
        assert got["content-range"] == f"bytes {first}-{end - 1}/{n}", got
    for spec in (f"{n}-", f"{n}-{n + 5}", "-0", f"{10 ** 30}-"):
        got = status(address, "/data.bin", 416, fields={"Range": "bytes=" + spec})
        assert got["content-range"] == f"bytes */{n}", got
    status(address, "/empty.txt", 416, fields={"Range": "bytes=0-"})
    for spec in ("bytes=5-4", "bytes=", "bytes=-", "bytes=a-b", "lines=0-1", "bytes=0-1,5-6", "0-1",
                 "bytes=1-2x", "bytes=--1"):
        assert status(address, "/data.bin", 200, fields={"Range": spec}).body == data, spec
    assert status(address, "/data.bin", 200, "HEAD", {"Range": "bytes=0-1"})["content-length"] == str(n)


def case_if_range(address, tree):
    etag = status(address, "/data.bin", 200)["etag"]
    part = {"Range": "bytes=1-2"}
    for validator, want in ((etag, 206), ('"x"', 200), ("W/" + etag, 200), (site_tree.MODIFIED, 206),
                            ("Wed, 01 Jan 2020 00:00:00 GMT", 200), ("nonsense", 200)):
        got = status(address, "/data.bin", want, fields={**part, "If-Range": validator})
        assert got.body == (tree["data.bin"][1:3] if want == 206 else tree["data.bin"]), validator
    status(address, "/data.bin", 304, fields={**part, "If-None-Match": etag})


# ---- connections ---------------------------------------------------------------------------------

def case_pipelining(address, tree):
    with Connection(address) as c:
        paths = ["one.bin", "none", "data.bin", "empty.txt", "index.html"] * 40
        c.send(b"".join(request("/" + p) for p in paths))
        for i, p in enumerate(paths):
            got = c.response()
            assert got is not None, f"the connection ended before answer {i}"
            assert (got.status, got.body) == (200, tree[p]) if p in tree else got.status == 404, (i, p, got)


def case_byte_by_byte(address, tree):
    with Connection(address) as c:
        for i in range(2):
            for byte in request("/one.bin", fields={"Range": "bytes=0-0"}):
                c.send(bytes([byte]))
            assert c.response().body == tree["one.bin"], i


def case_half_close(address, tree):
    with Connection(address) as c:
        c.send(request("/one.bin") + request("/big.bin"))
        c.end()
        assert c.response().body == tree["one.bin"]
        assert c.response().body == tree["big.bin"]
        assert c.ended()
    with Connection(address) as c:
        c.send(b"GET /one.bin HTT")
        c.end()
        assert c.ended()


def case_garbage_behind(address, tree):
    with Connection(address) as c:
        c.send(request("/one.bin") + b"\x01\x02\x03" + request("/one.bin"))
        assert c.response().body == tree["one.bin"]
        assert c.response().status == 400 and c.ended()


def case_slow_reader(address, tree):
    """A client with a tiny window gets everything, and others meanwhile."""
    with Connection(address, receive_buffer=4096) as slow:
        slow.send(request("/big.bin") * 2)
        for _ in range(20):
            status(address, "/one.bin", 200)
        assert slow.response().body == tree["big.bin"]
        assert slow.response().body == tree["big.bin"]


def case_early_close(address, _tree):
    for _ in range(50):
        with Connection(address) as c:
            c.send(request("/big.bin") * 3)
            c.sock.recv(100)
    status(address, "/one.bin", 200)


def case_many(address, tree):
    """100 connections at a time, each asking in turn."""
    conns = [Connection(address) for _ in range(100)]
    try:
        for _ in range(3):
            for c in conns:
                c.send(request("/data.bin"))
            for c in conns:
                assert c.response().body == tree["data.bin"]
    finally:
        for c in conns:
            c.sock.close()


def by_port(address, port):
    """A connection by this port, as soon as this host's side of the one before has had its last ACK."""
    until = time.monotonic() + TIMEOUT
    while True:
        try:
            return Connection(address, port=port)
        except OSError as e:
            if e.errno != errno.EADDRNOTAVAIL or time.monotonic() > until:
                raise
            time.sleep(0.01)


def case_same_port(address, tree):
    """A client that comes back by the same port at once, while the server's side is in TIME_WAIT."""
    port = 0
    for i in range(5):
        with by_port(address, port) as c:
            port = c.sock.getsockname()[1]
            c.send(request("/one.bin", fields={"Connection": "close"}))
            got = c.response()
            assert got is not None and got.body == tree["one.bin"] and c.ended(), (i, got)


def case_metrics(address, _tree):
    before = metrics(address)
    status(address, "/nowhere", 404)
    after = metrics(address)
    name = 'httpd_responses_total{code="404"}'
    assert after[name] == before.get(name, 0) + 1, (before.get(name), after[name])
    assert after["httpd_response_seconds_count"] >= before["httpd_response_seconds_count"] + 2
    assert after["httpd_connections"] >= 1 and after["httpd_uptime_seconds"] > 0
    status(address, "/metrics/", 404)
    status(address, "/metrics", 405, "POST")


def all_cases():
    return [(name[5:], f) for name, f in globals().items() if name.startswith("case_")]
