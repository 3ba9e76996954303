/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libos/net needs of the rest, for tests of the whole stack on the host: a heap that
 * AddressSanitizer watches, a clock that the test moves, one network device whose frames the test
 * gives and takes. Include it in one .c file only.
 */
#pragma once

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pith/cmdline.h>
#include <pith/heap.h>
#include <pith/iowait.h>
#include <pith/netdev.h>
#include <pith/page.h>
#include <pith/panic.h>
#include <pith/random.h>

#include "fake_log.h"

#include "net_pool.h"

#define FAKE_BUFFERS 64u
#define FAKE_BUFFER  2048u

static uint64_t fake_now = 1000000000;
static uint64_t fake_seed = 42;
static unsigned fake_sent;                /* frames that the stack has sent */
static unsigned fake_batch = 64;          /* frames that the device gives at once */
static void (*fake_before)(void);         /* called before it gives some */
static bool fake_tx_full;                 /* the device takes none now */
static void (*fake_on_sent)(const uint8_t *data, unsigned len); /* sees each */
static const struct netbuf *fake_sending; /* which it sees */

/* ---- memory, time, chance, words ---- */

void *heap_alloc(size_t size) { return malloc(size); }
void heap_free(void *p) { free(p); }
size_t heap_usable(const void *p) { return malloc_usable_size((void *)(uintptr_t)p); }
size_t heap_trim(void) { return 0; }
void page_add_reclaim(size_t (*reclaim)(void)) { (void)reclaim; }

/* net_pool.c without what it keeps: so that use after free shows. */
static struct net_pool_stats fake_memory;

void net_pool_init(size_t limit) { fake_memory.limit = limit; }
void net_pool_stats(struct net_pool_stats *out) { *out = fake_memory; }
void net_pool_refuse(void) { fake_memory.refused++; }
bool net_pool_drain(void) { return false; }

void *net_mem_alloc(size_t size)
{
    void *p = fake_memory.used + size <= fake_memory.limit ? malloc(size) : NULL;
    fake_memory.used += p != NULL ? malloc_usable_size(p) : 0;
    fake_memory.refused += p == NULL;
    return p;
}

void *net_mem_calloc(size_t n, size_t size)
{
    void *p = net_mem_alloc(n * size);
    return p != NULL ? memset(p, 0, n * size) : NULL;
}

void net_mem_free(void *p)
{
    fake_memory.used -= p != NULL ? malloc_usable_size(p) : 0;
    free(p);
}

uint64_t platform_clock_ns(void) { return fake_now; }
uint64_t random_u64(void) { return unit_random(&fake_seed); }
int random_gather(void) { return 0; }

void random_bytes(void *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = (uint8_t)(unit_random(&fake_seed) >> 20);
    }
}

void page_stats(struct page_stats *out)
{
    *out = (struct page_stats){ .total = 4096, .free = 3072, .low = 3072 }; /* 16 MiB */
}

void panic_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("%s:%d: panic: ", file, line);
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    abort();
}

static const char *fake_option(const char *name);
const char *cmdline_get(const char *name) { return fake_option(name); }

uint64_t cmdline_get_u64(const char *name, uint64_t fallback)
{
    const char *value = fake_option(name);
    return value != NULL ? strtoull(value, NULL, 0) : fallback;
}

/* ---- the engine: the test runs it ---- */

static const struct io_engine *fake_engine;

int io_engine_start(const struct io_engine *engine)
{
    fake_engine = engine;
    return 0;
}

static unsigned fake_kicks;
void io_engine_kick(void) { fake_kicks++; }
static uint64_t fake_poll_ns; /* what net.poll asks for; the highest bit: adaptive */
void io_engine_poll(uint64_t ns, bool adaptive) { fake_poll_ns = ns | (uint64_t)adaptive << 63; }
void io_waiter_init(struct io_waiter *w) { (void)w; }
void io_wake(struct io_waiter *w) { (void)w; }
int io_wait(struct io_waiter *w, uint64_t t) { (void)w; (void)t; return -ETIMEDOUT; }

/* ---- the device ---- */

struct fake_buffer {
    struct netbuf b;
    uint8_t *memory; /* of its own size, so that a read beyond is seen */
    bool lent;
};

static struct fake_buffer fake_buffers[FAKE_BUFFERS];
static struct netbuf *fake_arrived[FAKE_BUFFERS];
static unsigned fake_narrived;
static struct netbuf *fake_in_flight[256]; /* done() is called later, as a device does */
static unsigned fake_nin_flight;

static int fake_reap(struct netdev *dev)
{
    (void)dev;
    unsigned n = fake_nin_flight;
    fake_nin_flight = 0;
    for (unsigned i = 0; i < n; i++) {
        fake_in_flight[i]->done(fake_in_flight[i]);
    }
    return (int)n;
}

