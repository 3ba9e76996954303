# SPDX-License-Identifier: BSD-2-Clause
"""Runs one machine: starts QEMU, carries the console both ways, and finds out how it ended."""

import ctypes
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass

import qmp
import streams
from machine import qemu_command
from words import CRASHED, NO_START, TIMED_OUT, TOP, Failure

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1

# Bytes that may begin the exit line wait this long for the rest before they are passed on.
HOLD_SECONDS = 0.2
# A guest that has said its last line gets this long to stop its machine.
STOP_SECONDS = 5.0


@dataclass
class Result:
    status: int          # what `pith run` exits with
    problem: str         # words for a person; empty when the program ended by itself
    crashed: bool        # the guest said "crash"
    ended_itself: bool   # QEMU was not killed by us
    qemu_status: int
    qemu_words: str      # QEMU's stderr
    seconds: float


def die_with_parent():
    """In the child before exec: no QEMU survives us, not even when we are killed by SIGKILL."""
    parent = os.getppid()
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent == 1 or os.getppid() != parent:
        os._exit(1)


class Guest:
    """One run. `source` is a file descriptor, bytes, or None for no input; `sink` takes bytes.
    `control` talks to QEMU's monitor while it runs, from any thread."""

    def __init__(self, machine, source, sink, log=None, timeout=None):
        self.machine = machine
        self.sink = sink
        self.log = log
        self.timeout = timeout
        self.lines = streams.GuestLines(machine.nonce)
        self.xen = streams.XenConsole() if machine.on_xen else None
        self.source = source if isinstance(source, int) else None
        self.pending = b"" if self.source is not None else \
            streams.frame_input(source or b"", machine.on_xen) + streams.END_OF_INPUT
        self.words = b""
        self.said_something = False
        self.process = None
        self.control = None

    def run(self):
        began = time.monotonic()
        self.control, theirs = qmp.pair()
        try:
            # A session of its own: Ctrl-C reaches us alone, and we stop the machine.
            self.process = subprocess.Popen(
                qemu_command(self.machine) + qmp.words(theirs.fileno()), cwd=TOP,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                start_new_session=True, preexec_fn=die_with_parent, pass_fds=[theirs.fileno()])
        except FileNotFoundError as e:
            self.control.close()
            raise Failure("qemu-system-x86_64 is not installed") from e
        finally:
            theirs.close()
        killed = False
        try:
            timed_out = not self.carry(began)
            killed = not self.wait_stopped(timed_out)
        finally:
            self.kill()
        return self.judge(timed_out, killed, time.monotonic() - began)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.control.close()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                pipe.close()
            except BrokenPipeError:
                pass

    # ---- the console ----

    def carry(self, began):
        """Copy until the exit line, QEMU's end, or the time limit (then False)."""
        p = self.process
        out, err, into = p.stdout.fileno(), p.stderr.fileno(), p.stdin.fileno()
        os.set_blocking(into, False)
        deadline = None if self.timeout is None else began + self.timeout
        quiet_since = began
        while self.lines.status is None:
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                return False
            poll = select.poll()
            poll.register(out, select.POLLIN)
            if err is not None:
                poll.register(err, select.POLLIN)
            wait = [] if deadline is None else [deadline - now]
            if self.pending and self.lines.credit > 0:
                poll.register(into, select.POLLOUT)
            # Not before the guest asks: a program that reads nothing takes nothing from our caller.
            if self.source is not None and not self.pending and self.lines.credit > 0:
                poll.register(self.source, select.POLLIN)
            if self.holding():
                wait.append(max(0.0, quiet_since + HOLD_SECONDS - now))
            events = dict(poll.poll(min(wait) * 1000 + 1 if wait else None))
            if out in events:
                data = os.read(out, 65536)
                if not data:
                    break
                quiet_since = time.monotonic()
                self.output(data)
            elif self.holding() and time.monotonic() - quiet_since >= HOLD_SECONDS:
                self.release()
            if err in events:
                words = os.read(err, 65536)
                self.words += words
                if not words:
                    err = None
                if self.host_gave_up():
                    break
            if self.source in events:
                self.read_source()
            if into in events:
                self.write_input(into)
        self.release()
        return True

    def holding(self):
        return bool(self.lines.held or (self.xen and self.xen.started and self.xen.held))

    def output(self, data):
        if self.xen:
            data = self.xen.feed(data)
            self.write_log(self.xen.take_log())
        self.emit(self.lines.feed(data))

    def release(self):
        if self.xen:
            self.emit(self.lines.feed(self.xen.flush()))
            self.write_log(self.xen.take_log())
        if self.lines.status is None:
            self.emit(self.lines.flush())

    def emit(self, data):
        if data:
            self.said_something = True
            self.sink(data)

    def write_log(self, data):
        if data and self.log:
            self.log.write(data)
            self.log.flush()

    def read_source(self):
        try:
            data = os.read(self.source, 4096)
        except OSError:  # a terminal that is not ours to read from
            data = b""
        if data:
            self.pending = streams.frame_input(data, self.machine.on_xen)
        else:
            self.pending = streams.END_OF_INPUT
            self.source = None

    def write_input(self, into):
        try:
            n = os.write(into, self.pending[:self.lines.credit])
            self.pending = self.pending[n:]
            self.lines.credit -= n
        except BlockingIOError:
            pass
        except BrokenPipeError:  # QEMU has ended; its output tells why
            self.pending = b""
            self.source = None

    # ---- the end ----

    def host_gave_up(self):
        """QEMU stops such a machine and waits for ever."""
        return any(w in self.words for w in (b"KVM internal error", b"kvm run failed"))

    def wait_stopped(self, timed_out):
        """Wait for QEMU's own end; False when it has to be killed."""
        limit = 0 if timed_out or self.host_gave_up() else STOP_SECONDS
        until = time.monotonic() + limit
        out, err = self.process.stdout.fileno(), self.process.stderr.fileno()
        open_pipes = {out, err}
        while open_pipes and time.monotonic() < until:
            poll = select.poll()  # select() knows no descriptor above 1023
            for fd in open_pipes:
                poll.register(fd, select.POLLIN)
            for fd, _ in poll.poll(50):
                data = os.read(fd, 65536)
                if not data:
                    open_pipes.discard(fd)
                elif fd == err:
                    self.words += data
                elif self.xen:
                    # What Xen says at the end; the guest's own last word was the exit line.
                    self.write_log(data)
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
            return True
        except subprocess.TimeoutExpired:
            return False

    def judge(self, timed_out, killed, seconds):
        words = self.words.decode(errors="replace").strip()
        code = self.process.returncode
        said = self.lines.status
        problem = ""
        if said == "crash":
            status, problem = CRASHED, "the guest crashed"
        elif said is not None:
            status = said
        elif timed_out:
            status, problem = TIMED_OUT, f"stopped after {self.timeout:g} s"
        elif self.host_gave_up():
            status, problem = CRASHED, "KVM could not go on with the guest:\n" + words
        elif code != 0 and not self.said_something and words:
            status, problem = NO_START, "the machine did not start:\n" + words
        else:
            status = CRASHED
            problem = "the machine stopped, but the program's exit status did not arrive"
            if words:
                problem += "\n" + words
        return Result(status, problem, said == "crash", not killed, code, words, seconds)
