/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw Ethernet frames by pith/netdev.h, with host.py at the other end of the cable.
 *
 * The guest serves: each frame of our type holds a command in its first payload byte. The frame
 * that was received is the one that is sent back, without a copy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pith/netdev.h>
#include <pith/irq.h>
#include <pith/platform.h>
#include <pith/waitq.h>

#include "check.h"

#define TYPE_HI 0x88 /* 0x88b5: IEEE's first "local experimental" Ethertype */
#define TYPE_LO 0xb5
#define HEADER  14u
#define BATCH   32u
#define WAIT_NS 20000000000ULL /* nothing for so long: the host has forgotten us */

static struct netdev *dev;
static unsigned received, echoed, ended, sent, lost; /* frames */
static bool quit;

/* ---- waiting ---- */

static struct spinlock lock = SPINLOCK_INIT;
static struct waitq waiters = WAITQ_INIT(waiters);
static bool event;
static unsigned events;

static PITH_INTERRUPT void on_event(struct netdev *d)
{
    (void)d;
    bool was = spin_lock(&lock);
    event = true;
    events++;
    waitq_wake_all(&waiters);
    spin_unlock(&lock, was);
}

/* Sleep until the device has something; false when it takes too long. */
static bool wait_event(bool want_tx)
{
    int r = 0;
    if (netdev_arm(dev, want_tx)) {
        return true;
    }
    bool was = spin_lock(&lock);
    while (!event && r == 0) {
        r = waitq_wait(&waiters, &lock, platform_clock_ns() + WAIT_NS);
    }
    event = false;
    spin_unlock(&lock, was);
    return r == 0;
}

/* ---- sending ---- */

static PITH_INTERRUPT void echo_done(struct netbuf *frame)
{
    ended++;
    netdev_release(dev, frame);
}

static PITH_INTERRUPT void answer_done(struct netbuf *frame)
{
    ended++;
    *(bool *)frame->arg = false;
}

/* All of them, waiting for room. */
static void transmit(struct netbuf **frames, unsigned n)
{
    while (n > 0) {
        int taken = netdev_transmit(dev, frames, n);
        if (!CHECK(taken >= 0)) {
            return;
        }
        frames += taken;
        n -= (unsigned)taken;
        sent += (unsigned)taken;
        if (n > 0 && !CHECK(wait_event(true))) {
            return;
        }
    }
}

static void wait_all_done(void)
{
    while (ended != sent && CHECK(wait_event(true))) {
        netdev_reap(dev);
    }
}

/* One piece per byte of the header, then a few long ones: the driver cuts, the device gathers. */
static void send_pieces(const uint8_t *frame, uint32_t len)
{
    static struct netbuf nb[24];
    static uint8_t copy[24][2048];
    static bool busy;
    unsigned n = 0;
    uint32_t at = 0;
    while (at < len) {
        uint32_t part = n < 16 ? 1 : (len - at + 3) / 4;
        part = n == 23 || part > len - at ? len - at : part;
        memcpy(copy[n], frame + at, part);
        nb[n] = (struct netbuf){ .data = copy[n], .len = part, .done = answer_done, .arg = &busy };
        if (n > 0) {
            nb[n - 1].next = &nb[n];
        }
        at += part;
        n++;
    }
    busy = true;
    struct netbuf *list = nb;
    transmit(&list, 1);
    while (busy && CHECK(wait_event(true))) {
        netdev_reap(dev);
    }
}

#define FLOOD 64u

static struct netbuf flood_nb[FLOOD];
static uint8_t flood_data[FLOOD][64];
static bool flood_busy[FLOOD];

