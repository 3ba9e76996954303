/*
 * sources: platform/kvm/virtio_net.c platform/kvm/virtio_net_rx.c platform/kvm/virtio_net_tx.c
 * platform/kvm/virtio_net_probe.c platform/kvm/virtio.c platform/kvm/virtio_ring.c
 * libos/core/netdev_driver.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network driver against a card in memory: frames of all shapes both ways, waiting and being
 * woken, being out of buffers, and a card that stops.
 */
#include <errno.h>

#include "virtio_card.h"

static unsigned events, done_count;

static void on_event(struct netdev *dev)
{
    EXPECT(dev == card && irq_is_masked());
    events++;
}

static void done(struct netbuf *frame)
{
    EXPECT(irq_is_masked());
    done_count++;
    frame->arg = NULL;
}

static void start(void)
{
    EXPECT(probe_card() == 1 && card != NULL);
    card->on_event = on_event;
    events = done_count = 0;
}

/* A frame of random bytes from the card, in `parts` buffers; the driver has to give just that. */
static void one_in(uint32_t len, unsigned parts)
{
    static uint8_t frame[4096];
    struct netbuf *nb = NULL;
    for (uint32_t i = 0; i < len; i++) {
        frame[i] = (uint8_t)unit_random(&seed);
    }
    EXPECT(card_deliver(frame, len, parts, &(struct model_header){ .num_buffers = (uint16_t)parts }));
    EXPECT(card->ops->receive(card, &nb, 1) == 1);
    uint32_t at = 0;
    for (struct netbuf *piece = nb; piece != NULL; piece = piece->next) {
        EXPECT(at + piece->len <= len && memcmp(piece->data, frame + at, piece->len) == 0);
        EXPECT(piece->len <= piece->capacity);
        at += piece->len;
    }
    EXPECT(at == len && nb->flags == 0);
    card->ops->release(card, nb);
}

static void test_receive(void)
{
    static const uint64_t without[] = { 0, VIRTIO_F_EVENT_IDX, 1 << 15, 1 << 15 | 1 << 16 | 1 << 5 };
    for (unsigned k = 0; k < 4; k++) {
        reset_hw();
        hw.features &= ~without[k];
        start();
        bool merged = (without[k] & 1 << 15) == 0;
        for (unsigned i = 0; i < 3000; i++) {
            unsigned parts = merged ? 1 + (unsigned)(unit_random(&seed) % 3) : 1;
            one_in(14 + (uint32_t)(unit_random(&seed) % 1505), parts);
        }
        EXPECT(card->stats.rx_frames == 3000 && card->stats.rx_dropped == 0);
        EXPECT(errors_logged + warnings_logged == 0);
    }
}

/* Frames to send of random pieces arrive as they were, also over pages that aren't contiguous. */
static void test_transmit(void)
{
    static uint8_t data[16][4 * 4096];
    static struct netbuf nb[16][8];
    for (unsigned round = 0; round < 2000; round++) {
        struct netbuf *list[16];
        unsigned n = 1 + (unsigned)(unit_random(&seed) % 16);
        if (round % 500 == 0) {
            scattered = round / 500 & 1;
            reset_hw();
            start();
        }
        for (unsigned i = 0; i < n; i++) {
            uint32_t len = 14 + (uint32_t)(unit_random(&seed) % 1505), at = 0;
            uint8_t *p = data[i] + 32 + unit_random(&seed) % 8192;
            unsigned pieces = 1 + (unsigned)(unit_random(&seed) % 8);
            for (unsigned k = 0; k < pieces; k++) {
                uint32_t part = k + 1 == pieces ? len - at : (len - at) / 2;
                nb[i][k] = (struct netbuf){ .data = p + at, .len = part, .done = done };
                nb[i][k].next = k + 1 == pieces ? NULL : &nb[i][k + 1];
                at += part;
            }
            for (uint32_t k = 0; k < len; k++) {
                p[k] = (uint8_t)unit_random(&seed);
            }
            list[i] = nb[i];
            nb[i][0].headroom = (uint32_t)(unit_random(&seed) % 32); /* 12 are what a header takes */
            memset(p - 32, 0x5a, 32);
            if (unit_random(&seed) & 1) {
                nb[i][0].flags = NETBUF_CSUM_PARTIAL;
                nb[i][0].csum_start = (uint16_t)(unit_random(&seed) % (len - 2));
                nb[i][0].csum_offset = (uint16_t)(len - 2 - nb[i][0].csum_start);
            }
        }
        unsigned before = done_count;
        int taken = card->ops->transmit(card, list, n);
        EXPECT(taken == (int)n);
        for (unsigned i = 0; i < n; i++) {
            static uint8_t got[65536];
            struct model_header h;
            int len = card_take(got, &h);
            uint32_t at = 0;
            EXPECT(len > 0 && h.flags == (nb[i][0].flags != 0) && h.gso_type == 0);
            EXPECT(h.csum_start == nb[i][0].csum_start && h.csum_offset == nb[i][0].csum_offset);
            for (struct netbuf *piece = list[i]; piece != NULL; piece = piece->next) {
                EXPECT(memcmp(got + at, piece->data, piece->len) == 0);
                at += piece->len;
            }
            EXPECT((int)at == len);
            bool inside = nb[i][0].headroom >= 12;
            const uint8_t *room = (const uint8_t *)nb[i][0].data - 32;
            for (unsigned k = 0; k < (inside ? 20 : 32); k++) {
                EXPECT(room[k] == 0x5a);
            }
            EXPECT(scattered || card_pieces <= (inside ? 8 : 9));
            EXPECT(scattered || !inside || nb[i][0].next != NULL || card_pieces == 1);
        }
        EXPECT(card->ops->reap(card) == (int)n && done_count == before + n);
    }
    scattered = false;
    EXPECT(errors_logged + warnings_logged == 0);
}

