/*
 * sources: platform/xen/netfront.c platform/xen/netfront_rx.c platform/xen/netfront_tx.c
 * platform/xen/netfront_copy.c platform/xen/netfront_frame.c platform/xen/netfront_connect.c
 * platform/xen/netfront_probe.c libos/core/netdev_driver.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's network front end against a backend in memory: frames of all shapes both ways with each
 * feature off, and the handshake.
 */
#include <x86/probe.h>

#include "net_frames.h"

#include "net_backend.h"

/* ---- the handshake ---- */

static void test_connect(void)
{
    backend_reset();
    start();
    EXPECT(card->mtu == 1500 && card->tx_csum && card->rx_csum && card->tso_max == 65535);
    EXPECT(memcmp(card->mac, "\x00\x16\x3e\x01\x02\xff", 6) == 0 && card->link_up);
    EXPECT(card->rx_buffers == 64 && back_room() == 64 && ports_open == 2);
    EXPECT(told("feature-rx-notify") == 1 && told("feature-sg") == 1);
    EXPECT(told("event-channel") == UINT64_MAX);
    tree_set("carrier", 0);
    EXPECT(!card->ops->arm(card, false) || !card->ops->arm(card, false));
    driver->changed(bus, XenbusStateConnected);
    EXPECT(!card->link_up && events == 1 && card->ops->arm(card, false));
    tree_set("carrier", 1);
    driver->changed(bus, XenbusStateConnected);
    EXPECT(card->link_up);
    stop();
    EXPECT(parted == 1);

    option = "nosplit,nogso,nogro,nocsum,norxnotify,nosg";
    tree_set("mtu", 9000);
    start();
    EXPECT(!card->tx_csum && !card->rx_csum && card->tso_max == 0 && card->mtu == 4096 - 18);
    EXPECT(told("feature-rx-notify") == 0 && told("feature-sg") == 0 && ports_open == 1);
    EXPECT(told("feature-no-csum-offload") == 1 && told("feature-ipv6-csum-offload") == 0);
    EXPECT(told("feature-gso-tcpv4") == 0 && told("event-channel-tx") == UINT64_MAX);
    stop();
    option = "nosuch,nosg";
    EXPECT(xen_netfront_probe() == 1 && warnings_logged == 1);
    EXPECT((netfront_of(card)->features & NETFRONT_SG) == 0);
    quiet();
    stop();

    /* Backends that don't come up: an error, and nothing stays. */
    const struct {
        int ready, connect, copy;
        const char *mac;
    } bad[] = { { -ETIMEDOUT, 4, 1, mac_text }, { XenbusStateClosed, 4, 1, mac_text },
                { 2, -ETIMEDOUT, 1, mac_text }, { 2, XenbusStateClosing, 1, mac_text },
                { 2, 4, 0, mac_text } };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        backend_reset();
        ready_state = bad[i].ready;
        connect_state = bad[i].connect;
        tree_set("feature-rx-copy", (uint64_t)bad[i].copy);
        quiet();
        EXPECT(xen_netfront_probe() == 0 && card == NULL && errors_logged == 1);
        EXPECT(refs_out == 0 && pages_out == 0 && ports_open == 0 && buses_open == 0);
    }
    backend_reset();
    mac_text = "00:16:3e:01:02:zz";
    start();
    EXPECT(card->mac[5] == 0); /* libos makes one up */
    mac_text = "00:16:3e:01:02:03";
    stop();
}

/* ---- receiving ---- */

/* What has come must be `len` bytes of data. Returns the frame. */
static struct netbuf *expect_frame(uint32_t len)
{
    struct netbuf *nb = NULL;
    uint32_t at = 0;
    EXPECT(card->ops->receive(card, &nb, 1) == 1);
    for (struct netbuf *p = nb; p != NULL; p = p->next) {
        EXPECT(at + p->len <= len && memcmp(p->data, data + at, p->len) == 0);
        EXPECT(p->len <= p->capacity);
        for (unsigned ref = 0; ref < REFS; ref++) {
            EXPECT(!grants[ref].granted ||
                   (uintptr_t)grants[ref].page != ((uintptr_t)p->data & ~4095UL));
        }
        at += p->len;
    }
    EXPECT(at == len);
    return nb;
}

