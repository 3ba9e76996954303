# SPDX-License-Identifier: BSD-2-Clause
"""Where the network tests take place: a network namespace with taps, and machines behind these.

A namespace lives as long as one process of ours, and its interfaces with it: nothing is left behind,
not even when the tests are killed.
"""

import ctypes
import glob
import os
import re
import secrets
import signal
import socket
import subprocess
import threading
import time

import initrd
import nics
from guest import Guest, die_with_parent
from machine import Machine
from words import BUILD, TOP, Failure

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
HERE = os.path.join(TOP, "tests", "net")
FLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Wshadow", "-Wvla", "-Wstrict-prototypes",
         "-Wmissing-prototypes", "-Werror"]

PEER = "tests/net/peer"
OURS4, GUEST4, OURS6, GUEST6 = "10.77.0.1", "10.77.0.2", "fd77::1", "fd77::2"


def why_not():
    """None when namespaces and taps can be made here, else why not."""
    if os.geteuid() != 0:
        return "making network namespaces and taps needs root"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC))
        Namespace().close()
    except (OSError, Failure, subprocess.SubprocessError) as e:
        return f"no network namespace with a tap: {e}"
    return None


class Namespace:
    """A network namespace of its own, with 127.0.0.1 up and whatever is made in it."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       preexec_fn=die_with_parent)
        self.path = f"/proc/{self.holder.pid}/ns/net"
        self.processes = []
        until = time.monotonic() + 10
        while os.readlink(self.path) == os.readlink("/proc/self/ns/net"):
            if self.holder.poll() is not None or time.monotonic() > until:
                self.close()
                raise Failure("unshare --net failed")
            time.sleep(0.005)
        self.call("ip", "link", "set", "lo", "up")
        # Of the datagram sockets of a cable: the usual 10 is less than a window of TCP.
        self.call("sysctl", "-q", "-w", "net.unix.max_dgram_qlen=1000")

    def words(self, *words):
        return ["nsenter", f"--net={self.path}", "--", *words]

    def call(self, *words, timeout=60, check=True):
        """Run a command in there; what it said on stdout and stderr, and its status."""
        done = subprocess.run(self.words(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, check=False)
        if check and done.returncode:
            raise Failure(f"{' '.join(words)}: status {done.returncode}: "
                          + done.stdout.decode(errors="replace")[-300:])
        return done

    def start(self, *words, **more):
        """A process in there that ends with the namespace."""
        process = subprocess.Popen(self.words(*words), preexec_fn=die_with_parent, **more)
        self.processes.append(process)
        return process

    def enter(self, function):
        """Call a function in a thread that is in the namespace; what it opens stays there."""
        result = []

        def inside():
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if LIBC.setns(fd, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
                result.append((function(), None))
            except OSError as e:
                result.append((None, e))
            finally:
                os.close(fd)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        value, error = result[0]
        if error:
            raise error
        return value

    def socket(self, family, kind, protocol=0):
        return self.enter(lambda: socket.socket(family, kind, protocol))

    def connect(self, address, port, timeout=20):
        """A TCP connection from in there."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = self.socket(family, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        try:
            sock.connect((address, port))
        except OSError:
            sock.close()
            raise
        return sock

    def tap(self, name="tap0", addresses=(OURS4 + "/24", OURS6 + "/64")):
        self.call("ip", "tuntap", "add", "dev", name, "mode", "tap")
        self.up(name, addresses)
        return name

    def up(self, name, addresses):
        for address in addresses:
            more = ["nodad"] if ":" in address else []
            self.call("ip", "addr", "add", address, "dev", name, *more)
        self.call("ip", "link", "set", name, "up")

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        self.holder.send_signal(signal.SIGKILL)
        self.holder.wait()


