/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues (virtio 1.2, 2.7), driver side, for devices that are not trusted.
 *
 * The device can write all shared memory, so nothing is read back from it but the used ring, and
 * every number of that is checked against what is outstanding. Chains and free descriptors are kept
 * in shadow[], which the device is never told of. A violation marks the ring broken for good: `why`
 * says how.
 *
 * No function takes a lock: a ring belongs to whoever holds its device's lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <x86/mem.h>

#define VIRTIO_RING_MAX 256 /* entries; 128 fit into one page */

#define VIRTIO_DESC_NEXT     1u
#define VIRTIO_DESC_WRITE    2u /* the device writes it */
#define VIRTIO_DESC_INDIRECT 4u

/* One descriptor as the device reads it; indirect tables are arrays of these. */
struct virtio_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

_Static_assert(sizeof(struct virtio_desc) == 16, "virtio 1.2, 2.7.5");

struct virtio_shadow {
    void *cookie;      /* of a chain's head, while it is outstanding */
    uint32_t writable; /* bytes that the device may write to the chain */
    uint16_t ndesc;    /* length of the chain that begins here; 0: none does */
    uint16_t next;     /* next of the chain or of the free list */
};

/* The rings as they lie in memory; behind ring[] comes the event index of EVENT_IDX. */
struct virtio_avail {
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[]; /* size, then used_event */
};

struct virtio_used_elem {
    uint32_t id;
    uint32_t len;
};

struct virtio_used {
    uint16_t flags;
    uint16_t idx;
    struct virtio_used_elem ring[]; /* size, then avail_event (16 bits) */
};

struct virtio_ring {
    struct virtio_desc *desc;
    struct virtio_avail *avail;
    struct virtio_used *used;
    struct virtio_shadow *shadow;
    uint16_t size; /* a power of two */
    uint16_t free_head;
    uint16_t nfree;
    uint16_t avail_idx;   /* chains added */
    uint16_t published;   /* of these, told to the device */
    uint16_t used_idx;    /* chains taken back */
    uint16_t outstanding; /* chains added and not taken back */
    bool event_idx;
    bool broken;
    const char *why; /* of broken */
};

/*
 * Bytes of shared memory that a ring of `size` entries takes; the parts lie at these offsets in it.
 */
size_t virtio_ring_bytes(unsigned size);
size_t virtio_ring_avail_offset(unsigned size);
size_t virtio_ring_used_offset(unsigned size);

/* Set up an empty ring in zeroed, page-aligned `memory` and in shadow[size]. Interrupts are off. */
void virtio_ring_init(struct virtio_ring *r, unsigned size, void *memory,
                      struct virtio_shadow *shadow, bool event_idx);

/* A piece of a request. */
struct virtio_buf {
    paddr_t addr;
    uint32_t len;
};

/*
 * Add a chain: nout pieces that the device reads, then nin that it writes. It isn't published yet.
 * Errors: -ENOSPC not enough free descriptors now, -EIO the ring is broken.
 */
int virtio_ring_add(struct virtio_ring *r, const struct virtio_buf *bufs, unsigned nout,
                    unsigned nin, void *cookie);

/* Can a chain of one piece be added? */
static inline bool virtio_ring_has_room(const struct virtio_ring *r)
{
    return r->nfree != 0 && !r->broken;
}

/*
 * The same as virtio_ring_add() for one piece, which the device reads (flags 0) or writes
 * (VIRTIO_DESC_WRITE). The caller has asked virtio_ring_has_room().
 */
static inline void virtio_ring_add_one(struct virtio_ring *r, paddr_t addr, uint32_t len,
                                       unsigned flags, void *cookie)
{
    uint16_t i = r->free_head;
    struct virtio_shadow *s = &r->shadow[i];
    r->desc[i] = (struct virtio_desc){ .addr = addr, .len = len, .flags = (uint16_t)flags };
    r->free_head = s->next;
    r->nfree--;
    s->cookie = cookie;
    s->writable = flags & VIRTIO_DESC_WRITE ? len : 0;
    s->ndesc = 1;
    __atomic_store_n(&r->avail->ring[r->avail_idx & (r->size - 1)], i, __ATOMIC_RELAXED);
    r->avail_idx++;
    r->outstanding++;
}

/*
 * The same for an indirect table of n descriptors, filled by the caller; `writable` bytes of it are
 * the device's.
 */
int virtio_ring_add_indirect(struct virtio_ring *r, paddr_t table, unsigned n, uint32_t writable,
                             void *cookie);

/* Show the device what was added; returns whether it has to be notified. */
bool virtio_ring_publish(struct virtio_ring *r);

/*
 * The cookie of the next chain that the device has finished and how many bytes it claims to have
 * written; NULL when there is none, or when the ring is broken now.
 */
void *virtio_ring_take(struct virtio_ring *r, uint32_t *len);

/*
 * Has the device finished a chain that nobody has taken? Context: any, no lock needed for a hint.
 */
bool virtio_ring_pending(const struct virtio_ring *r);

/*
 * After the device was reset: the cookies of the chains that it never finished; NULL after the
 * last.
 */
void *virtio_ring_reclaim(struct virtio_ring *r);

/* Ask for no interrupts, as far as the device listens. */
void virtio_ring_disarm(struct virtio_ring *r);

/*
 * Ask for an interrupt at the next finished chain; true when one is finished already: take it
 * first.
 */
bool virtio_ring_arm(struct virtio_ring *r);

/*
 * The same for half of what is outstanding now: for those who wait for room, not for one chain.
 */
bool virtio_ring_arm_half(struct virtio_ring *r);

/* The index of the descriptor that the next chain will begin with; there has to be a free one. */
static inline unsigned virtio_ring_next(const struct virtio_ring *r)
{
    return r->free_head;
}
