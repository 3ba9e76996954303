# SPDX-License-Identifier: BSD-2-Clause
"""What is asked of two nginx with the configuration site.conf: bytes to send, in one piece or with waits between.

A conversation is a list of bytes to send and of Until(bytes), which waits for them in what has come. It ends when
the server closes, so that the last request of each asks for that unless the server closes by itself.
"""

import os
import zlib

OLD = 1_600_000_000  # the files' time: Sun, 13 Sep 2020 12:26:40 GMT
DATE, LATER, EARLIER = (f"Sun, 13 Sep 2020 12:26:{s} GMT" for s in (40, 41, 39))


class Until(bytes):
    """Wait until these bytes have come."""


def lines(count):
    return "".join(f"line {n}: one word and another\n" for n in range(count)).encode()


def gzipped(data):
    work = zlib.compressobj(9, zlib.DEFLATED, 31)
    return work.compress(data) + work.flush()


FILES = {
    "index.html": b"<!doctype html>\n<title>The index</title>\n<p>line of html\n",
    "plain.txt": b"0123456789abcdefghijklmnopqrstuvwxyz\n",
    "empty.txt": b"",
    "lines.txt": lines(100),
    "large.txt": lines(20_000),
    "style.css": b"body { color: red }\n" * 40,
    "picture.png": bytes(range(256)) * 30,
    "unknown": b"no extension\n",
    "ready.txt": b"ready made\n" * 50,
    "ready.txt.gz": gzipped(b"ready made\n" * 50),
    "page.html": b'<p>one<!--#set var="v" value="two" --><!--#echo var="v" --><!--#include virtual="/exactly" -->'
                 b'<!--#if expr="$arg_x = 1" -->x<!--#else -->no x<!--#endif -->\n',
    "with space.txt": b"a name with a space\n",
    "\u00fcml\u00e4ut.txt": "\u00fcml\u00e4ut\n".encode(),
    "dir/index.html": b"the index of dir\n",
    "bare/file.txt": b"no index here\n",
    "errors/404.html": b"<h1>it is not here</h1>\n",
    "listing/a file <&>.txt": b"x" * 100,
    "listing/large.txt": b"y" * 70_000,
    "listing/long-" + "n" * 80 + ".txt": b"",
    "listing/.hidden": b"",
    "listing/sub/x": b"",
}
USERS = "plain:{PLAIN}secret\napr1:$apr1$salt$VEpBc9VHGUKwI9.yg13Iu0\nsha:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n" \
    "five:$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6\n" \
    "six:$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00\n" \
    "rounds:$6$rounds=1234$salt$/6j1sRxQmMTQb2.RPA.m4nvxy/U0wlzWTkCQUoUHn92.FvV017AbWFuwa7EsIX.pjZW7zQWZhH//GrMwFtQO40\n"


def make_site(folder):
    """The files, all of them of the same time, folders too."""
    for name, data in FILES.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o644)
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in folders + names + ["."]:
            os.utime(os.path.join(parent, name), (OLD, OLD))


def ask(target, *fields, method="GET", version="1.1", host="one.test", body=b"", close=True):
    """The bytes of a request that is the connection's last one, unless `close` is False."""
    head = [f"{method} {target} HTTP/{version}"] + ([f"Host: {host}"] if host else [])
    head += list(fields) + (["Connection: close"] if close else [])
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def post(target, body, *fields, **more):
    return ask(target, f"Content-Length: {len(body)}", *fields, method=more.pop("method", "POST"), body=body, **more)


def chunked(target, *pieces, trailer=b"", **more):
    body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n" + trailer + b"\r\n"
    return ask(target, "Transfer-Encoding: chunked", method="POST", body=body, **more)


def files():
    for path in ("/", "/plain.txt", "/empty.txt", "/large.txt", "/style.css", "/picture.png", "/unknown", "/dir/", "/dir",
                 "/bare/", "/bare", "/nowhere", "/plain.txt/", "/plain404/x", "/errors/404.html", "/threads/large.txt",
                 "/buffered/large.txt", "/buffered/empty.txt", "/rate/lines.txt", "/exactly", "/exactly/", "/a.GIF", "/prefix/a.gif",
                 "/index.html?query#part", "/listing/", "/json/", "/exact/", "/listing", "/empty", "/headers/plain.txt",
                 "/headers/nowhere", "/charset/plain.txt", "/sub/lines.txt", "/ssi/page.html?x=1", "/ssi/page.html",
                 "/added/plain.txt", "/linger/plain.txt", "/no-etag/plain.txt"):
        yield f"get {path}", [ask(path)]
        yield f"head {path}", [ask(path, method="HEAD")]


