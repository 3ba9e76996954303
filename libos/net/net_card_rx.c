/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving: a frame's pieces become lwIP's buffers where they lie, and go back to the driver when
 * the last reader has freed them. Data that nobody reads would so keep the device's buffers for
 * itself: when most of them are out, frames are copied and their buffers go back at once.
 */
#include "net_card_rx.h"

#include <lwip/prot/etharp.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/stats.h>
#include <netif/ethernet.h>

#include "net_memory.h"
#include "net_tcp_short.h"

#define FRAME_MAX   65535u /* lwIP's lengths have 16 bits */
#define HEADERS_MAX 256u   /* lwIP wants all headers in one buffer and refuses others */

/* In netbuf.room, while lwIP has the piece. */
struct rx_piece {
    struct pbuf_custom pbuf;
    struct netbuf *frame;
    struct net_card *card;
    unsigned pieces; /* of the frame, in its first piece: those not yet freed */
};

_Static_assert(sizeof(struct rx_piece) <= NETDEV_STACK_ROOM, "the room in a netbuf");

static struct rx_piece *piece_of(struct netbuf *b)
{
    return (struct rx_piece *)(void *)b->room;
}

/* lwIP's last reference to a piece is gone; the pieces of a frame may go one by one. */
static void piece_free(struct pbuf *p)
{
    struct rx_piece *piece = (struct rx_piece *)(void *)p;
    struct netbuf *frame = piece->frame;

    if (--piece_of(frame)->pieces == 0) {
        piece->card->lent--; /* the card itself stays until the end of this net_lock section */
        netdev_release(piece->card->dev, frame);
    }
}

/* A chain of buffers on the frame itself. */
static struct pbuf *lend(struct net_card *card, struct netbuf *frame, uint32_t total)
{
    struct pbuf *first = NULL, **link = &first;
    unsigned n = 0;

    for (struct netbuf *b = frame; b != NULL; b = b->next) {
        struct rx_piece *piece = piece_of(b);
        piece->pbuf.custom_free_function = piece_free;
        piece->frame = frame;
        piece->card = card;
        struct pbuf *p = pbuf_alloced_custom(PBUF_RAW, (uint16_t)b->len, PBUF_REF, &piece->pbuf,
                                             b->data, (uint16_t)b->len);
        p->tot_len = (uint16_t)total;
        total -= b->len;
        *link = p;
        link = &p->next;
        n++;
    }
    piece_of(frame)->pieces = n;
    card->lent++;
    return first;
}

/* A copy on the heap; the frame goes back. */
static struct pbuf *copy(struct net_card *card, struct netbuf *frame, uint32_t total)
{
    struct pbuf *p = net_memory_low() ? NULL : pbuf_alloc(PBUF_RAW, (uint16_t)total, PBUF_RAM);
    uint32_t at = 0;

    if (p != NULL) {
        for (struct netbuf *b = frame; b != NULL; at += b->len, b = b->next) {
            pbuf_take_at(p, b->data, (uint16_t)b->len, (uint16_t)at);
        }
        card->rx_copied++;
    }
    netdev_release(card->dev, frame);
    return p;
}

/*
 * Whether the frame is as long as the first header of its kind: lwIP looks at that before it looks
 * at the length, because it counts on buffers longer than what has arrived.
 */
static bool long_enough(const struct netbuf *frame, uint32_t total)
{
    const uint8_t *data = frame->data;

    if (frame->len < SIZEOF_ETH_HDR) {
        return false;
    }
    switch ((unsigned)data[12] << 8 | data[13]) {
    case ETHTYPE_IP:
        return total >= SIZEOF_ETH_HDR + IP_HLEN;
    case ETHTYPE_IPV6:
        return total >= SIZEOF_ETH_HDR + IP6_HLEN;
    case ETHTYPE_ARP:
        return total >= SIZEOF_ETH_HDR + SIZEOF_ETHARP_HDR;
    default:
        return false; /* nobody takes it */
    }
}

/*
 * Whether the host's word for the checksum covers this packet: it speaks of TCP and UDP packets as
 * a whole, not of fragments, whose datagram gets summed when it is complete.
 */
static bool checksum_known(const struct netbuf *frame)
{
    const uint8_t *data = frame->data;

    if ((frame->flags & (NETBUF_CSUM_VALID | NETBUF_CSUM_PARTIAL)) == 0 ||
        frame->len < SIZEOF_ETH_HDR + IP_HLEN) {
        return false;
    }
    unsigned type = (unsigned)data[12] << 8 | data[13];
    if (type == ETHTYPE_IP) {
        const struct ip_hdr *ip = (const void *)(data + SIZEOF_ETH_HDR);
        return (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)) == 0;
    }
    unsigned next = data[SIZEOF_ETH_HDR + 6]; /* of IPv6 */
    return type == ETHTYPE_IPV6 && (next == IP6_NEXTH_TCP || next == IP6_NEXTH_UDP);
}

void net_card_input(struct net_card *card, struct netbuf *frame)
{
    uint32_t total = 0;
    bool known = checksum_known(frame);
    struct pbuf *p = NULL;

    for (const struct netbuf *b = frame; b != NULL; b = b->next) {
        total += b->len;
    }
    if (total > FRAME_MAX || !long_enough(frame, total)) {
        netdev_release(card->dev, frame);
    } else if (card->dev->rx_lent > card->dev->rx_buffers / 4 * 3 ||
               (frame->next != NULL && frame->len < HEADERS_MAX)) {
        p = copy(card, frame, total);
    } else {
        p = lend(card, frame, total);
    }
    if (p == NULL) {
        card->rx_refused++;
        return;
    }
    LINK_STATS_INC(link.recv);
    if (net_tcp_short_input(p, &card->netif, known)) {
        return;
    }
    uint16_t flags = card->netif.chksum_flags;
    if (known) {
        card->netif.chksum_flags = (uint16_t)(flags & ~(NETIF_CHECKSUM_CHECK_TCP |
                                                        NETIF_CHECKSUM_CHECK_UDP));
    }
    ethernet_input(p, &card->netif);
    card->netif.chksum_flags = flags;
}
