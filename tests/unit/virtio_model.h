/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a split virtqueue, for tests: written from the specification (virtio 1.2,
 * 2.7) and not from the driver, with its own structures. Guest-physical addresses are pointers
 * here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct model_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

struct model_ring {
    unsigned size;
    struct model_desc *desc;
    uint16_t *avail; /* flags, idx, ring[size], used_event */
    uint8_t *used;   /* flags, idx (16 bits each), {id, len}[size] (32 bits each), avail_event */
    bool event_idx;
    uint16_t seen;   /* of the available ring */
    uint16_t done;   /* what the device has put into the used ring */
};

static inline void model_init(struct model_ring *m, unsigned size, void *memory, bool event_idx)
{
    memset(m, 0, sizeof *m);
    m->size = size;
    m->desc = memory;
    m->avail = (uint16_t *)((char *)memory + 16 * size);
    m->used = (uint8_t *)memory + ((16 * size + 6 + 2 * size + 3) & ~3u);
    m->event_idx = event_idx;
}

static inline void model_put16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, 2);
}

/* The next chain's head, or -1. With EVENT_IDX the device asks to be told of the next one. */
static inline int model_next(struct model_ring *m)
{
    if (m->seen == m->avail[1]) {
        if (m->event_idx) {
            model_put16(m->used + 4 + 8 * m->size, m->seen);
        }
        return -1;
    }
    return m->avail[2 + m->seen++ % m->size];
}

/* Write a used entry as it stands, true or not. */
static inline void model_put_used(struct model_ring *m, uint32_t id, uint32_t len)
{
    uint8_t *e = m->used + 4 + 8 * (m->done % m->size);
    memcpy(e, &id, 4);
    memcpy(e + 4, &len, 4);
    model_put16(m->used + 2, ++m->done);
}

/* Does the driver want an interrupt after `done` went on from `old`? */
static inline bool model_wants_interrupt(const struct model_ring *m, uint16_t old)
{
    if (!m->event_idx) {
        return (m->avail[0] & 1) == 0;
    }
    uint16_t event = m->avail[2 + m->size];
    return (uint16_t)(m->done - event - 1) < (uint16_t)(m->done - old);
}

/* A chain's pieces, an indirect table followed; returns how many. */
static inline unsigned model_chain(const struct model_ring *m, unsigned head,
                                   struct model_desc *out, unsigned max)
{
    const struct model_desc *table = m->desc;
    unsigned n = 0;
    if (table[head].flags & 4) {
        table = (const struct model_desc *)(uintptr_t)m->desc[head].addr;
        head = 0;
    }
    for (;;) {
        if (n == max) {
            return n;
        }
        out[n++] = table[head];
        if ((table[head].flags & 1) == 0) {
            return n;
        }
        head = table[head].next;
    }
}
