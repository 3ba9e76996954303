# SPDX-License-Identifier: BSD-2-Clause
"""Many connections, one after the other and all at once: afterwards memory is what it was."""

import asyncio
import resource
import socket
import struct
import time

import bed
import clients
from words import Failure

TIME_WAIT = 60       # of the guest: twice the MSL (libos/net/lwip/lwipopts.h), in seconds
# What grows once and stays: 40 KiB of descriptions of frames, the table of descriptors.
SLACK_BYTES = 64 << 10
SLACK_LARGE = 16     # pages
SLACK_PAGES = 96
SLACK_AGAIN = 2048   # bytes, between two equal rounds: a forgotten connection costs 350, a neighbour 100
SLACK_RESIDENT = 2 << 20
SYN_SECONDS = 30


def allow_descriptors():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def many_ports(ns):
    ns.call("sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=1024 65535")


def settled(server, before, seconds):
    """Wait until the guest's memory is what it was `before`; a Failure when it does not come."""
    until = time.monotonic() + seconds
    while True:
        now = server.memory()
        if now["conns"] <= before["conns"] and now["small"] - before["small"] <= SLACK_BYTES and \
                now["large"] <= before["large"] + SLACK_LARGE and before["free"] - now["free"] <= SLACK_PAGES:
            return now
        if time.monotonic() > until:
            stats = {k: v for k, v in server.numbers("stats").items() if k.startswith("tcp_")}
            raise Failure(f"memory after {seconds} s is {now}, it was {before}; {stats}")
        time.sleep(0.5)


def at_rest(server, before, seconds):
    """The same, and no connection waits for its peer's last word: two such moments can be compared."""
    until = time.monotonic() + seconds
    while True:
        stats = server.numbers("stats")
        if stats.get("tcp_connections", 0) + stats.get("tcp_time_wait", 0) == 0:
            return settled(server, before, seconds)
        if time.monotonic() > until:
            raise Failure(f"connections are left after {seconds} s: {stats}")
        time.sleep(0.2)


def visit(server, number):
    """One connection that the client closes first (even) or the guest (odd)."""
    address = server.v4 if number % 4 < 2 else server.v6
    if number % 2 == 0:
        with server.ns.connect(address, clients.ECHO) as sock:
            clients.echo(sock, b"hello")
    else:
        with server.ns.connect(address, clients.SOURCE) as sock:
            clients.fetch(sock, 1, 2000)


def sequential(site):
    """In a quick run the client closes first: a guest that does so waits a minute."""
    count, step = (10000, 1) if site.full else (1000, 2)
    server = site.server()
    many_ports(server.ns)

    def all_of_them():
        for number in range(count):
            visit(server, number * step)

    for number in range(20):
        visit(server, number)
    wait = TIME_WAIT + 15 if site.full else 15
    time.sleep(TIME_WAIT + 5 if site.full else 0)
    before = server.memory()
    all_of_them()
    settled(server, before, wait)
    if server.memory()["accepted"] < before["accepted"] + count:
        raise Failure("fewer connections than were made")
    return f"{count} connections"


async def hold(server, number, opened, go_on):
    address = server.v4 if number % 2 else server.v6
    sock = server.ns_socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    try:
        await asyncio.wait_for(loop.sock_connect(sock, (address, clients.ECHO)), SYN_SECONDS)
        data = struct.pack("<I", number) * 50
        for last in (False, True):
            await loop.sock_sendall(sock, data)
            back = b""
            while len(back) < len(data):
                more = await asyncio.wait_for(loop.sock_recv(sock, 4096), SYN_SECONDS)
                if not more:
                    raise Failure(f"connection {number} was ended")
                back += more
            if back != data:
                raise Failure(f"connection {number} got another's bytes")
            if not last:
                opened.append(number)
                await go_on.wait()
    finally:
        sock.close()


async def hold_all(server, count):
    opened, go_on = [], asyncio.Event()
    tasks = [asyncio.ensure_future(hold(server, n, opened, go_on)) for n in range(count)]
    while len(opened) < count and not any(task.done() for task in tasks):
        await asyncio.sleep(0.02)
    go_on.set()
    await asyncio.gather(*tasks)


