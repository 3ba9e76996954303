# SPDX-License-Identifier: BSD-2-Clause
"""A vhost-user block backend of our own that can lie to its guest in every way a device can.

    vhost_blk.py SOCKET FILE MODE [AFTER]

serves FILE at SOCKET to one QEMU (`-device vhost-user-blk-pci,chardev=...`, guest memory shared)
and behaves well for the first AFTER requests (default 0), then as MODE says. Written from virtio 1.2,
5.2; one queue.
"""

import os
import random
import struct
import sys

from vhost_user import serve_one

MODES = ("good", "bad-id", "bad-id-huge", "bad-length", "bad-index", "duplicate", "bad-status",
         "no-status", "error", "silent", "scribble", "dies")

F_SEG_MAX, F_BLK_SIZE, F_FLUSH = 1 << 2, 1 << 6, 1 << 9
BLK_IN, BLK_OUT, BLK_FLUSH, BLK_GET_ID = 0, 1, 4, 8
SEG_MAX = 126


class Disk:
    """Carries out requests on the file, and lies about them."""

    features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH
    nqueues = 1

    def __init__(self, path, mode, after):
        self.file = os.open(path, os.O_RDWR)
        self.sectors = os.fstat(self.file).st_size // 512
        self.mode, self.after = mode, after
        self.random = random.Random(1)

    def config(self):
        limits = struct.pack("<QIIHBBI", self.sectors, 0, SEG_MAX, 0, 0, 0, 512)
        return limits.ljust(64, b"\0")

    def transfer(self, memory, kind, sector, pieces):
        """Returns the status byte and how many bytes were written to the guest."""
        offset, written = sector * 512, 0
        if kind == BLK_FLUSH:
            os.fdatasync(self.file)
            return 0, 0
        for address, length, _ in pieces:
            mapping, at = memory.guest(address)
            if kind == BLK_GET_ID:
                mapping[at:at + length] = b"hostile".ljust(length, b"\0")
                return 0, length
            if offset + length > self.sectors * 512:
                return 1, written
            if kind == BLK_IN:
                mapping[at:at + length] = os.pread(self.file, length, offset)
                written += length
            elif kind == BLK_OUT:
                os.pwrite(self.file, mapping[at:at + length], offset)
            else:
                return 2, 0
            offset += length
        return 0, written

    def idle(self, _queues):
        return None

    def serve(self, queues):
        """Work off what the driver has made available."""
        queue, served = queues[0], False
        while queue.ready():
            head = queue.next_chain()
            if head is None:
                break
            pieces = queue.chain(head)
            mapping, at = queue.memory.guest(pieces[0][0])
            kind, _, sector = struct.unpack_from("<IIQ", mapping, at)
            good = kind == BLK_GET_ID or self.mode == "good" or self.after > 0
            if kind != BLK_GET_ID:
                self.after -= self.after > 0
            if not good and self.mode == "silent":
                continue
            if not good and self.mode == "dies":
                sys.exit()
            status, written = self.transfer(queue.memory, kind, sector, pieces[1:-1])
            mode = "good" if good else self.mode
            self.answer(queue, head, pieces[-1][0], status, written + 1, mode)
            served = True
        if served:
            queue.interrupt()

    def answer(self, queue, head, status_at, status, length, mode):
        if mode in ("bad-status", "error"):
            status = 1 if mode == "error" else 0x5a
        if mode != "no-status":
            mapping, at = queue.memory.guest(status_at)
            mapping[at] = status
        if mode == "bad-id":
            head = (head + queue.size // 2) % queue.size
        elif mode == "bad-id-huge":
            head = 0xfffffff0
        elif mode == "bad-length":
            length += 0x1000000
        elif mode == "duplicate":
            queue.put(head, length)
        queue.put(head, length)
        if mode == "scribble":
            queue.scribble(self.random)
        if mode == "bad-index":
            queue.publish(queue.size * 3)


def main():
    if len(sys.argv) not in (4, 5) or sys.argv[3] not in MODES:
        sys.exit(__doc__ + "\nmodes: " + " ".join(MODES))
    path, file, mode = sys.argv[1:4]
    serve_one(path, Disk(file, mode, int(sys.argv[4]) if len(sys.argv) == 5 else 0))


if __name__ == "__main__":
    main()
