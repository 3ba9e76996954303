# SPDX-License-Identifier: BSD-2-Clause
"""A vhost-user network backend of our own that can lie to its guest in every way a device can.

    vhost_net.py SOCKET MODE [AFTER [LIES]]

sends each frame back to the one QEMU at SOCKET (`-netdev vhost-user`, guest memory shared). The first
AFTER frames it treats well (default 0), the next LIES (default: all) as MODE says, then well again.
Byte 14 of a frame says how: E as it came, V vouched for, N with its checksum left to the guest, M in
many buffers, G in as few as it fits. Written from virtio 1.2, 5.1; two queues.
"""

import random
import struct
import sys

from vhost_user import serve_one

F_CSUM, F_GUEST_CSUM, F_GUEST_TSO4, F_GUEST_TSO6 = 1 << 0, 1 << 1, 1 << 7, 1 << 8
F_HOST_TSO4, F_HOST_TSO6, F_MRG_RXBUF = 1 << 11, 1 << 12, 1 << 15
HDR_NEEDS_CSUM, HDR_DATA_VALID = 1, 2
GSO_TCPV4 = 1
HEADER = struct.Struct("<BBHHHHH")  # flags, gso type, header length, gso size, csum start, offset, buffers
CSUM_START, CSUM_OFFSET = 34, 16    # what the guest's test sends

# What a header says that is not so, and how long the used entry claims the frame to be.
HEADERS = {
    "csum-outside": {"flags": HDR_NEEDS_CSUM, "csum_start": 60000, "csum_offset": 60000},
    "csum-end": {"flags": HDR_NEEDS_CSUM, "csum_start": 63, "csum_offset": 0},
    "gso-unasked": {"gso": GSO_TCPV4, "gso_size": 1000},
    "gso-unknown": {"gso": 0x7f, "gso_size": 1000},
    "buffers-none": {"buffers": 0},
    "buffers-missing": {"buffers": 3},
    "buffers-huge": {"buffers": 65535},
}
LENGTHS = {"length-none": 0, "length-header": 11, "length-runt": 12 + 13}
RINGS = ("bad-id", "bad-id-huge", "bad-length", "bad-index", "duplicate", "scribble",
         "sent-bad-id", "sent-bad-index", "sent-duplicate")
MODES = ("good", "silent", "flood", "too-long", "empty-buffer", "dies") + \
    tuple(HEADERS) + tuple(LENGTHS) + RINGS


