/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The backend of a network card (public/io/netif.h) that sends each packet back to where it came
 * from, with the two Ethernet addresses exchanged; or lies about it.
 */
#include "badback.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xen/grant_table.h>
#include <xen/io/netif.h>

#define RX 0
#define TX 1
#define PACKET 65536u

static uint8_t packet[PACKET];

static void nodes(struct back *b)
{
    store_write(b, "handle", "%u", b->number);
    store_write(b, "mac", "00:16:3e:0b:ad:%02x", b->number & 0xff);
    store_write(b, "feature-sg", "1");
    store_write(b, "feature-gso-tcpv4", "1");
    store_write(b, "feature-rx-copy", "1");
    store_write(b, "feature-rx-flip", "0");
    store_write(b, "hotplug-status", "connected");
}

static bool connect(struct back *b)
{
    uint32_t ref[2] = {store_front(b, "rx-ring-ref", 0), store_front(b, "tx-ring-ref", 0)};

    b->ring[RX].name = "rx";
    b->ring[RX].slot = sizeof(union netif_rx_sring_entry);
    b->ring[TX].name = "tx";
    b->ring[TX].slot = sizeof(union netif_tx_sring_entry);
    b->ring[RX].id_bytes = b->ring[TX].id_bytes = 2;
    b->ring[b->fault_tx ? TX : RX].fault = b->fault;
    return ring_map(b, &b->ring[RX], &ref[RX], 1) && ring_map(b, &b->ring[TX], &ref[TX], 1);
}

/* ---- to the guest ---- */

/* What goes into a slot of the receive ring is answer or extra alike. */
union slot {
    union netif_rx_sring_entry entry;
    struct netif_extra_info extra;
};

_Static_assert(sizeof(union slot) == sizeof(union netif_rx_sring_entry), "public/io/netif.h");

/* A slot that is no answer but tells more of the packet; one that nobody would tell. */
static void deliver_extra(struct back *b, struct ring *r)
{
    union slot slot;

    if (!ring_take(r, &slot)) {
        return;
    }
    slot.extra = (struct netif_extra_info){.type = XEN_NETIF_EXTRA_TYPE_MAX + 7};
    if (b->responses % 2) {
        slot.extra.type = XEN_NETIF_EXTRA_TYPE_GSO; /* of segments without a size */
        slot.extra.u.gso.type = 9;
    }
    ring_put(b, r, &slot);
}

static void lie_of_rx(struct back *b, struct ring *r, struct netif_rx_response *rsp)
{
    if (fault_now(b, r, BAD_STATUS)) {
        rsp->status = 5000;
    } else if (fault_now(b, r, BAD_OFFSET)) {
        rsp->offset = 4090;
    } else if (fault_now(b, r, BAD_FLAGS)) {
        rsp->flags = 0xffff;
    } else if (r->fault == ENDLESS && b->responses >= b->after) {
        fault_now(b, r, ENDLESS);
        rsp->flags |= NETRXF_more_data;
    } else if (fault_now(b, r, BAD_EXTRA)) {
        rsp->flags |= NETRXF_extra_info;
    }
}

static void deliver(struct back *b, struct ring *r, unsigned len, uint16_t flags)
{
    union slot slot;

    for (unsigned at = 0; at < len;) {
        unsigned part = len - at < PAGE ? len - at : PAGE;
        if (!ring_take(r, &slot)) {
            return; /* the guest gives no buffers: lost, as on a cable */
        }
        struct netif_rx_request req = slot.entry.req;
        if (!grant_copy(b, req.gref, 0, packet + at, part, true)) {
            die("rx: reference %u can't be written", req.gref);
        }
        at += part;
        slot.entry.rsp = (struct netif_rx_response){
            .id = req.id, .status = (int16_t)part,
            .flags = (uint16_t)(flags | (at < len ? NETRXF_more_data : 0))};
        lie_of_rx(b, r, &slot.entry.rsp);
        bool extra = b->fault == BAD_EXTRA && slot.entry.rsp.flags & NETRXF_extra_info;
        ring_put(b, r, &slot);
        if (extra) {
            deliver_extra(b, r);
        }
        flags = 0;
    }
}

