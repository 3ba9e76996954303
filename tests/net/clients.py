# SPDX-License-Identifier: BSD-2-Clause
"""Linux's side of the peer's services (peer/services.h), by plain sockets."""

import functools
import socket

from words import Failure

PERIOD, STRIDE = 65521, 4099  # as in peer/services.c
ECHO, DISCARD, SOURCE, SINK = 7, 9, 19, 20
PIECE = 1 << 16


@functools.lru_cache(maxsize=1)
def pattern():
    """The block of the pattern, three times."""
    x, out = 1, bytearray(PERIOD)
    for i in range(PERIOD):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        out[i] = x >> 24
    return bytes(out) * 3


def piece(seed, at, size):
    """Up to PIECE bytes of a seed's pattern."""
    start = (seed * STRIDE + at) % PERIOD
    return memoryview(pattern())[start:start + min(size, PIECE)]


def some(seed, size):
    """Bytes that differ from one seed to the next, up to 131042 of them."""
    start = seed * STRIDE % PERIOD
    return pattern()[start:start + size]


def read_all(sock, limit=1 << 16):
    """Until the other side ends."""
    data = b""
    while len(data) < limit:
        more = sock.recv(limit)
        if not more:
            return data
        data += more
    return data


def fetch(sock, seed, size, pause=None):
    """Have the peer send its pattern; a Failure when a byte is wrong. `pause(at)` is called often."""
    sock.sendall(f"{seed} {size}\n".encode())
    at = 0
    while True:
        data = sock.recv(PIECE)
        if not data:
            break
        want = piece(seed, at, len(data))
        if data != want:
            bad = next(i for i, (a, b) in enumerate(zip(data, want)) if a != b)
            raise Failure(f"byte {at + bad} of {size} is wrong")
        at += len(data)
        if pause:
            pause(at)
    if at != size:
        raise Failure(f"{at} bytes came instead of {size}")


def push(sock, seed, size, pause=None):
    """Send the peer its pattern; a Failure when it does not find it right."""
    sock.sendall(f"{seed} {size}\n".encode())
    at = 0
    while at < size:
        at += sock.send(piece(seed, at, min(PIECE, size - at)))
        if pause:
            pause(at)
    said = read_all(sock).decode(errors="replace").strip()
    if said != "ok":
        raise Failure(f"the peer says '{said}' of {size} bytes")


def echo(sock, data):
    """Send, and read the same back; a Failure when it is something else."""
    sock.sendall(data)
    back = b""
    while len(back) < len(data):
        more = sock.recv(len(data) - len(back))
        if not more:
            raise Failure(f"the echo ended after {len(back)} of {len(data)} bytes")
        back += more
    if back != data:
        raise Failure("the echo is not what was sent")


def udp_echo(host, address, size, tries=5):
    """One datagram there and back, sent again when it was lost."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    data = some(size, size)
    with host.ns.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2)
        for _ in range(tries):
            try:
                sock.sendto(data, (address, ECHO))
                back = sock.recv(65536)
            except TimeoutError:
                host.check()
                continue
            if back != data:
                raise Failure(f"{len(back)} wrong bytes came back of {size}")
            return
    raise Failure(f"{size} bytes did not come back from {address} in {tries} tries")
