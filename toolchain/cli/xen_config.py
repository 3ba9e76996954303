# SPDX-License-Identifier: BSD-2-Clause
"""What xl reads: values of a domain's configuration, and what a Machine becomes there."""

import re

from machine import command_line, letters

# xlu_cfg(5), the lexer of libxlu: within quotes a backslash escapes, and a line ends the string.
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(value):
    """A value as xl.cfg(5) writes it."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(quoted, value)) + "]"
    if isinstance(value, int):
        return str(int(value))
    return '"' + re.sub(r'[\\"\n\r\t]', lambda match: ESCAPES[match[0]], value) + '"'


def text(values):
    return "".join(f"{key} = {quoted(value)}\n" for key, value in values.items())


def disk(number, target, readonly, script=""):
    """One disk; its file's name comes last, where it may hold commas (xl-disk-configuration(5)). `script` is
    what attaches it, where that is not xl's own."""
    words = f"format=raw,vdev=xvd{letters(number)},access={'ro' if readonly else 'rw'}"
    return words + (f",script={script}" if script else "") + f",target={target}"


def vif(bridge, mac):
    words = [f"bridge={bridge}"] if bridge else []
    return ",".join(words + ([f"mac={mac}"] if mac else []))


def of_machine(machine, targets, bridges, script=""):
    """The keys of a Machine that are the same everywhere. `targets` are its disks as dom0 sees them, which
    `script` attaches, `bridges` those of its cards."""
    values = {"memory": -(-machine.memory >> 20), "vcpus": machine.cpus,
              "cmdline": command_line(machine)}
    if machine.disks:
        values["disk"] = [disk(n, target, d.readonly, script)
                          for n, (d, target) in enumerate(zip(machine.disks, targets))]
    if machine.nics:
        values["vif"] = [vif(bridge, nic.mac) for nic, bridge in zip(machine.nics, bridges)]
    if machine.shares:
        values["p9"] = [f"tag=share{n},path={share.path},security_model=none"
                        for n, share in enumerate(machine.shares)]
    return values


def kind(machine):
    """"pv" or "pvh"."""
    return machine.platform.removeprefix("xen-")


def complaint(said):
    """The errors in what xl said; the first ones are the cause, later ones come from tidying up."""
    errors = [line.strip() for line in said.splitlines() if "error" in line.lower()]
    return "\n".join(errors[:4] or said.strip().splitlines()[-4:])
