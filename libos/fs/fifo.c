/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes in order. Small pieces for little data, pages for much; one small piece is kept while the
 * queue is empty, so that bytes going to and fro need no memory each time.
 */
#include "fifo.h"

#include <string.h>

#include <pith/heap.h>

#define SMALL 512u
#define LARGE 4096u

struct fifo_piece {
    struct fifo_piece *next;
    unsigned start, end; /* the data, from `bytes` on */
    unsigned size;
    char bytes[];
};

/* Often it is one byte, which wakes somebody up: less than a call. */
static inline void copy(char *to, const char *from, size_t len)
{
    if (len == 1) {
        *to = *from;
    } else {
        memcpy(to, from, len);
    }
}

/* Room for `len` bytes more at the end, or for some of them; NULL: there is no memory. */
static struct fifo_piece *room(struct fifo *q, size_t len)
{
    struct fifo_piece *p = q->last;
    if (p != NULL && p->end < p->size) {
        return p;
    }
    size_t all = len <= SMALL - sizeof(*p) ? SMALL : LARGE;
    p = heap_alloc(all);
    if (p == NULL) {
        return NULL;
    }
    *p = (struct fifo_piece){ .size = (unsigned)(all - sizeof(*p)) };
    if (q->last != NULL) {
        q->last->next = p;
    } else {
        q->first = p;
    }
    q->last = p;
    return p;
}

static __attribute__((noinline)) size_t put_pieces(struct fifo *q, const char *from, size_t len)
{
    size_t done = 0;
    struct fifo_piece *p;
    while (done < len && (p = room(q, len - done)) != NULL) {
        size_t n = p->size - p->end;
        n = n < len - done ? n : len - done;
        memcpy(p->bytes + p->end, from + done, n);
        p->end += (unsigned)n;
        done += n;
    }
    q->bytes += done;
    return done;
}

size_t fifo_put(struct fifo *q, const void *from, size_t len)
{
    struct fifo_piece *p = q->last;
    if (p == NULL || p->size - p->end < len) {
        return put_pieces(q, from, len);
    }
    copy(p->bytes + p->end, from, len);
    p->end += (unsigned)len;
    q->bytes += len;
    return len;
}

/* The first piece is used up. */
static void drop(struct fifo *q)
{
    struct fifo_piece *p = q->first;
    if (p->next == NULL && p->size < SMALL) {
        p->start = p->end = 0;
        return;
    }
    q->first = p->next;
    q->last = p->next != NULL ? q->last : NULL;
    heap_free(p);
}

static __attribute__((noinline)) size_t get_pieces(struct fifo *q, char *to, size_t len)
{
    size_t done = 0;
    while (done < len && done < q->bytes) {
        struct fifo_piece *p = q->first;
        size_t n = p->end - p->start;
        n = n < len - done ? n : len - done;
        memcpy(to + done, p->bytes + p->start, n);
        p->start += (unsigned)n;
        done += n;
        if (p->start == p->end) {
            drop(q);
        }
    }
    q->bytes -= done;
    return done;
}

size_t fifo_get(struct fifo *q, void *to, size_t len)
{
    struct fifo_piece *p = q->first;
    size_t n = q->bytes;
    if (n > len || n == 0 || p->next != NULL || p->size >= SMALL) {
        return get_pieces(q, to, len);
    }
    copy(to, p->bytes + p->start, n);
    p->start = p->end = 0;
    q->bytes = 0;
    return n;
}

void fifo_clear(struct fifo *q)
{
    while (q->first != NULL) {
        struct fifo_piece *p = q->first;
        q->first = p->next;
        heap_free(p);
    }
    *q = (struct fifo){ .first = NULL };
}
