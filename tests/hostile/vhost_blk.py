# SPDX-License-Identifier: BSD-2-Clause
"""A vhost-user block backend of our own that can lie to its guest in every way a device can.

    vhost_blk.py SOCKET FILE MODE [AFTER]

serves FILE at SOCKET to one QEMU (`-device vhost-user-blk-pci,chardev=...`, guest memory shared)
and behaves well for the first AFTER requests (default 0), then as MODE says. Written from the
vhost-user protocol (QEMU docs/interop/vhost-user.rst) and virtio 1.2, 2.7 and 5.2; one queue, one thread.
"""

import array
import mmap
import os
import random
import select
import socket
import struct
import sys

MODES = ("good", "bad-id", "bad-id-huge", "bad-length", "bad-index", "duplicate", "bad-status",
         "no-status", "error", "silent", "scribble", "dies")

# Requests of the protocol.
GET_FEATURES, SET_FEATURES, SET_OWNER, RESET_OWNER, SET_MEM_TABLE = 1, 2, 3, 4, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE = 8, 9, 10, 11
SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR = 12, 13, 14
GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES, GET_QUEUE_NUM, SET_VRING_ENABLE = 15, 16, 17, 18
GET_CONFIG, SET_CONFIG = 24, 25
VERSION, REPLY, NEED_REPLY = 1, 4, 8

F_SEG_MAX, F_BLK_SIZE, F_FLUSH, F_INDIRECT, F_EVENT_IDX = 1 << 2, 1 << 6, 1 << 9, 1 << 28, 1 << 29
F_PROTOCOL, F_VERSION_1 = 1 << 30, 1 << 32
PROTOCOL_MQ, PROTOCOL_REPLY_ACK, PROTOCOL_CONFIG = 1 << 0, 1 << 3, 1 << 9

DESC_NEXT, DESC_WRITE, DESC_INDIRECT = 1, 2, 4
BLK_IN, BLK_OUT, BLK_FLUSH, BLK_GET_ID = 0, 1, 4, 8
SEG_MAX = 126


class Memory:
    """The guest's memory, by its physical addresses and by QEMU's."""

    def __init__(self):
        self.regions = []  # (guest address, size, QEMU address, mapping, offset in it)

    def set(self, payload, fds):
        self.regions = []
        count = struct.unpack_from("<I", payload)[0]
        for i in range(count):
            guest, size, user, offset = struct.unpack_from("<QQQQ", payload, 8 + 32 * i)
            mapping = mmap.mmap(fds[i], size + offset)
            os.close(fds[i])
            self.regions.append((guest, size, user, mapping, offset))

    def find(self, address, which):
        for region in self.regions:
            start = region[which]
            if start <= address < start + region[1]:
                return region[3], address - start + region[4]
        raise ValueError(f"address {address:#x} is not in the guest's memory")

    def guest(self, address):
        return self.find(address, 0)

    def user(self, address):
        return self.find(address, 2)


class Queue:
    """One split virtqueue, the device's side."""

    def __init__(self, memory):
        self.memory = memory
        self.size = 0
        self.desc = self.avail = self.used = None
        self.seen = self.done = 0
        self.kick = self.call = -1
        self.event_idx = False

    def ready(self):
        return self.desc is not None and self.size > 0

    def avail16(self, index):
        mapping, at = self.avail
        return struct.unpack_from("<H", mapping, at + 2 * index)[0]

    def next_chain(self):
        """The head of the next chain, or None; then the driver is asked to notify of the next."""
        if self.seen == self.avail16(1):
            self.ask_for_kick()
            if self.seen == self.avail16(1):
                return None
        head = self.avail16(2 + self.seen % self.size)
        self.seen = (self.seen + 1) & 0xffff
        return head

    def ask_for_kick(self):
        if self.event_idx:
            mapping, at = self.used
            struct.pack_into("<H", mapping, at + 4 + 8 * self.size, self.seen)

    def chain(self, head):
        """[(address, length, device writes it)]; an indirect table is followed."""
        (table, at), pieces = self.desc, []
        address, length, flags, following = struct.unpack_from("<QIHH", table, at + 16 * head)
        if flags & DESC_INDIRECT:
            table, at = self.memory.guest(address)
            address, length, flags, following = struct.unpack_from("<QIHH", table, at)
        while True:
            pieces.append((address, length, bool(flags & DESC_WRITE)))
            if not flags & DESC_NEXT or len(pieces) > 1024:
                return pieces
            piece = struct.unpack_from("<QIHH", table, at + 16 * following)
            address, length, flags, following = piece

    def put(self, chain, length):
        mapping, at = self.used
        struct.pack_into("<II", mapping, at + 4 + 8 * (self.done % self.size), chain & 0xffffffff,
                         length & 0xffffffff)
        self.publish(1)

    def publish(self, count):
        mapping, at = self.used
        self.done = (self.done + count) & 0xffff
        struct.pack_into("<H", mapping, at + 2, self.done)

    def interrupt(self):
        """Always: a device may interrupt more often than it has to."""
        if self.call >= 0:
            os.write(self.call, struct.pack("<Q", 1))


