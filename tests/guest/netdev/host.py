# SPDX-License-Identifier: BSD-2-Clause
"""The other end of the guest's cable: sends frames, and compares what comes back."""

import random
import select
import struct

import qmp

GUEST, HOST = bytes.fromhex("525400abcdef"), bytes.fromhex("025400000001")
TYPE = b"\x88\xb5"
FLOOD = 20000


def frame(payload):
    return GUEST + HOST + TYPE + payload


def back(payload):
    return HOST + GUEST + TYPE + payload


def pattern(size, seed):
    return random.Random(seed).randbytes(size)


def ask(peer, payload, seconds=20):
    """Send a command; the payload of what comes back."""
    peer.send(frame(payload))
    answer = peer.receive(seconds)
    return None if answer is None else answer[14:]


def statistics(peer):
    names = ("received", "rx_frames", "rx_dropped", "tx_frames", "tx_dropped", "rx_nobuf")
    answer = ask(peer, b"S")
    return dict(zip(names, struct.unpack("<6Q", answer[:48]))) if answer else {}


def sizes(peer, mtu, command):
    """A frame of each size there and back."""
    every = 1 if mtu <= 1500 else 37
    for size in [0] + list(range(1, mtu, every)) + [mtu]:
        payload = (command + pattern(size - 1, size)) if size else b""
        peer.send(frame(payload))
        got = peer.receive(20)
        if got != back(payload):
            return f"{14 + size} bytes: " + ("nothing came back" if got is None else
                                             f"{len(got)} other bytes came back")
    return None


def what(got, payloads):
    """Words on a frame that should have been another."""
    for number, payload in enumerate(payloads):
        if got == back(payload):
            return f"it is number {number}"
    return f"{len(got)} bytes, {got[:24].hex()}..."


def window(peer, mtu):
    """As many echoes under way at once as QEMU and the guest hold, in order. Neither side waits for
    the other to take something: that would stop both for ever."""
    payloads = [b"E" + pattern(random.Random(i).randrange(mtu), i) for i in range(3000)]
    asked = number = 0
    while number < len(payloads):
        into = [peer.sock] if asked < min(len(payloads), number + 300) else []
        readable, writable, _ = select.select([peer.sock], into, [], 20)
        if readable:
            got = peer.receive(0)
            if got != back(payloads[number]):
                return f"echo {number} is not what was sent: " + what(got, payloads)
            number += 1
        elif writable:
            try:
                peer.sock.sendto(frame(payloads[asked]), peer.paths[0])
                asked += 1
            except BlockingIOError:  # QEMU's queue is full, which its end does not tell
                select.select([peer.sock], [], [], 0.001)
        else:
            return f"echo {number} did not come"
    return None


def flood_in(peer):
    """Frames as fast as QEMU takes them: each is received or counted as dropped."""
    before = statistics(peer)
    for number in range(FLOOD):
        peer.send(frame(b"N\0" + struct.pack("<I", number) + bytes(40)))
    after = statistics(peer)
    if not before or not after:
        return "no statistics came"
    came = after["received"] - before["received"] + after["rx_dropped"] - before["rx_dropped"]
    return None if came == FLOOD + 1 else f"{came - 1} of {FLOOD} frames came"


def flood_out(peer):
    peer.send(frame(b"F\0" + struct.pack("<I", FLOOD)))
    for number in range(FLOOD):
        got = peer.receive(20)
        if got is None or got[14:15] != b"f" or struct.unpack("<I", got[16:20])[0] != number:
            return f"frame {number} of {FLOOD} is missing"
    return None


def link(run):
    for number in range(1, 7):
        run.expect(r"(link is (up|down)\s+){%d}" % number)
        try:
            run.control("set_link", name="net0", up=number % 2 == 0)
        except qmp.Refused:
            if number < 6:  # the guest may end before the last answer
                raise


def beside(run):
    args = run.case.args or ["serve"]
    if args[0] == "none":
        return
    if args[0] == "link":
        link(run)
        return
    peer = run.peers[0]
    run.expect(r"serving")
    mtu = int(run.expect(r"mtu (\d+)")[1])
    wanted = int(args[1]) if len(args) > 1 else 1500
    mac = run.expect(r"device eth0 (\S+)")[1]
    parts = [("mtu", lambda: None if mtu == wanted else f"{mtu}, not {wanted}"),
             ("mac", lambda: None if mac == GUEST.hex(":") else mac),
             ("sizes", lambda: sizes(peer, mtu, b"E")),
             ("window", lambda: window(peer, mtu)),
             ("flood-in", lambda: flood_in(peer)),
             ("flood-out", lambda: flood_out(peer))]
    if mtu <= 1500:
        parts.insert(3, ("pieces", lambda: sizes(peer, mtu, b"P")))
    for name, part in parts:
        problem = part()
        yield name, problem
        if problem:  # what comes after it would only repeat it
            break
    peer.send(frame(b"Q"))
