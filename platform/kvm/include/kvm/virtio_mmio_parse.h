/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line's word for a virtio-mmio device (Linux Documentation/admin-guide,
 * "virtio_mmio.device").
 */
#pragma once

#include <stdint.h>

struct virtio_mmio_place {
    uint64_t base;
    uint64_t len; /* bytes */
    uint32_t gsi;
};

/*
 * The i-th `virtio_mmio.device=SIZE@BASE:IRQ[:ID]` of `text`, wherever it stands: QEMU's microvm
 * puts its own at the very end, behind a program's arguments. Malformed words are passed over.
 * Errors: -ENOENT.
 */
int virtio_mmio_parse(const char *text, unsigned i, struct virtio_mmio_place *out);
