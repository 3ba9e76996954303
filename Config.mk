# SPDX-License-Identifier: BSD-2-Clause
# What goes into an image. The whole list: `make CONFIG_XEN=n` or an edit here changes it.
#
# Each becomes a constant in build/config/config.h (1 or 0), for `if (CONFIG_XEN)`, and decides
# which rooms are compiled. The default image boots everywhere.

# Xen PV and Xen PVH: hypercalls, event channels, the Xen console.
CONFIG_XEN ?= y

# KVM and plain QEMU (microvm, pc, q35): serial port, APIC, virtio.
CONFIG_KVM ?= y

CONFIG_NAMES := CONFIG_XEN CONFIG_KVM
