/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A neighbour for tests of the stack on the host that sends each TCP segment back with the addresses
 * of both ends swapped: so the stack talks to itself, over a cable that loses, doubles and swaps, by a
 * card that cuts long segments.
 * Included once.
 */
#pragma once

#include "fake_net.h"
#include "net_frames.h"

#include <lwip/opt.h>

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include "net.h"
#include "net_memory.h"

#define MIRROR_HELD 2048u

/* Per mille of the frames. */
struct spoiling {
    unsigned loss, swap, twice;
    unsigned damage; /* one bit is wrong */
};

struct held {
    uint8_t *data;
    unsigned len, flags;
};

static struct spoiling spoil;
static uint64_t mirror_seed = 5;
static bool mirror_plain; /* the card has no offloads */
static uint64_t mirror_payload; /* bytes of TCP's data that the stack has sent */
static unsigned longest_segment;
static struct held held[MIRROR_HELD];
static unsigned nheld;
static bool asked_arp, asked_nd;

static const char *fake_option(const char *name)
{
    return strcmp(name, "ip") == 0    ? "10.0.0.2/24,gw=10.0.0.1"
           : strcmp(name, "ip6") == 0 ? "2001:db8::2/64,gw=2001:db8::1"
                                      : NULL;
}

/* Memory that is not copied: nobody here has to hear when it is free again. */
struct pbuf *sock_zc_pbuf(uint16_t len)
{
    return pbuf_alloc(PBUF_RAW, len, PBUF_ROM);
}

bool sock_zc_pbuf_is_current(const struct pbuf *p)
{
    (void)p;
    return true;
}

static inline unsigned chance(unsigned n)
{
    return (unsigned)(unit_random(&mirror_seed) >> 16) % n;
}

static void hold(const uint8_t *data, unsigned len, unsigned flags)
{
    if (chance(1000) < spoil.loss || nheld == MIRROR_HELD) {
        EXPECT(nheld < MIRROR_HELD);
        return;
    }
    struct held *h = &held[nheld++];
    h->data = malloc(len);
    memcpy(h->data, data, len);
    h->len = len;
    h->flags = mirror_plain ? 0 : flags;
    if (spoil.damage != 0 && chance(1000) < spoil.damage) {
        h->data[chance(chance(2) ? 60 : len) % len] ^= (uint8_t)(1u << chance(8));
    }
}

static void swap_bytes(uint8_t *a, uint8_t *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint8_t x = a[i];
        a[i] = b[i];
        b[i] = x;
    }
}

/* The pieces that a card makes of a long segment; some arrive put together as they were. */
static void cut(const uint8_t *data, unsigned len, bool v6)
{
    const struct netbuf *b = fake_sending;
    unsigned tcp = v6 ? 54 : 34, header = tcp + (data[tcp + 12] >> 4) * 4u;

    EXPECT(b->flags == (NETBUF_CSUM_PARTIAL | (v6 ? NETBUF_GSO_TCP6 : NETBUF_GSO_TCP4)));
    EXPECT(b->gso_size > 0 && b->gso_size <= 1460 && b->header_len == header && b->csum_start == tcp);
    EXPECT(len - header > b->gso_size);
    longest_segment = len - header > longest_segment ? len - header : longest_segment;
    if (chance(3) == 0) {
        hold(data, len, NETBUF_CSUM_VALID);
        return;
    }
    for (unsigned at = header; at < len; at += b->gso_size) {
        struct frame f = { .len = 0 };
        unsigned part = len - at < b->gso_size ? len - at : b->gso_size;
        put(&f, data, header);
        put(&f, data + at, part);
        set32(f.data + tcp + 4, get32(data + tcp + 4) + at - header);
        if (at + part < len) {
            f.data[tcp + 13] &= (uint8_t)~9; /* FIN and PSH are the last one's */
        }
        finish(&f);
        hold(f.data, f.len, 0);
    }
}

/* A frame that the stack has sent; sums stay right, as they count both addresses. */
static void mirror_sent(const uint8_t *data, unsigned len)
{
    static uint8_t copy[70000];
    bool v6 = get16(data + 12) == 0x86dd;
    unsigned tcp = v6 ? 54 : 34;

    asked_arp |= get16(data + 12) == 0x0806 && get16(data + 20) == 1;
    asked_nd |= v6 && data[20] == 58 && data[54] == 135;
    if (get16(data + 12) == 0x0806 || (v6 ? data[20] : data[23]) != 6) {
        return;
    }
    memcpy(copy, data, len);
    swap_bytes(copy, copy + 6, 6);
    if (v6) {
        swap_bytes(copy + 22, copy + 38, 16);
    } else {
        swap_bytes(copy + 26, copy + 30, 4);
    }
    mirror_payload += len - tcp - (data[tcp + 12] >> 4) * 4u;
    for (unsigned n = 1 + (chance(1000) < spoil.twice); n > 0; n--) {
        if (fake_sending->gso_size != 0) {
            cut(copy, len, v6);
        } else {
            EXPECT(len <= 1514);
            hold(copy, len, NETBUF_CSUM_VALID);
        }
    }
}

static inline void mirror_give(const struct frame *f)
{
    EXPECT(fake_arrive(f->data, f->len, 0, 0));
    fake_run();
}

/* The mirror's addresses are known. */
static inline void mirror_acquaint(void)
{
    struct frame f;
    make_arp(&f, 1);
    mirror_give(&f);
    make_echo(&f, true, 8);
    mirror_give(&f);
    make_na(&f);
    mirror_give(&f);
    asked_arp = asked_nd = false;
}

/* Some of what is on the cable arrives; when there is nothing, time passes. */
static void mirror_step(void)
{
    if (asked_arp || asked_nd) {
        mirror_acquaint();
    }
    for (unsigned n = 1 + chance(4); n > 0 && nheld > 0; n--) {
        unsigned i = chance(1000) < spoil.swap ? chance(nheld < 5 ? nheld : 5) : 0;
        struct held h = held[i];
        if (!fake_arrive(h.data, h.len, 0, h.flags)) {
            break;
        }
        nheld--;
        memmove(&held[i], &held[i + 1], (nheld - i) * sizeof(held[0]));
        free(h.data);
        fake_now += 20000;
    }
    if (nheld == 0) {
        fake_now += 10000000;
    }
    fake_run();
}

static void mirror_start(void)
{
    fake_on_sent = mirror_sent;
    fake_dev.tx_csum = !mirror_plain;
    fake_dev.tso_max = mirror_plain ? 0 : 65535;
    EXPECT(net_start() == 0 && fake_engine != NULL);
}
