# SPDX-License-Identifier: BSD-2-Clause
"""QEMU command lines: what a machine of each kind is made of. Nothing here starts anything."""

import json
import os
import re
from dataclasses import dataclass, field

import nics
from words import TOP, Failure, format_size, usage

QEMU = "qemu-system-x86_64"
MACHINES = ("microvm", "q35", "pc")
# xen-*: a guest of a real Xen with a Linux dom0 (xen_guest.py). xen-*-dom0: the image is dom0 itself,
# which needs no toolstack and starts in two seconds, but has neither devices nor xenstore.
PLATFORMS = ("auto", "kvm", "tcg", "xen-pv", "xen-pvh", "xen-pv-dom0", "xen-pvh-dom0")

CMDLINE_MAX = 2047      # libos/include/pith/boot.h, BOOT_CMDLINE_MAX with its NUL
XEN_CMDLINE_MAX = 1023  # Xen 4.17, MAX_GUEST_CMDLINE with its NUL
XEN_OWN_MEMORY = 256 << 20
NO_SHARE = ("--share: a guest of Xen gets folders of its dom0 only, and the dom0 that runs in QEMU has none of "
            "this machine's; use --on kvm or tcg, --initrd for a copy of the folder, or a machine that is "
            "a dom0 itself")
LEAST_MEMORY = 2 << 20
NO_MODULE = ("--initrd: an image that runs as Xen's dom0 gets no module; use --on xen-pv or xen-pvh, or "
             "pack the folder into the image (app_root in app.mk)")

# QEMU 7.2's TCG leaves out memory barriers when a machine can have only one CPU, and with SMAP on it
# faults on the iret of a CPL 3 guest; hence maxcpus=2 and -smap, everywhere.
TCG_CPU = "max,-smap"
# Some hosts offer an ARCH_CAPABILITIES that they refuse to be given back (seen: a nested KVM of Linux
# 6.18, MSR 0x10a), which QEMU takes for a bug of its own. Nothing of Pith reads it.
KVM_CPU = "host,-arch-capabilities"


@dataclass
class Disk:
    path: str
    readonly: bool = False
    mount: str = ""                               # where the guest has its ext4 file system
    options: list = field(default_factory=list)   # of that: ro, discard
    cache: str = ""                               # "none", "unsafe" as QEMU has them; "": its usual way


@dataclass
class Share:
    """A folder of the host's that is mounted in the guest."""

    path: str
    mount: str = "/share"
    readonly: bool = False


@dataclass
class Machine:
    """What to start. Sizes in bytes; `platform` is one of PLATFORMS without "auto"."""

    elf: str
    platform: str = "tcg"
    machine: str = "microvm"
    memory: int = 128 << 20
    cpus: int = 1
    disks: list = field(default_factory=list)
    options: list = field(default_factory=list)   # Pith's own boot options
    environ: list = field(default_factory=list)   # NAME=VALUE
    args: list = field(default_factory=list)
    qemu_args: list = field(default_factory=list)
    machine_options: str = ""                     # appended to -M
    xen_elf: str = ""
    nonce: str = ""
    firmware: bool = True                         # False: whatever QEMU takes by itself
    nics: list = field(default_factory=list)      # of nics.Nic
    prefix: list = field(default_factory=list)    # words before QEMU's, like nsenter's
    initrd: str = ""                              # a cpio archive, given as a module
    shares: list = field(default_factory=list)    # of Share

    @property
    def on_xen(self):
        return self.platform.startswith("xen")

    @property
    def as_dom0(self):
        return self.on_xen and self.platform.endswith("-dom0")

    @property
    def as_guest(self):
        """Of Xen: there is no QEMU of its own."""
        return self.on_xen and not self.as_dom0


# libos/include/pith/cmdline.h; the first argument is the program's name.
MAX_ARGS, MAX_ENV = 64, 64


def quote(word):
    """A word as libos/core/cmdline.c reads it: blanks, quotes and backslashes escaped."""
    return re.sub(r"([\x00-\x20\"'\\])", r"\\\1", word) if word else '""'


def letters(number):
    """a to z, aa, ab, ...: how Linux and Xen count disks."""
    name = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        name = chr(ord("a") + digit) + name
    return name


def command_line(machine):
    """The guest's command line: Pith's options, then ` -- ` and the program's arguments."""
    words = [f"nonce={machine.nonce}", "stdin=framed"] if machine.nonce else []
    if machine.nonce and not machine.on_xen:
        words.append("debugexit=0xf4")
    words += [quote(f"mount={share.mount}:share{number}:9p{',ro' if share.readonly else ''}")
              for number, share in enumerate(machine.shares)]
    words += [quote(f"mount={disk.mount}:vd{letters(number)}:{','.join(['ext4', *disk.options])}")
              for number, disk in enumerate(machine.disks) if disk.mount]
    words += [quote(option) for option in machine.options]
    words += [quote("env." + variable) for variable in machine.environ]
    if machine.args:
        words += ["--"] + [quote(arg) for arg in machine.args]
    line = " ".join(words)
    limit = XEN_CMDLINE_MAX if machine.on_xen else CMDLINE_MAX
    size = len(os.fsencode(line))
    if size > limit:
        raise usage(f"arguments and variables make a command line of {size} bytes; {limit} is the most"
                    + " on Xen" * machine.on_xen + ": put them into a file that the program reads")
    for what, most, words in (("arguments", MAX_ARGS - 1, machine.args), ("variables", MAX_ENV, machine.environ)):
        if len(words) > most:
            raise usage(f"{len(words)} {what}; {most} is the most")
    return line


