/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the two halves of the xenstore client: messages (xenstore_ring.c) and what they say. */
#pragma once

#include <errno.h> /* xs_wire.h has its table of error names only with it */
#include <stddef.h>
#include <stdint.h>

#include <xenplat/xenstore.h>

#include <xen/io/xs_wire.h>

struct xenstore_part {
    const void *data;
    size_t len;
};

/*
 * Send a message of n parts and wait for its answer, which is put into `page` (XENSTORE_PAYLOAD_MAX
 * bytes). Returns its length or -Exxx.
 */
ssize_t xenstore_talk(uint32_t type, uint32_t tx, const struct xenstore_part *part, unsigned n,
                      char *page);

/* Add or remove a watch among those that events are given to. */
void xenstore_watch_add(struct xenstore_watch *watch);
void xenstore_watch_remove(struct xenstore_watch *watch);
