/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes in order: a queue in pieces of memory that come and go with the data. */
#pragma once

#include <stddef.h>

struct fifo_piece;

struct fifo {
    struct fifo_piece *first, *last;
    size_t bytes;
};

/*
 * Append len bytes; fewer only where memory is short. Returns how many. The caller has a lock, here
 * and below. Context: thread.
 */
size_t fifo_put(struct fifo *q, const void *from, size_t len);

/* Take up to as many bytes out as are there and fit; returns how many. */
size_t fifo_get(struct fifo *q, void *to, size_t len);

/* Throw everything away. */
void fifo_clear(struct fifo *q);