/* As many frames with a running number as are asked for, as fast as the device takes them. */
static void flood(const uint8_t *request, uint32_t count)
{
    for (uint32_t i = 0; i < count;) {
        struct netbuf *list[FLOOD];
        unsigned n = 0;
        for (unsigned k = 0; k < FLOOD && i < count; k++) {
            if (__atomic_load_n(&flood_busy[k], __ATOMIC_ACQUIRE)) {
                continue;
            }
            flood_busy[k] = true;
            memcpy(flood_data[k], request, HEADER);
            flood_data[k][HEADER] = 'f';
            memcpy(&flood_data[k][16], &i, 4);
            flood_nb[k] = (struct netbuf){ .data = flood_data[k], .len = 64, .done = answer_done,
                                           .arg = &flood_busy[k] };
            list[n++] = &flood_nb[k];
            i++;
        }
        transmit(list, n);
        if (n == 0 && !CHECK(wait_event(true))) {
            return;
        }
        netdev_reap(dev);
    }
    wait_all_done();
}

static void answer(const uint8_t *request, const void *data, uint32_t len)
{
    static struct netbuf nb;
    static uint8_t frame[256];
    static bool busy;
    struct netbuf *list = &nb;
    memset(frame, 0, sizeof frame);
    memcpy(frame, request, HEADER);
    memcpy(frame + HEADER, data, len);
    nb = (struct netbuf){ .data = frame, .len = HEADER + len, .done = answer_done, .arg = &busy };
    busy = true;
    transmit(&list, 1);
    while (busy && CHECK(wait_event(true))) {
        netdev_reap(dev);
    }
}

/* ---- serving ---- */

/* The frame in one piece: those that the device has put into several buffers, for looking at. */
static const uint8_t *flat(const struct netbuf *nb, uint32_t *len)
{
    static uint8_t copy[65536];
    *len = 0;
    for (; nb != NULL; nb = nb->next) {
        memcpy(copy + *len, nb->data, nb->len);
        *len += nb->len;
    }
    return copy;
}

static void swap(uint8_t *frame)
{
    uint8_t mac[6];
    memcpy(mac, frame, 6);
    memcpy(frame, frame + 6, 6);
    memcpy(frame + 6, mac, 6);
}

/* Returns the frame when it is to be sent back. */
static struct netbuf *serve(struct netbuf *nb)
{
    uint32_t len, count;
    uint8_t *frame = nb->data;
    received++;
    if (nb->len < HEADER || nb->len > nb->capacity || frame[12] != TYPE_HI || frame[13] != TYPE_LO) {
        lost++;
        netdev_release(dev, nb);
        return NULL;
    }
    swap(frame);
    if (nb->len == HEADER || frame[HEADER] == 'E') {
        for (struct netbuf *piece = nb; piece != NULL; piece = piece->next) {
            piece->done = echo_done;
        }
        echoed++;
        return nb;
    }
    const uint8_t *copy = flat(nb, &len);
    netdev_release(dev, nb);
    switch (copy[HEADER]) {
    case 'P':
        send_pieces(copy, len);
        break;
    case 'F':
        memcpy(&count, copy + 16, 4);
        flood(copy, count);
        break;
    case 'S': {
        uint64_t s[6] = { received, dev->stats.rx_frames, dev->stats.rx_dropped,
                          dev->stats.tx_frames, dev->stats.tx_dropped, dev->stats.rx_nobuf };
        answer(copy, s, sizeof s);
        break;
    }
    case 'Q':
        quit = true;
        break;
    default: /* 'N': only counted */
        break;
    }
    return NULL;
}

static void service(void)
{
    while (!quit) {
        struct netbuf *frames[BATCH], *back[BATCH];
        unsigned n = 0;
        int got = netdev_receive(dev, frames, BATCH);
        for (int i = 0; i < got; i++) {
            back[n] = serve(frames[i]);
            n += back[n] != NULL;
        }
        transmit(back, n);
        if (got == 0 && !wait_event(false)) {
            CHECK_FAIL("nothing from the host for long: %u received, %u sent", received, sent);
            break;
        }
    }
    wait_all_done();
    CHECK_EQ(lost, 0);
    CHECK_EQ(dev->stats.rx_dropped, 0);
    CHECK_EQ(dev->stats.tx_dropped, 0);
    CHECK_EQ(dev->stats.rx_frames, received);
    CHECK_EQ(dev->stats.tx_frames, sent);
    CHECK(!dev->failed && dev->stats.interrupts > 0);
    printf("%u received, %u echoed, %u sent; interrupts %lu, notifies %lu, out of buffers %lu\n",
           received, echoed, sent, (unsigned long)dev->stats.interrupts,
           (unsigned long)dev->stats.notifies, (unsigned long)dev->stats.rx_nobuf);
}

