/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving (xen public/io/netif.h, rx): pages into the ring, frames out of it.
 *
 * The answer to a request stands in the request's own place, also where it is overlaid by an extra
 * ("Historically ..."). So the buffers are found by place, and an id that says otherwise is the end.
 * A page is the backend's to write to while it is posted; it is revoked before anybody reads it.
 */
#include "netfront.h"

#include <string.h>

#include <pith/page.h>
#include <xenplat/evtchn.h>
#include <xenplat/grant.h>
#include <xenplat/suspend.h>

#define REFILL_BATCH 16u /* so many free places in the ring are worth telling the backend of */
#define PIECES_MAX   20u /* of a frame: 64 KiB in whole pages, and some; more is dropped */

static char **page_of(struct netfront_rx *rx, const struct netbuf *nb)
{
    return &rx->pages[nb - rx->pool];
}

static void push_spare(struct netfront_rx *rx, struct netbuf *nb)
{
    struct netbuf **list = *page_of(rx, nb) != NULL ? &rx->spare : &rx->bare;

    nb->driver = NULL;
    nb->next = *list;
    *list = nb;
}

/* ---- buffers ---- */

/* Take over what release() has got. */
static void collect(struct netfront *net)
{
    struct netbuf *nb = netdev_returned(&net->netdev);

    while (nb != NULL) {
        struct netbuf *next = nb->next;
        push_spare(&net->rx, nb);
        nb = next;
    }
}

/* Buffers whose pages have stayed with the backend get others when there is memory. */
static void dress(struct netfront_rx *rx)
{
    while (rx->bare != NULL) {
        char *page = page_alloc(0);
        if (page == NULL) {
            return;
        }
        struct netbuf *nb = rx->bare;
        rx->bare = nb->next;
        *page_of(rx, nb) = page;
        push_spare(rx, nb);
    }
}

static void fill(struct netfront *net)
{
    struct netfront_rx *rx = &net->rx;

    collect(net);
    if (rx->bare != NULL) {
        dress(rx);
    }
    while (rx->spare != NULL && rx->nrefs != 0 && rx->prod - rx->cons < rx->entries) {
        struct netbuf *nb = rx->spare;
        unsigned place = rx->prod % NETFRONT_RING;
        uint32_t ref = rx->refs[rx->nrefs - 1];
        if (grant_access(ref, net->domain, *page_of(rx, nb), false) != 0) {
            break; /* above 16 TiB: grant.c has said so */
        }
        rx->spare = nb->next;
        rx->nrefs--;
        rx->slot[place] = (struct netfront_rx_slot){ nb, ref };
        rx->shared->ring[place].req =
            (struct netif_rx_request){ .id = (uint16_t)place, .gref = ref };
        rx->prod++;
    }
}

void netfront_refill(struct netfront *net)
{
    struct netfront_rx *rx = &net->rx;

    fill(net);
    if (rx->prod - rx->cons < rx->low) {
        netfront_take_sent(net); /* our buffers may be among it: who answers by the same frame */
        netdev_set_dry(&net->netdev, true);
        fill(net); /* what came back before release() could see that */
    }
    if (net->netdev.shared.dry && rx->prod - rx->cons >= rx->low) {
        netdev_set_dry(&net->netdev, false);
    }
    if (netfront_publish(&rx->shared->req_prod, &rx->shared->req_event, rx->prod,
                         &rx->published)) {
        net->netdev.stats.notifies++;
        evtchn_notify(rx->port);
    }
}

/* Take the buffer out of its place; NULL when the backend keeps its page. */
static struct netbuf *unpost(struct netfront *net, unsigned place)
{
    struct netfront_rx *rx = &net->rx;
    struct netfront_rx_slot slot = rx->slot[place];

    rx->slot[place].nb = NULL;
    if (grant_revoke(slot.ref) == 0) {
        rx->refs[rx->nrefs++] = slot.ref;
        return slot.nb;
    }
    grant_abandon(slot.ref, *page_of(rx, slot.nb));
    *page_of(rx, slot.nb) = NULL;
    push_spare(rx, slot.nb);
    uint32_t ref = netfront_spare_ref(net);
    if (ref != 0) {
        rx->refs[rx->nrefs++] = ref;
    }
    return NULL;
}

/* ---- frames ---- */