static void test_receive(void)
{
    backend_reset();
    tree_set("mtu", 40000);
    start();
    for (unsigned i = 0; i < 3000; i++) {
        uint32_t len = 14 + below(i % 4 ? 1500 : 30000);
        uint16_t offset = (uint16_t)below(2) * 256;
        randomise(data, len);
        back_give(data, len, len > 3000 ? 4096u - offset : 1 + len / 2, offset,
                  NETRXF_data_validated, NULL);
        struct netbuf *nb = expect_frame(len);
        EXPECT(nb->flags == NETBUF_CSUM_VALID);
        card->ops->release(card, nb);
    }
    EXPECT(card->stats.rx_frames == 3000 && card->stats.rx_dropped == 0 && card->rx_lent <= 16);
    /* A frame whose end comes later. */
    randomise(data, 100);
    memcpy(rx_page(back.rx_seen), data, 50);
    rx_answer(0, NETRXF_more_data, 50);
    rx_push();
    struct netbuf *nb;
    EXPECT(card->ops->receive(card, &nb, 1) == 0);
    back_give(data + 50, 50, 50, 0, 0, NULL);
    card->ops->release(card, expect_frame(100));
    EXPECT(errors_logged + warnings_logged == 0);
    stop();
}

/* A TCP frame of `len` bytes that has its headers right. */
static uint32_t tcp_frame(bool v6, uint32_t len)
{
    struct frame f;
    make_tcp(&f, v6, 1, 2, 3, 4, 0x10, "", 0, 0);
    randomise(data, len);
    memcpy(data, f.data, f.len);
    return f.len;
}

static void test_receive_flags(void)
{
    backend_reset();
    start();
    for (int v6 = 0; v6 < 2; v6++) {
        struct netif_extra_info extra = { .type = XEN_NETIF_EXTRA_TYPE_GSO };
        uint32_t headers = tcp_frame(v6, 60000);
        extra.u.gso.size = 1400;
        extra.u.gso.type = v6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
        back_give(data, 60000, 4096, 0, NETRXF_csum_blank | NETRXF_data_validated, &extra);
        struct netbuf *nb = expect_frame(60000);
        EXPECT(nb->flags == (NETBUF_CSUM_PARTIAL | (v6 ? NETBUF_GSO_TCP6 : NETBUF_GSO_TCP4)));
        EXPECT(nb->gso_size == 1400 && nb->header_len == headers && nb->csum_offset == 16);
        EXPECT(nb->csum_start == (v6 ? 54 : 34));
        card->ops->release(card, nb);
        /* The wrong kind, and one that says nothing of its size. */
        extra.u.gso.type = v6 ? XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6;
        back_give(data, 60000, 4096, 0, NETRXF_csum_blank, &extra);
        extra.u.gso.size = 0;
        back_give(data, 6000, 4096, 0, NETRXF_csum_blank, &extra);
        EXPECT(card->ops->receive(card, &nb, 1) == 0);
    }
    EXPECT(card->stats.rx_dropped == 4 && warnings_logged == 1 && !card->failed);
    stop();
}

/* Frames that make no sense are dropped, and those after them arrive. */
static void test_bad_frames(void)
{
    static const struct {
        uint16_t offset, flags;
        int16_t status;
    } bad[] = {
        { 0, 0, -1 }, { 0, 0, 0 }, { 4000, 0, 100 }, { 65535, 0, 1 }, { 0, 0, 13 }, { 0, 0, 1600 },
        { 0, 0, 32767 }, { 0, NETRXF_csum_blank, 200 }, { 4096, 0, 1 }, { 0, 0, INT16_MIN },
    };
    struct netbuf *nb;
    backend_reset();
    start();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(rx_page(back.rx_seen), 0xff, 256);
        rx_answer(bad[i].offset, bad[i].flags, bad[i].status);
        rx_push();
        EXPECT(card->ops->receive(card, &nb, 1) == 0 && card->stats.rx_dropped == i + 1);
        randomise(data, 60);
        back_give(data, 60, 60, 0, 0, NULL);
        card->ops->release(card, expect_frame(60));
    }
    unsigned n = (unsigned)card->stats.rx_dropped;
    /* More pieces than a frame can have; an extra of no kind; one after another without end. */
    back_give(data, 30, 1, 0, 0, NULL);
    struct netif_extra_info extra = { .type = 77, .flags = XEN_NETIF_EXTRA_FLAG_MORE };
    back_give(data, 60, 60, 0, 0, &extra);
    for (unsigned i = 0; i < 5; i++) {
        extra.flags = i < 4 ? XEN_NETIF_EXTRA_FLAG_MORE : 0;
        memcpy(&back.rx->ring[back.rx_seen++ % NETFRONT_RING], &extra, sizeof(extra));
    }
    rx_push();
    while (card->ops->receive(card, &nb, 1) != 0) {
        EXPECT(!"a frame");
    }
    EXPECT(card->stats.rx_dropped == n + 2 && warnings_logged == 1 && !card->failed);
    back_give(data, 60, 60, 0, 0, NULL);
    card->ops->release(card, expect_frame(60));
    EXPECT(!card->ops->arm(card, false) && card->rx_lent == 0);
    EXPECT(back_room() == 64);
    stop();
}

