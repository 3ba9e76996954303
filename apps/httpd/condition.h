/* SPDX-License-Identifier: BSD-2-Clause */
/* Conditional and partial requests: which answer a file gets. Pure. */
#pragma once

#include <stdint.h>
#include <time.h>

#include "request.h"

#define ETAG_SIZE 64

/* What identifies the state of a file. */
struct validator {
    char etag[ETAG_SIZE]; /* with its quotes; strong */
    time_t modified;      /* whole seconds */
};

void validator_make(struct validator *v, uint64_t size, time_t seconds, long nanoseconds);

/* RFC 9110, 13.2.2: 200 to go on, 304, or 412. */
int condition_check(const struct request *r, const struct validator *v);

/*
 * The part of a file of `size` bytes that is asked for. Returns 200 (all of it: no range, several,
 * one that makes no sense, or If-Range says that the file is another), 206 with the bytes
 * [*first, *end), or 416.
 */
int condition_range(const struct request *r, const struct validator *v, uint64_t size,
                    uint64_t *first, uint64_t *end);
