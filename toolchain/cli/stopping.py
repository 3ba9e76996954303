# SPDX-License-Identifier: BSD-2-Clause
"""Ctrl-C and SIGTERM of `pith run`: first the program is asked to end, then the machine is stopped."""

import signal
import threading
import time

from words import INTERRUPTED, say

SIGTERM_STATUS = 128 + signal.SIGTERM  # of a guest's program that did nothing about it


class Interrupted(Exception):
    """Its argument is the signal's number."""


def stop_status(signum):
    return INTERRUPTED if signum == signal.SIGINT else 128 + signum


class Stopping:
    """Catches the signals from now on. While `guest` is set, a first one presses its power button,
    which the program sees as SIGTERM; a second one, or the end of its grace_seconds, stops the machine by
    raising Interrupted in the main thread. Without `guest` the first one does."""

    def __init__(self):
        self.guest = None
        self.asked = 0  # the first signal
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self.came)
        signal.signal(signal.SIGALRM, self.too_late)
        # In the background a read from the terminal is then an error, not a stop.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)

    def came(self, signum, _frame):
        running = self.guest and self.guest.can_be_asked()
        if not running or self.asked or signum == signal.SIGHUP:
            self.stop(signum)
        self.asked = signum
        say("asking the program to end; once more stops the machine")
        signal.setitimer(signal.ITIMER_REAL, self.guest.grace_seconds)
        # Not here: the main thread may be in the middle of anything.
        threading.Thread(target=self.press, daemon=True).start()

    def press(self):
        until = time.monotonic() + self.guest.grace_seconds
        while not self.guest.lines.listens and time.monotonic() < until:
            time.sleep(0.02)  # it has just begun: a button that is pressed too early is lost
        self.guest.asked_to_end()

    def too_late(self, _signum, _frame):
        say(f"the program has not ended within {self.guest.grace_seconds:g} s")
        self.stop(self.asked)

    def stop(self, signum):
        self.over()
        raise Interrupted(signum)

    def over(self):
        signal.setitimer(signal.ITIMER_REAL, 0)