def names():
    """How targets are written: escapes, dots, slashes, and what is no name at all."""
    for target in ("/with%20space.txt", "/%C3%BCml%c3%a4ut.txt", "/pl%61in.txt", "/plain.txt%00", "/%2e%2e/%2e%2e/etc/passwd",
                   "/../x", "/dir/../plain.txt", "/dir/./index.html", "/./plain.txt", "//plain.txt", "/dir//index.html",
                   "/%", "/%zz", "/a%2fb", "/vars%3fx", "*", "plain.txt", "http://two.test/x", "http://one.test",
                   "http://one.test/vars?a=1", "HTTP://ONE.TEST/plain.txt", "http://", "http:///x", "/with space.txt", "/a\\b",
                   "/vars?a=%20&b=+&name=x%41", "/vars?", "/vars??", "/merge/a//b/../c/./d%2e%2e/", "/\x7f", "/\u00fc",
                   "/vars?name=1&NAME=2", "/vars#x?y"):
        yield f"target {target!r}", [ask(target)]
    for host in ("two.test", "TWO.test", "two.test:80", "two.test.", "any.wild.test", "wild.test", "me.re.test", "unknown",
                 "[::1]", "[::1", "a b", "a/b", "..", "", "a\x00b", "one.test:99999", "x" * 300):
        yield f"host {host[:20]!r}", [ask("/vars" if "one" in host else "/", host=host or None)]
    yield "host in the target counts", [ask("http://two.test/q", host="one.test")]
    yield "two hosts", [ask("/vars", "Host: two.test")]
    yield "no tokens", [ask("/404", host="two.test")]
    yield "slashes merged", [ask("/merged//x", host="two.test")]


def ranges():
    for value in ("bytes=0-4", "bytes=5-", "bytes=-5", "bytes=0-0,2-2", "bytes=0-4,3-9,20-", "bytes=100-", "bytes=0-1000",
                  "bytes=36-36", "bytes=37-37", "bytes=-0", "bytes=-1000", "bytes=5-2", "bytes=a-b", "bytes=", "bytes=1", "items=0-1",
                  "bytes=0-1,", "bytes= 0 - 1 , 3-4", "bytes=0-18446744073709551616", "bytes=-,1-2", "bytes=0-36,0-36"):
        yield f"range {value}", [ask("/plain.txt", "Range: " + value)]
    yield "range head", [ask("/plain.txt", "Range: bytes=0-4", method="HEAD")]
    yield "range of nothing", [ask("/empty.txt", "Range: bytes=0-")]
    yield "range large", [ask("/large.txt", "Range: bytes=100000-300000")]
    yield "ranges large", [ask("/large.txt", "Range: bytes=5-70000,200000-200100,-10")]
    yield "range buffered", [ask("/buffered/large.txt", "Range: bytes=5-70000,200000-200100")]
    yield "ranges off", [ask("/no-range/plain.txt", "Range: bytes=0-4")]
    yield "one range only", [ask("/one-range/plain.txt", "Range: bytes=0-4,6-7")]
    yield "range proxied", [ask("/proxy/text", "Range: bytes=2-3")]
    yield "range if date", [ask("/plain.txt", "Range: bytes=0-4", "If-Range: " + DATE)]
    yield "range if other date", [ask("/plain.txt", "Range: bytes=0-4", "If-Range: " + LATER)]
    yield "range if tag", [ask("/plain.txt", "Range: bytes=0-4", f'If-Range: "{OLD:x}-25"')]
    yield "range if other tag", [ask("/plain.txt", "Range: bytes=0-4", 'If-Range: "x"')]


def conditions():
    tag = f'"{OLD:x}-25"'
    for field in (f"If-Modified-Since: {DATE}", f"If-Modified-Since: {LATER}", f"If-Modified-Since: {EARLIER}",
                  "If-Modified-Since: Sunday, 13-Sep-20 12:26:40 GMT", "If-Modified-Since: Sun Sep 13 12:26:40 2020",
                  "If-Modified-Since: yesterday", f"If-Unmodified-Since: {DATE}", f"If-Unmodified-Since: {EARLIER}",
                  f"If-None-Match: {tag}", f"If-None-Match: W/{tag}", 'If-None-Match: "x"', f'If-None-Match: "x", {tag}', "If-None-Match: *",
                  f"If-Match: {tag}", f"If-Match: W/{tag}", 'If-Match: "x"', "If-Match: *"):
        yield f"condition {field}", [ask("/plain.txt", field)]
        yield f"condition head {field}", [ask("/plain.txt", field, method="HEAD")]
    yield "condition before", [ask("/before/plain.txt", f"If-Modified-Since: {LATER}")]
    yield "condition gzipped", [ask("/gz/lines.txt", "Accept-Encoding: gzip", f'If-None-Match: W/"{OLD:x}-{len(FILES["lines.txt"]):x}"')]
    yield "condition both", [ask("/plain.txt", f"If-Modified-Since: {DATE}", 'If-None-Match: "x"')]


