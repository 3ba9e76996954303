# SPDX-License-Identifier: BSD-2-Clause
"""A guest that is saved, restored and moved alive while it serves a page and writes to a disk."""

import collections
import ctypes
import os
import re
import socket
import struct
import threading
import time

import image
import packets
from words import TOP, Failure
from xen_site import disk_of, expect

XENBLK = os.path.join(TOP, "tests", "guest", "xenblk")
PORT = 8080
LOG_BLOCK, LOG_BATCH, LOG_SLOTS = 4096, 8, 1024  # tests/guest/xenblk/main.c
ROUNDS, FULL_ROUNDS = 3, 20
ETH_P_ALL = 3  # Linux linux/if_ether.h
SO_ATTACH_FILTER = 26  # Linux asm-generic/socket.h


class ArpWatch:
    """Notes the gratuitous ARPs that come to the tap: (time, address)."""

    def __init__(self, ns, tap="tap0"):
        self.sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(packets.ARP))
        self.sock.bind((tap, packets.ARP))
        self.sock.settimeout(0.2)
        self.seen = []
        self.over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over:
            try:
                frame = self.sock.recv(2048)
            except TimeoutError:
                continue
            if len(frame) >= 42 and frame[28:32] == frame[38:42]:
                self.seen.append((time.monotonic(), socket.inet_ntoa(frame[28:32])))

    def wait(self, address, since, seconds=20):
        """Seconds after `since` at which it was there."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for when, who in list(self.seen):
                if who == address and when >= since:
                    return when - since
            time.sleep(0.02)
        raise Failure(f"no gratuitous ARP of {address} within {seconds} s after the resume")

    def close(self):
        self.over = True
        self.thread.join()
        self.sock.close()


class Wire:
    """The last packets of one TCP connection as the tap sees them, to be read when it does not go on."""

    KEPT = 24

    def __init__(self, ns, port, tap="tap0"):
        # Only who asks for all protocols sees what this side sends.
        self.sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        # Linux Documentation/networking/filter.rst: those whose source or target is this port, behind an
        # Ethernet header of 14 bytes and one of IPv4 without options.
        ldh, jeq, ret = 0x28, 0x15, 0x06
        code = [(ldh, 0, 0, 12), (jeq, 0, 5, packets.IPV4), (ldh, 0, 0, 34), (jeq, 2, 0, port),
                (ldh, 0, 0, 36), (jeq, 0, 1, port), (ret, 0, 0, 128), (ret, 0, 0, 0)]
        program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in code))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                             struct.pack("@HP", len(code), ctypes.addressof(program)))
        self.sock.bind((tap, ETH_P_ALL))
        self.sock.settimeout(0.2)
        self.port, self.seen, self.over = port, collections.deque(maxlen=self.KEPT), False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over:
            try:
                frame = self.sock.recv(256)
            except TimeoutError:
                continue
            if len(frame) >= 54:
                length = struct.unpack_from(">H", frame, 16)[0] - 20 - (frame[46] >> 4) * 4
                self.seen.append((time.monotonic(), struct.unpack_from(">HHII", frame, 34), frame[47], length))

    def words(self):
        now = time.monotonic()
        return "; ".join(f"{when - now:.2f} s {'to' if ports[1] == self.port else 'from'} the client, flags {flags:02x}, "
                         f"seq {ports[2]}, ack {ports[3]}, {length} bytes" for when, ports, flags, length in list(self.seen))

    def close(self):
        self.over = True
        self.thread.join()
        self.sock.close()


class Load:
    """wrk at a guest's web server, for as long as the rounds take."""

    def __init__(self, site, v4, seconds):
        # SIGINT has it print what it has found.
        self.process = site.ns.start("wrk", "-c", "4", "-t", "1", "-d", str(seconds), "--timeout", "60s",
                                     f"http://{v4}:{PORT}/", stdout=-1, stderr=-2)

    def stop(self):
        if self.process.poll() is None:
            # nsenter has become wrk by exec.
            self.process.send_signal(2)
        said = self.process.communicate(timeout=90)[0].decode(errors="replace")
        rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
        count = re.search(r"(\d+) requests in", said)
        bad = re.search(r"(Socket errors|Non-2xx).*", said)
        expect(not bad and rate and count and int(count[1]) > 0, f"wrk: {bad[0] if bad else said}")
        return int(count[1])


class Held:
    """One connection that asks for page after page, over all moves: wrk does not tell which of its own
    still get answers. A move may take long on a busy machine; what counts is the time after it."""

    def __init__(self, site, v4):
        self.sock = site.ns.connect(v4, PORT, timeout=200)
        self.wire = Wire(site.ns, self.sock.getsockname()[1])
        self.request = f"GET / HTTP/1.1\r\nHost: {v4}\r\n\r\n".encode()
        self.answers, self.problem, self.over = 0, None, False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while not self.over:
                self.sock.sendall(self.request)
                got = b""
                while not got.endswith(b"a page that moves\n"):
                    more = self.sock.recv(4096)
                    if not more:
                        raise OSError("the guest has closed it")
                    got += more
                self.answers += 1
        except OSError as e:
            self.problem = e

    def goes_on(self, seconds=70):
        """Wait for answers to requests that were made after now."""
        before, until = self.answers, time.monotonic() + seconds
        while self.answers < before + 2:
            expect(not self.problem and time.monotonic() < until, "the connection that was open before the move: "
                   f"{self.problem or 'no answer'} [{self.wire.words()}]")
            time.sleep(0.02)

    def close(self):
        self.over = True
        self.thread.join(1)
        self.sock.close()
        self.wire.close()