static void drop(struct netfront *net, const char *why)
{
    struct netfront_rx *rx = &net->rx;

    while (rx->first != NULL) {
        struct netbuf *next = rx->first->next;
        push_spare(rx, rx->first);
        rx->first = next;
    }
    if (why != NULL) {
        netdev_rx_dropped(&net->netdev, why);
    }
}

void netfront_rx_reclaim(struct netfront *net)
{
    struct netfront_rx *rx = &net->rx;

    drop(net, NULL);
    rx->more = rx->extra = false;
    for (unsigned i = 0; i < NETFRONT_RING; i++) {
        struct netbuf *nb = rx->slot[i].nb != NULL ? unpost(net, i) : NULL;
        if (nb != NULL) {
            push_spare(rx, nb);
        }
    }
    net->doubt = NULL;
}

static void begin_frame(struct netfront_rx *rx, uint16_t flags)
{
    rx->first = rx->last = NULL;
    rx->total = 0;
    rx->pieces = 0;
    rx->answers = 0;
    rx->flags = flags;
    rx->gso_size = 0;
    rx->gso_type = XEN_NETIF_GSO_TYPE_NONE;
    rx->bad = NULL;
}

static void take_extra(struct netfront_rx *rx, const struct netif_extra_info *extra)
{
    if (extra->type != XEN_NETIF_EXTRA_TYPE_GSO) {
        rx->bad = "with an extra that was not agreed on";
    } else if (rx->gso_type != XEN_NETIF_GSO_TYPE_NONE) {
        rx->bad = "a segment twice";
    } else {
        rx->gso_size = extra->u.gso.size;
        rx->gso_type = extra->u.gso.type;
        if (rx->gso_size == 0 || rx->gso_type == XEN_NETIF_GSO_TYPE_NONE) {
            rx->bad = "a segment of no size or kind";
        }
    }
    rx->extra = (extra->flags & XEN_NETIF_EXTRA_FLAG_MORE) != 0;
}

/* A piece of the frame. nb is NULL when the backend keeps its page. */
static void take_piece(struct netfront *net, const struct netif_rx_response *rsp, struct netbuf *nb)
{
    struct netfront_rx *rx = &net->rx;
    const char *why = NULL;

    if (nb == NULL) {
        why = "its page is still in use";
    } else if (rsp->status < 0) {
        why = "the backend reports an error";
    } else if (rsp->status == 0) {
        why = "with an empty piece";
    } else if ((uint32_t)rsp->offset + (uint32_t)rsp->status > PAGE_SIZE) {
        why = "it goes beyond its page";
    } else if (++rx->pieces > PIECES_MAX || rx->total + (uint32_t)rsp->status > GSO_FRAME_MAX) {
        why = "too long";
    }
    rx->more = (rsp->flags & NETRXF_more_data) != 0;
    if (why != NULL) {
        rx->bad = rx->bad != NULL ? rx->bad : why;
        if (nb != NULL) {
            push_spare(rx, nb);
        }
        return;
    }
    nb->next = NULL;
    nb->data = *page_of(rx, nb) + rsp->offset;
    nb->len = (uint32_t)rsp->status;
    nb->capacity = (uint32_t)PAGE_SIZE - rsp->offset;
    nb->driver = net;
    *(rx->first == NULL ? &rx->first : &rx->last->next) = nb;
    rx->last = nb;
    rx->total += nb->len;
}

/* What is wrong with the frame that has come, or NULL; its flags go into its first piece. */
static const char *judge(struct netfront *net)
{
    struct netfront_rx *rx = &net->rx;
    struct netbuf *nb = rx->first;
    struct netfront_place place;
    bool gso = rx->gso_type != XEN_NETIF_GSO_TYPE_NONE;
    bool blank = (rx->flags & NETRXF_csum_blank) != 0;

    if (rx->bad != NULL) {
        return rx->bad;
    }
    if (rx->total < ETHERNET_HEADER || (!gso && rx->total > rx->longest)) {
        return rx->total < ETHERNET_HEADER ? "too short" : "too long";
    }
    nb->flags = 0;
    nb->gso_size = 0;
    if (blank && !net->netdev.rx_csum) {
        return "without checksum, which was not agreed on";
    }
    if ((blank || gso) && !netfront_find_sum(nb->data, nb->len, &place)) {
        return "without a checksum that could be made";
    }
    if (blank) {
        nb->flags = NETBUF_CSUM_PARTIAL;
        nb->csum_start = place.start;
        nb->csum_offset = place.offset;
    } else if ((rx->flags & NETRXF_data_validated) && net->netdev.rx_csum) {
        nb->flags = NETBUF_CSUM_VALID;
    }
    if (gso) {
        bool v6 = rx->gso_type == XEN_NETIF_GSO_TYPE_TCPV6;
        unsigned agreed = rx->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? NETFRONT_GRO4
                          : v6                                     ? NETFRONT_GRO6
                                                                   : 0;
        if (!(net->features & agreed) || !place.tcp || place.v6 != v6 ||
            place.header_len > rx->total) {
            return "a kind of segment that was not agreed on";
        }
        nb->flags |= v6 ? NETBUF_GSO_TCP6 : NETBUF_GSO_TCP4;
        nb->gso_size = rx->gso_size;
        nb->header_len = place.header_len;
    }
    return NULL;
}