def encodings():
    for value in ("gzip", "deflate, gzip", "gzip;q=0", "gzip;q=0.5", "*", "x-gzip", "identity", "gzip; q=1.000", "br"):
        yield f"accepts {value}", [ask("/gz/lines.txt", "Accept-Encoding: " + value)]
    yield "gzip short", [ask("/gz/plain.txt", "Accept-Encoding: gzip")]
    yield "gzip large", [ask("/gz/large.txt", "Accept-Encoding: gzip")]
    yield "gzip 1.0", [ask("/gz/lines.txt", "Accept-Encoding: gzip", version="1.0")]
    yield "gzip other type", [ask("/gz/picture.png", "Accept-Encoding: gzip")]
    yield "gzip for a proxy", [ask("/gz/lines.txt", "Accept-Encoding: gzip", "Via: 1.1 x")]
    yield "gzip head", [ask("/gz/lines.txt", "Accept-Encoding: gzip", method="HEAD")]
    yield "gzip proxied", [ask("/gzproxied/long", "Accept-Encoding: gzip")]
    yield "gzip ready", [ask("/ready/ready.txt", "Accept-Encoding: gzip")]
    yield "gzip ready, not wanted", [ask("/ready/ready.txt")]
    yield "gunzip", [ask("/gunzip/ready.txt")]


def connections():
    one, last = ask("/plain.txt", close=False), ask("/plain.txt")
    yield "pipelined", [one * 5 + last]
    yield "kept", [one, Until(b"xyz\n"), one, Until(b"xyz\n"), last]
    yield "too many", [one * 25]
    yield "1.0", [ask("/plain.txt", version="1.0", close=False)]
    yield "1.0 kept", [ask("/plain.txt", "Connection: keep-alive", version="1.0", close=False), Until(b"xyz\n"), last]
    yield "1.0 without host", [ask("/vars", version="1.0", host=None)]
    yield "1.0 chunks become an end", [ask("/proxy/chunked", version="1.0")]
    yield "0.9", [b"GET /plain.txt\r\n"]
    yield "byte by byte", [bytes([b]) for b in last]
    yield "empty lines before", [b"\r\n\r\n" + last]
    yield "line feeds alone", [b"GET /plain.txt HTTP/1.1\nHost: one.test\nConnection: close\n\n"]
    yield "head, then more", [ask("/plain.txt", method="HEAD", close=False) + last]
    yield "404, then more", [ask("/nowhere", close=False) + last]
    yield "304, then more", [ask("/plain.txt", "If-None-Match: *", close=False) + last]
    yield "body nobody reads, then more", [post("/exactly", b"x" * 100, close=False) + last]
    yield "large body nobody reads", [post("/exactly", b"x" * 50_000, close=False) + last]
    yield "nothing at all for 444", [ask("/return/444")]


def mistakes():
    for text in ("GET", "GET /", "GET / HTTP/1.1", "GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/1", "GET / HTTP/1.1 x", "GET / FTP/1.1",
                 "GET  / HTTP/1.1", "get / HTTP/1.1", "GE+T / HTTP/1.1", "G\x00T / HTTP/1.1", " GET / HTTP/1.1", "\x16\x03\x01\x02",
                 "GET / HTTP/9.9", "GET / HTTP/1.01", "GET / HTTP/01.1", "GET\t/ HTTP/1.1", "GET / http/1.1", "PRI * HTTP/2.0"):
        yield f"first line {text!r}", [text.encode("latin-1") + b"\r\nConnection: close\r\n\r\n"]
    yield "0.9 in lower case", [b"get /\r\n"]
    for field in ("No colon", ": empty", "A b: c", "X-A : b", "X\x00: y", "X: a\x00b", " folded: yes", "X_Under: 1", "X-\u00fc: \u00e4",
                  "Content-Length: x", "Content-Length: -1", "Content-Length: 1, 1", "Content-Length: 99999999999999999999",
                  "Content-Length: ", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked, chunked", "Expect: else", "Connection: x, close",
                  "X: " + "v" * 900, "X: " + "v" * 2000, "X" * 1500 + ": v", "Content-Length: 1\r\nContent-Length: 1",
                  "Content-Length: 1\r\nTransfer-Encoding: chunked", "Upgrade: websocket", "Cookie: " + "c=1; " * 100 + "id=5",
                  "Host: one.test"):
        yield f"field {field[:30]!r}", [ask("/vars", field)]
    yield "target too long", [ask("/" + "x" * 1500)]
    yield "target just fits", [ask("/" + "x" * 990)]
    yield "many long fields", [ask("/vars", *(f"X-{n}: " + "v" * 700 for n in range(5)))]
    yield "no host", [ask("/vars", host=None)]
    yield "plain text on TLS", [b"\x80\x2e\x01\x03\x01" + b"\0" * 40 + b"\r\n\r\n"]