def simultaneous(site):
    """Open them all, use each while all are open; twice, and QEMU does not grow by the second."""
    count = 2000 if site.full else 300
    allow_descriptors()
    server = site.server(mem=128 << 20)
    many_ports(server.ns)

    def round_of():
        # In a thread of the namespace: its event loop's sockets are opened there.
        server.ns_socket = lambda family: socket.socket(family, socket.SOCK_STREAM)
        server.ns.enter(lambda: asyncio.run(hold_all(server, count)))

    visit(server, 0)
    before = server.memory()
    round_of()
    once = at_rest(server, before, TIME_WAIT + 15)
    resident = server.resident()
    round_of()
    again = at_rest(server, before, TIME_WAIT + 15)
    if again["small"] > once["small"] + SLACK_AGAIN or again["large"] > once["large"]:
        raise Failure(f"the second round has left more than the first: {once}, then {again}")
    grown = server.resident() - resident
    if grown > SLACK_RESIDENT:
        raise Failure(f"QEMU grew by {grown >> 10} KiB in the second round")
    return f"{count} at once, QEMU has {server.resident() >> 20} MiB"


def resets(site):
    """Connections that are torn down by a reset at any time."""
    count = 5000 if site.full else 500
    server = site.server()
    many_ports(server.ns)
    visit(server, 0)
    before = server.memory()
    for number in range(count):
        sock = server.ns.connect(server.v4 if number % 2 else server.v6,
                                 (clients.ECHO, clients.SOURCE)[number % 3 == 0])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if number % 3 == 0:
            sock.sendall(b"1 10000000\n")
        elif number % 3 == 1:
            sock.sendall(b"x" * 3000)
        sock.close()
    settled(server, before, 20)
    visit(server, 1)


def half_closed(site):
    """Clients that end their sending first still get everything; abandoned ones are noticed."""
    server = site.server()
    socks = [server.ns.connect(server.v4, clients.SOURCE) for _ in range(20)]
    for number, sock in enumerate(socks):
        sock.sendall(f"{number} 300000\n".encode())
        sock.shutdown(socket.SHUT_WR)
    for number, sock in enumerate(socks):
        got = 0
        while True:
            data = sock.recv(65536)
            if not data:
                break
            if data != clients.piece(number, got, len(data)):
                raise Failure(f"wrong bytes at {got}")
            got += len(data)
        if got != 300000:
            raise Failure(f"{got} bytes came instead of 300000")
        sock.close()


def slow_readers(site):
    """Readers that do not read hold their own window, and nobody else up."""
    server = site.server(mem=32 << 20)
    visit(server, 0)
    before = server.memory()
    idle = []
    for number in range(20):
        sock = server.ns.connect(server.v4, clients.SOURCE)
        sock.sendall(f"{number} 100000000\n".encode())
        idle.append(sock)
    stuck = []
    for number in range(10):  # the guest's window fills, and we never read the echo
        sock = server.ns.connect(server.v4, clients.ECHO)
        sock.setblocking(False)
        try:
            while True:
                sock.send(b"x" * 65536)
        except BlockingIOError:
            stuck.append(sock)
    for address in (server.v4, server.v6):
        with server.ns.connect(address, clients.SOURCE) as sock:
            clients.fetch(sock, 7, 4 << 20)
        with server.ns.connect(address, clients.SINK) as sock:
            clients.push(sock, 7, 4 << 20)
    for sock in idle + stuck:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    settled(server, before, 20)


def same_port(site):
    """A client may take the port again that the guest still remembers, as clients behind a NAT do."""
    server = site.server()
    for _ in range(3):
        for address, ours in ((server.v4, bed.OURS4), (server.v6, bed.OURS6)):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with server.ns.socket(family, socket.SOCK_STREAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((ours, 5555))
                sock.settimeout(10)
                sock.connect((address, clients.SOURCE))
                clients.fetch(sock, 1, 100)
        time.sleep(0.5)  # till the guest's ACK of our end has come