def checksum(data):
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Net:
    nqueues = 2

    def __init__(self, mode, after, lies):
        self.mode, self.after, self.lies = mode, after, lies
        self.features = F_CSUM | F_HOST_TSO4 | F_HOST_TSO6 | F_GUEST_CSUM | F_GUEST_TSO4 | \
            F_GUEST_TSO6 | F_MRG_RXBUF
        self.random = random.Random(1)
        self.waiting = []  # frames that found no buffer: (parts, header fields)
        self.flooding = False

    def config(self):
        return b""

    def idle(self, queues):
        return 0.0 if self.flooding and all(q.ready() for q in queues) else None

    # ---- from the guest ----

    def sent(self, queue, head):
        """(header, frame) of a transmit chain."""
        data = b""
        for address, length, _ in queue.chain(head):
            mapping, at = queue.memory.guest(address)
            data += mapping[at:at + length]
        return HEADER.unpack_from(data), data[HEADER.size:]

    def finished(self, header, frame):
        """The frame as it leaves the host, or None when the guest asked for what can't be."""
        flags, gso, header_length, gso_size, start, offset, _ = header
        if flags & HDR_NEEDS_CSUM:
            if start + offset + 2 > len(frame):
                return None
            sum16 = struct.pack(">H", checksum(frame[start:]))
            frame = frame[:start + offset] + sum16 + frame[start + offset + 2:]
        if gso and (gso != GSO_TCPV4 or not flags or gso_size == 0 or header_length > len(frame)):
            return None
        return frame

    # ---- to the guest ----

    def deliver(self, queue, parts, **fields):
        """Put parts of a frame into one buffer each; False when there are not enough."""
        heads = []
        for _ in parts:
            head = queue.next_chain()
            if head is None:
                queue.seen = (queue.seen - len(heads)) & 0xffff
                return False
            heads.append(head)
        header = HEADER.pack(fields.get("flags", 0), fields.get("gso", 0), fields.get("header", 0),
                             fields.get("gso_size", 0), fields.get("csum_start", 0),
                             fields.get("csum_offset", 0), fields.get("buffers", len(parts)))
        for number, (head, part) in enumerate(zip(heads, parts)):
            data = part if number else header + part
            address, room, _ = queue.chain(head)[0]
            mapping, at = queue.memory.guest(address)
            mapping[at:at + min(len(data), room)] = data[:room]
            id_, length = head, fields.get("length", len(data))
            if fields.get("ring") == "bad-id":
                id_ = queue.size  # all the others are with the device
            elif fields.get("ring") == "bad-id-huge":
                id_ = 0xfffffff0
            elif fields.get("ring") == "bad-length":
                length = room + 1
            queue.place(number, id_, length)
        if fields.get("ring") == "duplicate":
            queue.place(len(parts), heads[0], 64)
        queue.publish(len(parts) + (fields.get("ring") == "duplicate"))
        if fields.get("ring") == "bad-index":
            queue.publish(queue.size * 3)
        return True

    def answer(self, queue, frame, header):
        """Send a frame back, truly."""
        way, fields = frame[14:15], {}
        parts = [frame]
        if way == b"V":
            fields = {"flags": HDR_DATA_VALID}
        elif way == b"N":
            fields = {"flags": HDR_NEEDS_CSUM, "csum_start": CSUM_START, "csum_offset": CSUM_OFFSET}
        elif way == b"M":
            parts = [frame[:20], frame[20:21], frame[21:]]
        elif way == b"G":
            parts = [frame[:2000]] + [frame[i:i + 2000] for i in range(2000, len(frame), 2000)]
            fields = {"flags": HDR_DATA_VALID, "gso": GSO_TCPV4, "gso_size": header[3],
                      "header": header[2]}
        self.waiting.append((parts, fields))

    def lie(self, queue, frame):
        fields, parts = dict(HEADERS.get(self.mode, {})), [frame]
        if self.mode in LENGTHS:
            fields["length"] = LENGTHS[self.mode]
        elif self.mode in RINGS:
            fields["ring"] = self.mode
        elif self.mode == "too-long":
            parts = [frame.ljust(1000, b"x")] * 3
        elif self.mode == "empty-buffer":
            parts = [frame, b"", b"x"]
        self.waiting.append((parts, fields))
        if self.mode == "scribble":
            queue.scribble(self.random)

    # ---- the loop ----

    def serve(self, queues):
        receive, transmit = queues
        while True:
            head = transmit.next_chain()
            if head is None:
                break
            header, frame = self.sent(transmit, head)
            lying = self.after <= 0 < self.lies and self.mode != "good"
            self.lies -= self.after <= 0
            self.after -= 1
            if lying and self.mode == "dies":
                sys.exit()
            if lying and self.mode == "silent":
                continue
            self.flooding = self.flooding or (lying and self.mode == "flood")
            if lying and not self.mode.startswith("sent-"):
                self.lie(receive, frame)
            else:
                frame = self.finished(header, frame)
                if frame is not None:
                    self.answer(receive, frame, header)
            self.done(transmit, head, self.mode if lying else "good")
        while self.waiting and self.deliver(receive, self.waiting[0][0], **self.waiting[0][1]):
            self.waiting.pop(0)
        if self.flooding:
            while self.deliver(receive, [b"\xff" * 64]):
                pass
        receive.interrupt()
        transmit.interrupt()

    def done(self, queue, head, mode):
        if mode == "sent-bad-id":
            head = (head + queue.size // 2) % queue.size
        elif mode == "sent-duplicate":
            # Shown together: once the driver has used the number again, it may be finished again.
            queue.place(0, head, 0)
            queue.place(1, head, 0)
            queue.publish(2)
            return
        queue.put(head, 0)
        if mode == "sent-bad-index":
            queue.publish(queue.size * 3)


def main():
    if not 3 <= len(sys.argv) <= 5 or sys.argv[2] not in MODES:
        sys.exit(__doc__ + "\nmodes: " + " ".join(MODES))
    after, lies = ([int(word) for word in sys.argv[3:]] + [0, 1 << 30][len(sys.argv) - 3:])[:2]
    serve_one(sys.argv[1], Net(sys.argv[2], after, lies))


if __name__ == "__main__":
    main()
