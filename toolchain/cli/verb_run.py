# SPDX-License-Identifier: BSD-2-Clause
"""pith run: build an application and start it in a virtual machine."""

import os
import re
import secrets
import shutil
import signal
import sys
import time

import accel
import app_config
import backlog
import disk_option
import image
import initrd
import nics
import packages
import verb_check
import xen
import xen_dom0
import xen_local
from guest import Guest
from machine import LEAST_MEMORY, MACHINES, NO_MODULE, NO_SHARE, PLATFORMS, Machine, Share
from stopping import SIGTERM_STATUS, Interrupted, Stopping, stop_status
from words import BUILD, NO_START, Failure, format_size, parse_size, say, usage
from xen_guest import Bed, XenGuest

HELP = "build an application and run it in a virtual machine"
EPILOG = """exit status:
  the program's own; 70 when the guest crashed, 71 when the machine did not start,
  124 when --timeout ran out, 130 when interrupted, 2 for a mistake on the command line

examples:
  pith run hello
  pith run sha256 --disk disk.img
  pith run redis --disk data.img:/data
  pith run hello --on xen-pv
  pith run path/to/server -p 8080:80 -p 5353:53/udp
  pith run path/to/folder --machine q35 --mem 16M -e LANG=C -- one two"""

KEEP_LOGS = 20
MOUNT_HINT = ": add `{0}` to `app_mounts :=` in its app.mk, or link it with -Wl,-u,mount_{0}"


def memory_size(text):
    try:
        return parse_size(text)
    except ValueError as e:
        raise usage(f"--mem: {e}") from e


def add_machine_options(parser):
    """What run and debug have in common."""
    add = parser.add_argument
    add("app", metavar="APP", help="a folder below apps/, the path of one, or a built image")
    add("--on", choices=PLATFORMS, default="auto",
        help="what runs it (auto: kvm when that works, else tcg; xen-pv, xen-pvh: a guest of Xen, by "
             "xl where this is a dom0, else with a Linux dom0 in QEMU; xen-*-dom0: Xen's dom0, in QEMU)")
    add("--machine", choices=MACHINES, default="microvm", help="QEMU's machine (not for xen-*)")
    add("--mem", metavar="SIZE", help="memory, like 32M (default: 128M)")
    add("--cpus", metavar="N", default="1", help="CPUs (default: 1)")
    add("--disk", metavar="FILE[:PATH][:ro]", action="append", default=[],
        help="a raw disk: /dev/vda, vdb, ... (on Xen xvda, xvdb, ...); with PATH its ext4 file system is mounted there")
    add("-p", dest="publish", metavar="HOST:GUEST[/udp]", action="append", default=[],
        help="a port of this host that leads to one of the guest's; HOST 0: any free one")
    add("--net", metavar="KIND", action="append", default=[],
        help="a network card: user (QEMU's own network, the default when the program uses any), "
             "tap:NAME, or none; bridge:NAME where this machine is a Xen's dom0")
    add("--mac", metavar="ADDRESS", action="append", default=[], help="the card's address")
    add("--readonly", action="store_true", help="the disks can't be written")
    add("--initrd", metavar="PATH", default="", help="a folder or a cpio archive: the program's files")
    add("--share", metavar="DIR[:PATH][:ro]", action="append", default=[],
        help="a folder of this host, mounted at PATH (default: /share)")
    add("-e", dest="environ", metavar="NAME=VALUE", action="append", default=[],
        help="a variable of the program's environment")
    add("--env-file", metavar="FILE", action="append", default=[],
        help="a file of such variables, one per line; -e counts more")
    add("--timeout", metavar="S", help="stop the guest after S seconds")
    add("--qemu-arg", metavar="X", action="append", default=[], help="one more word for QEMU")
    add("--boot-option", metavar="X", action="append", default=[],
        help="one of Pith's own options, like boot=trace or loglevel=3")


def add_arguments(parser):
    add_machine_options(parser)
    parser.usage = "pith run APP [options] [-- ARGUMENTS OF THE PROGRAM]"


def number(name, text, kind, least):
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or value < least:
        raise usage(f"{name}: '{text}' is no number of at least {least}")
    return value


