/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading cpio archives in the "newc" format, the one of Linux' initramfs (Linux
 * Documentation/driver-api/early-userspace/buffer-format.rst).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpio_reader {
    const char *data;     /* any bytes; stays where it is while entries are used */
    size_t len;
    size_t at;            /* of the next header; after an error, of the bad one */
    bool inside;          /* an archive has begun and not ended */
    unsigned archive;     /* archives that have ended: one may follow another */
    const char *error;    /* after -EINVAL: what is wrong */
};

struct cpio_entry {
    size_t at;            /* where its header is */
    uint32_t ino, mode, uid, gid, nlink, mtime;
    uint64_t dev;
    const char *name;     /* NUL-terminated, not empty */
    const char *data;     /* `size` bytes */
    uint32_t size;
};

/* The next entry: 1, or 0 at the end. Errors: -EINVAL, and nothing more can be read. */
int cpio_next(struct cpio_reader *r, struct cpio_entry *e);
