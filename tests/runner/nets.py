# SPDX-License-Identifier: BSD-2-Clause
"""Network cards of guest tests: what `net:` in a test.cfg says, and our end of a card's cable."""

import os
import socket
import tempfile

import nics


class Peer:
    """The other end of a card with `net: dgram`: whole Ethernet frames, no checksum at their end."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="pith-")  # a socket's path must be short
        self.paths = tuple(os.path.join(self.folder, name) for name in ("guest", "peer"))
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.bind(self.paths[1])

    def send(self, frame):
        """Hand a frame to QEMU; blocks while its queue is full. False when QEMU is not there."""
        try:
            self.sock.settimeout(10)
            self.sock.sendto(frame, self.paths[0])
            return True
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def receive(self, seconds):
        """The next frame that the guest has sent, or None when that long nothing came."""
        try:
            self.sock.settimeout(seconds)
            return self.sock.recv(1 << 17)
        except (TimeoutError, BlockingIOError):
            return None

    def close(self):
        self.sock.close()
        for path in self.paths:
            if os.path.exists(path):
                os.unlink(path)
        os.rmdir(self.folder)


def make(description, cleanup):
    """(nics.Nic, Peer or None) of `net: KIND WORD...`; what has to be done at the end joins `cleanup`.

    Words: PORT/tcp and PORT/udp publish one of the guest's ports (user), mac=ADDRESS, dev.NAME=VALUE
    is for QEMU's device, any other NAME=VALUE for its -netdev.
    """
    kind, *words = description.split()
    nic, peer = nics.Nic(kind), None
    if kind == "dgram":
        peer = Peer()
        nic.paths = peer.paths
        cleanup.append(peer.close)
    elif kind != "user":
        raise ValueError(f"net: '{kind}' is none of user, dgram, none")
    for word in words:
        name, equal, value = word.partition("=")
        number, _, protocol = word.partition("/")
        if not equal and number.isdigit() and protocol in ("tcp", "udp") and kind == "user":
            nic.ports.append(nics.Port(0, int(number), protocol))
        elif equal and name == "mac":
            nic.mac = nics.parse_mac(value)
        elif equal and name.startswith("dev."):
            nic.device.append(word[len("dev."):])
        elif equal:
            nic.netdev.append(word)
        else:
            raise ValueError(f"net: '{word}' is neither PORT/tcp, PORT/udp nor NAME=VALUE")
    nics.settle([nic])
    return nic, peer
