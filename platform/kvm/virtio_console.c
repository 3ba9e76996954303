/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio console devices (virtio 1.2, 5.3), port 0 alone: bytes out by four pages, bytes in by
 * eight buffers. Received bytes stay with the device's ring until somebody reads them, so a host
 * that sends more is held back and loses nothing.
 */
#include <errno.h>
#include <string.h>

#include <kvm/virtio.h>
#include <pith/condev.h>
#include <pith/irq.h>
#include <pith/log.h>
#include <pith/page.h>
#include <pith/spinlock.h>
#include <x86/cpu.h>
#include <x86/mem.h>
#include <x86/probe.h>

#define F_SIZE (1ULL << 0) /* 5.3.3 */
#define CONFIG_COLS 0      /* 5.3.4 */
#define CONFIG_ROWS 2

#define RX_QUEUE   0 /* 5.3.2 */
#define TX_QUEUE   1
#define RX_BUFFERS 8u
#define RX_SIZE    512u
#define TX_BUFFERS 4u
#define TX_SIZE    4096u
#define MEMORY     (RX_BUFFERS * RX_SIZE + TX_BUFFERS * TX_SIZE)

/* As in serial.c: 20 to 30 s until a host that takes nothing loses what follows. */
#define STUCK_CYCLES (1ULL << 36)
#define LOCK_CYCLES  (1ULL << 30) /* who holds it for longer has crashed */

struct virtio_console {
    struct condev condev; /* first */
    struct virtio_device *dev;
    struct virtio_queue rx, tx;
    /* Of all below and the rings. No other lock is taken in it. */
    struct spinlock lock;
    char *memory;          /* receive buffers, then those to send */
    paddr_t memory_pa;
    unsigned tx_free;      /* a bit per buffer to send */
    char *current;         /* the received buffer that is being read, or NULL */
    uint32_t at, end;      /* in it */
    bool stuck;
    const char *doubt;     /* why it is to be given up */
};