def qemu_command(machine):
    """The words to execute, with TOP as the working directory."""
    if machine.as_guest:
        raise Failure(f"{machine.platform}: a guest of Xen is started by xl")
    if machine.as_dom0:
        words = xen_words(machine)
    else:
        words = plain_words(machine)
    return machine.prefix + words + machine.qemu_args


def base_words(machine, kind, memory):
    words = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
             "-M", kind, "-m", f"{memory >> 10}K",
             "-smp", f"{machine.cpus},maxcpus={max(2, machine.cpus)}",
             "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
    if memory > 2 << 30:
        # More than this host may have: pages are taken as the guest touches them.
        words += ["-object", f"memory-backend-ram,id=ram,size={memory},reserve=off",
                  "-machine", "memory-backend=ram"]
    return words


def plain_words(machine):
    kvm = machine.platform == "kvm"
    kind = machine.machine
    if kind == "microvm":
        kind += ",rtc=on"
    words = base_words(machine, kind + machine.machine_options, machine.memory)
    words += ["-accel", "kvm", "-cpu", KVM_CPU] if kvm else ["-accel", "tcg", "-cpu", TCG_CPU]
    if machine.machine == "microvm":
        words += ["-global", "virtio-mmio.force-legacy=off"]
    elif kvm and machine.firmware:
        # SeaBIOS takes three seconds where KVM emulates what runs at CPL 0.
        words += ["-bios", "qboot.rom"]
    words += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4",
              "-kernel", machine.elf, "-append", command_line(machine)]
    if machine.initrd:
        words += ["-initrd", machine.initrd.replace(",", ",,")]
    for number, disk in enumerate(machine.disks):
        words += disk_words(number, disk, machine.machine)
    for number, nic in enumerate(machine.nics):
        words += nics.nic_words(number, nic, machine.machine)
    for number, share in enumerate(machine.shares):
        words += share_words(number, share, machine.machine)
    return words


def share_words(number, share, kind):
    """The host's tools see the guest's files as they are: security_model=none keeps no extra data."""
    name = f"share{number}"
    path = share.path.replace(",", ",,")
    device = "virtio-9p-device," if kind == "microvm" else "virtio-9p-pci,disable-legacy=on,"
    return ["-fsdev", f"local,id={name},path={path},security_model=none,multidevs=remap,"
            f"readonly={'on' if share.readonly else 'off'}",
            "-device", f"{device}fsdev={name},mount_tag={name}"]


def disk_words(number, disk, kind):
    node = f"disk{number}"
    both = {"read-only": disk.readonly, "discard": "unmap" if "discard" in disk.options else "ignore"}
    if disk.cache:
        both["cache"] = {"direct": disk.cache == "none", "no-flush": disk.cache == "unsafe"}
    backend = {"driver": "raw", "node-name": node, **both,
               "file": {"driver": "file", "filename": disk.path, **both}}
    device = ("virtio-blk-device," if kind == "microvm" else "virtio-blk-pci,disable-legacy=on,")
    return ["-blockdev", json.dumps(backend), "-device", f"{device}drive={node},serial={node}"]


def xen_words(machine):
    """Xen in QEMU's TCG with the image as its dom0: no toolstack, two seconds a start."""
    if machine.disks:
        raise usage("--disk: an image that runs as Xen's dom0 has no disk; use --on xen-pv or xen-pvh")
    if machine.nics:
        raise usage("--net: an image that runs as Xen's dom0 has no network; use --on xen-pv or xen-pvh")
    if machine.initrd:
        raise usage(NO_MODULE)
    if machine.shares:
        raise usage(NO_SHARE)
    # Xen reads its own switch character; a backquote is code 0, which turns switching off.
    options = ["console=com1", "com1=115200,8n1", "conswitch=`", "loglvl=all", "guest_loglvl=all",
               f"dom0_mem={format_size(machine.memory)},max:{format_size(machine.memory)}",
               f"dom0_max_vcpus={machine.cpus}"]
    if machine.platform == "xen-pvh-dom0":
        options += ["dom0=pvh", "dom0-iommu=none"]
    words = base_words(machine, "pc" + machine.machine_options, machine.memory + XEN_OWN_MEMORY)
    # The module's words: file, then its command line; QEMU splits modules at single commas.
    elf = os.path.relpath(machine.elf, TOP)
    if re.search(r"\s", elf):
        raise Failure(f"{elf}: QEMU can't pass a file name with blanks to Xen")
    module = (elf + " " + command_line(machine)).replace(",", ",,")
    return words + ["-accel", "tcg", "-cpu", TCG_CPU, "-kernel", machine.xen_elf,
                    "-append", " ".join(options), "-initrd", module]
