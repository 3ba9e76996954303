/* SPDX-License-Identifier: BSD-2-Clause */
/* A place in a list of buffers. */
#pragma once

#include <stddef.h>
#include <string.h>
#include <sys/uio.h>

struct iov_cursor {
    const struct iovec *v;
    int n;      /* pieces from v on */
    size_t at;  /* in v[0] */
};

static inline struct iov_cursor iov_begin(const struct iovec *v, int n)
{
    return (struct iov_cursor){ v, n, 0 };
}

/* All bytes of a list; callers have checked that they fit a ssize_t. */
static inline size_t iov_total(const struct iovec *v, int n)
{
    size_t total = 0;
    for (int i = 0; i < n; i++) {
        total += v[i].iov_len;
    }
    return total;
}

/* Copy up to len bytes from the list to `to`, and go on behind them; returns how many. */
static inline size_t iov_take(struct iov_cursor *c, void *to, size_t len)
{
    size_t done = 0;
    while (done < len && c->n > 0) {
        size_t n = c->v->iov_len - c->at;
        n = n < len - done ? n : len - done;
        if (n != 0) {
            memcpy((char *)to + done, (char *)c->v->iov_base + c->at, n);
        }
        done += n;
        c->at += n;
        if (c->at == c->v->iov_len) {
            c->v++;
            c->n--;
            c->at = 0;
        }
    }
    return done;
}

/* Copy up to len bytes from `from` into the list; returns how many. */
static inline size_t iov_give(struct iov_cursor *c, const void *from, size_t len)
{
    size_t done = 0;
    while (done < len && c->n > 0) {
        size_t n = c->v->iov_len - c->at;
        n = n < len - done ? n : len - done;
        if (n != 0) {
            memcpy((char *)c->v->iov_base + c->at, (const char *)from + done, n);
        }
        done += n;
        c->at += n;
        if (c->at == c->v->iov_len) {
            c->v++;
            c->n--;
            c->at = 0;
        }
    }
    return done;
}
