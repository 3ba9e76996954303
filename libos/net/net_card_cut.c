/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cutting TCP's long segments into frames of the MSS for cards that don't do it themselves: all of
 * TCP is gone through once for them together. Each frame has headers of its own, and its data where
 * it lies in the segment, which is kept until the last frame has been sent.
 */
#include "net_card_tx.h"

#include <string.h>

#include <lwip/inet_chksum.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>
#include <lwip/stats.h>

/* A segment that is being cut. */
struct cutting {
    struct pbuf *p;
    const uint8_t *headers; /* its own */
    unsigned ip, tcp, len;  /* where IP's and TCP's header begin, and the data */
    bool v4, sums;          /* sums: the card finishes checksums */
    uint32_t pseudo;        /* the sum of the pseudo header but for the length */
    uint32_t ip_sum;        /* of IPv4's header but for what differs: length, id, the sum itself */
    uint32_t tcp_sum;       /* of TCP's but for the sequence number, the last flags, the sum itself */
    struct pbuf *q;         /* where the next part begins */
    unsigned offset;        /* in it */
};

static uint16_t folded(uint32_t sum)
{
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)((sum >> 16) + sum);
}

static uint32_t halves(uint32_t word)
{
    return (word >> 16) + (word & 0xffff);
}

/* The sums of what all parts have in common. The other bytes are zero in the copies here. */
static void begin_sums(struct cutting *c)
{
    struct ip_hdr ip;
    union {
        uint8_t bytes[60];
        struct tcp_hdr header;
    } tcp;

    c->pseudo = net_pseudo_sum(c->headers + c->ip + (c->v4 ? 12 : 8), c->v4 ? 8 : 32, IP_PROTO_TCP, 0);
    if (c->v4) {
        memcpy(&ip, c->headers + c->ip, sizeof(ip));
        ip._len = ip._id = ip._chksum = 0;
        c->ip_sum = (uint16_t)~inet_chksum(&ip, sizeof(ip));
    }
    memcpy(tcp.bytes, c->headers + c->tcp, c->len - c->tcp);
    tcp.header.seqno = 0;
    tcp.header.chksum = 0;
    TCPH_UNSET_FLAG(&tcp.header, TCP_FIN | TCP_PSH);
    c->tcp_sum = (uint16_t)~inet_chksum(&tcp, (uint16_t)(c->len - c->tcp));
}

/* False: it is no TCP segment whose headers are all in its first piece. */
static bool begin(struct cutting *c, struct pbuf *p, bool sums)
{
    *c = (struct cutting){ .p = p, .q = p, .headers = p->payload, .ip = SIZEOF_ETH_HDR, .sums = sums };
    if (p->len < SIZEOF_ETH_HDR + IP6_HLEN) {
        return false;
    }
    unsigned type = (unsigned)c->headers[12] << 8 | c->headers[13];
    c->v4 = type == ETHTYPE_IP;
    c->tcp = c->ip + (c->v4 ? IP_HLEN : IP6_HLEN);
    if ((!c->v4 && type != ETHTYPE_IPV6) || p->len < c->tcp + TCP_HLEN) {
        return false;
    }
    c->len = c->tcp + (c->headers[c->tcp + 12] >> 4) * 4u;
    c->offset = c->len;
    if (c->headers[c->ip + (c->v4 ? 9 : 6)] != IP_PROTO_TCP || c->len > NET_FRAME_HEADERS ||
        c->len < c->tcp + TCP_HLEN || p->len < c->len) {
        return false;
    }
    begin_sums(c);
    return true;
}

/* The pieces of the next `len` bytes of data; false: they are more than a frame has. */
static bool take(struct cutting *c, struct tx_frame *f, unsigned len)
{
    unsigned n = 1;

    while (len > 0) {
        if (c->offset == c->q->len) {
            c->q = c->q->next;
            c->offset = 0;
            continue;
        }
        unsigned part = c->q->len - c->offset < len ? c->q->len - c->offset : len;
        if (n < NET_FRAME_PIECES) {
            struct netbuf *b = &f->piece[n];
            b->data = (char *)c->q->payload + c->offset;
            b->len = part;
            b->next = NULL;
            f->piece[n - 1].next = b;
        }
        n++;
        c->offset += part;
        len -= part;
    }
    return n <= NET_FRAME_PIECES;
}

