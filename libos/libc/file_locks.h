/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks that an open file holds on a file, for flock() and fcntl(F_OFD_...): between those of this
 * image. A file of the host is locked for this image alone. Those of one kind don't see the other's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct file;

enum file_lock_kind { FILE_LOCK_WHOLE, FILE_LOCK_RECORD };

#define FILE_LOCK_END INT64_MAX

struct file_lock {
    const struct file *owner;
    dev_t dev;
    uint64_t ino;
    off_t first, last; /* bytes, both included */
    enum file_lock_kind kind;
    bool exclusive;
};

/* Describe a lock on f by f, of all of it; the caller says what part. Errors: what fstat answers. */
int file_lock_describe(struct file *f, enum file_lock_kind kind, struct file_lock *out);

/*
 * Take it in place of what the owner has there. Errors: -EWOULDBLOCK, -ENOLCK, -EINTR
 * (pith/attention.h).
 */
int file_lock_take(const struct file_lock *want, bool wait);

/* Let go of what the owner has there. Errors: -ENOLCK (no memory for what is left of a lock). */
int file_lock_release(const struct file_lock *what);

/* Is there one of others that conflicts? True: it is in *out. */
bool file_lock_find(const struct file_lock *want, struct file_lock *out);
