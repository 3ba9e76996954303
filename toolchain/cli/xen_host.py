# SPDX-License-Identifier: BSD-2-Clause
"""A real Xen with a Linux dom0 in QEMU's TCG, and the guests that its xl creates.

The host and dom0 share a folder (9p): images, configurations and orders go in, the logs of xl and of
every guest's console come out and can be read here while they grow. Orders to run something in dom0
go over a virtio-serial port (dom0/init has the other end). Xen's own messages, which `xl dmesg` would
show, are on the first serial port and end in xen.log.
"""

import os
import re
import shutil
import socket
import subprocess
import threading
import time

import nics
import qmp
import xen_config
import xen_dom0
from guest import die_with_parent
from machine import QEMU, TCG_CPU
from words import Failure

START_SECONDS = 240
ORDER_SECONDS = 120
BRIDGE = "xenbr0"

# Xen public/sched.h, SHUTDOWN_*: why a domain has ended.
REASONS = {0: "poweroff", 1: "reboot", 2: "suspend", 3: "crash", 4: "watchdog", 5: "soft_reset"}
KINDS = ("pv", "pvh")


class XenHost:
    """One machine. `folder` becomes the shared folder's parent; `nic` (nics.Nic) is the bridge's
    uplink, and `prefix` words that put QEMU where its tap is. Sizes in bytes. `hypervisor` is a file to
    boot instead of the packaged Xen (xen_shadow.py).

    Several threads may use it, one of them to create guests. After stop() what it logged is still there to be read.
    """

    def __init__(self, folder, cpus=1, memory=1200 << 20, dom0_memory=400 << 20, nic=None, prefix=(),
                 xen_options=(), qemu_args=(), hypervisor=None, pass_fds=()):
        self.folder = os.path.abspath(folder)
        self.share = os.path.join(self.folder, "share")
        self.log = os.path.join(self.folder, "xen.log")
        self.cpus, self.memory, self.dom0_memory = cpus, memory, dom0_memory
        self.nic, self.prefix = nic, list(prefix)
        self.xen_options, self.qemu_args = list(xen_options), list(qemu_args)
        self.hypervisor = hypervisor
        self.pass_fds = list(pass_fds)
        self.process = self.port = self.control = None
        self.answers = {}          # number -> status; guarded by `changed`, as `numbers` and `state`
        self.changed = threading.Condition()
        self.numbers = 0
        self.images = {}           # what dom0 has in its own memory: path here -> path there
        self.state = "new"         # "ready", or why it is not
        self.reader = None

    # ---- the machine ----

    def words(self, orders):
        xen_elf, kernel, archive = xen_dom0.ensure()
        # eager-fpu: TCG's XSAVE does not look at CR0.TS, so with a lazy FPU dom0's kernel would save a
        # guest's registers as those of its own processes, one in ten of which then crashed.
        options = ["console=com1", "com1=115200,8n1", "conswitch=`", "loglvl=all", "guest_loglvl=all",
                   f"dom0_mem={self.dom0_memory >> 20}M,max:{self.dom0_memory >> 20}M",
                   "noreboot", "bootscrub=0", "spec-ctrl=no,eager-fpu", "xpti=no", *self.xen_options]
        linux = "console=hvc0 panic=-1 quiet net.ifnames=0 mitigations=off"
        modules = [f"{kernel} {linux}".replace(",", ",,"), archive]
        words = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                 "-M", "pc", "-accel", "tcg", "-cpu", TCG_CPU, "-m", f"{self.memory >> 20}M",
                 "-smp", f"{self.cpus},maxcpus={max(2, self.cpus)}",
                 "-chardev", f"file,id=com1,path={self.log}", "-serial", "chardev:com1",
                 "-kernel", self.hypervisor or xen_elf, "-append", " ".join(options), "-initrd", ",".join(modules),
                 "-device", "virtio-serial-pci", "-chardev", f"socket,id=orders,fd={orders}",
                 "-device", "virtserialport,chardev=orders,name=orders",
                 "-fsdev", f"local,id=share,path={self.share},security_model=none",
                 "-device", "virtio-9p-pci,fsdev=share,mount_tag=share"]
        if self.nic:
            words += nics.nic_words(0, self.nic, "pc")
        return self.prefix + words + self.qemu_args

    def start(self):
        """Boot until dom0 takes orders. Errors: Failure with the last words of the boot."""
        shutil.rmtree(self.share, ignore_errors=True)
        for name in ("files", "orders", "log/console"):
            os.makedirs(os.path.join(self.share, name))
        open(self.log, "wb").close()
        self.port, theirs = socket.socketpair()
        self.control, monitor = qmp.pair()
        words = self.words(theirs.fileno()) + qmp.words(monitor.fileno())
        with open(os.path.join(self.folder, "qemu.log"), "wb") as said:
            try:
                self.process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                    start_new_session=True, preexec_fn=die_with_parent,
                    pass_fds=[theirs.fileno(), monitor.fileno(), *self.pass_fds])
            except FileNotFoundError as e:
                raise Failure("qemu-system-x86_64 is not installed") from e
            finally:
                theirs.close()
                monitor.close()
        self.reader = threading.Thread(target=self.read_answers, daemon=True)
        self.reader.start()
        with self.changed:
            self.changed.wait_for(lambda: self.state != "new", START_SECONDS)
            state = self.state
        if state != "ready":
            self.stop()
            why = "it took too long" if state == "new" else state
            raise Failure(f"the Xen bed did not start: {why}; {self.last_words()}")
        return self

    def read_answers(self):
        for line in self.port.makefile("r", encoding="ascii", errors="replace"):
            words = line.split()
            with self.changed:
                if words[:1] == ["ready"]:
                    self.state = "ready"
                elif words[:1] == ["failed"]:
                    self.state = line.strip()
                elif words[:1] == ["done"] and len(words) == 3:
                    self.answers[int(words[1])] = int(words[2])
                self.changed.notify_all()
        with self.changed:
            self.state = "the machine has ended"
            self.changed.notify_all()

    def last_words(self):
        """The end of what Xen and QEMU have said."""
        said = self.read("qemu.log").strip()[-300:]
        lines = [line.strip() for line in self.dmesg().splitlines() if line.strip()]
        return " | ".join(lines[-4:]) + (f"; QEMU: {said}" if said else "")

    def stop(self):
        """Kill the machine."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.port.shutdown(socket.SHUT_RDWR)
            self.reader.join(10)
            self.port.close()
            self.control.close()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # ---- orders ----

    def run(self, command, timeout=ORDER_SECONDS, check=True):
        """Run shell text in dom0: (status, what it said on stdout and stderr)."""
        with self.changed:
            self.numbers += 1
            number = self.numbers
        path = os.path.join(self.share, "orders", str(number))
        with open(path, "w", encoding="utf-8") as f:
            f.write(command + "\n")
        try:
            self.port.sendall(f"{number}\n".encode())
        except OSError as e:
            raise Failure(f"dom0 takes no orders any more: {e}; {self.last_words()}") from e
        with self.changed:
            self.changed.wait_for(lambda: number in self.answers or self.state != "ready", timeout)
            status, state = self.answers.pop(number, None), self.state
        said = self.read(f"share/orders/{number}.out")
        if status is None:
            why = f"not done in {timeout} s" if state == "ready" else state
            raise Failure(f"dom0: '{command}': {why}; {said[-300:]}; {self.last_words()}")
        if check and status:
            raise Failure(f"dom0: '{command}': status {status}: {said.strip()[-500:]}")
        return status, said

    def put(self, path, name=None):
        """Give dom0 a copy of a file (holes stay); its path there."""
        name = name or os.path.basename(path)
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", path,
                        os.path.join(self.share, "files", name)], check=True)
        return "/share/files/" + name

    def image(self, path):
        """A kernel's path in dom0's own memory: xl maps it, and a page of the shared folder costs a
        message then. It stays for a reboot of the guest."""
        info = os.stat(path)
        key = (os.path.realpath(path), info.st_mtime_ns, info.st_size)
        if key not in self.images:
            name = f"{len(self.images)}-{os.path.basename(path)}"
            there = self.put(path, name)
            self.run(f"mkdir -p /images && cp {there} /images/{name}")
            os.unlink(os.path.join(self.share, "files", name))
            self.images[key] = "/images/" + name
        return self.images[key]

    def write(self, name, text):
        """Give dom0 a file with this text; its path there."""
        with open(os.path.join(self.share, "files", name), "w", encoding="utf-8") as f:
            f.write(text)
        return "/share/files/" + name

    def read(self, name):
        """A file below this machine's folder; nothing when there is none."""
        try:
            with open(os.path.join(self.folder, name), "rb") as f:
                return f.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    # ---- guests ----

    def configure(self, name, kind, kernel, **config):
        """Write an xl configuration; its path in dom0. `kernel` is a path of this host; `config` is
        xl.cfg(5)'s, and a domain that ends stays to be asked why, unless it says otherwise."""
        if kind not in KINDS:
            raise Failure(f"'{kind}' is none of {', '.join(KINDS)}")
        values = {"name": name, "type": kind, "kernel": self.image(kernel),
                  "memory": 64, "vcpus": 1}
        for action in ("on_poweroff", "on_crash", "on_reboot", "on_watchdog"):
            values[action] = "preserve"
        if kind == "pvh":
            # QEMU's SVM does not tell Xen the length of an RDTSCP that is intercepted.
            values["tsc_mode"] = "native"
        ramdisk = config.pop("ramdisk", None)
        if ramdisk:
            values["ramdisk"] = self.image(ramdisk)
        values.update(config)
        return self.write(name + ".cfg", xen_config.text(values))

    def create(self, name, kind, kernel, paused=False, **config):
        """xl create. Errors: Failure with what xl said."""
        path = self.configure(name, kind, kernel, **config)
        self.run(f"xl -vv create {'-p ' if paused else ''}{path}")

    def console(self, name):
        """All that a guest has said on its console since the start. One that arrives by a migration has
        another name while xenconsoled opens its log."""
        return "".join(self.read(f"share/log/console/guest-{name}{more}.log") for more in ("", "--incoming"))

    def wait_console(self, name, pattern, seconds=60):
        """The match of a pattern in a guest's console; a Failure when the guest ends without it."""
        until = time.monotonic() + seconds
        while True:
            ended = self.reason(name)
            match = re.search(pattern, self.console(name), re.MULTILINE)
            if match:
                return match
            if ended:
                # Its last words may still be on their way through xenconsoled.
                until = min(until, time.monotonic() + 3)
            if time.monotonic() > until or self.process.poll() is not None:
                raise Failure(f"{name} did not say /{pattern}/"
                              f" ({'it ended: ' + ended if ended else f'{seconds} s'}): "
                              f"{self.console(name)[-300:]!r}; {self.last_words()}")
            time.sleep(0.02)

    def reason(self, name):
        """Why a guest has ended, None while it runs: what the xl that watches it has noted. After a
        restore or a migration another xl watches it, and has a log of its own. A guest whose save
        failed has nobody who watches it, and stays at "suspend"."""
        logs = [os.path.join(self.share, "log", f"xl-{name}{more}.log") for more in ("", "--incoming")]
        newest = max(filter(os.path.exists, logs), key=lambda p: os.stat(p).st_mtime_ns, default="none")
        # A guest that reboots is watched by the same xl, which says so.
        said = self.read(newest).rpartition("Waiting for domain")[2]
        found = re.findall(r"^Domain \d+ has (?:shut down, reason code (\d+)|been (destroyed))", said, re.MULTILINE)
        if not found:
            return None
        code, destroyed = found[-1]
        return destroyed or REASONS.get(int(code), code)

    def wait_end(self, name, seconds=60):
        """Why a guest has ended: one of REASONS, or "destroyed". None when it goes on."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            if self.reason(name):
                return self.reason(name)
            time.sleep(0.02)
        return None

    def domain(self, name):
        """A guest's number."""
        return int(self.run(f"xl domid {name}")[1])

    def domains(self):
        """{name: state letters of `xl list`} without dom0; zombies have "(null)" for a name."""
        lines = self.run("xl list")[1].splitlines()[1:]
        rows = [line.split() for line in lines]
        return {row[0]: row[4] for row in rows if row[0] != "Domain-0"}

    def destroy(self, name):
        self.run(f"xl destroy {name}")

    def save(self, name):
        """xl save, which ends the guest; the file's path in dom0, which lies in the shared folder."""
        path = f"/share/files/{name}.save"
        # Through a pipe: 9p can't write straight from the pages of another domain (EFAULT).
        self.run(f"rm -f /tmp/save && mkfifo /tmp/save && {{ cat /tmp/save >{path} & xl save {name} "
                 "/tmp/save; status=$?; wait; exit $status; }")
        return path

    def restore(self, path):
        self.run(f"xl restore {path}")

    def migrate(self, name):
        """Move a guest to this same machine, alive. Debian's Xen 4.17 can't with PV guests: it is built
        without CONFIG_SHADOW_PAGING."""
        self.run(f"xl migrate -s '' {name} 'xl migrate-receive'")

    def dmesg(self):
        """Xen's messages since the start, and those of dom0's kernel."""
        return self.read("xen.log").replace("\r", "")
