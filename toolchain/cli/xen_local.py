# SPDX-License-Identifier: BSD-2-Clause
"""Guests of the Xen that this machine itself runs on, where it is the dom0: plain `xl create`."""

import os
import re
import subprocess
import time

import xen_config
from guest import die_with_parent
from words import Failure
from xen_host import REASONS

START_SECONDS = 60


def read(path):
    try:
        with open(path, encoding="ascii", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def is_dom0():
    """Whether this machine is the control domain of a Xen (xenfs, xen/xenfs/super.c: "control_d")."""
    return "control_d" in read("/proc/xen/capabilities")


def why_not():
    """None when guests can be created here, else why not."""
    if not is_dom0():
        return "this machine is no dom0"
    try:
        done = subprocess.run(["xl", "info"], check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as e:
        return f"xl info: {e}"
    return None if done.returncode == 0 else "xl info: " + (done.stdout.strip().splitlines() or ["?"])[-1]


class Local:
    """One guest. xl stays in the foreground and says why the guest ends; `folder` gets its words."""

    where = "this machine's own Xen"

    def __init__(self, machine, name, folder):
        self.machine, self.name, self.folder = machine, name, folder
        self.process = None
        self.console = None

    def start(self):
        """Xen is there."""

    def create(self):
        """Start the guest; the descriptor of its console."""
        config = os.path.join(self.folder, "domain.cfg")
        values = {"name": self.name, "type": xen_config.kind(self.machine), "kernel": self.machine.elf}
        for action in ("on_poweroff", "on_crash", "on_reboot", "on_watchdog"):
            values[action] = "preserve"
        if self.machine.initrd:
            values["ramdisk"] = os.path.abspath(self.machine.initrd)
        values |= xen_config.of_machine(self.machine, [d.path for d in self.machine.disks],
                                        [nic.bridge for nic in self.machine.nics])
        with open(config, "w", encoding="utf-8") as f:
            f.write(xen_config.text(values))
        with open(os.path.join(self.folder, "xl.log"), "wb") as log:
            self.process = subprocess.Popen(
                ["xl", "create", "-F", config], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=die_with_parent)
        path = self.terminal()
        try:
            self.console = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as e:
            raise Failure(f"the guest's console {path}: {e.strerror}") from e
        return self.console

    def terminal(self):
        """The console's, which xenconsoled has made soon after the domain is there."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None and not self.reason():
                raise Failure("xl create: " + xen_config.complaint(self.said()))
            domain = output(["xl", "domid", self.name])
            path = domain and output(["xenstore-read", f"/local/domain/{domain}/console/tty"])
            if path:
                return path
            time.sleep(0.05)
        raise Failure(f"xl create: no console within {START_SECONDS} s: {self.said().strip()[-300:]}")

    def said(self):
        return read(os.path.join(self.folder, "xl.log"))

    def reason(self):
        found = re.search(r"^Domain \d+ has (?:shut down, reason code (\d+)|been (destroyed))",
                          self.said(), re.MULTILINE)
        if found:
            return found[2] or REASONS.get(int(found[1]), found[1])
        return "xl has ended" if self.process.poll() is not None else None

    def shutdown(self):
        done = subprocess.run(["xl", "shutdown", self.name], check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Failure(done.stdout.strip()[-300:])

    def stop(self):
        """The domain is gone afterwards; the logs stay."""
        if self.process:
            if output(["xl", "domid", self.name]):
                output(["xl", "destroy", self.name])
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.console is not None:
            os.close(self.console)
            self.console = None

    def logs(self):
        return f"{os.path.relpath(self.folder)}/xl.log, and `xl dmesg`"


def output(words):
    """What a command says, without its last newline; empty when it fails."""
    done = subprocess.run(words, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""
