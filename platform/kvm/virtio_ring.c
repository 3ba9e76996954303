/* SPDX-License-Identifier: BSD-2-Clause */
/* Split virtqueues (virtio 1.2, 2.7 "Split Virtqueues"), driver side. */
#include <kvm/virtio_ring.h>

#include <errno.h>

#define AVAIL_NO_INTERRUPT 1u
#define USED_NO_NOTIFY     1u

#define LOAD(p)     __atomic_load_n(p, __ATOMIC_RELAXED)
#define STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)

size_t virtio_ring_avail_offset(unsigned size)
{
    return size * sizeof(struct virtio_desc);
}

size_t virtio_ring_used_offset(unsigned size)
{
    size_t end = virtio_ring_avail_offset(size) + sizeof(struct virtio_avail) + (size + 1) * 2UL;
    return (end + 3) & ~3UL;
}

size_t virtio_ring_bytes(unsigned size)
{
    return virtio_ring_used_offset(size) + sizeof(struct virtio_used) +
           size * sizeof(struct virtio_used_elem) + 2;
}

void virtio_ring_init(struct virtio_ring *r, unsigned size, void *memory,
                      struct virtio_shadow *shadow, bool event_idx)
{
    char *base = memory;
    *r = (struct virtio_ring){
        .desc = memory,
        .avail = (void *)(base + virtio_ring_avail_offset(size)),
        .used = (void *)(base + virtio_ring_used_offset(size)),
        .shadow = shadow,
        .size = (uint16_t)size,
        .nfree = (uint16_t)size,
        .event_idx = event_idx,
    };
    for (unsigned i = 0; i < size; i++) {
        shadow[i] = (struct virtio_shadow){ .next = (uint16_t)(i + 1) };
    }
    virtio_ring_disarm(r);
}

static uint16_t *used_event(struct virtio_ring *r)
{
    return &r->avail->ring[r->size];
}

static uint16_t *avail_event(struct virtio_ring *r)
{
    return (uint16_t *)(void *)&r->used->ring[r->size];
}

/* Take a descriptor off the free list and write it; the caller has checked that there is one. */
static uint16_t put_desc(struct virtio_ring *r, paddr_t addr, uint32_t len, unsigned flags)
{
    uint16_t i = r->free_head;
    r->free_head = r->shadow[i].next;
    r->nfree--;
    /* `next` is right already: the free list gives the descriptors in its own order. */
    r->desc[i] = (struct virtio_desc){
        .addr = addr, .len = len, .flags = (uint16_t)flags, .next = r->shadow[i].next
    };
    return i;
}

static void add_chain(struct virtio_ring *r, uint16_t chain, unsigned ndesc, uint32_t writable,
                      void *cookie)
{
    r->shadow[chain].cookie = cookie;
    r->shadow[chain].writable = writable;
    r->shadow[chain].ndesc = (uint16_t)ndesc;
    STORE(&r->avail->ring[r->avail_idx & (r->size - 1)], chain);
    r->avail_idx++;
    r->outstanding++;
}

int virtio_ring_add(struct virtio_ring *r, const struct virtio_buf *bufs, unsigned nout,
                    unsigned nin, void *cookie)
{
    unsigned n = nout + nin;
    if (r->broken) {
        return -EIO;
    }
    if (n == 0 || n > r->nfree) {
        return -ENOSPC;
    }
    uint16_t chain = r->free_head;
    uint32_t writable = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned flags = (i + 1 < n ? VIRTIO_DESC_NEXT : 0) | (i < nout ? 0 : VIRTIO_DESC_WRITE);
        put_desc(r, bufs[i].addr, bufs[i].len, flags);
        writable += i < nout ? 0 : bufs[i].len;
    }
    add_chain(r, chain, n, writable, cookie);
    return 0;
}

int virtio_ring_add_indirect(struct virtio_ring *r, paddr_t table, unsigned n, uint32_t writable,
                             void *cookie)
{
    if (r->broken) {
        return -EIO;
    }
    if (r->nfree == 0) {
        return -ENOSPC;
    }
    uint32_t len = (uint32_t)(n * sizeof(struct virtio_desc));
    uint16_t chain = put_desc(r, table, len, VIRTIO_DESC_INDIRECT);
    add_chain(r, chain, 1, writable, cookie);
    return 0;
}