def shares(options):
    """The folders of --share: DIR, then where the guest has it, then ro."""
    found = []
    for word in options.share:
        words = word.split(":")
        share = Share(words.pop(0))
        if words and words[-1] in ("ro", "rw"):
            share.readonly = words.pop() == "ro"
        if words:
            share.mount = words.pop()
        if "," in share.path and options.on.startswith("xen"):
            raise usage(f"--share {word}: xl takes no folder with a comma in its name")
        if words or not re.fullmatch(r"(/[^/:,]+)+/?", share.mount):
            raise usage(f"--share {word}: write it like DIR, DIR:/data or DIR:/data:ro")
        if not os.path.isdir(share.path):
            raise usage(f"--share: there is no folder {share.path}")
        if any(other.mount == share.mount for other in found):
            raise usage(f"--share: two folders at {share.mount}")
        share.path = os.path.abspath(share.path)
        found.append(share)
    return found


def cards(options, config, app):
    """The machine's network cards; what nobody has asked for goes again if the image has no use."""
    found = [nics.parse_net(word) for word in options.net or config.net]
    if None in found and len(found) > 1:
        raise usage("--net none: there can't be other cards with it")
    ports = [nics.parse_port(word) for word in options.publish]
    as_dom0 = options.on.endswith("-dom0")
    if as_dom0 and (ports or options.net not in ([], ["none"])):
        raise usage("--net, -p: an image that runs as Xen's dom0 has no network; use --on xen-pv or xen-pvh")
    asked = bool(found) or bool(ports) or bool(options.mac)
    found = [] if as_dom0 else [nic for nic in found if nic] if found else [nics.Nic()]
    user = [nic for nic in found if nic.kind == "user"]
    if user:
        user[0].ports = ports or config.publish
    elif ports:
        raise usage("-p: it needs --net user; with a tap the guest has an address of its own")
    if len(options.mac) > len(found):
        raise usage(f"--mac: {len(options.mac)} addresses for {len(found)} cards")
    for nic, mac in zip(found, options.mac):
        nic.mac = nics.parse_mac(mac)
    app.cards_if_used = not asked and not config.publish
    return found


def describe(options, program_args):
    """The machine that the options ask for, its image not built yet."""
    app = image.find(options.app)
    config = app_config.read(app)
    size = options.mem or config.mem or "128M"
    memory = memory_size(size)
    if memory < LEAST_MEMORY:
        raise usage(f"--mem {size}: too little; {format_size(LEAST_MEMORY)} is the least")
    for variable in options.environ:
        if not app_config.VARIABLE.fullmatch(variable):
            raise usage(f"-e {variable}: write it like NAME=VALUE")
    environ = app_config.merged(config.env, *map(app_config.read_variables, options.env_file), options.environ)
    folders = shares(options)
    machine = Machine(
        app.elf, options.on, options.machine, memory,
        number("--cpus", options.cpus, int, 1),
        disk_option.read(options.disk, options.readonly, [share.mount for share in folders]),
        config.option + options.boot_option, environ,
        config.args if program_args is None else program_args,
        options.qemu_arg, nonce=secrets.token_hex(8), nics=cards(options, config, app),
        initrd=initrd.archive(options.initrd) if options.initrd else "", shares=folders)
    if machine.as_dom0 and machine.disks:
        raise usage("--disk: an image that runs as Xen's dom0 has no disk; use --on xen-pv or xen-pvh")
    if machine.as_dom0 and machine.initrd:
        raise usage(NO_MODULE)
    if machine.on_xen and machine.shares and not (machine.as_guest and xen_local.is_dom0()):
        raise usage(NO_SHARE)
    return app, machine


