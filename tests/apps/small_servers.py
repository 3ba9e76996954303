# SPDX-License-Identifier: BSD-2-Clause
"""What echo and khttp promise, for servers that run at (host, port)."""

import random
import socket
import threading

from http_client import TIMEOUT, Connection, request

KHTTP_HEAD = (b"HTTP/1.1 200 OK\r\nServer: khttp\r\nContent-Type: text/html\r\nContent-Length: 612\r\n"
              b"Connection: keep-alive\r\n\r\n")


def echo_stream(address, size=1 << 20):
    """Everything comes back in order, read and written at the same time, then the end."""
    data = random.Random(7).randbytes(size)
    with Connection(address) as c:
        def write():
            c.send(data)
            c.end()
        writer = threading.Thread(target=write)
        writer.start()
        got = bytearray()
        while piece := c.sock.recv(65536):
            got += piece
        writer.join()
    assert bytes(got) == data, f"{len(got)} of {size} bytes, or others"


def echo_datagrams(address, sizes=(1, 100, 1400, 0, 8000)):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.connect(address)
        for size in sizes:
            data = random.Random(size).randbytes(size)
            for _ in range(TIMEOUT):  # a datagram may be lost; it is sent again, as any client would
                s.send(data)
                try:
                    if s.recv(65536) == data:
                        break
                except TimeoutError:
                    pass
            else:
                raise AssertionError(f"a datagram of {size} bytes never came back")


def khttp(address):
    whole = KHTTP_HEAD + b"x" * 612
    with Connection(address) as c:
        c.send(request("/any"))
        assert c.response().body == b"x" * 612
        c.send(request("/") * 1000)  # pipelined, more than any buffer holds at a time
        got = bytearray()
        while len(got) < 1000 * len(whole):
            piece = c.sock.recv(65536)
            assert piece, f"it ended after {len(got)} bytes"
            got += piece
        assert bytes(got) == whole * 1000
        for byte in request("/") + b"GET / HTTP/1.1\r\nA: b\r\r\n\r\n":  # a lone CR is no line end
            c.send(bytes([byte]))
        assert c.response().body == c.response().body == b"x" * 612
    with Connection(address) as c:  # the client ends its half behind its request
        c.send(request("/"))
        c.end()
        assert c.response().status == 200 and c.ended()
