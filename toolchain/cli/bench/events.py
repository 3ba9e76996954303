# SPDX-License-Identifier: BSD-2-Clause
"""What a guest and its virtio devices tell each other: notifications and interrupts, from QEMU's trace events."""

import os
import secrets

from words import BUILD

# QEMU's hw/virtio/trace-events; a queue's notification, and a device's interrupt.
EVENTS = {"notifications": b"virtio_queue_notify ", "interrupts": b"virtio_notify "}


class Events:
    """One machine's, in a file that grows by a line for each."""

    def __init__(self):
        self.path = os.path.join(BUILD, "bench", f"events-{secrets.token_hex(4)}.log")
        self.words = ["-D", self.path]
        for event in EVENTS.values():
            self.words += ["-trace", event.decode().strip()]

    def counts(self):
        """{what: how many so far}"""
        try:
            with open(self.path, "rb") as f:
                data = f.read()
        except FileNotFoundError:
            data = b""
        return {what: data.count(event) for what, event in EVENTS.items()}

    def close(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