/* ---- other checks ---- */

static void properties(void)
{
    CHECK_EQ(strcmp(dev->name, "eth0"), 0);
    CHECK(netdev_find("eth0") == dev && netdev_find("eth9") == NULL && netdev_at(1) == NULL);
    CHECK(dev->link_up && !dev->failed);
    CHECK(dev->rx_buffers >= 16 && dev->tx_slots >= 16);
    const uint8_t *m = dev->mac;
    printf("device %s %02x:%02x:%02x:%02x:%02x:%02x mtu %u buffers %u\n", dev->name, m[0], m[1],
           m[2], m[3], m[4], m[5], dev->mtu, dev->rx_buffers);
}

static void claims(void)
{
    static int other;
    CHECK_EQ(netdev_claim(dev, &dev, on_event, NULL), 0);
    CHECK_EQ(netdev_claim(dev, &other, on_event, NULL), -EBUSY);
    netdev_unclaim(dev);
    CHECK_EQ(netdev_claim(dev, &other, on_event, NULL), 0);
    netdev_unclaim(dev);
    CHECK_EQ(netdev_claim(dev, &dev, on_event, NULL), 0);
}

/* Frames that can't be sent are done at once, and counted. */
static void refused(void)
{
    static uint8_t data[70000];
    static struct netbuf nb[100];
    static bool busy;
    struct netbuf *list = nb;
    struct netbuf plain = { .data = data, .len = 60, .done = answer_done, .arg = &busy };
    struct netbuf bad[] = { plain, plain, plain, plain, plain };
    bad[0].len = 13;
    bad[1].len = dev->mtu + 14u + 4u + 1u;
    bad[2].flags = NETBUF_CSUM_PARTIAL;
    bad[2].csum_start = 50;
    bad[2].csum_offset = 9;
    bad[3].flags = NETBUF_GSO_TCP4;
    bad[4].data = (void *)(uintptr_t)16; /* no memory of ours */
    for (unsigned i = 0; i < 5; i++) {
        struct netbuf *one = &bad[i];
        busy = true;
        CHECK_EQ(netdev_transmit(dev, &one, 1), 1);
        CHECK(!busy);
        CHECK_EQ(dev->stats.tx_dropped, i + 1);
    }
    for (unsigned i = 0; i < 100; i++) {
        nb[i] = plain;
        nb[i].len = 1;
        nb[i].next = i < 99 ? &nb[i + 1] : NULL;
    }
    busy = true;
    CHECK_EQ(netdev_transmit(dev, &list, 1), 1);
    CHECK(!busy && dev->stats.tx_dropped == 6 && dev->stats.tx_frames == 0);
    dev->stats.tx_dropped = 0;
    ended = 0;
}

static void link(void)
{
    bool up = true;
    for (unsigned i = 0; i < 6; i++) {
        printf("link is %s\n", up ? "up" : "down");
        fflush(stdout);
        while (dev->link_up == up) {
            if (!CHECK(wait_event(false))) {
                return;
            }
        }
        up = !up;
    }
    CHECK(dev->link_up);
}

static void none(void)
{
    CHECK(netdev_at(0) == NULL);
    CHECK(netdev_find("eth0") == NULL);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "serve";
    if (strcmp(mode, "none") == 0) {
        check_run("none", none);
        return check_done();
    }
    dev = netdev_at(0);
    if (dev == NULL) {
        printf("FAIL start: there is no network device\n");
        return 1;
    }
    check_run("properties", properties);
    check_run("claims", claims);
    check_run("refused", refused);
    if (strcmp(mode, "link") == 0) {
        check_run("link", link);
    } else {
        printf("serving\n");
        fflush(stdout);
        check_run("service", service);
    }
    netdev_unclaim(dev);
    return check_done();
}
