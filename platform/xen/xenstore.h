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

/*
 * While requests are held back only those go on that belong to transactions which have begun. The
 * calls around a transaction: enter waits until nothing is held back.
 */
void xenstore_enter_transaction(void);
void xenstore_leave_transaction(void);

/* Begin with the ring as it is after a resume. Returns 0 or -Exxx. */
int xenstore_restart(void);

/* Let requests go again. */
void xenstore_release(void);

/*
 * The watch whose token is the lowest above `last`: its path is copied. Returns the token, 0: there
 * is none.
 */
uint32_t xenstore_watch_after(uint32_t last, char *path, size_t size);

/* Have all of them set again by a daemon that knows none: xenstore_resume.c. */
void xenstore_set_watches(void);

/* Ask the daemon for a watch, or for its end. */
int xenstore_watch_ask(uint32_t type, const char *path, uint32_t token);

/* Add or remove a watch among those that events are given to. */
void xenstore_watch_add(struct xenstore_watch *watch);
void xenstore_watch_remove(struct xenstore_watch *watch);
