# SPDX-License-Identifier: BSD-2-Clause
"""What httpd does with slow, many and stuck clients, for a server that runs with OPTIONS.

A case is a function limit_NAME(address, tree). stopping() ends the server, so it comes last."""

import select
import socket
import threading
import time

from http_client import LATE, Connection, fetch, metrics, request

HEAD_SECONDS = 1
OPTIONS = ["-t", str(HEAD_SECONDS), "-k", "1", "-w", "1", "-c", "20", "-n", "4", "-g", "3"]
ENDED = 'httpd_connections_ended_total{cause="%s"}'


def ended(address, cause):
    return metrics(address)[ENDED % cause]


def eventually(what, seconds=30):
    """Wait until what() holds; the bound is only there so that a broken server ends the test."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came to pass"
        time.sleep(0.1)


def limit_idle(address, tree):
    before = ended(address, "idle")
    answer = None
    while answer is None:  # as when this host was slow and the connection idle already
        began = time.monotonic()
        with Connection(address) as silent, Connection(address) as asked:
            asked.send(request("/one.bin"))
            answer = asked.response()
            assert answer is not None or time.monotonic() - began > LATE
            assert silent.ended() and asked.ended()
    assert answer.body == tree["one.bin"]
    assert ended(address, "idle") >= before + 2


def limit_slow_loris(address, _tree):
    """Bytes that trickle in don't prolong a request's time."""
    before = ended(address, "slow")
    conns = [Connection(address) for _ in range(3)]
    for c in conns:
        c.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
    answered = set()
    for i in range(200):
        for c in conns:
            if c not in answered and select.select([c.sock], [], [], 0)[0]:
                answered.add(c)
            elif c not in answered:
                c.send(b"X-%d: y\r\n" % i if i % 2 else b"")
        if len(answered) == len(conns):
            break
        time.sleep(0.1)
    assert len(answered) == len(conns), "a slow client was never refused"
    for c in conns:
        assert c.response().status == 408 and c.ended()
        c.sock.close()
    eventually(lambda: ended(address, "slow") >= before + 3)


def limit_stalled_reader(address, _tree):
    before = ended(address, "stalled")
    with Connection(address, receive_buffer=4096) as c:
        c.send(request("/big.bin") * 6)
        eventually(lambda: ended(address, "stalled") >= before + 1)


def limit_requests(address, tree):
    """Four heads that don't end hold all buffers: the fifth waits and is answered then."""
    conns = [Connection(address) for _ in range(4)]
    for c in conns:
        c.send(b"GET / HT")
    time.sleep(0.2)
    assert fetch(address, "/one.bin").body == tree["one.bin"]
    for c in conns:
        assert c.response().status == 408
        c.sock.close()
    assert metrics(address)["httpd_requests_delayed_total"] >= 1


def limit_connections(address, tree):
    """Idle ones make room for new ones; when all are busy, new ones wait in the queue."""
    before = ended(address, "evicted")
    idle = [Connection(address) for _ in range(40)]
    assert fetch(address, "/one.bin").body == tree["one.bin"]
    for c in idle:
        c.sock.close()
    eventually(lambda: metrics(address)["httpd_connections"] == 1)
    assert ended(address, "evicted") >= before + 20
    busy = [Connection(address) for _ in range(30)]
    for c in busy:
        c.send(b"GET /one.bin HTTP/1.1\r\n")
    time.sleep(0.2)
    for c in busy:
        try:
            c.send(b"Host: x\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # it waited for its turn longer than a request may take
        c.sock.close()
    eventually(lambda: fetch(address, "/one.bin").body == tree["one.bin"])


def limit_all(address, tree):
    """All of them at a time, and a well-behaved client beside them."""
    wrong, stop = [], threading.Event()

    def good():
        while not stop.is_set():
            try:
                if fetch(address, "/data.bin").body != tree["data.bin"]:
                    wrong.append("other bytes")
            except (OSError, AttributeError) as e:
                wrong.append(repr(e))
    client = threading.Thread(target=good)
    client.start()
    try:
        limit_slow_loris(address, tree)
        limit_stalled_reader(address, tree)
    finally:
        stop.set()
        client.join()
    assert not wrong, wrong[:3]


def stopping(address, tree, stop):
    """The order of an end: stop() asks for it."""
    with Connection(address) as idle, Connection(address) as half, Connection(address) as stuck, \
            Connection(address, receive_buffer=4096) as slow:
        began = time.monotonic()
        half.send(b"GET /one.bin HTTP/1.1\r\n")
        slow.send(request("/big.bin") * 3)
        stuck.send(request("/big.bin") * 20)
        assert slow.response().body == tree["big.bin"]  # so the server has seen the half before
        stop()
        assert idle.ended(), "an idle connection was not closed"
        half.send(b"Host: x\r\n\r\n")
        got = half.response()
        late = time.monotonic() - began > HEAD_SECONDS  # this machine was slow, and 408 the right answer
        assert got.body == tree["one.bin"] or (late and got.status == 408), got
        assert got["connection"] == "close" and half.ended(), got
        assert slow.response().body == tree["big.bin"]
        try:
            Connection(address).sock.close()
        except ConnectionRefusedError:
            return
        # Behind a forwarder of ports the connection is made and then closed.
        try:
            assert fetch(address, "/one.bin") is None, "a new connection was served after the stop"
        except (ConnectionResetError, ConnectionRefusedError, socket.timeout):
            pass


def all_limits():
    return [(name[6:], f) for name, f in globals().items() if name.startswith("limit_")]