def prepare(app, machine):
    """Build the image, settle the accelerator, check what can be checked before a start."""
    local = machine.as_guest and xen_local.is_dom0()
    packages.ensure(([] if app.prebuilt else packages.BUILD) + ([] if local else packages.QEMU))
    image.build([app])
    verb_check.tell(app)
    end = image.memory_end(app.elf) + (os.path.getsize(machine.initrd) if machine.initrd else 0)
    if end > machine.memory:
        raise usage(f"too little memory: the image {'with its initrd' if machine.initrd else 'alone'} "
                    f"reaches to {(end + 1023) >> 10} KiB")
    if machine.shares and not image.mounts(app.elf, "9p"):
        raise usage("--share: this image can't mount folders" + MOUNT_HINT.format("9p"))
    if any(disk.mount for disk in machine.disks) and not image.mounts(app.elf, "ext4"):
        raise usage("--disk: this image can't mount disks" + MOUNT_HINT.format("ext4"))
    if app.cards_if_used and not image.uses_network(app.elf):
        machine.nics = []
    nics.settle(machine.nics, local)
    if machine.as_guest:
        prepare_guest(machine, local)
    elif machine.as_dom0:
        machine.xen_elf = xen.ensure()
        say(f"running on {machine.platform}, as dom0 of Xen in QEMU's TCG")
    elif machine.platform == "auto":
        machine.platform, why = accel.choose()
        say(f"running on {machine.platform} ({why}), machine {machine.machine}")
    else:
        if machine.platform == "kvm" and accel.openable():
            raise Failure(accel.openable() + "; use --on tcg")
        say(f"running on {machine.platform}, machine {machine.machine}")
    for nic in machine.nics:
        for port in [] if local else nic.ports:
            say(published(port))


def prepare_guest(machine, local):
    """What a guest of Xen needs besides its image: xl here, or the bed."""
    if local:
        why = xen_local.why_not()
        if why:
            raise Failure(f"this machine is a Xen's dom0, but {why}")
        if machine.qemu_args:
            raise usage("--qemu-arg: there is no QEMU where this machine is a Xen's dom0")
        say(f"running on {machine.platform}, a guest of {xen_local.Local.where}")
    else:
        xen_dom0.ensure()
        say(f"running on {machine.platform}, a guest of {Bed.where}, which starts in some seconds")


def published(port):
    if port.scheme:
        return f"it answers at {port.scheme}://localhost:{port.host}/"
    return f"{port.protocol} port {port.host} of localhost is the guest's port {port.guest}"


def log_place(name):
    """A new name in build/run for what Xen says; the oldest ones go."""
    folder = os.path.join(BUILD, "run")
    os.makedirs(folder, exist_ok=True)
    old = sorted((os.path.join(folder, f) for f in os.listdir(folder)), key=os.path.getmtime)
    for path in old[:-KEEP_LOGS]:
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
    return os.path.join(folder, f"{name}-{time.time_ns()}")


def open_log(name):
    return open(log_place(name) + ".log", "wb")


def xen_guest(app, machine, timeout):
    """The guest, with what starts it: this machine's xl or the bed."""
    folder = log_place(app.name)
    os.makedirs(folder)
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", app.name) + "-" + machine.nonce[:6]
    kind = xen_local.Local if xen_local.is_dom0() else Bed
    return XenGuest(machine, 0, write_all, kind(machine, name, folder), timeout)


def write_all(data):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view):]


def run(options, program_args):
    app, machine = describe(options, program_args)
    timeout = None if options.timeout is None else number("--timeout", options.timeout, float, 0)
    stopping = Stopping()
    try:
        prepare(app, machine)
        sys.stdout.flush()
        if machine.as_guest:
            guest = xen_guest(app, machine, timeout)
            where = guest.toolstack.logs()
        else:
            log = open_log(app.name) if machine.as_dom0 else None
            where = log and os.path.relpath(log.name)
            guest = Guest(machine, 0, write_all, log, timeout)
            backlog.widen(guest, [port.host for nic in machine.nics for port in nic.ports if port.protocol == "tcp"])
        if not machine.as_dom0 and image.can_be_asked(app.elf):
            stopping.guest = guest
        result = guest.run()
    except Interrupted as e:
        say("interrupted: the machine is stopped")
        return stop_status(e.args[0])
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    finally:
        stopping.over()
    if stopping.asked and result.status == SIGTERM_STATUS:
        return stop_status(stopping.asked)
    if result.problem:
        say(result.problem)
        if where and result.status >= NO_START - 1:
            say("what Xen said: " + where)
    return result.status