/* ENDLESS: all the buffers that the guest gives are pieces of one frame. */
static void deliver_more(struct back *b, struct ring *r)
{
    union slot slot;

    while (ring_take(r, &slot)) {
        slot.entry.rsp = (struct netif_rx_response){
            .id = slot.entry.req.id, .status = 60, .flags = NETRXF_more_data};
        ring_put(b, r, &slot);
    }
}

/* ---- from the guest ---- */

static void answer(struct back *b, struct ring *r, uint16_t id, int16_t status)
{
    struct netif_tx_response rsp = {.id = id, .status = status};
    union netif_tx_sring_entry slot;

    if (fault_now(b, r, BAD_STATUS)) {
        rsp.status = 77;
    }
    memset(&slot, 0, sizeof(slot));
    slot.rsp = rsp;
    ring_put(b, r, &slot);
}

static struct netif_tx_request next(struct ring *r)
{
    union netif_tx_sring_entry slot;

    if (!ring_take(r, &slot)) {
        die("tx: a packet without its end");
    }
    return slot.req;
}

/* Take one packet and answer for its slots; its length, 0 when there is none. */
static unsigned receive(struct back *b, struct ring *r, uint16_t *flags)
{
    union netif_tx_sring_entry slot;
    unsigned len = 0, slots = 0;

    if (!ring_take(r, &slot)) {
        return 0;
    }
    struct netif_tx_request first = slot.req, req = first;
    unsigned rest = first.size; /* the first slot tells of the whole packet */
    for (bool extras = first.flags & NETTXF_extra_info; extras;) {
        struct netif_tx_request more = next(r);
        struct netif_extra_info info;
        memcpy(&info, &more, sizeof(info));
        extras = info.flags & XEN_NETIF_EXTRA_FLAG_MORE;
        answer(b, r, 0, NETIF_RSP_NULL);
    }
    struct netif_tx_request queue[XEN_NETIF_NR_SLOTS_MIN];
    queue[slots++] = req;
    while (req.flags & NETTXF_more_data) {
        req = next(r);
        if (slots == XEN_NETIF_NR_SLOTS_MIN) {
            die("tx: a packet of more than %u slots", slots);
        }
        rest -= req.size;
        queue[slots++] = req;
    }
    queue[0].size = (uint16_t)rest;
    for (unsigned i = 0; i < slots; i++) {
        if (queue[i].offset + queue[i].size > PAGE || rest > first.size ||
            !grant_copy(b, queue[i].gref, queue[i].offset, packet + len, queue[i].size, false)) {
            die("tx: slot %u: reference %u, %u + %u", i, queue[i].gref, queue[i].offset, queue[i].size);
        }
        len += queue[i].size;
        answer(b, r, queue[i].id, NETIF_RSP_OKAY);
    }
    *flags = first.flags;
    return len;
}

static void exchange_addresses(void)
{
    uint8_t to[6];

    memcpy(to, packet, 6);
    memcpy(packet, packet + 6, 6);
    memcpy(packet + 6, to, 6);
}

static void serve(struct back *b)
{
    uint16_t from;
    unsigned len;

    if (b->fault == SILENCE && b->fault_tx && b->responses >= b->after) {
        fault_now(b, &b->ring[TX], SILENCE);
        return;
    }
    while ((len = receive(b, &b->ring[TX], &from)) > 0) {
        exchange_addresses();
        uint16_t flags = from & NETTXF_csum_blank ? NETRXF_csum_blank | NETRXF_data_validated : 0;
        bool mute = b->fault == SILENCE && b->responses >= b->after;
        if (!mute) {
            deliver(b, &b->ring[RX], len, flags);
            if (b->fault == ENDLESS && b->injected) {
                deliver_more(b, &b->ring[RX]);
            }
        } else {
            fault_now(b, &b->ring[RX], SILENCE);
        }
        ring_push(b, &b->ring[TX]);
        ring_push(b, &b->ring[RX]);
        if (b->over) {
            return;
        }
    }
}

static bool has(const char *fault)
{
    return strcmp(fault, "bad-op") != 0;
}

const struct kind kind_net = {"net", "vif", nodes, connect, serve, has};