/* The same with the data in one piece, copied. */
static bool take_copy(const struct cutting *c, struct tx_frame *f, unsigned at, unsigned len)
{
    f->p = pbuf_alloc(PBUF_RAW, (uint16_t)len, PBUF_RAM);
    if (f->p == NULL) {
        return false;
    }
    pbuf_copy_partial(c->p, f->p->payload, (uint16_t)len, (uint16_t)(c->len + at));
    f->piece[1] = (struct netbuf){ .data = f->p->payload, .len = len };
    f->piece[0].next = &f->piece[1];
    return true;
}

/* TCP's checksum, or what the card wants to have there. */
static void fill_sum(const struct cutting *c, struct tx_frame *f, unsigned len)
{
    struct tcp_hdr *tcp = (void *)(f->headers + c->tcp);
    uint32_t sum = c->pseudo + lwip_htons((uint16_t)(c->len - c->tcp + len));
    bool odd = false;

    if (c->sums) {
        tcp->chksum = folded(sum);
        f->piece[0].flags = NETBUF_CSUM_PARTIAL;
        f->piece[0].csum_start = (uint16_t)c->tcp;
        f->piece[0].csum_offset = 16;
        return;
    }
    sum += c->tcp_sum + halves(tcp->seqno) + lwip_htons(TCPH_FLAGS(tcp) & (TCP_FIN | TCP_PSH));
    for (const struct netbuf *b = f->piece[0].next; b != NULL; b = b->next) {
        uint16_t s = (uint16_t)~inet_chksum(b->data, (uint16_t)b->len);
        sum += odd ? __builtin_bswap16(s) : s;
        odd ^= b->len & 1;
    }
    tcp->chksum = (uint16_t)~folded(sum);
}

/* The headers of the i-th part, which begins at that byte of the data. */
static void fill_headers(const struct cutting *c, struct tx_frame *f, unsigned i, unsigned at,
                         unsigned len)
{
    struct tcp_hdr *tcp = (void *)(f->headers + c->tcp);
    unsigned packet = c->len - c->ip + len;

    memcpy(f->headers, c->headers, c->len);
    if (c->v4) {
        struct ip_hdr *ip = (void *)(f->headers + c->ip);
        ip->_len = lwip_htons((uint16_t)packet);
        ip->_id = lwip_htons((uint16_t)(lwip_ntohs(ip->_id) + i));
        ip->_chksum = (uint16_t)~folded(c->ip_sum + ip->_len + ip->_id);
    } else {
        struct ip6_hdr *ip = (void *)(f->headers + c->ip);
        ip->_plen = lwip_htons((uint16_t)(packet - IP6_HLEN));
    }
    tcp->seqno = lwip_htonl(lwip_ntohl(tcp->seqno) + at);
    if (c->len + at + len < c->p->tot_len) {
        TCPH_UNSET_FLAG(tcp, TCP_FIN | TCP_PSH); /* the last part's */
    }
    f->piece[0].data = f->headers;
    f->piece[0].headroom = sizeof(f->room);
    f->piece[0].len = c->len;
}

static bool queue_part(struct net_card *card, struct cutting *c, unsigned i, unsigned at, unsigned len)
{
    struct tx_frame *f = net_frame_alloc();

    if (f == NULL) {
        return false;
    }
    f->p = c->p;
    f->piece[0].flags = 0;
    f->piece[0].gso_size = 0;
    if (take(c, f, len)) {
        pbuf_ref(f->p);
    } else if (!take_copy(c, f, at, len)) {
        net_frame_free(f);
        return false;
    }
    fill_headers(c, f, i, at, len);
    fill_sum(c, f, len);
    net_frame_queue(card, f);
    return true;
}

err_t net_card_cut(struct net_card *card, struct pbuf *p)
{
    struct cutting c;

    if (!begin(&c, p, card->dev->tx_csum)) {
        card->tx_refused++;
        return ERR_OK;
    }
    unsigned data = p->tot_len - c.len, size = p->gso_size;
    unsigned n = (data + size - 1) / size;
    if (card->nqueue + n > NET_CARD_QUEUE) {
        net_card_flush_one(card);
    }
    if (card->nqueue + n > NET_CARD_QUEUE) {
        card->tx_refused++;
        LINK_STATS_INC(link.drop);
        return ERR_MEM;
    }
    for (unsigned i = 0, at = 0; i < n; i++, at += size) {
        if (!queue_part(card, &c, i, at, data - at < size ? data - at : size)) {
            card->tx_refused++;
            return i == 0 ? ERR_MEM : ERR_OK;
        }
    }
    return ERR_OK;
}
