# SPDX-License-Identifier: BSD-2-Clause
"""Gives the machine an entropy device of its transport."""


def prepare(run):
    mmio = run.bed.machine == "microvm"
    device = "virtio-rng-device" if mmio else "virtio-rng-pci,disable-legacy=on"
    run.machine.qemu_args += ["-device", device]
