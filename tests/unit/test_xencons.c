/* sources: platform/xen/console_ring.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The console's rings against a daemon of the test's: wrapping, full, empty, and indices that lie. */
#include <xenplat/console_ring.h>

#include "unit.h"

#define OUT 2048u
#define IN  1024u

/* In a block of its own, so that an access beyond it is seen. */
static struct xencons_interface *page;
static struct console_ring ring;

static char pattern(uint64_t at)
{
    return (char)(at * 7 + at / 251);
}

/* The daemon takes n bytes and compares them; *seen counts all of them. */
static void daemon_take(uint32_t n, uint64_t *seen)
{
    for (uint32_t i = 0; i < n; i++, (*seen)++) {
        EXPECT(page->out[page->out_cons++ % OUT] == pattern(*seen));
    }
}

/* Both directions byte by byte, across the wrap of the ring and of the 32-bit index. */
static void streams(uint32_t start)
{
    uint64_t seed = 0x1234567 + start, sent = 0, seen = 0, given = 0, got = 0;

    memset(page, 0, sizeof(*page));
    page->out_prod = page->out_cons = page->in_prod = page->in_cons = start;
    console_ring_init(&ring, page);
    while (sent < 100000 || given < 100000) {
        char buf[3000];
        size_t want = unit_random(&seed) % sizeof(buf);
        for (size_t i = 0; i < want; i++) {
            buf[i] = pattern(sent + i);
        }
        uint32_t room = OUT - (page->out_prod - page->out_cons);
        size_t n = console_ring_put(&ring, buf, want);
        EXPECT(n == (want < room ? want : room));
        sent += n;
        EXPECT(console_ring_unsent(&ring) == sent - seen);
        daemon_take((uint32_t)(unit_random(&seed) % (page->out_prod - page->out_cons + 1)), &seen);

        uint32_t fill = (uint32_t)(unit_random(&seed) % (IN - (page->in_prod - page->in_cons) + 1));
        for (uint32_t i = 0; i < fill; i++) {
            page->in[page->in_prod++ % IN] = pattern(given++);
        }
        n = console_ring_get(&ring, buf, unit_random(&seed) % sizeof(buf));
        for (size_t i = 0; i < n; i++) {
            EXPECT(buf[i] == pattern(got + i));
        }
        got += n;
        EXPECT(page->in_cons == start + (uint32_t)got);
    }
    EXPECT(ring.bad == 0);
}

/* Indices from nowhere: nothing is copied, nothing beyond the page is touched, each is counted. */
static void hostile(void)
{
    uint64_t seed = 99;
    char buf[4096] = "";

    memset(page, 0, sizeof(*page));
    console_ring_init(&ring, page);
    page->out_cons = 1; /* has taken what was never written */
    EXPECT(console_ring_put(&ring, "x", 1) == 0 && console_ring_unsent(&ring) == OUT);
    page->in_prod = IN + 1;
    EXPECT(console_ring_get(&ring, buf, sizeof(buf)) == 0);
    EXPECT(ring.bad == 3);
    page->in_prod = IN;
    EXPECT(console_ring_get(&ring, buf, sizeof(buf)) == IN);

    for (unsigned i = 0; i < 100000; i++) {
        page->out_cons = (uint32_t)unit_random(&seed);
        page->in_prod = (uint32_t)unit_random(&seed);
        page->out_prod = page->in_cons = (uint32_t)unit_random(&seed); /* ours: not believed either */
        EXPECT(console_ring_put(&ring, buf, sizeof(buf)) <= OUT);
        EXPECT(console_ring_get(&ring, buf, sizeof(buf)) <= IN);
        EXPECT(console_ring_unsent(&ring) <= OUT);
    }

    /* It has come to its senses: the ring goes on where we are. */
    uint64_t bad = ring.bad;
    page->out_cons = ring.out_prod;
    page->in_prod = ring.in_cons + 3;
    EXPECT(console_ring_put(&ring, "abc", 3) == 3 && console_ring_get(&ring, buf, 10) == 3);
    EXPECT(page->out_prod == ring.out_prod && page->in_cons == ring.in_cons && ring.bad == bad);
}

int main(void)
{
    page = malloc(sizeof(*page));
    streams(0);
    streams(UINT32_MAX - 5000);
    hostile();
    console_ring_init(&ring, NULL);
    EXPECT(ring.shared == NULL);
    free(page);
    return unit_done();
}
