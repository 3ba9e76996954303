# SPDX-License-Identifier: BSD-2-Clause
"""Room for more than one waiting client at the ports that QEMU's user network publishes.

QEMU calls listen(socket, 1) (libslirp, src/socket.c, tcpx_listen): of fifty clients that connect at once the
others are dropped by the kernel, and come again after seconds. listen() of the same socket sets another number;
pidfd_getfd() (Linux 5.6) hands us the socket of our child. Where that is refused, all stays as it was.
"""

import ctypes
import os
import socket
import threading
import time

BACKLOG = 512          # Linux has net.core.somaxconn above it
SYS_PIDFD_GETFD = 438  # asm-generic/unistd.h
SECONDS = 10           # in which QEMU has made its sockets

LIBC = ctypes.CDLL(None, use_errno=True)


def sockets_of(pid):
    """Copies of a process' sockets."""
    pidfd = os.pidfd_open(pid)
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
                    continue
            except OSError:
                continue  # closed meanwhile
            copy = LIBC.syscall(SYS_PIDFD_GETFD, pidfd, int(fd), 0)
            if copy >= 0:
                yield socket.socket(fileno=copy)
    finally:
        os.close(pidfd)


def widen_once(pid, ports):
    """Those of `ports` that have been found."""
    found = set()
    for sock in sockets_of(pid):
        with sock:
            if sock.family == socket.AF_INET and sock.type == socket.SOCK_STREAM and \
                    sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and sock.getsockname()[1] in ports:
                sock.listen(BACKLOG)
                found.add(sock.getsockname()[1])
    return found


def widen(guest, ports):
    """In the background, as soon as `guest` has a QEMU that listens at these TCP ports of 127.0.0.1."""
    def work():
        left, until = set(ports), time.monotonic() + SECONDS
        try:
            while left and time.monotonic() < until:
                time.sleep(0.05)
                if guest.process is not None:
                    left -= widen_once(guest.process.pid, left)
        except OSError:
            pass  # it has ended, or the kernel is older
    if ports:
        threading.Thread(target=work, daemon=True).start()
