/* sources: platform/kvm/virtio_ring.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtqueues against a device that behaves and one that does anything it can to shared memory. */
#include <kvm/virtio_ring.h>

#include "unit.h"

#include "virtio_model.h"

#define MAX_SIZE 128

static uint64_t seed = 0x5eed1234567ULL;
static struct virtio_shadow shadow[MAX_SIZE];
static uint8_t *memory; /* of the exact size, so that AddressSanitizer sees every byte too far */
static struct virtio_ring ring;
static struct model_ring model;

static struct request {
    bool out;            /* the driver gave it, the device or the ring has it */
    unsigned nout, nin;
    uint64_t base;
    uint32_t writable;
    bool indirect;
    struct virtio_desc table[4];
} requests[MAX_SIZE];

static unsigned below(unsigned n)
{
    return (unsigned)(unit_random(&seed) % n);
}

static void start(unsigned size, bool event_idx)
{
    free(memory);
    memory = aligned_alloc(16, (virtio_ring_bytes(size) + 15) / 16 * 16);
    memset(memory, 0, virtio_ring_bytes(size));
    memset(requests, 0, sizeof requests);
    virtio_ring_init(&ring, size, memory, shadow, event_idx);
    model_init(&model, size, memory, event_idx);
}

/* Add a random request; returns what the ring says. */
static int add_one(void)
{
    struct virtio_buf bufs[4];
    struct request *r = NULL;
    for (unsigned i = 0; i < ring.size && r == NULL; i++) {
        r = requests[i].out ? NULL : &requests[i];
    }
    if (r == NULL) {
        return -1;
    }
    r->nout = below(3);
    r->nin = r->nout == 0 ? 1 + below(2) : below(3);
    r->base = unit_random(&seed);
    r->writable = 0;
    r->indirect = below(2);
    unsigned n = r->nout + r->nin;
    for (unsigned i = 0; i < n; i++) {
        bufs[i] = (struct virtio_buf){ r->base + i, 10 + i };
        r->writable += i < r->nout ? 0 : 10 + i;
        r->table[i] = (struct virtio_desc){
            r->base + i, 10 + i, (uint16_t)((i + 1 < n) | (i < r->nout ? 0 : 2)), (uint16_t)(i + 1)
        };
    }
    paddr_t table = (paddr_t)(uintptr_t)r->table;
    int err = r->indirect ? virtio_ring_add_indirect(&ring, table, n, r->writable, r)
                          : virtio_ring_add(&ring, bufs, r->nout, r->nin, r);
    r->out = err == 0;
    return err;
}

/* Is the chain at `head` what some outstanding request asked for? */
static struct request *match(unsigned head)
{
    struct model_desc d[8];
    unsigned n = model_chain(&model, head, d, 8);
    for (unsigned i = 0; i < ring.size; i++) {
        struct request *r = &requests[i];
        if (!r->out || r->base != d[0].addr || r->nout + r->nin != n) {
            continue;
        }
        for (unsigned k = 0; k < n; k++) {
            EXPECT(d[k].addr == r->base + k && d[k].len == 10 + k);
            EXPECT(((d[k].flags & 2) != 0) == (k >= r->nout));
        }
        return r;
    }
    return NULL;
}

/*
 * Everything goes round, out of order, past the wrap of the 16-bit indices; notifications are
 * neither lost nor idle.
 */
static void test_good_device(unsigned size, bool event_idx)
{
    unsigned held[MAX_SIZE];
    unsigned nheld = 0;
    unsigned long given = 0, back = 0, silent = 0;
    bool awake = false; /* the device is looking at the ring: it need not be told */
    start(size, event_idx);
    while (back < 200000) {
        for (unsigned i = below(size + 2); i > 0; i--) {
            given += add_one() == 0;
        }
        bool told = virtio_ring_publish(&ring);
        silent += !told;
        if (!told && !awake && model.seen != model.avail[1] && event_idx) {
            EXPECT(!"a sleeping device was not told");
        }
        EXPECT(!virtio_ring_publish(&ring)); /* nothing new */
        /* The device takes some; it sleeps only after it saw nothing more. */
        awake = true;
        unsigned budget = below(2 * size);
        while (nheld < size && budget-- > 0) {
            int head = model_next(&model);
            if (head < 0) {
                awake = false;
                break;
            }
            held[nheld++] = (unsigned)head;
        }
        /* And finishes some, in any order. */
        for (unsigned i = nheld == 0 ? 0 : below(nheld + 1); i > 0; i--) {
            unsigned k = below(nheld);
            struct request *r = match(held[k]);
            EXPECT(r != NULL);
            if (r == NULL) {
                return;
            }
            uint16_t old = model.done;
            bool armed = below(2);
            if (armed) {
                while (virtio_ring_arm(&ring)) {
                    uint32_t len;
                    struct request *t = virtio_ring_take(&ring, &len);
                    EXPECT(t != NULL && t->out);
                    t->out = false;
                    back++;
                }
            } else {
                virtio_ring_disarm(&ring);
            }
            model_put_used(&model, held[k], r->writable);
            EXPECT(model_wants_interrupt(&model, old) == armed);
            EXPECT(virtio_ring_pending(&ring));
            held[k] = held[--nheld];
        }
        uint32_t len;
        struct request *r;
        while (below(4) != 0 && (r = virtio_ring_take(&ring, &len)) != NULL) {
            EXPECT(r->out && len == r->writable);
            r->out = false;
            back++;
        }
        EXPECT(!ring.broken);
    }
    EXPECT(silent > 0); /* or notifications were never saved */
    struct request *r;
    while ((r = virtio_ring_reclaim(&ring)) != NULL) {
        EXPECT(r->out);
        r->out = false;
        back++;
    }
    EXPECT(given == back && ring.nfree == size && ring.outstanding == 0);
}