class Host:
    """Something with the peer's services at `v4` and `v6` as seen from a namespace."""

    def __init__(self, ns, v4=GUEST4, v6=GUEST6):
        self.ns = ns
        self.v4, self.v6 = v4, v6

    def ask(self, word, port=1, seconds=20):
        """Send a datagram until an answer comes."""
        until = time.monotonic() + seconds
        with self.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.5)
            while time.monotonic() < until:
                try:
                    sock.sendto(word.encode(), (self.v4, port))
                    return sock.recv(65536).decode()
                except (TimeoutError, ConnectionRefusedError, OSError):
                    self.check()
        raise Failure(f"no answer to '{word}' within {seconds} s")

    def reach(self, address, port, seconds=20):
        """Wait until it answers there: an IPv6 address is probed for a second before its use, and who
        asks for it meanwhile hears that there is no such host."""
        until = time.monotonic() + seconds
        while True:
            try:
                self.ns.connect(address, port).close()
                return
            except OSError as e:
                self.check()
                if time.monotonic() > until:
                    raise Failure(f"[{address}]:{port} does not answer within {seconds} s: {e}") from e
                time.sleep(0.1)

    def check(self):
        """A Failure when it has ended."""

    def ended(self, seconds=10):
        """Its exit status; None when it goes on for that long."""
        raise NotImplementedError

    def resident(self):
        """Resident memory of its process (QEMU's) in bytes."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def memory(self):
        """{word: number} of what the peer says of its memory."""
        return self.numbers("memory")

    def numbers(self, word):
        words = self.ask(word).split()
        return dict(zip(words[0::2], map(int, words[1::2])))


class Server(Host):
    """A guest in a namespace. `nic` is its card; options give it the addresses v4 and v6; `more` is for Machine."""

    def __init__(self, ns, elf, bed, nic, log, v4=GUEST4, v6=GUEST6, mem=64 << 20, options=(), args=(), files=None,
                 shares=(), timeout=1000, **more):
        super().__init__(ns, v4, v6)
        addresses = [f"ip={v4}/24,gw={OURS4}", f"ip6={v6}/64"] if v4 else []
        self.machine = Machine(elf, bed.platform, bed.machine, mem, options=addresses + list(options),
                               args=list(args), nonce=secrets.token_hex(8), nics=[nic],
                               prefix=ns.words() if ns else [],
                               initrd=initrd.archive(files) if files else "", shares=list(shares), **more)
        self.output = bytearray()
        self.log = log
        self.result = None
        self.guest = Guest(self.machine, None, self.output.extend, timeout=timeout)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            self.result = self.guest.run()
        except Failure as e:
            self.result = e
        with open(self.log, "wb") as f:
            f.write(bytes(self.output) + f"\n{self.result}\n".encode())

    @property
    def text(self):
        return bytes(self.output).decode(errors="replace")

    def check(self):
        if self.result is not None:
            raise Failure(f"the guest has ended: {self.result}; its last words: {self.text[-300:]!r}")

    def expect(self, pattern, seconds=20):
        until = time.monotonic() + seconds
        while True:
            ended = self.result is not None
            match = re.search(pattern, self.text, re.MULTILINE)
            if match:
                return match
            if ended:
                self.check()
            if time.monotonic() > until:
                raise Failure(f"the guest did not say /{pattern}/ within {seconds} s: {self.text[-300:]!r}")
            time.sleep(0.01)

    def ended(self, seconds=10):
        self.thread.join(seconds)
        return getattr(self.result, "status", None)

    @property
    def pid(self):
        return self.guest.process.pid

    def stop(self):
        """Kill it, whatever it does."""
        if self.guest.process and self.result is None:
            self.guest.process.kill()
        self.thread.join(20)


class LinuxServer(Host):
    """The peer on Linux, in a namespace of its own: what the tests themselves are tried with."""

    def __init__(self, ns, far, name="peer", sources=(PEER + "/*.c",), args=(), flags=()):
        super().__init__(ns)
        binary = os.path.join(BUILD, "tests", "net", "linux-" + name)
        build(binary, [path for word in sources for path in glob.glob(os.path.join(TOP, word))], flags)
        far.up("tap1", (GUEST4 + "/24", GUEST6 + "/64"))
        self.process = far.start(binary, *args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.process.stdout.readline()
        self.pid = self.process.pid

    def check(self):
        if self.process.poll() is not None:
            raise Failure(f"the peer has ended with status {self.process.returncode}")

    def ended(self, seconds=10):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


build_lock = threading.Lock()


def build(binary, sources, flags=()):
    """Compile a program for this host, when it is older than its sources."""
    with build_lock:
        newest = max(map(os.path.getmtime, sources))
        if not os.path.exists(binary) or os.path.getmtime(binary) < newest:
            os.makedirs(os.path.dirname(binary), exist_ok=True)
            subprocess.run(["gcc", *FLAGS, *flags, "-o", binary, *sources], check=True)


class Impair:
    """The spoiling cable (impair.c) between a tap in `ns` and two paths for a guest's card."""

    BINARY = os.path.join(BUILD, "tests", "net", "impair")

    def __init__(self, ns, folder, far=None, seed=1, **rates):
        """`rates` per mille: loss, reorder, duplicate, corrupt. With `far`, a namespace, its second
        end is a tap in there, for a LinuxServer."""
        build(self.BINARY, [os.path.join(HERE, "impair.c")])
        self.paths = tuple(os.path.join(folder, name) for name in ("guest", "cable"))
        words = ["-s", str(seed)]
        for name, rate in rates.items():
            words += ["-" + name[0], str(rate)]
        end = f"tap:tap1@{far.path}" if far else "unix:" + ":".join(reversed(self.paths))
        self.process = ns.start(self.BINARY, *words, "tap:tap0", end, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise Failure("impair did not start")
        ns.up("tap0", (OURS4 + "/24", OURS6 + "/64"))
        self.nic = nics.Nic("dgram", paths=self.paths)

    def stop(self):
        """[{word: number}] of what it did on the way to the guest, and from it."""
        said = self.process.communicate(b"", timeout=10)[0].decode().splitlines()
        found = [line.split()[1:] for line in said]
        return [dict(zip(w[0::2], map(int, w[1::2]))) for w in found]