def methods():
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "PROPFIND", "FOO", "A-B", "LOCK", "X" * 100):
        yield f"method {method[:9]} of a file", [ask("/plain.txt", method=method)]
        yield f"method {method[:9]} of vars", [ask("/vars", method=method)]
    yield "connect", [ask("one.test:80", method="CONNECT")]
    yield "options *", [ask("*", method="OPTIONS")]
    yield "post of a folder", [post("/dir/", b"x")]
    yield "only reading", [post("/reading/plain.txt", b"x")]
    yield "only reading, read", [ask("/reading/plain.txt")]


def configured():
    for path in ("/rewrite/last/plain.txt", "/rewrite/break/plain.txt", "/rewrite/found/plain.txt?a=b", "/rewrite/moved/plain.txt?a=b",
                 "/rewrite/away/x%20y", "/rewrite/loop/x", "/rewrite/2024/name", "/rewrite/else", "/try/x", "/try/plain.txt", "/try/dir/",
                 "/trynamed/x?y", "/trycode/x", "/return/204", "/return/301", "/return/302", "/return/307", "/return/308", "/return/410",
                 "/return/503", "/if/x", "/if/../plain.txt", "/denied/x", "/locked/plain.txt", "/reading/plain.txt",
                 "/secure/", "/secure/x?md5=AAAA&until=1", "/asked/plain.txt", "/asked/plain.txt?forbidden"):
        yield f"rule {path}", [ask(path)]
    yield "rule post", [post("/if/x", b"")]
    yield "rule cookie", [ask("/if/x", "Cookie: a=b; ID=seven; c=d")]
    for user in ("cGxhaW46c2VjcmV0", "cGxhaW46d3Jvbmc=", "YXByMTpzZWNyZXQ=", "c2hhOnBhc3N3b3Jk", "bm9ib2R5Ong=", "!!!", "",
                 "Zml2ZTpzZWNyZXQ=", "c2l4OnNlY3JldA==", "c2l4Ondyb25n", "cm91bmRzOnNlY3JldA=="):
        yield f"password {user}", [ask("/locked/plain.txt", "Authorization: Basic " + user)]
    yield "password other scheme", [ask("/locked/plain.txt", "Authorization: Digest x")]
    for kind in ("axyz", "exact", "none of it", "abc"):
        yield f"map {kind}", [ask(f"/vars?id={kind[0]}&name=%41", "X-Kind: " + kind, "Cookie: c=d", "User-Agent: a/1 \"q\"")]
    for address in ("192.0.2.7", "2001:db8::1", "192.0.2.7:80", "192.0.2.1, 192.0.2.7"):
        yield f"address {address}", [ask("/address", "X-Forwarded-For: " + address, host="two.test")]
    yield "link good", [ask("/secure/x?md5=Y8yy5pV5Z3L1ken6uUwh6g&until=9999999999")]
    yield "first", [ask("/slow/plain.txt")]
    yield "too soon", [ask("/slow/plain.txt")]


