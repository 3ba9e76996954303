/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of Xen's network front end run on: a backend in memory that reads and writes the
 * rings as xen's public/io/netif.h says, and the device's user. Included once.
 */
#pragma once

#include <pith/cmdline.h>
#include <pith/machine.h>
#include <pith/netdev.h>

#include "net_xen.h"

#include "platform/xen/netfront.h"

static uint64_t seed = 0x3e3e;
static struct netdev *card;
static const char *option; /* xen.net= */
static unsigned detached;

/* ---- libos ---- */

const char *cmdline_get(const char *name)
{
    return strcmp(name, "xen.net") == 0 ? option : NULL;
}

uint64_t cmdline_get_u64(const char *name, uint64_t fallback)
{
    (void)name;
    return fallback;
}

const struct boot_info *machine_boot_info(void)
{
    static struct boot_info info = { .ram_total = 8 << 20 };
    return &info;
}

void netdev_attach(struct netdev *dev)
{
    strcpy(dev->name, "eth0");
    card = dev;
}

void netdev_detach(struct netdev *dev)
{
    EXPECT(dev == card && !dev->link_up);
    detached++;
    card = NULL;
    dev->ops->free(dev);
}

/* ---- the backend ---- */

static struct {
    netif_tx_sring_t *tx;
    netif_rx_sring_t *rx;
    uint32_t tx_seen, tx_done, rx_seen; /* requests taken, answers given */
} back;

/* Map what the front end has published; it must be as it was agreed on. */
static void back_map(void)
{
    memset(&back, 0, sizeof(back));
    back.tx = (void *)foreign_page((uint32_t)told("tx-ring-ref"), true);
    back.rx = (void *)foreign_page((uint32_t)told("rx-ring-ref"), true);
    EXPECT(told("request-rx-copy") == 1);
    EXPECT(back.tx->rsp_event == 1 && back.tx->rsp_prod == 0 && back.rx->rsp_prod == 0);
}

static void fire(const char *which)
{
    uint64_t port = told(which);
    port = port == UINT64_MAX ? told("event-channel") : port;
    EXPECT(port < 16 && ports[port].handler != NULL);
    irq_save();
    ports[port].handler((uint32_t)port, ports[port].arg);
    irq_unmask();
}

/* RING_PUSH_RESPONSES_AND_CHECK_NOTIFY */
static void push(uint32_t *prod, uint32_t event, uint32_t n, const char *which)
{
    uint32_t old = *prod;
    *prod = old + n;
    if ((uint32_t)(*prod - event) < n) {
        fire(which);
    }
}

static void tx_answer(uint16_t id, int16_t status)
{
    back.tx->ring[back.tx_done++ % NETFRONT_RING].rsp =
        (struct netif_tx_response){ .id = id, .status = status };
}

static void tx_push(void)
{
    push(&back.tx->rsp_prod, back.tx->rsp_event, back.tx_done - back.tx->rsp_prod,
         "event-channel-tx");
}

/* A frame that was sent: its bytes, flags and extra; the ids of its pieces. */
struct sent {
    uint8_t data[65536];
    uint32_t len;
    unsigned pieces, extras;
    uint16_t flags, id[32];
    struct netif_extra_info extra;
};

/* Take a frame as Linux's netback does, which checks the same. False: there is none. */
static bool back_take(struct sent *s)
{
    uint32_t prod = back.tx->req_prod, total = 0;
    bool more = true;
    if (prod == back.tx_seen) {
        return false;
    }
    EXPECT(prod - back.tx_seen <= NETFRONT_RING);
    s->len = 0;
    s->pieces = s->extras = 0;
    while (more) {
        EXPECT(back.tx_seen != prod);
        struct netif_tx_request req = back.tx->ring[back.tx_seen++ % NETFRONT_RING].req;
        if (s->pieces == 0) {
            s->flags = req.flags;
            total = req.size;
            if (req.flags & NETTXF_extra_info) {
                memcpy(&s->extra, &back.tx->ring[back.tx_seen++ % NETFRONT_RING], sizeof(s->extra));
                EXPECT((s->extra.flags & XEN_NETIF_EXTRA_FLAG_MORE) == 0);
                s->extras = 1;
            }
        }
        more = (req.flags & NETTXF_more_data) != 0;
        s->id[s->pieces++] = req.id;
        uint32_t size = req.size;
        if (s->pieces == 1 && more) {
            /* The first one's own size is what the others leave. */
            size = total;
            uint32_t at = back.tx_seen;
            bool again = true;
            while (again) {
                struct netif_tx_request r = back.tx->ring[at++ % NETFRONT_RING].req;
                EXPECT(size > r.size);
                size -= r.size;
                again = (r.flags & NETTXF_more_data) != 0;
            }
        }
        EXPECT(size > 0 && req.offset + size <= PAGE_SIZE);
        memcpy(s->data + s->len, foreign_page(req.gref, false) + req.offset, size);
        s->len += size;
    }
    EXPECT(s->len == total && s->len >= 14 && s->pieces <= XEN_NETIF_NR_SLOTS_MIN);
    return true;
}

