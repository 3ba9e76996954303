# SPDX-License-Identifier: BSD-2-Clause
"""Mutated HTTP requests, by seed: the server answers, refuses or closes, and goes on."""

import random
import socket

from http_client import Bad, Connection, fetch, request

SEEDS = [
    request("/one.bin"),
    request("/data.bin", fields={"Range": "bytes=10-20", "If-Range": '"x"'}),
    request("/list/?q=1", fields={"If-None-Match": '"a", W/"b"', "Accept": "*/*"}),
    request("/dir", "HEAD", {"If-Modified-Since": "Sun, 09 Sep 2001 01:46:40 GMT"}),
    request("/one.bin", "POST", {"Content-Length": 10}, body=b"0123456789") + request("/empty.txt"),
    request("http://host/%6fne.bin", "OPTIONS", {"Connection": "keep-alive, x", "Expect": "100-continue"}),
    request("/metrics", version="1.0") * 2,
    request("/", fields={"Transfer-Encoding": "chunked"}, body=b"5\r\nhello\r\n0\r\n\r\n"),
]
PIECES = [b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b" ", b":", b",", b"%", b"%00", b"%2e%2e/", b"/../", b"?",
          b"HTTP/1.1", b"HTTP/9.9", b"Content-Length: ", b"Content-Length: 18446744073709551616\r\n",
          b"Range: bytes=", b"-", b"99999999999999999999", b"\"", b"W/", b"Host: y\r\n", b"\xff\xfe",
          b"Connection: close\r\n", b"Sun, 99 Foo 0000 99:99:99 GMT", b"A" * 300, b"A" * 9000,
          b"x: y\r\n" * 100, b"GET / HTTP/1.1\r\nHost: z\r\n\r\n"]


def mutate(rng):
    data = bytearray(rng.choice(SEEDS))
    for _ in range(rng.choice((1, 1, 2, 3, 6, 20))):
        kind, at = rng.randrange(7), rng.randrange(len(data) + 1)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1 and data:
            data[at % len(data)] = rng.randrange(256)
        elif kind == 2:
            del data[at:at + rng.choice((1, 2, 5, 50))]
        elif kind == 3:
            data[at:at] = rng.choice(PIECES)
        elif kind == 4:
            end = at + rng.choice((1, 4, 30))
            data[at:at] = data[at:end] * rng.choice((1, 2, 10))
        elif kind == 5:
            data = data[:at] + bytearray(rng.choice(SEEDS))[rng.randrange(30):]
        else:
            data[at:at] = rng.randbytes(rng.choice((1, 8, 64)))
    return bytes(data)


def one(address, data, rng):
    """Send a request, sometimes in pieces, sometimes going away in the middle; judge what comes."""
    with Connection(address) as c:
        manner = rng.randrange(10)
        try:
            if manner == 0:
                c.send(data[:rng.randrange(len(data) + 1)])
                return  # without waiting for anything
            if manner == 1:
                cut = rng.randrange(len(data) + 1)
                c.send(data[:cut])
                c.send(data[cut:])
            else:
                c.send(data)
            c.end()
        except (BrokenPipeError, ConnectionResetError, OSError) as e:
            if isinstance(e, socket.timeout):
                raise
        answer = bytearray()
        try:
            while piece := c.sock.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass  # it closed with bytes of ours unread, which it may after a time
        if answer and not answer.startswith(b"HTTP/1.1 "):
            raise Bad(f"{data!r} was answered with {bytes(answer[:80])!r}")
        if answer.startswith(b"HTTP/1.1 500"):
            raise Bad(f"{data!r} made an internal error")


def run(address, tree, count, seed):
    """`count` mutated requests; between them the server has to give a file as ever."""
    rng = random.Random(seed)
    for i in range(count):
        data = mutate(rng)
        try:
            one(address, data, rng)
        except socket.timeout as e:
            raise Bad(f"request {i} of seed {seed}, {data!r}: no end of the connection") from e
        if i % 100 == 99 and fetch(address, "/data.bin").body != tree["data.bin"]:
            raise Bad(f"after request {i} of seed {seed} a file comes out wrong")
