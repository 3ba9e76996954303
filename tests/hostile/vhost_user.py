# SPDX-License-Identifier: BSD-2-Clause
"""The device's half of the vhost-user protocol, for backends of our own that lie to their guest.

Written from QEMU docs/interop/vhost-user.rst and virtio 1.2, 2.7. One connection, one thread. A device
has `features` (64 bits), `nqueues`, `config()` (bytes, none where QEMU has it), serve(queues), and
idle(queues): how many seconds to wait for the guest at most, None for ever.
"""

import array
import mmap
import os
import select
import socket
import struct

# Requests of the protocol.
GET_FEATURES, SET_FEATURES, SET_OWNER, RESET_OWNER, SET_MEM_TABLE = 1, 2, 3, 4, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE = 8, 9, 10, 11
SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR = 12, 13, 14
GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES, GET_QUEUE_NUM, SET_VRING_ENABLE = 15, 16, 17, 18
GET_CONFIG, SET_CONFIG = 24, 25
VERSION, REPLY, NEED_REPLY = 1, 4, 8

F_INDIRECT, F_EVENT_IDX, F_PROTOCOL, F_VERSION_1 = 1 << 28, 1 << 29, 1 << 30, 1 << 32
PROTOCOL_MQ, PROTOCOL_REPLY_ACK, PROTOCOL_CONFIG = 1 << 0, 1 << 3, 1 << 9

DESC_NEXT, DESC_WRITE, DESC_INDIRECT = 1, 2, 4


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


def store16(place, offset, value):
    """One store, as a device does it; struct.pack_into() would write zeros first."""
    mapping, at = place
    memoryview(mapping).cast("H")[(at + offset) // 2] = value


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
            store16(self.used, 4 + 8 * self.size, self.seen)

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

    def place(self, ahead, chain, length):
        """Write the used entry that comes `ahead` places after the next; publish() shows it."""
        mapping, at = self.used
        struct.pack_into("<II", mapping, at + 4 + 8 * ((self.done + ahead) % self.size),
                         chain & 0xffffffff, length & 0xffffffff)

    def put(self, chain, length):
        self.place(0, chain, length)
        self.publish(1)

    def publish(self, count):
        self.done = (self.done + count) & 0xffff
        store16(self.used, 2, self.done)

    def interrupt(self):
        """Always: a device may interrupt more often than it has to."""
        if self.call >= 0:
            os.write(self.call, struct.pack("<Q", 1))

    def scribble(self, chance):
        """Random bytes over descriptors and used ring. Not over what the driver has yet to publish:
        this device would follow it anywhere in the guest's memory, which no driver can defend."""
        for (mapping, at), length in ((self.desc, 16 * self.size), (self.used, 4 + 8 * self.size)):
            for _ in range(length // 8):
                mapping[at + chance.randrange(length)] = chance.randrange(256)


class Backend:
    def __init__(self, connection, device):
        self.connection, self.device = connection, device
        self.memory = Memory()
        self.queues = [Queue(self.memory) for _ in range(device.nqueues)]

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
            answer = self.device.features | F_INDIRECT | F_EVENT_IDX | F_PROTOCOL | F_VERSION_1
        elif request == SET_FEATURES:
            for queue in self.queues:
                queue.event_idx = bool(number & F_EVENT_IDX)
        elif request == GET_PROTOCOL_FEATURES:
            answer = PROTOCOL_MQ | PROTOCOL_REPLY_ACK
            answer |= PROTOCOL_CONFIG if self.device.config() else 0
        elif request == GET_QUEUE_NUM:
            answer = 1
        elif request == GET_CONFIG:
            offset, size, cflags = struct.unpack_from("<III", payload)
            body = self.device.config()[offset:offset + size].ljust(size, b"\0")
            self.reply(request, struct.pack("<III", offset, size, cflags) + body)
            return
        elif request == SET_MEM_TABLE:
            self.memory.set(payload, fds)
        elif request == GET_VRING_BASE:
            index = number & 0xffffffff
            self.reply(request, struct.pack("<II", index, self.queues[index].seen))
            self.queues[index].desc = None
            return
        elif SET_VRING_NUM <= request <= SET_VRING_CALL:
            self.vring(request, payload, fds)
        if answer is not None:
            self.reply(request, struct.pack("<Q", answer))
        elif flags & NEED_REPLY:
            self.reply(request, struct.pack("<Q", 0))

    def vring(self, request, payload, fds):
        queue = self.queues[payload[0]]
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
            kicks = [queue.kick for queue in self.queues if queue.kick >= 0]
            readable, _, _ = select.select([self.connection] + kicks, [], [],
                                           self.device.idle(self.queues))
            if self.connection in readable:
                message = self.receive()
                if message is None:
                    return
                self.handle(*message)
                continue
            for kick in readable:
                os.read(kick, 8)
            if all(queue.ready() for queue in self.queues):
                self.device.serve(self.queues)


def serve_one(path, device):
    """Serve one QEMU at the socket `path`; "ready" on standard output says that it may come."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen(1)
    print("ready", flush=True)
    connection, _ = server.accept()
    try:
        Backend(connection, device).run()
    except (ConnectionError, ValueError) as e:
        print(f"ended: {e}", flush=True)