/* No event is lost and none comes unasked. */
static void test_events(void)
{
    struct netbuf *nb, out = { .data = (uint8_t[60]){ 0 }, .len = 60, .done = done };
    struct netbuf *list = &out;
    uint8_t frame[60] = { 0 }, got[65536];
    struct model_header h = { .num_buffers = 1 }, sent;
    for (unsigned k = 0; k < 2; k++) {
        reset_hw();
        hw.features &= ~(k ? VIRTIO_F_EVENT_IDX : 0);
        start();
        EXPECT(card_deliver(frame, 60, 1, &h) && events == 0); /* not armed */
        EXPECT(card->ops->arm(card, false));
        EXPECT(card->ops->receive(card, &nb, 1) == 1);
        card->ops->release(card, nb);
        EXPECT(!card->ops->arm(card, false) && events == 0);
        card_deliver(frame, 60, 1, &h);
        EXPECT(events == 1);
        card_deliver(frame, 60, 1, &h);
        EXPECT(events == 1); /* one call per arming */
        while (card->ops->receive(card, &nb, 1) == 1) {
            card->ops->release(card, nb);
        }
        EXPECT(card->ops->transmit(card, &list, 1) == 1);
        EXPECT(!card->ops->arm(card, true));
        card_take(got, &sent);
        EXPECT(events == 2);
        EXPECT(card->ops->reap(card) == 1);
        /* The link. */
        EXPECT(!card->ops->arm(card, false));
        card_link(false);
        EXPECT(events == 3 && !card->link_up);
        card_link(true);
        EXPECT(events == 3 && card->ops->arm(card, false) && card->link_up);
        EXPECT(!card->ops->arm(card, false));
    }
}

/* With all buffers lent the ring is empty; who gives one back wakes the user. */
static void test_dry(void)
{
    static struct netbuf *lent[600];
    uint8_t frame[60] = { 0 };
    struct model_header h = { .num_buffers = 1 };
    unsigned n = 0;
    reset_hw();
    start();
    while (card_deliver(frame, 60, 1, &h)) {
        EXPECT(card->ops->receive(card, &lent[n], 1) == 1);
        n++;
    }
    EXPECT(n == card->rx_buffers && card->rx_lent == n && card->stats.rx_nobuf == 1);
    EXPECT(!card->ops->arm(card, false) && events == 0);
    card->ops->release(card, lent[0]);
    EXPECT(events == 1);
    card->ops->release(card, lent[1]);
    EXPECT(events == 1);
    EXPECT(card->ops->receive(card, lent, 1) == 0);
    EXPECT(card_deliver(frame, 60, 1, &h) && card_deliver(frame, 60, 1, &h));
    EXPECT(card->ops->receive(card, lent, 600) == 2);
    for (unsigned i = 0; i < n; i++) {
        card->ops->release(card, lent[i]);
    }
    EXPECT(!card->ops->arm(card, false) && card->rx_lent == 0);
}

