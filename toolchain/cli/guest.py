# SPDX-License-Identifier: BSD-2-Clause
"""Runs one machine of QEMU: starts it, carries its console, and finds out how it ended."""

import ctypes
import os
import select
import signal
import subprocess
import time

import qmp
from console import STOP_SECONDS, Console
from machine import qemu_command
from words import TOP, Failure

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def die_with_parent():
    """In the child before exec: no QEMU survives us, not even when we are killed by SIGKILL."""
    parent = os.getppid()
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent == 1 or os.getppid() != parent:
        os._exit(1)


class Guest(Console):
    """One run. `control` talks to QEMU's monitor while it runs, from any thread."""

    def __init__(self, machine, source, sink, log=None, timeout=None):
        super().__init__(machine, source, sink, log, timeout)
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
        return self.judge(timed_out, killed, time.monotonic() - began, self.process.returncode)

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

    def pipes(self):
        p = self.process
        return p.stdout.fileno(), p.stderr.fileno(), p.stdin.fileno()

    def can_be_asked(self):
        return bool(self.control and self.process)

    def asked_to_end(self):
        try:
            self.control.execute("system_powerdown")
        except qmp.Refused:
            pass  # the machine has ended, or does so when the time runs out

    # ---- the end ----

    def host_gave_up(self):
        """QEMU stops such a machine and waits for ever."""
        return any(w in self.words for w in (b"KVM internal error", b"kvm run failed"))

    def wait_stopped(self, timed_out):
        """Wait for QEMU's own end; False when it has to be killed."""
        limit = 0 if timed_out or self.host_gave_up() else STOP_SECONDS
        until = time.monotonic() + limit
        out, err, _ = self.pipes()
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
