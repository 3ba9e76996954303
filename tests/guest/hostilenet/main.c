/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network device that lies (tests/hostile/vhost_net.py) beside an honest disk: the lie costs
 * frames or the device, not the machine.
 *
 * Arguments: the kind of lie. The device sends frames back, the first ones truly; host.py has the
 * same numbers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pith/blkdev.h>
#include <pith/netdev.h>
#include <pith/irq.h>
#include <pith/platform.h>
#include <pith/waitq.h>

#include "check.h"

#define HONEST  20u
#define LIES    10u
#define SECOND  1000000000ULL
#define CSUM_AT (34u + 16u)
#define FLOOD   20000u

static struct netdev *dev;
static struct blkdev *disk;
static const char *lie;
static unsigned ended, handed; /* frames that were sent, or not; frames given to the driver */

/* ---- waiting ---- */

static struct spinlock lock = SPINLOCK_INIT;
static struct waitq waiters = WAITQ_INIT(waiters);
static bool event;

static PITH_INTERRUPT void on_event(struct netdev *d)
{
    (void)d;
    bool was = spin_lock(&lock);
    event = true;
    waitq_wake_all(&waiters);
    spin_unlock(&lock, was);
}

static bool wait_event(uint64_t ns)
{
    int r = 0;
    if (netdev_arm(dev, true)) {
        return true;
    }
    bool was = spin_lock(&lock);
    while (!event && r == 0) {
        r = waitq_wait(&waiters, &lock, platform_clock_ns() + ns);
    }
    event = false;
    spin_unlock(&lock, was);
    return r == 0;
}

/* ---- frames ---- */

static uint8_t out[32768], in[65536];
static uint32_t in_len;
static struct netbuf out_nb;

static PITH_INTERRUPT void done(struct netbuf *frame)
{
    (void)frame;
    ended++;
}

static void fill(uint32_t len, char way, unsigned seed)
{
    for (uint32_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(i * 7 + seed);
    }
    out[12] = 0x88;
    out[13] = 0xb5;
    out[14] = (uint8_t)way;
    out_nb = (struct netbuf){ .data = out, .len = len, .done = done };
}

/* Send what fill() has made. Returns what transmit() said. */
static int transmit(void)
{
    struct netbuf *list = &out_nb;
    int r = netdev_transmit(dev, &list, 1);
    handed += r == 1;
    return r;
}

/* One frame into in[]; what is known of it into *known. Returns whether one came. */
static bool receive(struct netbuf *known)
{
    struct netbuf *frame;
    if (netdev_receive(dev, &frame, 1) != 1) {
        return false;
    }
    *known = *frame;
    in_len = 0;
    for (struct netbuf *nb = frame; nb != NULL; nb = nb->next) {
        CHECK(nb->len <= nb->capacity && in_len + nb->len <= sizeof in);
        memcpy(in + in_len, nb->data, nb->len);
        in_len += nb->len;
    }
    netdev_release(dev, frame);
    return true;
}

/* There and back, the sender's buffer free again. */
static bool echo(struct netbuf *known)
{
    if (!CHECK_EQ(transmit(), 1)) {
        return false;
    }
    while (!receive(known)) {
        netdev_reap(dev);
        if (!CHECK(!dev->failed && wait_event(20 * SECOND))) {
            return false;
        }
    }
    while (ended != handed) {
        netdev_reap(dev);
        if (ended != handed && !CHECK(!dev->failed && wait_event(20 * SECOND))) {
            return false;
        }
    }
    return true;
}

static void echo_plain(uint32_t len, unsigned seed)
{
    struct netbuf known;
    fill(len, 'E', seed);
    if (echo(&known)) {
        CHECK(in_len == len && memcmp(in, out, len) == 0);
        CHECK_EQ(known.flags, 0);
    }
}

static void before(void)
{
    uint64_t lost = dev->stats.rx_dropped + dev->stats.tx_dropped;
    for (unsigned i = 0; i < HONEST; i++) {
        echo_plain(64 + i * 70, i);
    }
    CHECK_EQ(dev->stats.rx_dropped + dev->stats.tx_dropped, lost);
}