static int fake_transmit(struct netdev *dev, struct netbuf **frames, unsigned n)
{
    static uint8_t whole[70000];

    for (unsigned i = 0; i < n; i++) {
        unsigned len = 0;
        if (fake_tx_full || fake_nin_flight == 256) {
            return (int)i;
        }
        memset((char *)frames[i]->data - frames[i]->headroom, 0xdb, frames[i]->headroom);
        for (struct netbuf *b = frames[i]; b != NULL; b = b->next) {
            memcpy(whole + len, b->data, b->len);
            len += b->len;
        }
        fake_sent++;
        fake_in_flight[fake_nin_flight++] = frames[i];
        fake_sending = frames[i];
        if (fake_on_sent != NULL) {
            fake_on_sent(whole, len);
        }
    }
    (void)dev;
    return (int)n;
}

static int fake_receive(struct netdev *dev, struct netbuf **frames, unsigned n)
{
    (void)dev;
    unsigned taken = fake_narrived < n ? fake_narrived : n;
    taken = taken < fake_batch ? taken : fake_batch;
    if (fake_before != NULL) {
        fake_before();
    }
    memcpy(frames, fake_arrived, taken * sizeof(*frames));
    memmove(fake_arrived, fake_arrived + taken, (fake_narrived - taken) * sizeof(*frames));
    fake_narrived -= taken;
    return (int)taken;
}

static void fake_release(struct netdev *dev, struct netbuf *frame)
{
    for (struct netbuf *next; frame != NULL; frame = next) {
        struct fake_buffer *f = (struct fake_buffer *)(void *)frame;
        next = frame->next;
        if (!f->lent) {
            printf("a buffer was given back twice\n");
            abort();
        }
        f->lent = false;
        free(f->memory);
        dev->rx_lent--;
    }
}

static bool fake_arm(struct netdev *dev, bool want_tx)
{
    (void)dev;
    (void)want_tx;
    return fake_narrived > 0;
}

static const struct netdev_ops fake_ops = { fake_transmit, fake_receive, fake_reap, fake_release,
                                            fake_arm, NULL };
static struct netdev fake_dev = { .ops = &fake_ops, .name = "eth0", .mac = { 2, 0, 0, 0, 0, 1 },
                                  .mtu = 1500, .link_up = true, .rx_buffers = FAKE_BUFFERS,
                                  .serial = 1 };

struct netdev *netdev_at(unsigned i) { return i == 0 ? &fake_dev : NULL; }

struct netdev *netdev_claim_next(uint32_t *serial, const void *who,
                                 void (*on_event)(struct netdev *), void *arg)
{
    if (fake_dev.claimed_by != NULL || *serial >= fake_dev.serial) {
        return NULL;
    }
    fake_dev.claimed_by = who;
    fake_dev.on_event = on_event;
    fake_dev.arg = arg;
    *serial = fake_dev.serial;
    return &fake_dev;
}

void netdev_unclaim(struct netdev *dev)
{
    dev->claimed_by = NULL;
}

static void (*fake_came)(void);

void netdev_watch(void (*fn)(void))
{
    fake_came = fn;
}

static struct netbuf *fake_piece(const uint8_t *data, unsigned len)
{
    for (unsigned i = 0; i < FAKE_BUFFERS; i++) {
        struct fake_buffer *f = &fake_buffers[i];
        if (!f->lent) {
            f->lent = true;
            f->memory = malloc(len > 0 ? len : 1);
            memcpy(f->memory, data, len);
            memset(&f->b, 0xa5, sizeof(f->b));
            f->b.next = NULL;
            f->b.data = f->memory;
            f->b.len = f->b.capacity = len;
            f->b.flags = 0;
            fake_dev.rx_lent++;
            return &f->b;
        }
    }
    return NULL;
}

/* A frame has arrived, its first `cut` bytes (0: all) in one piece. False: no buffer is free. */
static bool fake_arrive(const uint8_t *data, unsigned len, unsigned cut, unsigned flags)
{
    cut = cut == 0 || cut > len ? len : cut;
    if (fake_dev.rx_lent + 2 > FAKE_BUFFERS || fake_narrived == FAKE_BUFFERS) {
        return false;
    }
    struct netbuf *b = fake_piece(data, cut);
    b->next = cut < len ? fake_piece(data + cut, len - cut) : NULL;
    b->flags = flags;
    fake_arrived[fake_narrived++] = b;
    return true;
}

/* Run the engine until it has nothing to do. */
static void fake_run(void)
{
    while (fake_engine->work() == 0) {
    }
}

/* Let time pass, timers included. */
static void fake_sleep(unsigned ms)
{
    for (uint64_t until = fake_now + ms * 1000000ull; fake_now < until; fake_now += 50000000) {
        fake_run();
    }
}