/* A full ring refuses; one out of which nothing goes swallows, after a while. */
static void test_full(void)
{
    static struct netbuf nb[300];
    static uint8_t data[60];
    unsigned taken = 0;
    reset_hw();
    start();
    for (unsigned i = 0; i < 300; i++) {
        struct netbuf *list = &nb[i];
        nb[i] = (struct netbuf){ .data = data, .len = 60, .done = done };
        taken += (unsigned)card->ops->transmit(card, &list, 1);
    }
    EXPECT(taken == 128 && done_count == 0); /* 256 descriptors */
    now_ns += 6000000000ULL;
    struct netbuf *list = &nb[200];
    EXPECT(card->ops->transmit(card, &list, 1) == 1 && done_count == 1);
    EXPECT(card->stats.tx_dropped == 1 && warnings_logged == 1 && !card->failed);
    uint8_t got[65536];
    struct model_header h;
    EXPECT(card_take(got, &h) == 60 && card_pieces == 2);
    EXPECT(card->ops->transmit(card, &list, 1) == 1 && card->stats.tx_dropped == 1);
    /* The card asks for its reset: all that is out comes back. */
    EXPECT(!card->ops->arm(card, false));
    events = done_count = 0;
    hw.status |= VIRTIO_STATUS_NEEDS_RESET;
    card_link(true);
    EXPECT(events == 1);
    EXPECT(card->ops->receive(card, &list, 1) == 0 && done_count == 128);
    EXPECT(card->failed && errors_logged == 1 && card->ops->transmit(card, &list, 1) == -EIO);
    EXPECT(card->ops->arm(card, false) && !card->ops->arm(card, false));
}

static void test_probe(void)
{
    long before = pages_out;
    reset_hw();
    hw.features &= ~VIRTIO_F_VERSION_1;
    EXPECT(probe_card() == 0);
    reset_hw();
    hw.queue_max = 0;
    EXPECT(probe_card() == 0 && pages_out == before);
    reset_hw();
    hw.mtu = 9000;
    start();
    EXPECT(card->mtu == 9000 && memcmp(card->mac, hw.mac, 6) == 0 && card->tso_max == 65535);
    hw.features &= ~(1ULL << 15);
    start();
    EXPECT(card->mtu < 2048 && card->mtu > 1500); /* what one buffer holds */
    hw.mtu = 20;
    start();
    EXPECT(card->mtu == 1500);
    reset_hw();
    ram = 4 << 20;
    start();
    EXPECT(card->rx_buffers == 64);
    ram = 1 << 30;
    start();
    EXPECT(card->rx_buffers == 512);
    ram = 64 << 20;
}

/* The bytes that the card may fill, of the next buffer of the receive ring. */
static uint32_t posted(void)
{
    struct model_desc d[4];
    int head = model_next(&rings[0]);
    EXPECT(head >= 0 && model_chain(&rings[0], (unsigned)head, d, 4) == 1);
    rings[0].seen--;
    return d[0].len;
}

/* Where long segments come, buffers are as large as a sixtieth of the memory allows. */
static void test_buffers(void)
{
    static const struct { size_t mib; uint32_t bytes; } sizes[] = {
        { 4, 2048 }, { 32, 2048 }, { 64, 2048 }, { 128, 4096 }, { 256, 8192 }, { 512, 16384 }, { 4096, 16384 }
    };
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ram = sizes[i].mib << 20;
        reset_hw();
        start();
        EXPECT(posted() == 2048 - 6); /* GUEST_TSO4 is not offered */
        hw.features |= 1 << 7;
        start();
        EXPECT(posted() == sizes[i].bytes - 6);
        for (unsigned k = 0; k < 1000; k++) {
            one_in(14 + (uint32_t)(unit_random(&seed) % 1505), 1 + (unsigned)(unit_random(&seed) % 3));
        }
        EXPECT(card->stats.rx_dropped == 0);
    }
    ram = 64 << 20;
}

int main(void)
{
    fake_cpu_init();
    test_probe();
    test_receive();
    test_transmit();
    test_events();
    test_dry();
    test_full();
    test_buffers();
    return unit_done();
}