/* ---- what a good device does besides ---- */

static uint16_t sum(const uint8_t *p, uint32_t len)
{
    uint32_t s = 0;
    for (uint32_t i = 0; i < len; i++) {
        s += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    }
    while (s >> 16) {
        s = (s & 0xffff) + (s >> 16);
    }
    return (uint16_t)s;
}

static void checksums(void)
{
    struct netbuf known;
    CHECK(dev->tx_csum && dev->rx_csum && dev->tso_max == 65535);
    for (uint32_t len = CSUM_AT + 2; len < 1500; len += 101) {
        fill(len, 'V', len);
        out[CSUM_AT] = out[CSUM_AT + 1] = 0;
        out_nb.flags = NETBUF_CSUM_PARTIAL;
        out_nb.csum_start = 34;
        out_nb.csum_offset = 16;
        if (!echo(&known)) {
            return;
        }
        CHECK(in_len == len && known.flags == NETBUF_CSUM_VALID);
        CHECK_EQ(sum(in + 34, len - 34), 0xffff); /* with the right sum in it: -0 */
    }
    fill(600, 'N', 1);
    if (echo(&known)) {
        CHECK_EQ(known.flags, NETBUF_CSUM_PARTIAL);
        CHECK(known.csum_start == 34 && known.csum_offset == 16);
    }
}

static void merged(void)
{
    struct netbuf known;
    for (uint32_t len = 60; len <= 1514; len += 97) {
        fill(len, 'M', len);
        if (echo(&known)) {
            CHECK(in_len == len && memcmp(in, out, len) == 0);
            CHECK(known.next != NULL && known.len == 20);
        }
    }
}

/* A segment of 20 pieces' length; what comes back as long is taken only where that was agreed on. */
static void segments(void)
{
    struct netbuf known;
    fill(20000, 'G', 5);
    out_nb.flags = NETBUF_CSUM_PARTIAL | NETBUF_GSO_TCP4;
    out_nb.csum_start = 34;
    out_nb.csum_offset = 16;
    out_nb.gso_size = 1000;
    out_nb.header_len = 54;
    if (strcmp(lie, "gro") == 0) {
        if (echo(&known)) {
            CHECK(in_len == 20000 && memcmp(in, out, CSUM_AT) == 0);
            CHECK(memcmp(in + CSUM_AT + 2, out + CSUM_AT + 2, 20000 - CSUM_AT - 2) == 0);
            CHECK(known.flags == (NETBUF_CSUM_VALID | NETBUF_GSO_TCP4));
            CHECK(known.gso_size == 1000 && known.header_len == 54);
        }
        return;
    }
    CHECK_EQ(transmit(), 1);
    while (dev->stats.rx_dropped == 0 && CHECK(wait_event(20 * SECOND))) {
        CHECK(!receive(&known));
        netdev_reap(dev);
    }
    CHECK_EQ(dev->stats.rx_dropped, 1);
    CHECK(!dev->failed);
}

/* ---- lies ---- */

/* Frames that make no sense are counted; the next true one comes through. */
static void dropped(void)
{
    struct netbuf known;
    for (unsigned i = 0; i < LIES; i++) {
        fill(64, 'E', i);
        CHECK_EQ(transmit(), 1);
        while (dev->stats.rx_dropped <= i && CHECK(wait_event(20 * SECOND))) {
            CHECK(!receive(&known));
            netdev_reap(dev);
        }
        CHECK_EQ(dev->stats.rx_dropped, i + 1);
    }
    CHECK(!dev->failed);
    before();
}

/* Take several at once: what is wrong with the second shows before the first's place is used again. */
static void drain(void)
{
    struct netbuf *frames[8];
    int n = netdev_receive(dev, frames, 8);
    for (int i = 0; i < n; i++) {
        netdev_release(dev, frames[i]);
    }
}

