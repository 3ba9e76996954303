# SPDX-License-Identifier: BSD-2-Clause
"""The cable pulled out, a machine that sleeps while its ring fills, floods."""

import socket
import time

import clients
from words import Failure

MIB = 1 << 20


def pulled(site):
    """The link goes down and up while bytes flow, both ways: they arrive all the same."""
    server = site.server()
    pulls = []

    def pull(at):
        if at > (len(pulls) * 2 + 1) * MIB and len(pulls) < 3:
            server.guest.control.execute("set_link", name="net0", up=False)
            time.sleep(0.3)
            server.guest.control.execute("set_link", name="net0", up=True)
            pulls.append(at)

    with server.ns.connect(server.v4, clients.SOURCE, 60) as sock:
        clients.fetch(sock, 8, 8 * MIB, pull)
    pulls.clear()
    with server.ns.connect(server.v6, clients.SINK, 60) as sock:
        clients.push(sock, 9, 8 * MIB, pull)
    if len(pulls) != 3:
        raise Failure(f"the link was pulled {len(pulls)} times")


def asleep(site):
    """While the machine is stopped its receive ring overflows; afterwards it serves as before."""
    server = site.server()
    with server.ns.connect(server.v4, clients.ECHO, 60) as kept, \
            server.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        clients.echo(kept, b"before")
        server.guest.control.execute("stop")
        flood.setblocking(False)
        for number in range(20000):
            try:
                flood.sendto(b"x" * (number % 1400), (server.v4, clients.ECHO))
            except BlockingIOError:
                time.sleep(0.001)
        kept.sendall(b"while it sleeps")
        server.guest.control.execute("cont")
        back = b""
        while len(back) < 15:
            back += kept.recv(100)
        clients.echo(kept, b"after" * 1000)
    for address in (server.v4, server.v6):
        clients.udp_echo(server, address, 1000)


def udp_flood(site):
    """Datagrams as fast as they go, and connections that are served beside them."""
    server = site.server()
    before = server.memory()
    sizes = (0, 1, 100, 1400, 5000)
    count = 200000 if site.full else 20000
    with server.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        flood.setblocking(False)
        for number in range(count):
            try:
                flood.sendto(b"x" * sizes[number % 5], (server.v4, (clients.ECHO, 4444)[number % 2]))
            except (BlockingIOError, ConnectionRefusedError):
                pass
            if number % 5000 == 0:
                with server.ns.connect(server.v4, clients.SOURCE, 60) as sock:
                    clients.fetch(sock, 2, 100000)
    clients.udp_echo(server, server.v6, 1000)
    return f"{count} datagrams, {before['free'] - server.memory()['free']} pages fewer afterwards"