/* ---- sending ---- */

static struct netbuf nbs[20][24];

/* Describe data[0..len) in `pieces` pieces. */
static struct netbuf *make(unsigned i, uint8_t *p, uint32_t len, unsigned pieces)
{
    uint32_t at = 0;
    for (unsigned k = 0; k < pieces; k++) {
        uint32_t part = k + 1 == pieces ? len - at : (len - at) / 2;
        nbs[i][k] = (struct netbuf){ .data = p + at, .len = part, .done = done };
        nbs[i][k].next = k + 1 == pieces ? NULL : &nbs[i][k + 1];
        at += part;
    }
    return nbs[i];
}

static void test_transmit(const char *words, bool trusted)
{
    static uint8_t memory[16][3 * 4096];
    backend_reset();
    option = words;
    tree_set("trusted", trusted);
    start();
    bool sg = words == NULL;
    for (unsigned round = 0; round < 1500; round++) {
        struct netbuf *list[16];
        unsigned n = 1 + below(16);
        uint32_t lens[16];
        for (unsigned i = 0; i < n; i++) {
            uint8_t *p = memory[i] + below(2 * 4096 + 2000);
            lens[i] = 14 + below(1505);
            randomise(p, lens[i]);
            list[i] = make(i, p, lens[i], 1 + below(i == 3 ? 8 : 3));
        }
        unsigned before = done_count;
        EXPECT(card->ops->transmit(card, list, n) == (int)n);
        bool reverse = below(2);
        for (unsigned i = 0; i < n; i++) {
            uint32_t at = 0;
            EXPECT(back_take(&sent) && sent.len == lens[i]);
            EXPECT(sent.flags % 4 == 0 && sent.extras == 0);
            EXPECT(sent.pieces == 1 || (sg && trusted));
            for (struct netbuf *p = list[i]; p != NULL; p = p->next) {
                EXPECT(memcmp(sent.data + at, p->data, p->len) == 0);
                at += p->len;
            }
            if (!trusted) {
                /* Nothing else is in the page. */
                const void *page = (void *)((uintptr_t)list[i]->data & ~4095UL);
                for (unsigned ref = 0; ref < REFS; ref++) {
                    EXPECT(!grants[ref].granted || grants[ref].page != page);
                }
            }
            bool wrong = round % 100 == 1 && i == 0;
            back_finish(&sent, wrong ? NETIF_RSP_ERROR : NETIF_RSP_OKAY, reverse);
        }
        EXPECT(card->ops->reap(card) == (int)n && done_count == before + n);
    }
    EXPECT(card->stats.tx_dropped == 15 && warnings_logged == 1 && errors_logged == 0);
    stop();
}

