# SPDX-License-Identifier: BSD-2-Clause
"""The first things: ping, fragments, echoes over both protocols, addresses by DHCP, two guests."""

import re
import socket
import time

import bed
import clients
import nics
from words import Failure


def ping(server, address, *words):
    said = server.ns.call("ping", "-n", "-c", "3", "-i", "0.2", "-W", "5", *words, address,
                          check=False).stdout.decode()
    if not re.search(r"\b3 received", said):
        raise Failure(f"ping {' '.join(words)} {address}: {said[-200:]}")


def pings(site):
    """Both protocols; 3000 bytes go in fragments, both ways; the largest there is."""
    server = site.server()
    for address in (server.v4, server.v6):
        ping(server, address)
        for size in ("0", "1472", "3000", "65507"):
            ping(server, address, "-s", size if address == server.v4 or size != "65507" else "65000")


def echoes(site):
    """TCP and UDP on both protocols, datagrams of all kinds of sizes."""
    server = site.server()
    for address in (server.v4, server.v6):
        for size in (0, 1, 8, 100, 1432, 1472, 1473, 3000, 8000):
            clients.udp_echo(server, address, size)
        with server.ns.connect(address, clients.ECHO) as sock:
            for size in (1, 2, 100, 1460, 1461, 10000, 100000):
                clients.echo(sock, clients.some(size, size))
            sock.shutdown(socket.SHUT_WR)
            if clients.read_all(sock):
                raise Failure("more came back than was sent")


def refused(site):
    """Ports where nobody listens: a reset, an ICMP error; and the guest's own end."""
    server = site.server()
    for address in (server.v4, server.v6):
        try:
            server.ns.connect(address, 4444).close()
            raise Failure("a connection to a closed port was accepted")
        except ConnectionRefusedError:
            pass
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with server.ns.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect((address, 4444))
            sock.send(b"anybody?")
            try:
                sock.recv(100)
                raise Failure("somebody answers at a closed port")
            except ConnectionRefusedError:
                pass
    with server.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"quit", (server.v4, 1))
        sock.settimeout(10)
        if not sock.recv(1000).startswith(b"free"):
            raise Failure("the last datagram is not what it should be")
    status = server.ended()
    if status != 0:
        raise Failure(f"the peer's end: {status}")


def last_words(site):
    """A program that sends, closes and ends: all of it arrives, as from a process on Linux."""
    server = site.server()
    if not server.ask("last").startswith("free"):
        raise Failure("no numbers were said")
    with server.ns.connect(server.v4, clients.SOURCE) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        clients.fetch(sock, 4, 100000, lambda at: time.sleep(0.02))
    if server.ended() != 0:
        raise Failure(f"the peer's end: {server.result}")


def user(site):
    """QEMU's user network: an address by DHCP, published ports."""
    nic = nics.Nic(ports=[nics.Port(0, clients.ECHO), nics.Port(0, clients.ECHO, "udp"),
                          nics.Port(0, clients.SOURCE)])
    nics.settle([nic])
    server = site.start(nic, v4=None)
    server.expect("^ready")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        for _ in range(20):  # DHCP takes a moment, and QEMU drops what comes before
            sock.sendto(b"anybody?", ("127.0.0.1", nic.port(clients.ECHO, "udp")))
            try:
                if sock.recv(100) != b"anybody?":
                    raise Failure("UDP: something else came back")
                break
            except (TimeoutError, ConnectionRefusedError):
                server.check()
        else:
            raise Failure("no UDP echo came")
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", nic.port(clients.ECHO)), 20) as sock:
            clients.echo(sock, b"something" * 1000)
    with socket.create_connection(("127.0.0.1", nic.port(clients.SOURCE)), 20) as sock:
        clients.fetch(sock, 3, 4 << 20)


def several(site):
    """Three guests behind one bridge, talked to at once."""
    ns = site.namespace()
    ns.call("ip", "link", "add", "br0", "type", "bridge")
    servers = []
    for i in range(3):
        ns.tap(f"tap{i}", ())
        ns.call("ip", "link", "set", f"tap{i}", "master", "br0")
        nic = nics.Nic("tap", tap=f"tap{i}", mac=f"52:54:00:00:77:{i + 2:02x}")
        servers.append(site.start(nic, ns, v4=f"10.77.0.{i + 2}", v6=f"fd77::{i + 2}"))
    ns.up("br0", (bed.OURS4 + "/24", bed.OURS6 + "/64"))
    for server in servers:
        server.expect("^ready")
    socks = [ns.connect(a, clients.ECHO) for server in servers for a in (server.v4, server.v6)]
    for turn in range(20):
        for sock in socks:
            clients.echo(sock, clients.some(turn, 3000))
    for sock in socks:
        sock.close()
