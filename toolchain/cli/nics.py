# SPDX-License-Identifier: BSD-2-Clause
"""Network cards of a machine: what is behind one (QEMU's user network, a tap, datagrams of a test)."""

import errno
import os
import re
import socket
from dataclasses import dataclass, field

from words import Failure, say, usage

KINDS = ("user", "tap", "dgram")


@dataclass
class Port:
    """A port of the host at 127.0.0.1 that leads to one of the guest's (user network)."""

    host: int
    guest: int
    protocol: str = "tcp"
    scheme: str = ""  # "http": worth saying as an address for a browser


@dataclass
class Nic:
    """`tap` needs the interface's name, `dgram` a pair of paths of Unix sockets (ours, the peer's)."""

    kind: str = "user"
    ports: list = field(default_factory=list)
    tap: str = ""
    paths: tuple = ()
    mac: str = ""
    bridge: str = ""  # of this host, where that is a Xen's dom0
    netdev: list = field(default_factory=list)  # more NAME=VALUE for QEMU's -netdev
    device: list = field(default_factory=list)  # more NAME=VALUE for the device

    def port(self, guest, protocol="tcp"):
        """The host's port that leads to this one of the guest."""
        for port in self.ports:
            if (port.guest, port.protocol) == (guest, protocol):
                return port.host
        raise KeyError(f"{guest}/{protocol} is not published")


# ---- words for QEMU ----

def backend_words(number, nic):
    if nic.kind == "user":
        return ["user"] + [f"hostfwd={p.protocol}:127.0.0.1:{p.host}-:{p.guest}" for p in nic.ports]
    if nic.kind == "tap":
        return ["tap", f"ifname={nic.tap}", "script=no", "downscript=no"]
    if nic.kind == "dgram":
        ours, peer = nic.paths
        return ["dgram", "local.type=unix", f"local.path={ours}",
                "remote.type=unix", f"remote.path={peer}"]
    raise ValueError(f"net{number}: '{nic.kind}' is none of {', '.join(KINDS)}")


def nic_words(number, nic, machine):
    name = f"net{number}"
    backend, *rest = backend_words(number, nic)
    # Without romfile= a BIOS would look for an operating system in the network.
    device = ["virtio-net-device"] if machine == "microvm" else \
        ["virtio-net-pci", "disable-legacy=on", "romfile="]
    device.append(f"netdev={name}")
    if nic.mac:
        device.append(f"mac={nic.mac}")
    return ["-netdev", ",".join([backend, f"id={name}", *rest, *nic.netdev]),
            "-device", ",".join(device + nic.device)]


# ---- what people write ----

def port_number(text, least):
    return int(text) if text.isascii() and text.isdigit() and least <= int(text) <= 65535 else None


def parse_port(text):
    """HOST:GUEST[/tcp|/udp]; host 0 takes a free one."""
    match = re.fullmatch(r"(\d+):(\d+)(?:/(tcp|udp))?", text)
    host, guest = (port_number(match[1], 0), port_number(match[2], 1)) if match else (None, None)
    if host is None or guest is None:
        raise usage(f"-p {text}: write it like 8080:80 or 5353:53/udp, ports up to 65535")
    return Port(host, guest, match[3] or "tcp")


def parse_mac(text):
    if not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", text):
        raise usage(f"--mac {text}: write it like 52:54:00:12:34:56")
    if int(text[:2], 16) & 1 or text.replace(":", "").strip("0") == "":
        raise usage(f"--mac {text}: a card can't have a group address or none")
    return text.lower()


def parse_net(text):
    """user, tap:NAME, bridge:NAME, or none (which is no card: None)."""
    kind, _, name = text.partition(":")
    if text == "none":
        return None
    if text == "user":
        return Nic()
    if kind == "tap" and re.fullmatch(r"[^\s/,:]{1,15}", name):
        return Nic("tap", tap=name)
    if kind == "bridge" and re.fullmatch(r"[^\s/,:]{1,15}", name):
        return Nic("bridge", bridge=name)
    raise usage(f"--net {text}: it is user, tap:NAME or none (bridge:NAME on a Xen)")


# ---- what this host can do ----

def kind_of(protocol):
    return socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM


def free_port(protocol="tcp"):
    with socket.socket(socket.AF_INET, kind_of(protocol)) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def why_not_bound(port):
    """None when QEMU can listen on the host's port, else why not."""
    with socket.socket(socket.AF_INET, kind_of(port.protocol)) as s:
        try:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as QEMU does
            s.bind(("127.0.0.1", port.host))
            if port.protocol == "tcp":
                s.listen(1)
        except OSError as e:
            if e.errno == errno.EADDRINUSE:
                return f"{port.protocol} port {port.host} of this host is in use"
            if e.errno == errno.EACCES:
                return f"{port.protocol} port {port.host} needs more rights than you have"
            return f"{port.protocol} port {port.host}: {e.strerror}"
    return None


def read_number(path):
    with open(path, encoding="ascii") as f:
        return int(f.read())


def why_no_tap(name):
    """None when QEMU can open the tap, else why not and what helps."""
    make = f"ip tuntap add dev {name} mode tap user {os.environ.get('USER') or 'root'} && " \
           f"ip link set {name} up"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC))
    except OSError as e:
        return f"/dev/net/tun does not open: {e.strerror}"
    folder = os.path.join("/sys/class/net", name)
    if not os.path.isdir(folder):
        return f"there is no interface {name}; as root: {make}"
    if not os.path.exists(os.path.join(folder, "tun_flags")):
        return f"{name} is an interface but no tap"
    owner, group = (read_number(os.path.join(folder, who)) for who in ("owner", "group"))
    if group == -1 and owner != -1 and os.geteuid() not in (0, owner):
        return f"the tap {name} is not yours; as root: ip link delete {name} && {make}"
    return None


def settle_on_dom0(nics):
    """Cards of a guest of this machine's own Xen: they are on its bridges, with addresses of their own."""
    for nic in nics:
        if nic.kind == "tap":
            raise usage(f"--net tap:{nic.tap}: this machine is a Xen's dom0, the guest's card is on a "
                        "bridge there: --net bridge:NAME, or nothing for xl's default")
        if nic.ports:
            say("ports are not published: the guest has an address of its own on the bridge")
        if nic.bridge and not os.path.isdir(os.path.join("/sys/class/net", nic.bridge, "bridge")):
            raise Failure(f"--net bridge:{nic.bridge}: there is no bridge {nic.bridge}")


def settle(nics, on_dom0=False):
    """Choose free ports for zeros; a Failure when a card can't be made as it is asked for. `on_dom0`:
    for a guest of the Xen whose dom0 this machine is."""
    if on_dom0:
        settle_on_dom0(nics)
        return
    for nic in nics:
        if nic.kind == "bridge":
            raise usage(f"--net bridge:{nic.bridge}: that is for a machine that is a Xen's dom0; use tap")
        for port in nic.ports:
            if port.host == 0:
                port.host = free_port(port.protocol)
                continue
            why = why_not_bound(port)
            if why:
                raise Failure(f"{why}; choose another one: -p OTHER:{port.guest}"
                              + ("/udp" if port.protocol == "udp" else ""))
        why = why_no_tap(nic.tap) if nic.kind == "tap" else None
        if why:
            raise Failure(f"--net tap:{nic.tap}: {why}")
