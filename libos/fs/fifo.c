/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes in order. Small pieces for little data, pages for much; one small piece is kept while the
 * queue is empty, so that bytes going to and fro need no memory each time.
 */
#include "fifo.h"

#include <pith/heap.h>

#define SMALL 512u
#define LARGE 4096u

struct fifo_piece {
    struct fifo_piece *next;
    unsigned start, end; /* the data, from `bytes` on */
    unsigned size;
    char bytes[];
};

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

size_t fifo_put(struct fifo *q, struct iov_cursor *from, size_t len)
{
    size_t done = 0;
    while (done < len) {
        struct fifo_piece *p = room(q, len - done);
        if (p == NULL) {
            break;
        }
        size_t n = p->size - p->end;
        n = iov_take(from, p->bytes + p->end, n < len - done ? n : len - done);
        if (n == 0) {
            break;
        }
        p->end += (unsigned)n;
        done += n;
    }
    q->bytes += done;
    return done;
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

size_t fifo_get(struct fifo *q, struct iov_cursor *to, size_t len)
{
    size_t done = 0;
    while (done < len && q->bytes != 0) {
        struct fifo_piece *p = q->first;
        size_t n = p->end - p->start;
        n = iov_give(to, p->bytes + p->start, n < len - done ? n : len - done);
        if (n == 0) {
            break;
        }
        p->start += (unsigned)n;
        q->bytes -= n;
        done += n;
        if (p->start == p->end) {
            drop(q);
        }
    }
    return done;
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
