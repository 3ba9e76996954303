# SPDX-License-Identifier: BSD-2-Clause
"""The other end of the guest's virtio console: a Unix socket of QEMU's."""

import os
import re
import socket
import tempfile
import time

from words import Failure

LARGE, BLOCK = 4 << 20, 32 << 10  # as in main.c


def by_socket(run):
    """A file takes everything; what a socket does not take at once QEMU throws away."""
    return run.case.name in ("file", "read")


def prepare(run):
    if "none" in run.case.args:
        return
    folder = tempfile.mkdtemp(prefix="pith-")  # a socket's path must be short
    run.path = os.path.join(folder, "hvc")
    run.said = b""

    def cleanup():
        if os.path.exists(run.path):
            os.unlink(run.path)
        os.rmdir(folder)

    run.cleanup.append(cleanup)
    run.log = os.path.join(run.dir, "hvc.log")
    chardev = f"socket,id=hvc,path={run.path},server=on,wait=off" if by_socket(run) else \
        f"file,id=hvc,path={run.log}"
    bus = "virtio-serial-device" if run.bed.machine == "microvm" else \
        "virtio-serial-pci,disable-legacy=on"
    run.machine.qemu_args += ["-chardev", chardev, "-device", bus,
                              "-device", "virtconsole,chardev=hvc"]


def connect(run):
    until = time.monotonic() + 20
    while True:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(run.path)
            sock.settimeout(20)
            return sock
        except OSError:
            sock.close()
            if time.monotonic() > until:
                raise Failure("QEMU's socket does not answer") from None
            time.sleep(0.01)


def pattern(length):
    return bytes((i * 2654435761 & 0xffffffffffffffff) >> 13 & 0xff for i in range(length))


def echo_until(run, sock, word):
    """Send back what comes until the guest's next word."""
    sock.settimeout(0.02)
    while not re.search(f"^host: {word}$", run.output.text, re.MULTILINE) and run.result is None:
        try:
            sock.sendall(sock.recv(65536))
        except TimeoutError:
            pass
    sock.settimeout(20)


def take(sock, length):
    data = b""
    while len(data) < length:
        if len(data) % BLOCK == 0:
            sock.sendall(b"a")
        data += sock.recv(BLOCK - len(data) % BLOCK)
    return data


def drain(sock):
    """Read until nothing has come for a while; the last bytes."""
    last = b""
    while True:
        try:
            last = (last + sock.recv(65536))[-100:]
        except TimeoutError:
            return last


def serve(run, sock):
    run.expect(r"^host: echo$")
    echo_until(run, sock, "take")
    data, wanted = take(sock, LARGE), pattern(LARGE)
    yield "large", None if data == wanted else f"{len(data)} other bytes came"
    sock.sendall(wanted)
    run.expect(r"^host: drain$", 40)
    sock.settimeout(0.3)
    last = drain(sock)
    yield "unread", None if last.strip(b"b") == b"" else repr(last)
    sock.sendall(b"end")
    sock.settimeout(20)
    data = sock.recv(100)
    yield "goes-on", None if data == b"last" else repr(data)
    sock.sendall(b"ok")


def converse(run, sock):
    while b"machine 1" not in run.said:
        run.said += sock.recv(65536)
    sock.sendall(b"hello\n")
    while True:
        part = sock.recv(65536)
        if not part:
            break
        run.said += part


def verify(run):
    """What the machine's console has said."""
    if run.case.args[:1] != ["machine"]:
        return
    if not by_socket(run):
        with open(run.log, "rb") as f:
            run.said = f.read()
    text = run.said.decode(errors="replace").replace("\r", "")
    text = re.sub(r"\n\[pith-listens \w+ 1\]\n", "", text)  # comes when the guest has time for it
    wanted = {
        "exit": r"\[pith-exit \w+ 3\]", "read": r"read: hello\n", "crash": r"Crash: page fault",
        "many": "".join(f"line {i}\n" for i in range(20000)),
    }[run.case.args[1]]
    found = re.search(wanted, text)
    yield "console", None if found and "machine 1" in text else f"it says {text[-200:]!r}"
    last = r"\[pith-exit \w+ \w+\]\s*$"
    yield "last-line", None if re.search(last, text) else f"it ends by {text[-80:]!r}"
    lost = "on the virtio console" in run.output.text
    yield "serial", "the serial port says it, too" if lost else None


def beside(run):
    if by_socket(run):
        with connect(run) as sock:
            yield from (serve(run, sock) if not run.case.args else converse(run, sock) or [])
