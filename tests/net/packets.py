# SPDX-License-Identifier: BSD-2-Clause
"""Ethernet frames by hand: building valid ones, spoiling them, and putting their checksums right.

Sources of the formats: RFC 826 (ARP), 791 and 792 (IPv4, ICMP), 8200, 4443, 4861 (IPv6, ICMPv6, ND),
9293 (TCP), 768 (UDP).
"""

import ipaddress
import struct

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86dd
ICMP, TCP, UDP, FRAGMENT, ICMP6 = 1, 6, 17, 44, 58
BROADCAST = b"\xff" * 6
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip(text):
    return ipaddress.ip_address(text).packed


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ether(source, target, kind, payload):
    return target + source + struct.pack(">H", kind) + payload


def arp(operation, source_mac, source, target_mac, target):
    return struct.pack(">HHBBH", 1, IPV4, 6, 4, operation) + source_mac + source + target_mac + target


def ipv4(source, target, protocol, payload, ident=1, fragment=0, ttl=64, options=b""):
    """`fragment` is the field as it is: flags and the offset in 8 bytes."""
    head = struct.pack(">BBHHHBBH", 0x40 | (5 + len(options) // 4), 0, 20 + len(options) + len(payload),
                       ident, fragment, ttl, protocol, 0) + source + target + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ipv6(source, target, protocol, payload, hops=255):
    return struct.pack(">IHBB", 6 << 28, len(payload), protocol, hops) + source + target + payload


def pseudo(source, target, protocol, length):
    if len(source) == 4:
        return source + target + struct.pack(">BBH", 0, protocol, length)
    return source + target + struct.pack(">II", length, protocol)


PLACE = {ICMP: 2, ICMP6: 2, TCP: 16, UDP: 6}  # of the checksum


def transport(source, target, protocol, segment):
    """The segment with its checksum."""
    at = PLACE[protocol]
    if len(segment) < at + 2:
        return segment
    blank = segment[:at] + b"\0\0" + segment[at + 2:]
    cover = b"" if protocol == ICMP else pseudo(source, target, protocol, len(segment))
    value = checksum(cover + blank)
    if protocol == UDP and value == 0:
        value = 0xffff
    return segment[:at] + struct.pack(">H", value) + segment[at + 2:]


def packet(source, target, protocol, segment, **more):
    """IPv4 or IPv6, as the addresses are, with the transport's checksum."""
    segment = transport(source, target, protocol, segment)
    return (ipv4 if len(source) == 4 else ipv6)(source, target, protocol, segment, **more)


def icmp_echo(source, target, data, ident=1, number=1):
    kind, protocol = (8, ICMP) if len(source) == 4 else (128, ICMP6)
    return packet(source, target, protocol, struct.pack(">BBHHH", kind, 0, 0, ident, number) + data)


def udp(source, target, ports, data):
    return packet(source, target, UDP, struct.pack(">HHHH", *ports, 8 + len(data), 0) + data)


def tcp(source, target, ports, seq, ack, flags, data=b"", window=8192, options=b""):
    head = struct.pack(">HHIIBBHHH", *ports, seq & 0xffffffff, ack & 0xffffffff,
                       (5 + len(options) // 4) << 4, flags, window, 0, 0)
    return packet(source, target, TCP, head + options + data)


def neighbour(kind, source, target, subject, option, link, flags=0):
    """Neighbour solicitation (135) or advertisement (136) with a link-layer address."""
    body = struct.pack(">BBHI", kind, 0, 0, flags) + subject + struct.pack(">BB", option, 1) + link
    return packet(source, target, ICMP6, body)


def kind_of(frame):
    return struct.unpack_from(">H", frame, 12)[0]


# ---- reading what the guest sends ----

def parse_tcp(frame):
    """(source, target, ports, seq, ack, flags, data) of a whole TCP frame, or None."""
    if len(frame) < 54:
        return None
    if kind_of(frame) == IPV4 and frame[23] == TCP:
        source, target, at = frame[26:30], frame[30:34], 14 + (frame[14] & 15) * 4
        end = 14 + struct.unpack_from(">H", frame, 16)[0]
    elif kind_of(frame) == IPV6 and frame[20] == TCP:
        source, target, at = frame[22:38], frame[38:54], 54
        end = 54 + struct.unpack_from(">H", frame, 18)[0]
    else:
        return None
    if len(frame) < at + 20:
        return None
    sport, dport, seq, ack, length, flags = struct.unpack_from(">HHIIBB", frame, at)
    return source, target, (sport, dport), seq, ack, flags, frame[at + (length >> 4) * 4:end]


# ---- spoiling ----

INTERESTING = (0, 1, 2, 4, 7, 8, 0x0f, 0x10, 0x3f, 0x40, 0x7f, 0x80, 0xfe, 0xff)


def spoil_once(random, frame):
    data = bytearray(frame)
    at = random.randrange(12, len(data)) if len(data) > 12 else 0
    # Headers are where the decisions are.
    if random.random() < 0.7:
        at = min(random.randrange(12, 80), len(data) - 1)
    how = random.randrange(8)
    if how == 0:
        data[at] ^= 1 << random.randrange(8)
    elif how == 1:
        data[at] = random.choice(INTERESTING)
    elif how == 2:
        data[at] = random.randrange(256)
    elif how == 3 and at + 2 <= len(data):
        value = struct.unpack_from(">H", data, at)[0] + random.choice((-8, -2, -1, 1, 2, 8, 1400))
        struct.pack_into(">H", data, at, value & 0xffff)
    elif how == 4:
        del data[random.randrange(14, max(15, len(data))):]
    elif how == 5:
        data += random.randbytes(random.randrange(1, 200))
    elif how == 6 and at + 4 <= len(data):
        struct.pack_into(">I", data, at, random.choice((0, 1, 0x7fffffff, 0x80000000, 0xffffffff,
                                                        random.getrandbits(32))))
    elif how == 7:
        size = random.randrange(1, 12)
        data[at:at + size] = data[at:at + size] * 2
    return bytes(data[:1514])


def mend(frame):
    """Checksums made right, as far as the headers allow, so that the rest is looked at."""
    if len(frame) < 34:
        return frame
    if kind_of(frame) == IPV4:
        length = max(20, (frame[14] & 15) * 4)
        head = frame[14:14 + length]
        head = head[:10] + struct.pack(">H", checksum(head[:10] + b"\0\0" + head[12:])) + head[12:]
        end = max(14 + length, min(len(frame), 14 + struct.unpack_from(">H", frame, 16)[0]))
        body = frame[14 + length:end]
        if frame[23] in PLACE and not struct.unpack_from(">H", frame, 20)[0] & 0x3fff:
            body = transport(frame[26:30], frame[30:34], frame[23], body)
        return frame[:14] + head + body + frame[end:]
    if kind_of(frame) == IPV6 and len(frame) >= 54 and frame[20] in PLACE:
        end = max(54, min(len(frame), 54 + struct.unpack_from(">H", frame, 18)[0]))
        return frame[:54] + transport(frame[22:38], frame[38:54], frame[20], frame[54:end]) + frame[end:]
    return frame


def spoil(random, frame):
    """One to four changes; mostly with checksums that are right again."""
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        frame = spoil_once(random, frame)
    return mend(frame) if random.random() < 0.8 else frame