class Disk:
    """Carries out requests on the file, and lies about them."""

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

    def serve(self, queue):
        """Work off what the driver has made available."""
        served = False
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
            self.scribble(queue)
        if mode == "bad-index":
            queue.publish(queue.size * 3)

    def scribble(self, queue):
        """Random bytes over descriptors and used ring. Not over what the driver has yet to publish:
        this device would follow it anywhere in the guest's memory, which no driver can defend."""
        for (mapping, at), length in ((queue.desc, 16 * queue.size),
                                      (queue.used, 4 + 8 * queue.size)):
            for _ in range(length // 8):
                mapping[at + self.random.randrange(length)] = self.random.randrange(256)


class Backend:
    def __init__(self, connection, disk):
        self.connection, self.disk = connection, disk
        self.memory = Memory()
        self.queue = Queue(self.memory)
        self.features = 0

    def receive(self):
        """One message: (request, flags, payload, file descriptors), or None at the end."""
        fds = array.array("i")
        data, control, _, _ = self.connection.recvmsg(12, socket.CMSG_LEN(8 * fds.itemsize))
        for level, kind, body in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(body[:len(body) - len(body) % fds.itemsize])
        if len(data) < 12:
            return None
        request, flags, size = struct.unpack("<III", data)
        payload = b""
        while len(payload) < size:
            payload += self.connection.recv(size - len(payload))
        return request, flags, payload, list(fds)

    def reply(self, request, payload):
        header = struct.pack("<III", request, VERSION | REPLY, len(payload))
        self.connection.sendall(header + payload)

    def handle(self, request, flags, payload, fds):
        number = struct.unpack_from("<Q", payload)[0] if len(payload) >= 8 else 0
        answer = None
        if request == GET_FEATURES:
            answer = (F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_INDIRECT | F_EVENT_IDX | F_PROTOCOL |
                      F_VERSION_1)
        elif request == SET_FEATURES:
            self.queue.event_idx = bool(number & F_EVENT_IDX)
        elif request == GET_PROTOCOL_FEATURES:
            answer = PROTOCOL_MQ | PROTOCOL_REPLY_ACK | PROTOCOL_CONFIG
        elif request == GET_QUEUE_NUM:
            answer = 1
        elif request == GET_CONFIG:
            offset, size, cflags = struct.unpack_from("<III", payload)
            body = self.disk.config()[offset:offset + size].ljust(size, b"\0")
            self.reply(request, struct.pack("<III", offset, size, cflags) + body)
            return
        elif request == SET_MEM_TABLE:
            self.memory.set(payload, fds)
        elif request == GET_VRING_BASE:
            self.reply(request, struct.pack("<II", 0, self.queue.seen))
            self.queue.desc = None
            return
        else:
            self.vring(request, payload, fds)
        if answer is not None:
            self.reply(request, struct.pack("<Q", answer))
        elif flags & NEED_REPLY:
            self.reply(request, struct.pack("<Q", 0))

    def vring(self, request, payload, fds):
        queue = self.queue
        if request == SET_VRING_NUM:
            queue.size = struct.unpack("<II", payload)[1]
        elif request == SET_VRING_BASE:
            queue.seen = queue.done = struct.unpack("<II", payload)[1]
        elif request == SET_VRING_ADDR:
            _, _, desc, used, avail, _ = struct.unpack("<IIQQQQ", payload)
            queue.desc, queue.used, queue.avail = map(self.memory.user, (desc, used, avail))
        elif request == SET_VRING_KICK:
            queue.kick = fds[0] if fds else -1
        elif request == SET_VRING_CALL:
            queue.call = fds[0] if fds else -1

    def run(self):
        while True:
            watched = [self.connection] + ([self.queue.kick] if self.queue.kick >= 0 else [])
            readable, _, _ = select.select(watched, [], [])
            if self.connection in readable:
                message = self.receive()
                if message is None:
                    return
                self.handle(*message)
            elif self.queue.kick in readable:
                os.read(self.queue.kick, 8)
            if self.queue.ready():
                self.disk.serve(self.queue)


def main():
    if len(sys.argv) not in (4, 5) or sys.argv[3] not in MODES:
        sys.exit(__doc__ + "\nmodes: " + " ".join(MODES))
    path, file, mode = sys.argv[1:4]
    after = int(sys.argv[4]) if len(sys.argv) == 5 else 0
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen(1)
    print("ready", flush=True)
    connection, _ = server.accept()
    try:
        Backend(connection, Disk(file, mode, after)).run()
    except (ConnectionError, ValueError) as e:
        print(f"ended: {e}", flush=True)


if __name__ == "__main__":
    main()
