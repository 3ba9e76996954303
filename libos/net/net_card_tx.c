/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending: lwIP's chain of buffers becomes the device's list of pieces, without a copy; the chain
 * is kept until the device has sent it. Frames are queued and handed over in one batch at the end of
 * the net_lock section.
 */
#include "net_card_tx.h"

#include <lwip/prot/ethernet.h>
#include <lwip/prot/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>
#include <lwip/prot/udp.h>
#include <lwip/stats.h>

#include <arch/checksum.h>

#include <pith/heap.h>

#define SPARE_MAX 64u /* frames kept for the next ones */

/*
 * Frames that devices have done with. done() runs masked, maybe in an interrupt on another CPU, so
 * the list is a stack that is pushed and taken as a whole by atomic exchange.
 */
struct tx_frame *net_frames_sent;

bool net_cards_queued; /* under net_lock */

static struct tx_frame *spare; /* under net_lock */
static unsigned nspare;
static unsigned nout; /* frames that are neither spare nor freed: on their way; under net_lock */

static void frame_done(struct netbuf *piece)
{
    struct tx_frame *f = piece->arg;
    struct tx_frame *old = __atomic_load_n(&net_frames_sent, __ATOMIC_RELAXED);

    do {
        f->next = old;
    } while (!__atomic_compare_exchange_n(&net_frames_sent, &old, f, true, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
}

void net_frame_free(struct tx_frame *f)
{
    nout--;
    if (nspare == SPARE_MAX) {
        heap_free(f);
        return;
    }
    f->next = spare;
    spare = f;
    nspare++;
}

struct tx_frame *net_frame_alloc(void)
{
    struct tx_frame *f = spare;

    if (f != NULL) {
        spare = f->next;
        nspare--;
    } else {
        f = heap_alloc(sizeof(*f));
    }
    nout += f != NULL;
    return f;
}

void net_card_collect(void)
{
    if (__atomic_load_n(&net_frames_sent, __ATOMIC_RELAXED) == NULL) {
        return;
    }
    struct tx_frame *f = __atomic_exchange_n(&net_frames_sent, NULL, __ATOMIC_ACQUIRE);
    while (f != NULL) {
        struct tx_frame *next = f->next;
        pbuf_free(f->p);
        net_frame_free(f);
        f = next;
    }
}

unsigned net_card_unsent(void)
{
    for (struct net_card *card = net_card_list; card != NULL; card = card->next) {
        netdev_reap(card->dev);
    }
    net_card_collect();
    return nout;
}

uint16_t net_pseudo_sum(const void *addresses, unsigned nbytes, unsigned protocol, unsigned len)
{
    const uint8_t *a = addresses;
    uint32_t sum = __builtin_bswap16((uint16_t)len) + __builtin_bswap16((uint16_t)protocol);

    for (unsigned i = 0; i < nbytes; i += 2) {
        uint16_t word;
        __builtin_memcpy(&word, a + i, sizeof(word));
        sum += word;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/*
 * Have the device finish the checksum of a TCP or UDP packet, which lwIP has left zero. Fragments
 * and what lwIP has summed itself stay as they are. All headers are in the first buffer.
 */
static void offload_checksum(struct netbuf *first, unsigned frame_len)
{
    uint8_t *frame = first->data;
    unsigned type, start, protocol, naddresses;
    const uint8_t *addresses;

    first->flags = 0;
    if (first->len < SIZEOF_ETH_HDR + IP_HLEN) {
        return;
    }
    type = (unsigned)frame[12] << 8 | frame[13];
    if (type == ETHTYPE_IP) {
        const struct ip_hdr *ip = (const void *)(frame + SIZEOF_ETH_HDR);
        start = SIZEOF_ETH_HDR + IPH_HL_BYTES(ip);
        protocol = IPH_PROTO(ip);
        addresses = (const uint8_t *)&ip->src;
        naddresses = 8;
        if ((IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)) != 0) {
            return;
        }
    } else if (type == ETHTYPE_IPV6 && first->len >= SIZEOF_ETH_HDR + IP6_HLEN) {
        const struct ip6_hdr *ip = (const void *)(frame + SIZEOF_ETH_HDR);
        start = SIZEOF_ETH_HDR + IP6_HLEN;
        protocol = IP6H_NEXTH(ip);
        addresses = (const uint8_t *)&ip->src;
        naddresses = 32;
    } else {
        return;
    }
    unsigned field = protocol == IP_PROTO_TCP ? 16 : 6;
    if ((protocol != IP_PROTO_TCP && protocol != IP_PROTO_UDP) ||
        first->len < start + field + 2) {
        return;
    }
    uint8_t *sum = frame + start + field;
    if (sum[0] != 0 || sum[1] != 0) {
        return;
    }
    uint16_t pseudo = net_pseudo_sum(addresses, naddresses, protocol, frame_len - start);
    __builtin_memcpy(sum, &pseudo, sizeof(pseudo));
    first->flags = NETBUF_CSUM_PARTIAL;
    first->csum_start = (uint16_t)start;
    first->csum_offset = (uint16_t)field;
}

/* The same for a frame of net_tcp_short_output(), of which all is known. */
static void offload_short(struct netbuf *first, unsigned frame_len)
{
    struct tcp_hdr *tcp = (void *)((uint8_t *)first->data + SIZEOF_ETH_HDR + IP_HLEN);
    const struct ip_hdr *ip = (const void *)((uint8_t *)first->data + SIZEOF_ETH_HDR);
    uint64_t sum = (uint64_t)ip->src.addr + ip->dest.addr + PP_HTONS(IP_PROTO_TCP) +
                   lwip_htons((uint16_t)(frame_len - SIZEOF_ETH_HDR - IP_HLEN));

    tcp->chksum = checksum_fold(sum);
    first->flags = NETBUF_CSUM_PARTIAL;
    first->csum_start = SIZEOF_ETH_HDR + IP_HLEN;
    first->csum_offset = 16;
}

/* Have the device cut a segment; all headers are in the first buffer, and TCP's has been found. */
static void offload_cutting(struct netbuf *first, const struct pbuf *p)
{
    unsigned tcp = first->csum_start + 12u; /* where the TCP header says how long it is */
    const uint8_t *frame = first->data;

    if ((first->flags & NETBUF_CSUM_PARTIAL) == 0 || tcp >= first->len) {
        return; /* the device refuses it */
    }
    first->flags |= frame[12] == ETHTYPE_IP >> 8 && frame[13] == (ETHTYPE_IP & 0xff)
                        ? NETBUF_GSO_TCP4 : NETBUF_GSO_TCP6;
    first->gso_size = p->gso_size;
    first->header_len = (uint16_t)(first->csum_start + (frame[tcp] >> 4) * 4u);
}

void net_frame_queue(struct net_card *card, struct tx_frame *f)
{
    f->piece[0].done = frame_done;
    f->piece[0].arg = f;
    card->queue[card->nqueue++] = &f->piece[0];
    net_cards_queued = true;
    LINK_STATS_INC(link.xmit);
}

/* Bytes in front of p's data that are p's own: those behind its description, where they are one block. */
static uint32_t headroom(const struct pbuf *p)
{
    bool together = (p->type_internal & PBUF_TYPE_FLAG_STRUCT_DATA_CONTIGUOUS) != 0;

    return together ? (uint32_t)((const uint8_t *)p->payload - (const uint8_t *)(p + 1)) : 0;
}

/* Name the pieces of p; returns how many, 0 when they are too many. */
static unsigned fill_pieces(struct tx_frame *f, const struct pbuf *p)
{
    unsigned n = 0;

    for (; p != NULL; p = p->next) {
        if (p->len == 0) {
            continue;
        }
        if (n == NET_FRAME_PIECES) {
            return 0;
        }
        struct netbuf *b = &f->piece[n++];
        b->data = p->payload;
        b->len = p->len;
        b->next = NULL;
        if (n > 1) {
            f->piece[n - 2].next = b;
        }
    }
    return n;
}

err_t net_card_output(struct netif *netif, struct pbuf *p)
{
    struct net_card *card = netif->state;

    if (p->gso_size != 0 && (!card->dev->tx_csum || p->tot_len > card->dev->tso_max)) {
        return net_card_cut(card, p); /* the card was offered less since TCP made it, or always */
    }
    if (card->nqueue == NET_CARD_QUEUE) {
        net_card_flush_one(card);
    }
    struct tx_frame *f = card->nqueue < NET_CARD_QUEUE ? net_frame_alloc() : NULL;
    if (f == NULL) {
        card->tx_refused++;
        LINK_STATS_INC(link.drop);
        return ERR_MEM; /* TCP keeps the segment and tries again */
    }
    pbuf_ref(p);
    if (fill_pieces(f, p) == 0) {
        struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
        if (copy != NULL) {
            copy->gso_size = p->gso_size;
        }
        pbuf_free(p);
        if (copy == NULL) {
            card->tx_refused++;
            net_frame_free(f);
            return ERR_MEM;
        }
        p = copy;
        fill_pieces(f, p);
    }
    f->p = p;
    f->piece[0].flags = 0;
    f->piece[0].headroom = headroom(p);
    f->piece[0].gso_size = 0;
    if (card->dev->tx_csum && p->short_tcp) {
        offload_short(&f->piece[0], p->tot_len);
    } else if (card->dev->tx_csum) {
        offload_checksum(&f->piece[0], p->tot_len);
    }
    if (p->gso_size != 0) {
        offload_cutting(&f->piece[0], p);
    }
    net_frame_queue(card, f);
    return ERR_OK;
}

void net_card_drop_queue(struct net_card *card)
{
    for (unsigned i = 0; i < card->nqueue; i++) {
        frame_done(card->queue[i]);
    }
    card->tx_refused += card->nqueue;
    card->nqueue = 0;
}

void net_card_flush_one(struct net_card *card)
{
    int n = netdev_transmit(card->dev, card->queue, card->nqueue);

    if (n < 0) {
        net_card_drop_queue(card); /* the device takes nothing any more */
        return;
    }
    card->nqueue -= (unsigned)n;
    for (unsigned i = 0; i < card->nqueue; i++) {
        card->queue[i] = card->queue[i + (unsigned)n];
    }
    card->blocked = card->nqueue > 0;
}
