/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending (xen public/io/netif.h, tx): each piece of a frame is a request of its own, within a page,
 * whose page is granted to the backend until it has answered.
 *
 * What can't go as it lies (too many pieces, a backend that takes only one or may see nothing else
 * that is in the page, a checksum that it would not find) goes as a copy in pages of our own.
 */
#include "netfront.h"

#include <errno.h>
#include <string.h>

#include <pith/irq.h>
#include <pith/log.h>
#include <pith/page.h>
#include <xenplat/evtchn.h>
#include <xenplat/grant.h>
#include <xenplat/suspend.h>

/* ---- answers ---- */

static void finish(struct netfront *net, struct netfront_tx_slot *first)
{
    struct netbuf *frame = first->frame;

    if (frame == NULL) {
        return; /* it will be sent again */
    }
    first->frame = NULL;
    net->netdev.stats.tx_dropped += first->failed;
    bool was = irq_save(); /* done() may rely on it */
    frame->done(frame);
    irq_restore(was);
}

static void slot_free(struct netfront_tx *tx, unsigned id)
{
    tx->slot[id].next = tx->free;
    tx->free = (uint16_t)id;
    tx->nfree++;
}

/* The page is ours again, or is left to the backend. False: it is no page that can be left. */
static bool slot_revoke(struct netfront *net, struct netfront_tx_slot *slot)
{
    if (grant_revoke(slot->ref) == 0) {
        return true;
    }
    if (!slot->copied) {
        return false;
    }
    grant_abandon(slot->ref, slot->bounce);
    slot->bounce = NULL;
    slot->ref = netfront_spare_ref(net);
    return true;
}

/* One piece of a frame has been answered. Returns whether the frame is finished. */
static bool answer(struct netfront *net, unsigned id, bool failed)
{
    struct netfront_tx *tx = &net->tx;
    struct netfront_tx_slot *slot = &tx->slot[id];
    unsigned first_id = slot->first;
    struct netfront_tx_slot *first = &tx->slot[first_id];

    slot->used = false;
    first->failed |= failed;
    if (slot != first && slot->ref != 0) {
        slot_free(tx, id);
    }
    if (--first->unanswered != 0) {
        return false;
    }
    if (first->ref != 0) {
        slot_free(tx, first_id); /* not earlier: it counted */
    }
    finish(net, first);
    return true;
}

/* Judge an answer and do as it says; false: it is the end. */
static bool take_answer(struct netfront *net, struct netif_tx_response rsp, int *frames)
{
    if (rsp.status == NETIF_RSP_NULL) {
        return true; /* the place of an extra: its id means nothing */
    }
    struct netfront_tx_slot *slot = &net->tx.slot[rsp.id % NETFRONT_RING];
    if (rsp.id >= NETFRONT_RING || !slot->used) {
        net->doubt = "it answers what was not asked (sending)";
        return false;
    }
    if (!slot_revoke(net, slot)) {
        net->doubt = "it keeps the page of a frame that it has sent";
        return false;
    }
    if (rsp.status != NETIF_RSP_OKAY && !net->told_error) {
        net->told_error = true;
        klog(LOG_WARNING, "%s: the backend could not send a frame (%d)", net->netdev.name,
             rsp.status);
    }
    *frames += answer(net, rsp.id, rsp.status != NETIF_RSP_OKAY);
    return net->doubt == NULL;
}

/*
 * How many answers there are; more than requests: the end. Between a move and resume() none: what the old
 * backend wrote last may not have been copied.
 */
static uint32_t pending(struct netfront *net)
{
    struct netfront_tx *tx = &net->tx;
    uint32_t n = __atomic_load_n(&tx->shared->rsp_prod, __ATOMIC_ACQUIRE) - tx->cons;

    if (net->generation != xen_generation()) {
        return 0;
    }
    if (n > tx->published - tx->cons) {
        net->doubt = "its index of answers makes no sense (sending)";
        return 0;
    }
    return n;
}

int netfront_take_sent(struct netfront *net)
{
    struct netfront_tx *tx = &net->tx;
    int frames = 0;

    for (uint32_t n = pending(net); n > 0; n--) {
        struct netif_tx_response rsp;
        uint32_t raw = __atomic_load_n(
            (const uint32_t *)(const void *)&tx->shared->ring[tx->cons % NETFRONT_RING].rsp,
            __ATOMIC_RELAXED);
        memcpy(&rsp, &raw, sizeof(rsp));
        tx->cons++;
        net->netdev.shared.full_since = 0;
        if (!take_answer(net, rsp, &frames)) {
            break;
        }
    }
    return frames;
}