static void test_offload(void)
{
    backend_reset();
    start();
    for (unsigned i = 0; i < 200; i++) {
        bool v6 = i & 1;
        struct frame f;
        make_tcp(&f, v6, 1, 2, 3, 4, 0x18, "", 0, below(1400));
        uint32_t start_at = v6 ? 54 : 34;
        /* The pseudo header's sum, as the stack leaves it. */
        uint32_t sum = netfront_sum(f.data + (v6 ? 22 : 26), v6 ? 32 : 8, false, 0);
        uint32_t more = f.len - start_at;
        sum += (uint32_t)((more & 0xff) << 8 | more >> 8) + (6u << 8);
        uint16_t pseudo = netfront_fold(sum);
        memcpy(f.data + start_at + 16, &pseudo, 2);
        bool plain = i % 4 < 2;
        struct netbuf *nb = make(0, f.data, f.len, plain ? 1 : 2);
        if (!plain) {
            /* Headers in two pieces: we make the sum ourselves. */
            nbs[0][0].len = start_at + 3;
            nbs[0][1].data = f.data + start_at + 3;
            nbs[0][1].len = f.len - start_at - 3;
        }
        nb->flags = NETBUF_CSUM_PARTIAL;
        nb->csum_start = (uint16_t)start_at;
        nb->csum_offset = 16;
        EXPECT(card->ops->transmit(card, &nb, 1) == 1 && back_take(&sent) && sent.len == f.len);
        EXPECT((sent.flags & NETTXF_csum_blank) != 0);
        back_finish(&sent, 0, false);
        /* A place where nobody looks for it: the sum of the same bytes has to be there. */
        nb->csum_offset = 4;
        memset(f.data + start_at + 4, 0, 2);
        EXPECT(card->ops->transmit(card, &nb, 1) == 1 && back_take(&sent) && sent.len == f.len);
        EXPECT((sent.flags & NETTXF_csum_blank) == 0);
        sum = netfront_sum(sent.data + start_at, sent.len - start_at, false, 0);
        EXPECT(netfront_fold(sum) == 0xffff);
        back_finish(&sent, 0, false);
        EXPECT(card->ops->reap(card) == 1);
    }
    /* A long segment, whole. */
    uint32_t headers = tcp_frame(false, 65000);
    struct netbuf *nb = make(0, data, 65000, 3);
    nb->flags = NETBUF_CSUM_PARTIAL | NETBUF_GSO_TCP4;
    nb->csum_start = 34;
    nb->csum_offset = 16;
    nb->gso_size = 1448;
    nb->header_len = (uint16_t)headers;
    EXPECT(card->ops->transmit(card, &nb, 1) == 1 && back_take(&sent) && sent.len == 65000);
    EXPECT(sent.extras == 1 && sent.extra.type == 1 && sent.extra.u.gso.size == 1448);
    EXPECT(sent.extra.u.gso.type == XEN_NETIF_GSO_TYPE_TCPV4);
    EXPECT(memcmp(sent.data, data, 65000) == 0);
    back_finish(&sent, 0, true);
    EXPECT(card->ops->reap(card) == 1);
    /* In more pieces than a backend takes: copied. */
    nb = make(0, data, 65000, 22);
    nb->flags = NETBUF_CSUM_PARTIAL | NETBUF_GSO_TCP4;
    nb->csum_start = 34;
    nb->csum_offset = 16;
    nb->gso_size = 1448;
    EXPECT(card->ops->transmit(card, &nb, 1) == 1 && back_take(&sent) && sent.len == 65000);
    EXPECT(sent.pieces == 16 && memcmp(sent.data, data, 65000) == 0);
    back_finish(&sent, 0, true);
    /* Frames that can't be: dropped, done. */
    const struct {
        uint32_t len, flags, start, size;
    } bad[] = { { 13, 0, 0, 0 }, { 1600, 0, 0, 0 }, { 100, NETBUF_CSUM_PARTIAL, 99, 0 },
                { 100, NETBUF_GSO_TCP4, 34, 1448 },
                { 100, NETBUF_GSO_TCP4 | NETBUF_CSUM_PARTIAL, 34, 0 },
                { 70000, NETBUF_GSO_TCP4 | NETBUF_CSUM_PARTIAL, 34, 1448 } };
    unsigned before = done_count;
    for (unsigned i = 0; i < 6; i++) {
        nb = make(0, data, bad[i].len, 1);
        nb->flags = bad[i].flags;
        nb->csum_start = (uint16_t)bad[i].start;
        nb->gso_size = (uint16_t)bad[i].size;
        EXPECT(card->ops->transmit(card, &nb, 1) == 1 && !back_take(&sent));
    }
    EXPECT(done_count == before + 7 && card->stats.tx_dropped == 6); /* and the copied one */
    stop();
}

int main(void)
{
    fake_cpu_init();
    test_connect();
    test_receive();
    test_receive_flags();
    test_bad_frames();
    test_transmit(NULL, true);
    test_transmit("nosg", true);
    test_transmit(NULL, false);
    test_offload();
    return unit_done();
}
