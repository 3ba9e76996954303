/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's console: two byte rings in a page that the toolstack's console daemon maps
 * (public/io/console.h, struct xencons_interface).
 *
 * The other side may write anything into the page at any time. Our own indices are kept here and
 * only ever published; its indices are read once per call, and one that is further away than the
 * ring is long is counted and takes or gives nothing. No call waits, locks or notifies.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <xenplat/abi.h>

#include <xen/io/console.h>

struct console_ring {
    struct xencons_interface *shared; /* NULL: there is none */
    uint32_t out_prod;                /* ours: what we have written */
    uint32_t in_cons;                 /* ours: what we have read */
    uint64_t bad;                     /* calls that met an index out of range */
};

/* Begin with the indices as they are in the page: the ring may have been in use. */
void console_ring_init(struct console_ring *ring, struct xencons_interface *shared);

/* Copy as much as there is room for; returns how much. */
size_t console_ring_put(struct console_ring *ring, const char *data, size_t len);

/* Take up to len bytes of input; returns how many. */
size_t console_ring_get(struct console_ring *ring, char *data, size_t len);

#define CONSOLE_RING_OUT ((uint32_t)sizeof(((struct xencons_interface *)0)->out))

/* How many bytes the other side has not taken yet; all there can be when its index makes no sense. */
size_t console_ring_unsent(struct console_ring *ring);
