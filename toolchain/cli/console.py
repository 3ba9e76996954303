# SPDX-License-Identifier: BSD-2-Clause
"""Carries a guest's console both ways until its exit line, and judges how the guest has ended."""

import os
import select
import time
from dataclasses import dataclass

import streams
from words import CRASHED, NO_START, TIMED_OUT

# Bytes that may begin the exit line wait this long for the rest before they are passed on.
HOLD_SECONDS = 0.2
# A guest that has said its last line gets this long to stop its machine.
STOP_SECONDS = 5.0


@dataclass
class Result:
    status: int          # what `pith run` exits with
    problem: str         # words for a person; empty when the program ended by itself
    crashed: bool        # the guest said "crash"
    ended_itself: bool   # the machine was not killed by us
    qemu_status: int
    qemu_words: str      # QEMU's stderr
    seconds: float


class Console:
    """One run's console. `source` is a file descriptor, bytes, or None for no input; `sink` takes
    bytes. Who derives from it starts the machine and says with pipes() where its console is."""

    # How often ended() is asked while nothing happens; None where the end closes the console.
    tick = None

    # How long the program has for its end: more than programs give their own clients, like httpd's 10.
    grace_seconds = 12.0

    def __init__(self, machine, source, sink, log=None, timeout=None):
        self.machine = machine
        self.sink = sink
        self.log = log
        self.timeout = timeout
        self.lines = streams.GuestLines(machine.nonce)
        self.xen = streams.XenConsole() if machine.as_dom0 else None
        self.source = source if isinstance(source, int) else None
        self.pending = b"" if self.source is not None else \
            streams.frame_input(source or b"", machine.as_dom0) + streams.END_OF_INPUT
        self.words = b""  # the machine's stderr
        self.said_something = False

    # ---- what the machine is made of ----

    def pipes(self):
        """Descriptors: the guest's output, the machine's stderr or None, the guest's input."""
        raise NotImplementedError

    def ended(self):
        """Whether the machine has ended in a way that does not close its console."""
        return False

    def host_gave_up(self):
        """Whether the machine stays, but will never go on."""
        return False

    def asked_to_end(self):
        """Press the power button. Context: any thread."""
        raise NotImplementedError

    def can_be_asked(self):
        """Whether there is a machine that has a button."""
        raise NotImplementedError

    # ---- both ways ----

    def carry(self, began):
        """Copy until the exit line, the machine's end, or the time limit (then False)."""
        out, err, into = self.pipes()
        os.set_blocking(into, False)
        deadline = None if self.timeout is None else began + self.timeout
        quiet_since = began
        while self.lines.status is None:
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                return False
            events = self.wait(out, err, into, deadline, quiet_since)
            if out in events and events[out] != select.POLLOUT:
                data = read_some(out)
                if not data:
                    break
                quiet_since = time.monotonic()
                self.output(data)
            elif self.ended():
                break
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
            if events.get(into, 0) & select.POLLOUT:
                self.write_input(into)
        self.release()
        return True

    def wait(self, out, err, into, deadline, quiet_since):
        """Wait for something to do; what poll() says, by descriptor."""
        wanted = {out: select.POLLIN}
        if err is not None:
            wanted[err] = select.POLLIN
        if self.pending and self.lines.credit > 0:
            wanted[into] = wanted.get(into, 0) | select.POLLOUT
        # Not before the guest asks: a program that reads nothing takes nothing from our caller.
        if self.source is not None and not self.pending and self.lines.credit > 0:
            wanted[self.source] = select.POLLIN
        now = time.monotonic()
        limits = [] if deadline is None else [deadline - now]
        if self.holding():
            limits.append(max(0.0, quiet_since + HOLD_SECONDS - now))
        if self.tick is not None:
            limits.append(self.tick)
        poll = select.poll()  # select() knows no descriptor above 1023
        for fd, mask in wanted.items():
            poll.register(fd, mask)
        return dict(poll.poll(min(limits) * 1000 + 1 if limits else None))

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
            self.pending = streams.frame_input(data, self.machine.as_dom0)
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
        except OSError:  # the machine has ended; its output tells why
            self.pending = b""
            self.source = None

    # ---- the end ----

    def judge(self, timed_out, killed, seconds, code=0):
        """What became of it: `killed` by us, or ended by itself; `code` is the machine's own status."""
        words = self.words.decode(errors="replace").strip()
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


def read_some(fd):
    """What has come; nothing at the end. A terminal whose other side is gone is at its end, too."""
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        raise
    except OSError:
        return b""