/* All of a frame is there. Returns it, or NULL: it was dropped. */
static struct netbuf *end_frame(struct netfront *net)
{
    struct netfront_rx *rx = &net->rx;
    struct netbuf *frame = rx->first;
    const char *why = judge(net);

    if (why != NULL) {
        drop(net, why);
        return NULL;
    }
    net->netdev.rx_lent += rx->pieces;
    net->netdev.stats.rx_frames++;
    net->netdev.stats.rx_bytes += rx->total;
    rx->first = NULL;
    return frame;
}

/*
 * How many answers there are; more than requests: the end. Between a move and resume() none: what the old
 * backend wrote last may not have been copied.
 */
static uint32_t pending(struct netfront *net)
{
    struct netfront_rx *rx = &net->rx;
    uint32_t n = __atomic_load_n(&rx->shared->rsp_prod, __ATOMIC_ACQUIRE) - rx->cons;

    if (net->generation != xen_generation()) {
        return 0;
    }
    if (n > rx->published - rx->cons) {
        net->doubt = "its index of answers makes no sense (receiving)";
        return 0;
    }
    return n;
}

/* The next answer. Returns a frame when it was the last of one that can be used. */
static struct netbuf *take_answer(struct netfront *net)
{
    struct netfront_rx *rx = &net->rx;
    unsigned place = rx->cons % NETFRONT_RING;
    uint64_t raw = __atomic_load_n(
        (const uint64_t *)(const void *)&rx->shared->ring[place].rsp, __ATOMIC_RELAXED);
    struct netif_rx_response rsp;

    memcpy(&rsp, &raw, sizeof(rsp));
    if (!rx->extra && rsp.id != place) {
        net->doubt = "it answers what was not asked (receiving)";
        return NULL;
    }
    rx->cons++;
    struct netbuf *nb = unpost(net, place);
    if (rx->extra) {
        struct netif_extra_info extra;
        memcpy(&extra, &raw, sizeof(extra));
        take_extra(rx, &extra);
        if (nb != NULL) {
            push_spare(rx, nb);
        }
    } else {
        if (!rx->more) {
            begin_frame(rx, rsp.flags);
            rx->extra = (rsp.flags & NETRXF_extra_info) != 0;
        }
        take_piece(net, &rsp, nb);
    }
    if (!rx->extra && !rx->more) {
        return end_frame(net);
    }
    if (++rx->answers > NETFRONT_RING) {
        net->doubt = "a frame of it does not end (receiving)";
    }
    return NULL;
}

int netfront_receive(struct netfront *net, struct netbuf **frames, unsigned n)
{
    struct netfront_rx *rx = &net->rx;
    unsigned got = 0;

    for (uint32_t there = pending(net); there > 0 && got < n && net->doubt == NULL; there--) {
        struct netbuf *frame = take_answer(net);
        if (frame != NULL) {
            frames[got++] = frame;
        }
    }
    uint32_t posted = rx->prod - rx->cons;
    if (rx->entries - posted >= REFILL_BATCH || posted < rx->low || net->netdev.shared.dry) {
        netfront_refill(net);
    }
    netfront_check(net);
    return (int)got;
}

/* ---- events ---- */

bool netfront_rx_arm(struct netfront *net)
{
    struct netfront_rx *rx = &net->rx;

    __atomic_store_n(&rx->shared->rsp_event, rx->cons + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* it sees the wish before we look at its answers */
    return pending(net) != 0 || net->doubt != NULL;
}

void netfront_rx_disarm(struct netfront *net)
{
    __atomic_store_n(&net->rx.shared->rsp_event, net->rx.cons, __ATOMIC_RELAXED);
}
