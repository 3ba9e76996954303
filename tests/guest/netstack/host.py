# SPDX-License-Identifier: BSD-2-Clause
"""The other end of the cable in case `server`: a DHCP server with moods, and a router."""

import random
import struct

MAC = bytes.fromhex("025400000001")
GUEST = bytes.fromhex("525400abcdef")
SERVER = bytes([10, 77, 0, 1])
ROUTER6 = bytes.fromhex("fe80000000000000000000000000000a")
PREFIX6 = bytes.fromhex("20010db8007700000000000000000000")
DNS6 = bytes.fromhex("20010db8007700000000000000000053")
OFFER, REQUEST, ACK, NAK = 2, 3, 5, 6


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip4(source, dest, protocol, payload):
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0, source, dest)
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def dhcp_reply(xid, kind, address, extra=b""):
    """A frame from the server to all; its options begin at byte 282."""
    options = bytes([53, 1, kind, 54, 4]) + SERVER
    if kind != NAK:
        options += bytes([51, 4]) + struct.pack(">I", 3600) + bytes([1, 4, 255, 255, 255, 0, 3, 4]) + SERVER
        options += bytes([6, 4, 10, 77, 0, 53, 26, 2]) + struct.pack(">H", 1300)
    bootp = struct.pack(">BBBBIHH4s4s4s4s16s64s128s", 2, 1, 6, 0, xid, 0, 0, bytes(4), address, SERVER,
                        bytes(4), GUEST, b"", b"")
    data = bootp + bytes([99, 130, 83, 99]) + options + extra + b"\xff"
    return udp_frame(data)


def udp_frame(data):
    udp = struct.pack(">HHHH", 67, 68, 8 + len(data), 0) + data
    return b"\xff" * 6 + MAC + b"\x08\0" + ip4(SERVER, b"\xff" * 4, 17, udp)


def malformed(xid):
    """Replies that say less or more than they have."""
    rng = random.Random(xid)
    good = dhcp_reply(xid, OFFER, bytes([10, 77, 0, 99]))[42:]
    for length in list(range(0, 244, 13)) + list(range(236, 250)):
        yield udp_frame(good[:length])
    for option in (53, 54, 51, 1, 3, 6, 12, 52, 26, 255):  # lengths beyond the end, and none at all
        for length in (0, 1, 3, 64, 255):
            yield udp_frame(good[:240] + bytes([option, length]) + rng.randbytes(rng.randrange(8)))
    yield udp_frame(good[:240] + bytes([52, 1, 3]))  # more options in two fields, which have no end
    yield udp_frame(good[:240] + b"\0" * 300)
    yield udp_frame(good[:2] + b"\xff" + good[3:])  # a hardware address of 255 bytes
    yield dhcp_reply(xid ^ 1, OFFER, bytes([10, 77, 0, 98]))
    for _ in range(100):
        yield udp_frame(good[:240] + rng.randbytes(rng.randrange(1, 200)))


def parse_dhcp(frame):
    """(xid, kind, {option: value}) of a client's message, or None."""
    if len(frame) < 283 or frame[12:14] != b"\x08\0" or frame[23] != 17 or frame[36:38] != b"\0\x43":
        return None
    options, at = {}, 282
    while at + 1 < len(frame) and frame[at] != 255:
        if frame[at] == 0:
            at += 1
            continue
        options[frame[at]] = frame[at + 2:at + 2 + frame[at + 1]]
        at += 2 + frame[at + 1]
    return struct.unpack(">I", frame[46:50])[0], options[53][0], options


def advertisement():
    """A router's, to all nodes: a prefix, a name server."""
    dest = bytes.fromhex("ff020000000000000000000000000001")
    icmp = struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
    icmp += b"\x01\x01" + MAC
    icmp += struct.pack(">BBBBIII16s", 3, 4, 64, 0xc0, 86400, 14400, 0, PREFIX6)
    icmp += struct.pack(">BBHI16s", 25, 3, 0, 1800, DNS6)
    pseudo = ROUTER6 + dest + struct.pack(">II", len(icmp), 58)
    icmp = icmp[:2] + struct.pack(">H", checksum(pseudo + icmp)) + icmp[4:]
    header = struct.pack(">IHBB", 6 << 28, len(icmp), 58, 255) + ROUTER6 + dest
    return bytes.fromhex("333300000001") + MAC + b"\x86\xdd" + header + icmp


class Server:
    """Malformed replies first; one refusal; then the address, another one after the link was away."""

    def __init__(self, peer):
        self.peer = peer
        self.refused = self.given = 0
        self.spoiled = self.moved = self.unplugged = False
        self.problem = None

    def answer(self, xid, kind, options):
        address = bytes([10, 77, 0, 5 + min(self.given, 1)])
        if options.get(12) != b"pithy":
            self.problem = f"the host's name is {options.get(12)}"
        if 26 not in options.get(55, b""):
            self.problem = "it does not ask for the MTU"
        if not self.spoiled:
            self.spoiled = True
            for frame in malformed(xid):
                self.peer.send(frame)
        elif kind == REQUEST and (self.refused == 0 or options.get(50, address) != address):
            self.refused += 1
            self.peer.send(dhcp_reply(xid, NAK, bytes(4)))
        elif kind == REQUEST:
            self.given += 1
            self.peer.send(dhcp_reply(xid, ACK, address))
        else:
            self.peer.send(dhcp_reply(xid, OFFER, address))


def beside(run):
    if run.case.name != "server":
        return
    server = Server(run.peers[0])
    while run.result is None:
        frame = run.peers[0].receive(0.2)
        message = parse_dhcp(frame) if frame else None
        if frame and frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 133:
            server.peer.send(advertisement())
        if message:
            server.answer(*message)
        if not server.moved and " 4-dns" in run.output.text:
            server.moved = True
            run.control("set_link", name="net0", up=False)
            server.unplugged = True
        if server.unplugged and "net: eth0: link down" in run.output.text:
            server.unplugged = False  # the guest has seen it: a cable that is back at once may never have gone
            run.control("set_link", name="net0", up=True)
    yield "server", server.problem
    yield "refused", None if server.refused >= 2 else f"{server.refused} refusals, not two"