/* Also called where vector registers must stay as they are. */
static void copy(void *dst, const void *src, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

static char *tx_buffer(struct virtio_console *c, unsigned i)
{
    return c->memory + RX_BUFFERS * RX_SIZE + i * TX_SIZE;
}

static bool add(struct virtio_console *c, struct virtio_queue *q, char *p, uint32_t len)
{
    struct virtio_buf buf = { c->memory_pa + (size_t)(p - c->memory), len };
    return virtio_ring_add(&q->ring, &buf, q == &c->tx, q == &c->rx, p) == 0;
}

static void publish(struct virtio_queue *q)
{
    if (virtio_ring_publish(&q->ring)) {
        virtio_notify(q);
    }
}

static bool broken(const struct virtio_console *c)
{
    return c->condev.failed || c->doubt != NULL || c->rx.ring.broken || c->tx.ring.broken;
}

static void event(struct virtio_console *c)
{
    void (*on_event)(struct condev *) = __atomic_load_n(&c->condev.on_event, __ATOMIC_ACQUIRE);
    if (on_event != NULL) {
        bool was = irq_save();
        on_event(&c->condev);
        irq_restore(was);
    }
}

/* Give it up when it has broken the rules. Context: lock not held. Returns whether it is usable. */
static bool check(struct virtio_console *c)
{
    bool was = spin_lock(&c->lock);
    bool now = broken(c) && !c->condev.failed;
    const char *why = c->doubt;
    if (c->rx.ring.broken || c->tx.ring.broken) {
        why = c->rx.ring.broken ? c->rx.ring.why : c->tx.ring.why;
    }
    c->condev.failed |= now;
    bool usable = !c->condev.failed;
    spin_unlock(&c->lock, was);
    if (now) {
        virtio_fail(c->dev, why);
        event(c);
    }
    return usable;
}

/* ---- in; context of all: lock held ---- */

/* Take the next buffer with bytes in it. */
static bool next_buffer(struct virtio_console *c)
{
    for (unsigned empty = 0; c->current == NULL && empty < RX_BUFFERS; empty++) {
        c->current = virtio_ring_take(&c->rx.ring, &c->end);
        c->at = 0;
        if (c->current == NULL) {
            return false;
        }
        if (c->end == 0) {
            add(c, &c->rx, c->current, RX_SIZE);
            c->current = NULL;
        }
    }
    if (c->current == NULL) {
        c->doubt = "it sends empty buffers";
    }
    return c->current != NULL;
}

static size_t take_bytes(struct virtio_console *c, char *buf, size_t len)
{
    size_t done = 0;
    while (done < len && !broken(c) && next_buffer(c)) {
        uint32_t left = c->end - c->at;
        uint32_t n = len - done < left ? (uint32_t)(len - done) : left;
        copy(buf + done, c->current + c->at, n);
        done += n;
        c->at += n;
        if (c->at == c->end) {
            add(c, &c->rx, c->current, RX_SIZE);
            c->current = NULL;
        }
    }
    publish(&c->rx);
    c->condev.rx_bytes += done;
    return done;
}

static ssize_t console_read(struct condev *dev, void *buf, size_t len)
{
    struct virtio_console *c = (struct virtio_console *)(void *)dev;
    bool was = spin_lock(&c->lock);
    size_t done = 0;
    do {
        done += take_bytes(c, (char *)buf + done, len - done);
    } while (done < len && !broken(c) && virtio_ring_arm(&c->rx.ring));
    spin_unlock(&c->lock, was);
    return check(c) || done != 0 ? (ssize_t)done : -EIO;
}

/* ---- out; context of all: lock held ---- */

static void reap(struct virtio_console *c)
{
    char *p;
    uint32_t len;
    while ((p = virtio_ring_take(&c->tx.ring, &len)) != NULL) {
        c->tx_free |= 1u << ((p - tx_buffer(c, 0)) / TX_SIZE);
        c->stuck = false;
    }
}

static size_t put_bytes(struct virtio_console *c, const char *buf, size_t len)
{
    size_t done = 0;
    reap(c);
    while (done < len && c->tx_free != 0 && !broken(c)) {
        unsigned i = (unsigned)__builtin_ctz(c->tx_free);
        uint32_t n = len - done < TX_SIZE ? (uint32_t)(len - done) : TX_SIZE;
        copy(tx_buffer(c, i), buf + done, n);
        if (!add(c, &c->tx, tx_buffer(c, i), n)) {
            break;
        }
        c->tx_free &= ~(1u << i);
        done += n;
    }
    publish(&c->tx);
    c->condev.tx_bytes += done;
    return done;
}

static ssize_t console_write(struct condev *dev, const void *buf, size_t len)
{
    struct virtio_console *c = (struct virtio_console *)(void *)dev;
    bool was = spin_lock(&c->lock);
    size_t done = 0;
    do {
        done += put_bytes(c, (const char *)buf + done, len - done);
    } while (done < len && !broken(c) && virtio_ring_arm(&c->tx.ring));
    spin_unlock(&c->lock, was);
    return check(c) || done != 0 ? (ssize_t)done : -EIO;
}

static int console_ready(struct condev *dev)
{
    struct virtio_console *c = (struct virtio_console *)(void *)dev;
    bool was = spin_lock(&c->lock);
    reap(c);
    if (c->tx_free == 0 && virtio_ring_arm(&c->tx.ring)) {
        reap(c);
    }
    bool in = c->current != NULL || virtio_ring_arm(&c->rx.ring);
    int r = (in ? CONDEV_IN : 0) | (c->tx_free != 0 ? CONDEV_OUT : 0);
    spin_unlock(&c->lock, was);
    return check(c) ? r : CONDEV_IN | CONDEV_OUT;
}

/* ---- the machine's console ---- */

/* The lock, unless the one who holds it is never going to give it back. Context: masked. */
static bool try_lock(struct virtio_console *c)
{
    uint64_t start = rdtsc();
    while (__atomic_exchange_n(&c->lock.held, 1, __ATOMIC_ACQUIRE)) {
        if (rdtsc() - start > LOCK_CYCLES) {
            return false;
        }
        cpu_relax();
    }
    return true;
}

/* Wait until `enough` buffers are free. Context: lock held. */
static bool wait_free(struct virtio_console *c, unsigned enough)
{
    uint64_t start = rdtsc();
    reap(c);
    while ((unsigned)__builtin_popcount(c->tx_free) < enough && !broken(c) && !c->stuck) {
        cpu_relax();
        reap(c);
        c->stuck = c->tx_free == 0 && rdtsc() - start > STUCK_CYCLES;
        if (rdtsc() - start > STUCK_CYCLES) {
            break;
        }
    }
    return c->tx_free != 0 && !broken(c);
}

static bool console_put(struct condev *dev, const char *buf, size_t len)
{
    struct virtio_console *c = (struct virtio_console *)(void *)dev;
    bool was = irq_save();
    if (!try_lock(c)) {
        irq_restore(was);
        return false;
    }
    while (len != 0 && wait_free(c, 1)) {
        size_t n = put_bytes(c, buf, len);
        buf += n;
        len -= n;
    }
    bool lost = broken(c);
    spin_release(&c->lock);
    irq_restore(was);
    return !lost;
}

static void console_flush(struct condev *dev)
{
    struct virtio_console *c = (struct virtio_console *)(void *)dev;
    bool was = irq_save();
    if (try_lock(c)) {
        wait_free(c, TX_BUFFERS);
        spin_release(&c->lock);
    }
    irq_restore(was);
}

static const struct condev_ops ops = {
    .read = console_read,
    .write = console_write,
    .ready = console_ready,
    .put = console_put,
    .flush = console_flush,
};

/* ---- interrupts and set-up ---- */

static void console_interrupt(void *arg)
{
    struct virtio_console *c = arg;
    bool was = spin_lock(&c->lock);
    virtio_ring_disarm(&c->rx.ring); /* whoever wants more asks for it */
    virtio_ring_disarm(&c->tx.ring);
    spin_unlock(&c->lock, was);
    event(c);
}

static void read_size(struct virtio_console *c)
{
    if (virtio_has(c->dev, F_SIZE)) {
        virtio_config(c->dev, CONFIG_COLS, &c->condev.columns, sizeof c->condev.columns);
        virtio_config(c->dev, CONFIG_ROWS, &c->condev.rows, sizeof c->condev.rows);
    }
}

static void console_config(void *arg)
{
    struct virtio_console *c = arg;
    if (c->condev.failed) {
        return;
    }
    if (virtio_needs_reset(c->dev)) {
        bool was = spin_lock(&c->lock);
        c->doubt = "it asks to be reset";
        spin_unlock(&c->lock, was);
        check(c);
        return;
    }
    read_size(c);
    event(c);
}

static int set_up(struct virtio_console *c)
{
    size_t contiguous;
    int err = virtio_open(c->dev, F_SIZE | VIRTIO_F_EVENT_IDX);
    if (err < 0) {
        return err;
    }
    c->memory = page_alloc_n(MEMORY / PAGE_SIZE);
    if (c->memory == NULL) {
        return -ENOMEM;
    }
    c->memory_pa = mem_to_paddr(c->memory, MEMORY, &contiguous);
    if (c->memory_pa == PADDR_NONE || contiguous < MEMORY) {
        return -EIO;
    }
    c->tx_free = (1u << TX_BUFFERS) - 1;
    err = virtio_queue_open(c->dev, &c->rx, RX_QUEUE, RX_BUFFERS, console_interrupt, c);
    if (err == 0) {
        err = virtio_queue_open(c->dev, &c->tx, TX_QUEUE, TX_BUFFERS, console_interrupt, c);
    }
    if (err == 0) {
        c->dev->on_config = console_config;
        c->dev->arg = c;
        err = virtio_start(c->dev);
    }
    return err;
}

_Static_assert(MEMORY % PAGE_SIZE == 0 && sizeof(struct virtio_console) <= PAGE_SIZE, "pages");

static int attach(struct virtio_device *dev)
{
    struct virtio_console *c = page_alloc(0);
    if (c == NULL) {
        return -ENOMEM;
    }
    memset(c, 0, PAGE_SIZE);
    c->dev = dev;
    c->condev.ops = &ops;
    int err = set_up(c);
    if (err < 0) {
        klog(LOG_WARNING, "%s: console not driven, error %d", dev->name, -err);
        virtio_close(dev);
        if (c->memory != NULL) {
            page_free_n(c->memory, MEMORY / PAGE_SIZE);
        }
        page_free(c, 0);
        return err;
    }
    read_size(c);
    bool was = spin_lock(&c->lock);
    for (unsigned i = 0; i < RX_BUFFERS && add(c, &c->rx, c->memory + i * RX_SIZE, RX_SIZE); i++) {
    }
    publish(&c->rx);
    spin_unlock(&c->lock, was);
    condev_attach(&c->condev);
    return 0;
}

int virtio_console_probe(void)
{
    return virtio_probe(VIRTIO_ID_CONSOLE, attach);
}