bool virtio_ring_publish(struct virtio_ring *r)
{
    uint16_t old = r->published;
    uint16_t new = r->avail_idx;
    if (old == new) {
        return false;
    }
    /* Descriptors and ring entries become visible before the index that covers them. */
    __atomic_store_n(&r->avail->idx, new, __ATOMIC_RELEASE);
    r->published = new;
    /*
     * The index before the device's wish is read: otherwise both sides may go to sleep (2.7.10.1).
     */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (r->event_idx) {
        uint16_t event = LOAD(avail_event(r));
        return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
    }
    return (LOAD(&r->used->flags) & USED_NO_NOTIFY) == 0;
}

bool virtio_ring_pending(const struct virtio_ring *r)
{
    return !r->broken && LOAD(&r->used->idx) != r->used_idx;
}

static void *break_ring(struct virtio_ring *r, const char *why)
{
    r->broken = true;
    r->why = why;
    return NULL;
}

/* Give a chain's descriptors back; returns its cookie. */
static inline void *free_chain(struct virtio_ring *r, uint16_t chain)
{
    struct virtio_shadow *s = &r->shadow[chain], *last = s;
    void *cookie = s->cookie;
    for (unsigned i = s->ndesc; i > 1; i--) {
        last = &r->shadow[last->next];
    }
    r->nfree = (uint16_t)(r->nfree + s->ndesc);
    last->next = r->free_head;
    r->free_head = chain;
    s->ndesc = 0;
    s->cookie = NULL;
    r->outstanding--;
    return cookie;
}

void *virtio_ring_take(struct virtio_ring *r, uint32_t *len)
{
    /* The entry is read after the index that announces it. */
    uint16_t idx = __atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE);
    uint16_t fresh = (uint16_t)(idx - r->used_idx);
    if (fresh == 0 || r->broken) {
        return NULL;
    }
    /* The device can't have finished what it wasn't shown, nor more than is out. */
    uint16_t hidden = (uint16_t)(r->avail_idx - r->published);
    if (fresh > r->outstanding - hidden) {
        return break_ring(r, "more finished requests than there were");
    }
    const struct virtio_used_elem *e = &r->used->ring[r->used_idx & (r->size - 1)];
    uint32_t id = LOAD(&e->id);
    uint32_t written = LOAD(&e->len);
    if (id >= r->size || r->shadow[id].ndesc == 0) {
        return break_ring(r, "a finished request that there wasn't");
    }
    if (__builtin_expect(written > r->shadow[id].writable, 0)) {
        return break_ring(r, "more bytes written than there was room for");
    }
    r->used_idx++;
    *len = written;
    return free_chain(r, (uint16_t)id);
}

void *virtio_ring_reclaim(struct virtio_ring *r)
{
    for (uint16_t i = 0; r->outstanding > 0 && i < r->size; i++) {
        if (r->shadow[i].ndesc != 0) {
            return free_chain(r, i);
        }
    }
    return NULL;
}

void virtio_ring_disarm(struct virtio_ring *r)
{
    if (r->event_idx) {
        /*
         * As far away as an index can be; there is no "never", and a late wish costs one interrupt.
         */
        STORE(used_event(r), (uint16_t)(r->used_idx + 0x8000));
    } else {
        STORE(&r->avail->flags, (uint16_t)AVAIL_NO_INTERRUPT);
    }
}

bool virtio_ring_arm(struct virtio_ring *r)
{
    if (r->event_idx) {
        STORE(used_event(r), r->used_idx);
    } else {
        STORE(&r->avail->flags, (uint16_t)0);
    }
    /*
     * The wish before the index is looked at, or a chain finished in between stays unseen
     * (2.7.7.1).
     */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return virtio_ring_pending(r);
}

bool virtio_ring_arm_half(struct virtio_ring *r)
{
    uint16_t half = r->outstanding / 2;
    if (!r->event_idx) {
        return virtio_ring_arm(r);
    }
    STORE(used_event(r), (uint16_t)(r->used_idx + half));
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* as in virtio_ring_arm() */
    return !r->broken && (uint16_t)(LOAD(&r->used->idx) - r->used_idx) > half;
}