/* Answer it, pieces backwards when `reverse`; extras by the answer that says nothing. */
static void back_finish(const struct sent *s, int16_t status, bool reverse)
{
    for (unsigned i = 0; i < s->pieces; i++) {
        tx_answer(s->id[reverse ? s->pieces - 1 - i : i], status);
        if (i == 0 && s->extras) {
            tx_answer((uint16_t)unit_random(&seed), NETIF_RSP_NULL);
        }
    }
    tx_push();
}

/* How many receive requests there are. */
static uint32_t back_room(void)
{
    return back.rx->req_prod - back.rx_seen;
}

static uint8_t *rx_page(uint32_t index)
{
    struct netif_rx_request req = back.rx->ring[index % NETFRONT_RING].req;
    EXPECT(req.id == index % NETFRONT_RING);
    return foreign_page(req.gref, true);
}

static void rx_answer(uint16_t offset, uint16_t flags, int16_t status)
{
    uint32_t i = back.rx_seen++;
    back.rx->ring[i % NETFRONT_RING].rsp = (struct netif_rx_response){
        .id = (uint16_t)(i % NETFRONT_RING), .offset = offset, .flags = flags, .status = status };
}

static void rx_push(void)
{
    push(&back.rx->rsp_prod, back.rx->rsp_event, back.rx_seen - back.rx->rsp_prod,
         "event-channel-rx");
}

/* Give a frame, in pieces of at most `step` bytes from `offset`. */
static void back_give(const uint8_t *data, uint32_t len, uint32_t step, uint16_t offset,
                      uint16_t flags, const struct netif_extra_info *extra)
{
    bool first = true;
    while (len > 0) {
        uint32_t part = len < step ? len : step;
        memcpy(rx_page(back.rx_seen) + offset, data, part);
        data += part;
        len -= part;
        rx_answer(offset, (uint16_t)((first ? flags : 0) | (len > 0 ? NETRXF_more_data : 0) |
                                     (first && extra ? NETRXF_extra_info : 0)), (int16_t)part);
        if (first && extra != NULL) {
            memcpy(&back.rx->ring[back.rx_seen++ % NETFRONT_RING], extra, sizeof(*extra));
        }
        first = false;
    }
    rx_push();
}

static void backend_reset(void)
{
    (void)from_paddr;
    memset(theirs, 0, sizeof(theirs));
    tree_set("feature-sg", 1);
    tree_set("feature-gso-tcpv4", 1);
    tree_set("feature-gso-tcpv6", 1);
    tree_set("feature-ipv6-csum-offload", 1);
    tree_set("feature-rx-copy", 1);
    tree_set("feature-split-event-channels", 1);
    ready_state = XenbusStateInitWait;
    connect_state = XenbusStateConnected;
    option = NULL;
}

/* ---- the test's side of the device ---- */

static struct sent sent;
static uint8_t data[70000];
static unsigned events, done_count;

static void on_event(struct netdev *dev)
{
    EXPECT(dev == card && irq_is_masked());
    events++;
}

static void done(struct netbuf *frame)
{
    EXPECT(irq_is_masked());
    (void)frame;
    done_count++;
}

static void quiet(void)
{
    errors_logged = warnings_logged = events = done_count = detached = 0;
}

static void start(void)
{
    EXPECT(card == NULL && xen_netfront_probe() == 1 && card != NULL);
    back_map();
    card->on_event = on_event;
    quiet();
}

/* The device is removed: nothing of it stays but what the backend keeps. */
static void stop_keeping(unsigned kept)
{
    driver->detach(bus);
    EXPECT(detached == 1 && card == NULL && ports_open == 0 && buses_open == 0);
    EXPECT(refs_out == kept && pages_out == (long)pages_left);
    for (unsigned i = 0; i < REFS; i++) {
        if (grants[i].abandoned) {
            page_free((void *)(uintptr_t)grants[i].page, 0);
            refs_out--;
        }
    }
    memset(grants, 0, sizeof(grants));
    pages_left = 0;
    refs_out = 0;
}

static inline void stop(void)
{
    stop_keeping(0);
}

static inline void randomise(uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        p[i] = (uint8_t)unit_random(&seed);
    }
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)(unit_random(&seed) >> 16) % n;
}