bool netfront_tx_arm(struct netfront *net, bool one)
{
    struct netfront_tx *tx = &net->tx;
    uint32_t out = tx->published - tx->cons;
    uint32_t wanted = one ? 1 : (out + 1) / 2;

    if (out == 0) {
        return !one; /* room enough: nobody needs to wait */
    }
    __atomic_store_n(&tx->shared->rsp_event, tx->cons + wanted, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* it sees the wish before we look at its answers */
    return pending(net) >= wanted || net->doubt != NULL;
}

/* ---- the end of a ring ---- */

/* To be sent again, in the order of the first time. */
static void keep(struct netfront_tx *tx, struct netfront_tx_slot *first)
{
    unsigned i = tx->nagain++;

    for (; i > 0 && (int32_t)(first->order - tx->again_order[i - 1]) < 0; i--) {
        tx->again[i] = tx->again[i - 1];
        tx->again_order[i] = tx->again_order[i - 1];
    }
    tx->again[i] = first->frame;
    tx->again_order[i] = first->order;
    first->frame = NULL;
}

void netfront_tx_reclaim(struct netfront *net, bool again)
{
    struct netfront_tx *tx = &net->tx;
    unsigned before = tx->nkept;

    tx->nkept = 0;
    for (unsigned id = 0; id < NETFRONT_RING; id++) {
        struct netfront_tx_slot *slot = &tx->slot[id];
        if (!slot->used) {
            continue;
        }
        if (!slot_revoke(net, slot)) {
            tx->nkept++; /* nothing else may ever lie there while it can look */
            continue;
        }
        struct netfront_tx_slot *first = &tx->slot[slot->first];
        if (again && first->unanswered == 1) {
            keep(tx, first);
        }
        answer(net, id, !again);
    }
    for (unsigned i = 0; i < tx->nagain && !again; i++) {
        netdev_tx_drop(&net->netdev, tx->again[i]);
    }
    tx->nagain = again ? tx->nagain : 0;
    net->doubt = NULL;
    if (tx->nkept != 0 && before == 0) {
        klog(LOG_WARNING, "%s: %u pages of frames stay with the backend", net->netdev.name,
             tx->nkept);
    }
}

/* ---- requests ---- */

/* Cut the frame at the pages' ends. Returns its length; *n counts the pieces, up to max + 1. */
static int describe(const struct netbuf *frame, struct netfront_piece *piece, unsigned max,
                    unsigned *n)
{
    uint32_t total = 0;

    for (const struct netbuf *nb = frame; nb != NULL; nb = nb->next) {
        const char *p = nb->data;
        uint32_t left = nb->len;
        if (left > GSO_FRAME_MAX - total) {
            return -EMSGSIZE;
        }
        total += left;
        while (left != 0 && *n <= max) {
            uint32_t room = (uint32_t)(PAGE_SIZE - (uintptr_t)p % PAGE_SIZE);
            uint32_t len = left < room ? left : room;
            if (*n < max) {
                piece[*n] = (struct netfront_piece){ p, len };
            }
            (*n)++;
            p += len;
            left -= len;
        }
    }
    return (int)total;
}

/* Whether it can be sent at all. */
static int judge(const struct netfront *net, const struct netbuf *frame, uint32_t len)
{
    uint32_t limit = net->netdev.mtu + ETHERNET_HEADER + ETHERNET_TAG;

    if (frame->flags & NETBUF_CSUM_PARTIAL) {
        if (!net->netdev.tx_csum || (uint32_t)frame->csum_start + frame->csum_offset + 2 > len) {
            return -EINVAL;
        }
    }
    if (frame->flags & (NETBUF_GSO_TCP4 | NETBUF_GSO_TCP6)) {
        if (net->netdev.tso_max == 0 || (frame->flags & NETBUF_CSUM_PARTIAL) == 0 ||
            frame->gso_size == 0 || frame->header_len > len) {
            return -EINVAL;
        }
        limit = GSO_FRAME_MAX;
    }
    return len < ETHERNET_HEADER || len > limit ? -EMSGSIZE : 0;
}

/* Take a slot for each piece and grant its page. All or none. */
static int grant_pieces(struct netfront *net, const struct netfront_piece *piece, unsigned n,
                        bool copied)
{
    struct netfront_tx *tx = &net->tx;
    uint16_t first = tx->free;

    for (unsigned i = 0; i < n; i++) {
        unsigned id = tx->free;
        struct netfront_tx_slot *slot = &tx->slot[id];
        const void *page = (const void *)((uintptr_t)piece[i].data & ~(PAGE_SIZE - 1));
        int err = grant_access(slot->ref, net->domain, page, true);
        if (err != 0) {
            /* The backend has not heard of these. */
            unsigned undo = first;
            for (unsigned k = 0; k < i; k++) {
                grant_revoke(tx->slot[undo].ref);
                undo = tx->slot[undo].next;
            }
            tx->free = first;
            tx->nfree += i;
            return err;
        }
        slot->first = first;
        slot->copied = copied;
        tx->free = slot->next;
        tx->nfree--;
    }
    return 0;
}

static void write_extra(struct netfront_tx *tx, const struct netbuf *frame)
{
    struct netif_extra_info extra = { .type = XEN_NETIF_EXTRA_TYPE_GSO };

    extra.u.gso.size = frame->gso_size;
    extra.u.gso.type = frame->flags & NETBUF_GSO_TCP4 ? XEN_NETIF_GSO_TYPE_TCPV4
                                                      : XEN_NETIF_GSO_TYPE_TCPV6;
    memcpy(&tx->shared->ring[tx->prod % NETFRONT_RING], &extra, sizeof(extra));
    tx->prod++;
}

/* Write the requests, unpublished. The first one's size is the whole frame's. */
static void write_requests(struct netfront *net, struct netbuf *frame, uint32_t len, unsigned id,
                           const struct netfront_piece *piece, unsigned n, uint16_t flags)
{
    struct netfront_tx *tx = &net->tx;
    struct netfront_tx_slot *first = &tx->slot[id];

    first->frame = frame;
    first->unanswered = (uint16_t)n;
    first->failed = false;
    first->order = tx->prod;
    for (unsigned i = 0; i < n; i++) {
        struct netfront_tx_slot *slot = &tx->slot[id];
        tx->shared->ring[tx->prod % NETFRONT_RING].req = (struct netif_tx_request){
            .gref = slot->ref,
            .offset = (uint16_t)((uintptr_t)piece[i].data % PAGE_SIZE),
            .flags = (uint16_t)((i == 0 ? flags : 0) | (i + 1 < n ? NETTXF_more_data : 0)),
            .id = (uint16_t)id,
            .size = (uint16_t)(i == 0 ? len : piece[i].len),
        };
        slot->used = true;
        id = slot->next; /* still the list that they were taken from */
        tx->prod++;
        if (i == 0 && (flags & NETTXF_extra_info)) {
            write_extra(tx, frame);
        }
    }
}

/* Put a frame on the ring, unpublished. Errors: -ENOSPC no room now, else the frame's own fault. */
static int send_one(struct netfront *net, struct netbuf *frame)
{
    struct netfront_piece piece[XEN_NETIF_NR_SLOTS_MIN];
    struct netfront_tx *tx = &net->tx;
    unsigned n = 0, max = net->features & NETFRONT_SG ? XEN_NETIF_NR_SLOTS_MIN : 1;
    uint16_t flags = 0;

    int len = describe(frame, piece, max, &n);
    int err = len < 0 ? len : judge(net, frame, (uint32_t)len);
    if (err < 0) {
        return err;
    }
    bool gso = (frame->flags & (NETBUF_GSO_TCP4 | NETBUF_GSO_TCP6)) != 0;
    bool partial = (frame->flags & NETBUF_CSUM_PARTIAL) != 0;
    bool own_sum = partial && !netfront_sum_is_plain(frame, frame->data, frame->len);
    bool copied = n > max || !net->trusted || own_sum;
    if (copied) {
        err = netfront_copy(net, frame, (uint32_t)len, piece, &n);
        own_sum = own_sum && err == 0 && !netfront_sum_is_plain(frame, piece[0].data, piece[0].len);
    }
    if (err < 0 || n > max || (own_sum && gso)) {
        return err < 0 ? err : n > max ? -EMSGSIZE : -EINVAL;
    }
    if (n > tx->nfree || n + gso > NETFRONT_RING - (tx->prod - tx->cons)) {
        return -ENOSPC;
    }
    if (own_sum) {
        netfront_finish_sum(frame, piece, n);
    } else if (partial) {
        flags = NETTXF_csum_blank | NETTXF_data_validated;
    }
    unsigned id = tx->free;
    err = grant_pieces(net, piece, n, copied);
    if (err == 0) {
        flags |= gso ? NETTXF_extra_info : 0;
        write_requests(net, frame, (uint32_t)len, id, piece, n, flags);
        net->netdev.stats.tx_frames++;
        net->netdev.stats.tx_bytes += (uint32_t)len;
    }
    return err;
}

static void push(struct netfront *net)
{
    struct netfront_tx *tx = &net->tx;

    if (netfront_publish(&tx->shared->req_prod, &tx->shared->req_event, tx->prod,
                         &tx->published)) {
        net->netdev.stats.notifies++;
        evtchn_notify(tx->port);
    }
}

int netfront_transmit(struct netfront *net, struct netbuf **frames, unsigned n)
{
    unsigned taken = 0;

    netfront_take_sent(net);
    for (; taken < n && net->doubt == NULL; taken++) {
        int err = send_one(net, frames[taken]);
        if (err == -ENOSPC && !netdev_tx_stuck(&net->netdev)) {
            break;
        }
        if (err < 0) {
            netdev_tx_drop(&net->netdev, frames[taken]);
        }
    }
    push(net);
    /* With an error the frames are the caller's, so what was taken before it counts. */
    return netfront_check(net) || taken > 0 ? (int)taken : -EIO;
}

void netfront_tx_again(struct netfront *net)
{
    struct netfront_tx *tx = &net->tx;

    for (unsigned i = 0; i < tx->nagain; i++) {
        if (send_one(net, tx->again[i]) < 0) {
            netdev_tx_drop(&net->netdev, tx->again[i]);
        }
    }
    tx->nagain = 0;
    push(net);
}
