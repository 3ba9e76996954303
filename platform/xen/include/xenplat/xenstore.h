/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenstore: the toolstack's tree of small texts, by which a guest and the other ends of its devices
 * agree (xen docs/misc/xenstore.txt, public/io/xs_wire.h).
 *
 * A request is sent through a ring and answered with its number; several threads may ask at once.
 * Everything in the ring is the host's: an index, length or number that can't be right fails the
 * connection with one line in the log (a daemon that offers it is asked for a new one at the next
 * request, with the same watches), or is counted and skipped where the stream stays readable.
 *
 * Paths that don't begin with a slash are below /local/domain/OWN. `tx` is a transaction or
 * XENSTORE_NO_TX. Calls are made by threads, unmasked, and wait. Errors of all: what xenstore
 * answers (-ENOENT, -EACCES, -EAGAIN, ...), -E2BIG (a path or value too long for a message),
 * -ETIMEDOUT (nobody answers), -EIO (the connection has failed), -ENODEV (there is no xenstore),
 * -ENOMEM.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <pith/list.h>

#define XENSTORE_NO_TX    0u
#define XENSTORE_PATH_MAX 256u /* of the paths that our drivers use, with the NUL */

/*
 * The value of dir/key (key NULL: of dir) as a string, its length returned. What does not fit into
 * size - 1 bytes: -ERANGE.
 */
ssize_t xenstore_read(uint32_t tx, const char *dir, const char *key, char *buf, size_t size);

/* The same for a decimal number; -EINVAL when it is none. */
int xenstore_read_u64(uint32_t tx, const char *dir, const char *key, uint64_t *value);

/* Set it, making nodes on the way. */
int xenstore_write(uint32_t tx, const char *dir, const char *key, const char *value);
int xenstore_write_u64(uint32_t tx, const char *dir, const char *key, uint64_t value);

int xenstore_mkdir(uint32_t tx, const char *path);
int xenstore_rm(uint32_t tx, const char *path);

/*
 * The names of the nodes below `path`, each ended by a NUL; returns how many bytes. Lists longer
 * than a message are read piece by piece and again when they change meanwhile. -ERANGE: buf is too
 * small.
 */
ssize_t xenstore_list(uint32_t tx, const char *path, char *buf, size_t size);

/*
 * Do fn(tx, arg) in a transaction; again when others have changed what it read. A result other than
 * 0 ends it without effect and is returned. -EAGAIN: others changed it 100 times.
 */
int xenstore_transaction(int (*fn)(uint32_t tx, void *arg), void *arg);

struct xenstore_watch {
    const char *path; /* stays the caller's */
    /*
     * Something at or below path may have changed; called once at the start, too. Interrupt,
     * masked: it wakes somebody who looks.
     */
    void (*fn)(struct xenstore_watch *watch);
    void *arg;
    struct list list;
    uint32_t token;
};

int xenstore_watch(struct xenstore_watch *watch);

/* fn does not run any more on return, whatever the result. */
int xenstore_unwatch(struct xenstore_watch *watch);

struct xenstore_stats {
    uint64_t requests, events;
    uint64_t strays; /* answers to nothing, events of no watch */
    bool failed;
};

void xenstore_stats(struct xenstore_stats *out);