/* The ring is broken: the device is given up, and answers so. */
static void broken(void)
{
    struct netbuf known;
    for (unsigned i = 0; i < 1000 && !dev->failed; i++) {
        fill(64, 'E', i);
        int r = transmit();
        CHECK(r == 1 || r == 0 || r == -EIO);
        while (!dev->failed && wait_event(SECOND / 10)) {
            drain();
            netdev_reap(dev);
        }
    }
    CHECK(dev->failed && !dev->link_up);
    fill(64, 'E', 0);
    CHECK_EQ(transmit(), -EIO);
    CHECK(!receive(&known));
    CHECK_EQ(netdev_reap(dev), 0);
    netdev_arm(dev, true);
    CHECK(!netdev_arm(dev, true)); /* nothing will ever come */
    CHECK_EQ(ended, handed);
}

/* Nothing is ever sent: the ring fills up, then frames are thrown away, and nobody hangs. */
static void silent(void)
{
    static struct netbuf many[1000];
    unsigned taken = 0;
    while (taken < 1000) {
        fill(64, 'E', 0);
        many[taken] = out_nb;
        struct netbuf *list = &many[taken];
        int r = netdev_transmit(dev, &list, 1);
        if (!CHECK(r >= 0)) {
            return;
        }
        taken += (unsigned)r;
        if (r == 0) {
            wait_event(SECOND / 4);
        }
    }
    CHECK(dev->stats.tx_dropped > 500 && !dev->failed);
}

/* Frames without end: whoever takes them can still do other things. */
static void flood(void)
{
    struct netbuf known;
    fill(64, 'E', 0);
    CHECK_EQ(transmit(), 1);
    for (unsigned n = 0; n < FLOOD;) {
        netdev_reap(dev);
        if (receive(&known)) {
            n++;
        } else if (!CHECK(wait_event(20 * SECOND))) {
            return;
        }
    }
    /* Nobody takes anything now; the interrupts that come have to leave time for the rest. */
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ(blkdev_rw(disk, false, in, 4096, i * 4096), 0);
    }
    CHECK(!dev->failed);
}

/* The backend ends: QEMU takes the link down, and frames go nowhere. */
static void dies(void)
{
    struct netbuf known;
    fill(64, 'E', 0);
    CHECK_EQ(transmit(), 1);
    while (dev->link_up && CHECK(wait_event(20 * SECOND))) {
        CHECK(!receive(&known));
        netdev_reap(dev);
    }
    for (unsigned i = 0; i < 100; i++) {
        CHECK(transmit() >= 0);
        wait_event(SECOND / 100);
    }
    CHECK(!dev->failed);
}

static void others(void)
{
    for (unsigned i = 0; i < 50; i++) {
        memset(in, 0, sizeof in);
        CHECK_EQ(blkdev_rw(disk, false, in, 4096, i * 4096), 0);
        for (uint64_t at = 0; at < 4096; at += 8) {
            uint64_t v = (i * 4096 + at) * 0x9E3779B97F4A7C15ULL;
            CHECK(memcmp(in + at, &v, 8) == 0);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *lie;
        void (*during)(void);
    } kinds[] = {
        { "silent", silent }, { "flood", flood }, { "dies", dies }, { "bad-", broken },
        { "duplicate", broken }, { "scribble", broken }, { "sent-", broken }, { "", dropped },
    };
    lie = argc > 1 ? argv[1] : "";
    dev = netdev_at(0);
    disk = blkdev_at(0);
    if (dev == NULL || disk == NULL || netdev_claim(dev, &dev, on_event, NULL) != 0) {
        printf("FAIL start: devices are missing\n");
        return 1;
    }
    check_run("before", before);
    if (strcmp(lie, "good") == 0 || strcmp(lie, "gro") == 0) {
        check_run("checksums", checksums);
        check_run("merged", merged);
        check_run("segments", segments);
    } else {
        unsigned i = 0;
        while (strncmp(kinds[i].lie, lie, strlen(kinds[i].lie)) != 0) {
            i++;
        }
        check_run("during", kinds[i].during);
    }
    check_run("others", others);
    printf("received %lu, dropped %lu, sent %lu, not sent %lu, interrupts %lu\n",
           (unsigned long)dev->stats.rx_frames, (unsigned long)dev->stats.rx_dropped,
           (unsigned long)dev->stats.tx_frames, (unsigned long)dev->stats.tx_dropped,
           (unsigned long)dev->stats.interrupts);
    return check_done();
}
