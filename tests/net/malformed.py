# SPDX-License-Identifier: BSD-2-Clause
"""Packets that nobody should send: the guest counts them and goes on, with the memory it had."""

import random
import socket
import struct
import threading

import clients
import connections
import packets
from packets import ACK, ARP, FIN, ICMP, ICMP6, IPV4, IPV6, PSH, RST, SYN, TCP, UDP, URG
from words import Failure

OUR_MAC = packets.mac("02:00:00:00:00:50")
OUR4, OUR6 = packets.ip("10.77.0.50"), packets.ip("fd77::50")
ALL_NODES = packets.ip("ff02::1")
ALL_NODES_MAC = packets.mac("33:33:00:00:00:01")
BATCH = 250
ETH_P_ALL = 3


class RawPeer:
    """A neighbour that speaks Ethernet itself: answers ARP and ND, resets TCP that it does not know."""

    def __init__(self, ns, guest4, guest6, device="tap0"):
        self.guest4, self.guest6 = packets.ip(guest4), packets.ip(guest6)
        self.sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.bind((device, ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.settimeout(0.1)
        self.guest_mac = None
        self.came = threading.Condition()
        self.last = {}       # {(guest's address, our port): (ports, seq, ack, flags, data)}
        self.known = set()   # our ports that are not to be reset
        self.next_port = 20000
        self.stopped = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def send(self, kind, payload, to=None):
        self.put(packets.ether(OUR_MAC, to or self.guest_mac, kind, payload))

    def put(self, frame):
        try:
            self.sock.send(frame)
        except OSError:  # the queue is full (ENOBUFS), or a frame too short for an interface
            pass

    def ours(self, guest):
        return OUR4 if len(guest) == 4 else OUR6

    def ip_kind(self, guest):
        return IPV4 if len(guest) == 4 else IPV6

    def listen(self):
        while not self.stopped:
            try:
                frame = self.sock.recv(65536)
            except TimeoutError:
                continue
            if len(frame) < 42 or frame[6:12] == OUR_MAC:
                continue
            kind = packets.kind_of(frame)
            if kind == ARP and frame[38:42] == OUR4 and frame[21] == 1:
                reply = packets.arp(2, OUR_MAC, OUR4, frame[22:28], frame[28:32])
                self.send(ARP, reply, frame[22:28])
            elif kind == ARP and frame[21] == 2 and frame[28:32] == self.guest4:
                self.learn(frame[22:28])
            elif kind == IPV6 and frame[20] == ICMP6 and len(frame) >= 78 and frame[54] == 135 and \
                    frame[62:78] == OUR6:
                answer = packets.neighbour(136, OUR6, frame[22:38], OUR6, 2, OUR_MAC, 0x60000000)
                self.send(IPV6, answer, frame[6:12])
            elif frame[:6] == OUR_MAC:
                self.tcp_came(packets.parse_tcp(frame))

    def learn(self, mac):
        with self.came:
            self.guest_mac = self.guest_mac or mac
            self.came.notify_all()

    def tcp_came(self, segment):
        if not segment:
            return
        guest, ours, ports, seq, ack, flags, data = segment
        with self.came:
            self.last[guest, ports[1]] = (ports, seq, ack, flags, data)
            self.came.notify_all()
            if ports[1] in self.known or flags & RST:
                return
        self.send(self.ip_kind(guest), packets.tcp(ours, guest, ports[::-1], ack, 0, RST))

    def find_guest(self):
        with self.came:
            for _ in range(100):
                if self.guest_mac:
                    return
                query = packets.arp(1, OUR_MAC, OUR4, bytes(6), self.guest4)
                self.send(ARP, query, packets.BROADCAST)
                self.came.wait(0.1)
        raise Failure("the guest answers no ARP request")

    def open(self, guest, port, whole=True):
        """A connection of ours; with `whole` false it stays half open. (ports, seq, ack) or None."""
        self.next_port = 20000 + (self.next_port + 1) % 40000
        ports = (self.next_port, port)
        seq = random.getrandbits(32)
        self.known.add(ports[0])
        options = struct.pack(">BBHBBBB", 2, 4, 1460, 1, 3, 3, 7)
        syn = packets.tcp(self.ours(guest), guest, ports, seq, 0, SYN, options=options)
        with self.came:
            for _ in range(20):
                self.send(self.ip_kind(guest), syn)
                if self.came.wait_for(lambda: (guest, ports[0]) in self.last, 0.25):
                    break
            else:
                return None
            _, theirs, _, flags, _ = self.last[guest, ports[0]]
        if flags & RST:
            return None
        state = (ports, seq + 1, theirs + 1)
        if whole:
            self.segment(guest, state, ACK)
        return state

    def frame(self, guest, state, flags, data=b"", options=b""):
        ports, seq, ack = state
        return packets.ether(OUR_MAC, self.guest_mac, self.ip_kind(guest), packets.tcp(
            self.ours(guest), guest, ports, seq, ack, flags, data, options=options))

    def segment(self, guest, state, flags, data=b""):
        self.put(self.frame(guest, state, flags, data))

    def forget(self, guest, state):
        """Let the guest find out that the connection is gone: whatever it says is reset."""
        ports, seq, ack = state
        self.known.discard(ports[0])
        self.segment(guest, state, RST)
        self.segment(guest, (ports, seq - 1, ack), ACK, b"?")

    def close(self):
        self.stopped = True
        self.thread.join()
        self.sock.close()


def tcp_templates(raw, guest, states):
    """Segments that fit into connections in several states."""
    for state in states:
        for flags, data in ((ACK, b""), (ACK | PSH, b"data" * 50), (FIN | ACK, b""), (ACK | URG, b"u" * 9),
                            (RST, b""), (SYN, b""), (SYN | ACK, b""), (ACK, b"z" * 1400)):
            yield raw.frame(guest, state, flags, data)
        ports, seq, ack = state
        yield raw.frame(guest, (ports, seq + 3000, ack), ACK | PSH, b"out of order" * 20)
        sack = struct.pack(">BBBBII", 1, 1, 5, 10, ack & 0xffffffff, (ack + 1460) & 0xffffffff)
        yield raw.frame(guest, state, ACK, b"", sack)
        stamps = struct.pack(">BBBBII", 1, 1, 8, 10, 1000, 2000)
        yield raw.frame(guest, state, ACK | PSH, b"stamped", stamps)


def fragments(ours, guest):
    """A datagram in three pieces."""
    whole = packets.transport(ours, guest, UDP, struct.pack(">HHHH", 5000, 7, 3008, 0) + bytes(3000))
    for at in (0, 1480, 2960):
        piece = whole[at:at + 1480]
        more = at + 1480 < len(whole)
        if len(ours) == 4:
            yield packets.ipv4(ours, guest, UDP, piece, ident=random.getrandbits(16),
                               fragment=(at // 8) | (0x2000 if more else 0))
        else:
            head = struct.pack(">BBHI", UDP, 0, at | more, random.getrandbits(32))
            yield packets.ipv6(ours, guest, packets.FRAGMENT, head + piece)


def icmp_error(ours, guest, kind, code, inner):
    protocol = ICMP if len(ours) == 4 else ICMP6
    return packets.packet(ours, guest, protocol, struct.pack(">BBHI", kind, code, 0, 1400) + inner[:64])


def ip_templates(raw, guest):
    """Everything but TCP."""
    ours = raw.ours(guest)
    yield packets.icmp_echo(ours, guest, b"ping" * 20)
    for port, data in ((7, b"echo me"), (4444, b"nobody"), (68, b"\x02\x01\x06\x00" + bytes(300)),
                       (7, bytes(1400))):
        yield packets.udp(ours, guest, (5000, port), data)
    yield packets.udp(ours, guest, (53, 7), b"\x12\x34\x81\x80" + struct.pack(">4H", 1, 1, 0, 0)
                      + b"\x04pith\x04test\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\x4d\0\x09")
    yield from fragments(ours, guest)
    inner = packets.udp(guest, ours, (7, 5000), b"inner")
    segment = packets.tcp(guest, ours, (7, 20001), 1, 1, ACK)
    for kind, code in ((3, 3), (3, 4), (11, 0), (12, 0), (5, 1)) if len(guest) == 4 else \
            ((1, 4), (2, 0), (3, 0), (4, 1)):
        yield icmp_error(ours, guest, kind, code, inner)
        yield icmp_error(ours, guest, kind, code, segment)
    if len(guest) == 4:
        yield packets.packet(ours, guest, UDP, struct.pack(">HHHH", 5000, 7, 12, 0) + b"opts",
                             options=b"\x07\x07\x04\0\0\0\0\0")
        yield packets.packet(ours, guest, ICMP, b"\x0d\0\0\0" + bytes(16))
        yield packets.packet(ours, guest, 2, b"\x11\0\0\0" + bytes(8)) if 2 in packets.PLACE else \
            packets.ipv4(ours, guest, 2, b"\x11\x64\xee\x9b\0\0\0\0")
    else:
        options = struct.pack(">BB", UDP, 0) + b"\x05\x02\0\0\x01\0"
        yield packets.ipv6(ours, guest, 0, options + packets.transport(
            ours, guest, UDP, struct.pack(">HHHH", 5000, 7, 12, 0) + b"opts"))
        yield packets.neighbour(135, ours, guest, guest, 1, OUR_MAC)
        yield packets.neighbour(136, ours, guest, ours, 2, OUR_MAC, 0x60000000)
        advert = struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + \
            struct.pack(">BBBBIII", 3, 4, 64, 0xc0, 3600, 1800, 0) + packets.ip("fd78::") + \
            struct.pack(">BBHI", 5, 1, 0, 1400) + struct.pack(">BBHI", 25, 3, 0, 600) + ours
        yield packets.packet(packets.ip("fe80::50"), ALL_NODES, ICMP6, advert)
        yield packets.packet(packets.ip("fe80::50"), ALL_NODES, ICMP6,
                             struct.pack(">BBHHH", 130, 0, 0, 1000, 0) + bytes(16))


def templates(raw):
    """Valid frames of all kinds, for the connections that are there now; and these connections."""
    found, conns = [], []
    for guest in (raw.guest4, raw.guest6):
        opened = [raw.open(guest, port, whole) for port, whole in
                  ((clients.ECHO, True), (clients.ECHO, False), (clients.DISCARD, True),
                   (clients.SOURCE, True), (clients.SINK, True))]
        states = [state for state in opened if state]
        if opened[2]:  # CLOSE_WAIT, and LAST_ACK soon
            raw.segment(guest, opened[2], FIN | ACK)
            states.append((opened[2][0], opened[2][1] + 1, opened[2][2]))
        if opened[3]:  # FIN_WAIT: it ends after its hundred bytes
            raw.segment(guest, opened[3], ACK | PSH, b"1 100\n")
            states.append((opened[3][0], opened[3][1] + 6, opened[3][2]))
            states.append((opened[3][0], opened[3][1] + 6, opened[3][2] + 101))
        conns += [(guest, state) for state in states]
        found += tcp_templates(raw, guest, states)
        kind = raw.ip_kind(guest)
        found += [packets.ether(OUR_MAC, ALL_NODES_MAC if p[24:40] == ALL_NODES else raw.guest_mac, kind, p)
                  for p in ip_templates(raw, guest)]
    for operation in (1, 2):
        found.append(packets.ether(OUR_MAC, raw.guest_mac, ARP, packets.arp(
            operation, OUR_MAC, OUR4, raw.guest_mac, raw.guest4)))
    return found, conns


def repair(raw):
    """Tell the guest again where its neighbours are: spoilt ARP and ND may have said otherwise."""
    linux = raw.sock.getsockname()[4]
    for mac, v4, v6 in ((linux, "10.77.0.1", "fd77::1"), (OUR_MAC, "10.77.0.50", "fd77::50")):
        v4, v6 = packets.ip(v4), packets.ip(v6)
        raw.put(packets.ether(mac, raw.guest_mac, ARP,
                              packets.arp(2, mac, v4, raw.guest_mac, raw.guest4)))
        raw.put(packets.ether(mac, raw.guest_mac, IPV6, packets.neighbour(
            136, v6, raw.guest6, v6, 2, mac, 0x60000000)))


def mutated(site):
    """10^5 changed packets (5,000 in a quick run) of all kinds, between them the services work."""
    count = 100000 if site.full else 5000
    server = site.server(options=["net.msl=1"])
    raw = RawPeer(server.ns, server.v4, server.v6)
    try:
        raw.find_guest()
        rng = random.Random(20261121)
        for number in range(4):
            connections.visit(server, number)
        before, opened = server.memory(), []
        for batch in range(count // BATCH):
            valid, conns = templates(raw)
            for _ in range(BATCH):
                raw.put(packets.spoil(rng, rng.choice(valid)))
            repair(raw)
            for guest, state in conns:
                raw.forget(guest, state)
            opened += conns
            if len(server.ask("memory", port=7)) != 6:
                raise Failure(f"the echo is wrong after batch {batch}")
        for number, (guest, state) in enumerate(opened):
            raw.forget(guest, state)
            if number % 100 == 0:
                server.ask("paced", port=7)
        for number in range(4):
            connections.visit(server, number)
        connections.settled(server, before, 90)
    finally:
        raw.close()
    return f"{count} packets"


def syn_flood(site):
    """Half-open connections by the thousand from nowhere: who is connected stays, others come in."""
    count = 50000 if site.full else 5000
    server = site.server(mem=32 << 20)
    raw = RawPeer(server.ns, server.v4, server.v6)
    try:
        raw.find_guest()
        rng = random.Random(4)
        connections.visit(server, 0)
        server.reach(server.v6, clients.ECHO)
        before = server.memory()
        with server.ns.connect(server.v4, clients.ECHO, 60) as kept:
            for number in range(count):
                source = packets.ip(f"10.77.0.{rng.randrange(100, 250)}")
                raw.send(IPV4, packets.tcp(source, raw.guest4, (rng.randrange(1024, 65536), clients.ECHO),
                                           rng.getrandbits(32), 0, SYN,
                                           options=struct.pack(">BBH", 2, 4, 1460)))
                if number % 500 == 0:
                    clients.echo(kept, clients.some(number, 2000))
            server.ns.call("ip", "-6", "neigh", "flush", "dev", "tap0")  # it has to be asked for again
            with server.ns.connect(server.v6, clients.ECHO, 60) as late:
                clients.echo(late, b"late" * 100)
            clients.echo(kept, b"kept" * 100)
        # For each SYN a request, and for some when the answer is sent again: no flood of our own.
        requests = server.numbers("stats").get("arp_packets_sent", 0)
        if requests > 3 * count + 1000:
            raise Failure(f"{requests} ARP packets for {count} SYNs")
        connections.settled(server, before, 90)
    finally:
        raw.close()
    return f"{count} SYNs"