def bodies():
    yield "body", [post("/body/echo", b"hello")]
    yield "body empty", [post("/body/echo", b"")]
    yield "body large, in a file", [post("/body/echo", b"b" * 30_000)]
    yield "body direct", [post("/direct/echo", b"d" * 5000)]
    yield "body in chunks", [chunked("/body/echo", b"one", b"two", b"x" * 3000)]
    yield "body in chunks, direct", [chunked("/direct/echo", b"one", b"two")]
    yield "body trailer", [chunked("/body/echo", b"one", trailer=b"X: y\r\n")]
    yield "body extension", [ask("/body/echo", "Transfer-Encoding: chunked", method="POST", body=b"3;a=b\r\none\r\n0\r\n\r\n")]
    for bad in (b"x\r\none\r\n", b"3\r\nonetwo\r\n", b"-3\r\none", b"ffffffffffffffff1\r\n", b"\r\n", b"3 \r\none\r\n0\r\n\r\n"):
        yield f"bad chunk {bad!r}", [ask("/body/echo", "Transfer-Encoding: chunked", method="POST", body=bad)]
    yield "too large", [post("/small/echo", b"x" * 11)]
    yield "just small", [post("/small/echo", b"x" * 10)]
    yield "too large in chunks", [chunked("/small/echo", b"x" * 6, b"y" * 6)]
    yield "too large, told before", [post("/body/echo", b"", "X: y").replace(b"Content-Length: 0", b"Content-Length: 2000000")]
    yield "continue", [ask("/body/echo", "Expect: 100-continue", "Content-Length: 5", method="POST"), Until(b"100 Continue\r\n\r\n"), b"hello"]
    yield "continue, refused", [ask("/small/echo", "Expect: 100-continue", "Content-Length: 500", method="POST")]
    yield "continue 1.0", [ask("/body/echo", "Expect: 100-continue", "Content-Length: 5", method="POST", version="1.0", body=b"hello")]
    yield "body in two pieces", [ask("/body/echo", "Content-Length: 10", method="POST", body=b"first"), b"again"]
    yield "put", [post("/upload/a/b.txt", b"what is put", f"Date: {DATE}", method="PUT")]
    yield "put got", [ask("/upload/a/b.txt", "Range: bytes=0-3")]
    yield "put again", [post("/upload/a/b.txt", b"other", f"Date: {LATER}", method="PUT")]
    yield "put of a folder", [post("/upload/a/", b"x", method="PUT")]
    yield "put a part", [post("/upload/p", b"x", "Content-Range: bytes 0-0/1", method="PUT")]
    yield "mkcol", [ask("/upload/new/", method="MKCOL")]
    yield "mkcol again", [ask("/upload/new/", method="MKCOL")]
    yield "copy", [ask("/upload/a/b.txt", "Destination: /upload/new/c.txt", method="COPY")]
    yield "move", [ask("/upload/new/c.txt", "Destination: http://one.test/upload/d.txt", "Overwrite: F", method="MOVE")]
    yield "moved", [ask("/upload/d.txt", "Range: bytes=2-")]
    yield "delete", [ask("/upload/a/b.txt", method="DELETE")]
    yield "delete again", [ask("/upload/a/b.txt", method="DELETE")]
    yield "delete a folder", [ask("/upload/a/", "Depth: infinity", method="DELETE")]


def proxied():
    for path in ("text", "chunked", "nolength", "204", "304", "500", "cookie", "redirect", "many", "bad", "badline", "nothing", "cut", "cutchunk",
                 "bighead", "long", "xaccel", "early", "gzipped", "zero", "dup", "100"):
        yield f"proxied {path}", [ask("/proxy/" + path)]
        yield f"proxied 1.1 {path}", [ask("/oneone/" + path)]
    for path in ("text", "chunked", "cut", "long"):
        yield f"proxied unbuffered {path}", [ask("/unbuffered/" + path)]
        yield f"proxied head {path}", [ask("/proxy/" + path, method="HEAD")]
    yield "proxied escapes", [ask("/proxy/echo/a%20b%2Fc?d=e%20f")]
    yield "proxied dots", [ask("/proxy/echo/../echo/x")]
    yield "proxied fields", [ask("/host/echo?more=1", "X-A: b", "Connection: X-A, keep-alive", "Keep-Alive: 5", "TE: trailers", "Accept-Encoding: gzip")]
    yield "proxied host", [ask("/host/echo", host="ONE.test:8")]
    yield "gone", [ask("/gone/x")]
    yield "spare", [ask("/spare/text")]
    yield "late", [ask("/late/")]
    yield "intercepted", [ask("/intercept/500")]
    yield "intercepted bad", [ask("/intercept/bad")]
    yield "websocket", [ask("/websocket/", "Upgrade: websocket", "Connection: upgrade", close=False), Until(b"\r\n\r\n"), b"ping", Until(b"PING"), b"quit"]
    yield "cache miss", [ask("/cached/counted")]
    yield "cache hit", [ask("/cached/counted")]
    yield "cache head", [ask("/cached/counted", method="HEAD")]
    yield "cache range", [ask("/cached/counted", "Range: bytes=0-3")]
    yield "cache not", [ask("/cached/500")]


def all_cases():
    """(name, conversation), each name once."""
    groups = (files, names, ranges, conditions, encodings, connections, mistakes, methods, configured, bodies, proxied)
    return [(f"{group.__name__}: {name}", steps) for group in groups for name, steps in group()]