def acknowledged(site, name):
    found = re.findall(r"^acked (\d+)\s*$", site.host.console(name), re.MULTILINE)
    return int(found[-1]) if found else -1


def check_log(path, acked):
    """Every slot holds the newest block that was acknowledged for it, or a newer one; how many."""
    with open(path, "rb") as f:
        data = f.read(LOG_BLOCK * LOG_SLOTS)
    count = min(acked + 1, LOG_SLOTS)
    expect(acked >= 0, "no block was acknowledged")
    for n in range(acked + 1 - count, acked + 1):
        slot = n % LOG_SLOTS
        words = struct.unpack_from(f"<{LOG_BLOCK // 8}Q", data, slot * LOG_BLOCK)
        have = words[0] // (LOG_BLOCK // 8)
        whole = words == tuple(range(words[0], words[0] + LOG_BLOCK // 8))
        expect(whole and have >= n and have % LOG_SLOTS == slot,
               f"block {n} was acknowledged and slot {slot} holds {have}{'' if whole else ', in part'}")
    return count


def save_restore(site, name):
    """Time between the order to save and the end of the restore."""
    path = site.host.save(name)
    expect(site.host.reason(name) == "suspend", f"the guest that was saved goes on; {site.words_of(name)}")
    site.host.restore(path)
    os.unlink(os.path.join(site.host.share, "files", os.path.basename(path)))


def migrate(site, name):
    site.host.migrate(name)


def one_round(site, how, name, v4, arps, held):
    """Move it; (seconds of the move, seconds until its ARP)."""
    began = time.monotonic()
    how(site, name)
    took = time.monotonic() - began
    arp = arps.wait(v4, began)
    before, until = acknowledged(site, name), time.monotonic() + 60
    while acknowledged(site, name) < before + 16 * LOG_BATCH:
        site.lives(name)
        expect(time.monotonic() < until, f"it writes no more; {site.words_of(name)}")
        time.sleep(0.05)
    site.page(v4, PORT)
    held.goes_on()
    return took, arp


def retransmit_soon(ns):
    """Have our ends of connections try again each second: a guest that was away for ten seconds would
    otherwise hear of a request that was lost after ten more. Linux 6.15 and later can."""
    if ns.call("sysctl", "-q", "-w", "net.ipv4.tcp_rto_max_ms=1000", check=False).returncode == 0:
        ns.call("sysctl", "-q", "-w", "net.ipv4.tcp_retries2=255")  # these took 15 minutes and take 4 now


def rounds_of(site, how, name, v4):
    """All rounds under load: what each took, and how many requests were answered."""
    retransmit_soon(site.ns)
    arps, load, held, done = ArpWatch(site.ns), None, None, []
    try:
        site.page(v4, PORT)
        site.says(name, r"^acked \d+")
        load, held = Load(site, v4, 3600), Held(site, v4)
        held.goes_on()
        for _ in range(FULL_ROUNDS if site.full else ROUNDS):
            try:
                done.append(one_round(site, how, name, v4, arps, held))
            except (Failure, OSError) as e:
                raise Failure(f"round {len(done) + 1}: {e}; {site.words_of(name)}") from e
        return done, load.stop()
    finally:
        arps.close()
        if held:
            held.close()
        if load and load.process.poll() is None:
            load.process.kill()


def moves(how):
    def test(site):
        # The scripts that dom0 attaches a disk with may take 40 s; wrk and a writer have all the CPU there is.
        site.host.run("xl sched-credit2 -d Domain-0 -w 4096")
        v4, path = site.address(), site.disk(1, LOG_BLOCK * LOG_SLOTS)
        name = site.create("moves", image.find(XENBLK).elf, ["stop.grace=10"], ["log", str(PORT)], v4=v4,
                           memory=24, disk=[disk_of(1)])
        done, requests = rounds_of(site, how, name, v4)
        site.lives(name)
        site.host.run(f"xl pause {name}")
        acked = acknowledged(site, name)
        site.host.destroy(name)
        blocks = check_log(path, acked)
        return (f"{len(done)} rounds of {max(took for took, _ in done):.1f} s at most, ARP after at most "
                f"{max(arp for _, arp in done):.1f} s, {requests} requests without an error, "
                f"{acked + 1} blocks acknowledged, {blocks} on the disk compared")
    return test


def all_tests(kind):
    return {f"save-{kind}": moves(save_restore), f"migrate-{kind}": moves(migrate)}
