# SPDX-License-Identifier: BSD-2-Clause
"""Gives the machine an entropy device of its transport."""


def prepare(run):
    device = "virtio-rng-device" if run.bed.machine == "microvm" else "virtio-rng-pci,disable-legacy=on"
    run.machine.qemu_args += ["-device", device]
