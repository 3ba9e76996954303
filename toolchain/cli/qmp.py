# SPDX-License-Identifier: BSD-2-Clause
"""QEMU's monitor (QMP, docs/interop/qmp-spec.txt of QEMU) over a pair of sockets: one line of JSON
per message. Nothing is read before somebody wants something of it."""

import json
import socket
import threading


class Refused(Exception):
    """QEMU does not do that, does not answer, or has ended."""


class Monitor:
    """Our end. Several threads may use it."""

    def __init__(self, sock):
        self.sock = sock
        self.held = b""
        self.greeted = False
        self.events = []  # what QEMU has told unasked, oldest first
        self.lock = threading.Lock()

    def message(self):
        while b"\n" not in self.held:
            data = self.sock.recv(65536)
            if not data:
                raise Refused("QEMU has ended")
            self.held += data
        line, self.held = self.held.split(b"\n", 1)
        return json.loads(line)

    def ask(self, command, arguments):
        self.sock.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = self.message()
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise Refused(f"{command}: {answer['error']['desc']}")
            if "event" in answer:
                self.events.append(answer)

    def execute(self, command, **arguments):
        """QEMU's answer; underscores in names of arguments become dashes. Errors: Refused."""
        arguments = {name.replace("_", "-"): value for name, value in arguments.items()}
        with self.lock:
            try:
                self.sock.settimeout(10)
                if not self.greeted:
                    self.ask("qmp_capabilities", {})
                    self.greeted = True
                return self.ask(command, arguments)
            except (OSError, ValueError) as e:
                raise Refused(f"{command}: {e}") from e

    def close(self):
        self.sock.close()


def pair():
    """(our Monitor, the socket that QEMU gets)."""
    ours, theirs = socket.socketpair()
    return Monitor(ours), theirs


def words(fd):
    return ["-chardev", f"socket,id=monitor,fd={fd}", "-mon", "chardev=monitor,mode=control"]