/* Each single lie is noticed; what was out comes back once by reclaim. */
static void test_lies(void)
{
    static const char *const names[] = { "id too big", "id not out", "same id twice", "too long",
                                         "index too far", "id inside a chain", "unpublished" };
    for (unsigned lie = 0; lie < sizeof names / sizeof names[0]; lie++) {
        uint32_t len;
        struct virtio_buf bufs[2] = { { 1, 100 }, { 2, 50 } };
        int cookie[3];
        start(8, lie & 1);
        EXPECT(virtio_ring_add(&ring, bufs, 1, 1, &cookie[0]) == 0);
        EXPECT(virtio_ring_add(&ring, bufs, 1, 1, &cookie[1]) == 0);
        virtio_ring_publish(&ring);
        int first = model_next(&model);
        int second = model_next(&model);
        EXPECT(first == 0 && second == 2);
        switch (lie) {
        case 0:
            model_put_used(&model, 8, 0);
            break;
        case 1:
            model_put_used(&model, 5, 0);
            break;
        case 2:
            model_put_used(&model, 0, 50);
            model_put_used(&model, 0, 50);
            EXPECT(virtio_ring_take(&ring, &len) == &cookie[0] && len == 50);
            break;
        case 3:
            model_put_used(&model, 0, 51);
            break;
        case 4:
            model.done = 2;
            model_put_used(&model, 0, 50);
            break;
        case 5:
            model_put_used(&model, 1, 0);
            break;
        default:
            EXPECT(virtio_ring_add(&ring, bufs, 1, 1, &cookie[2]) == 0);
            model.done = 2;
            model_put_used(&model, 4, 0);
            break;
        }
        EXPECT(virtio_ring_take(&ring, &len) == NULL);
        EXPECT(ring.broken && ring.why != NULL);
        if (!ring.broken) {
            printf("not noticed: %s\n", names[lie]);
        }
        EXPECT(virtio_ring_add(&ring, bufs, 1, 1, NULL) < 0);
        EXPECT(virtio_ring_add_indirect(&ring, 0, 1, 0, NULL) < 0);
        EXPECT(!virtio_ring_arm(&ring));
        unsigned left = 0;
        while (virtio_ring_reclaim(&ring) != NULL) {
            left++;
        }
        EXPECT(left == (lie == 2 ? 1u : lie == 6 ? 3u : 2u) && ring.nfree == 8);
    }
}

/* Whatever the device writes, each request comes back exactly once and nothing else is touched. */
static void test_scribbling_device(void)
{
    unsigned long broken = 0, sound = 0;
    for (unsigned round = 0; round < 20000; round++) {
        unsigned size = 1u << below(6);
        unsigned given = 0, back = 0;
        start(size, below(2));
        for (unsigned step = 0; step < 30 && !ring.broken; step++) {
            for (unsigned i = below(4); i > 0; i--) {
                given += add_one() == 0;
            }
            virtio_ring_publish(&ring);
            int head = model_next(&model);
            if (head >= 0 && (unsigned)head < size) {
                model_put_used(&model, (uint32_t)head, below(100) == 0 ? ~0u : 0);
            }
            /* Anywhere in the shared memory, the descriptors and the driver's own half too. */
            for (unsigned i = below(10) == 0 ? below(8) : 0; i > 0; i--) {
                memory[below((unsigned)virtio_ring_bytes(size))] = (uint8_t)unit_random(&seed);
            }
            uint32_t len;
            struct request *r;
            while ((r = virtio_ring_take(&ring, &len)) != NULL) {
                EXPECT(r->out && len <= r->writable);
                r->out = false;
                back++;
            }
            virtio_ring_arm(&ring);
            EXPECT(ring.outstanding + back == given);
        }
        broken += ring.broken;
        sound += !ring.broken;
        struct request *r;
        while ((r = virtio_ring_reclaim(&ring)) != NULL) {
            EXPECT(r->out);
            r->out = false;
            back++;
        }
        EXPECT(given == back && ring.nfree == size);
    }
    EXPECT(broken > 1000 && sound > 1000); /* both were tried */
}

static void test_full(void)
{
    struct virtio_buf bufs[3] = { { 1, 1 }, { 2, 1 }, { 3, 1 } };
    start(4, true);
    EXPECT(virtio_ring_add(&ring, bufs, 2, 1, &bufs) == 0);
    EXPECT(virtio_ring_add(&ring, bufs, 1, 1, &bufs) < 0 && !ring.broken);
    EXPECT(virtio_ring_add(&ring, bufs, 0, 0, &bufs) < 0);
    EXPECT(virtio_ring_add_indirect(&ring, 0, 9, 0, &bufs) == 0);
    EXPECT(virtio_ring_add_indirect(&ring, 0, 9, 0, &bufs) < 0 && !ring.broken);
}

int main(void)
{
    for (unsigned size = 2; size <= MAX_SIZE; size *= 4) {
        test_good_device(size, true);
        test_good_device(size, false);
    }
    test_lies();
    test_scribbling_device();
    test_full();
    free(memory);
    return unit_done();
}
