/* sources: platform/xen/9pfront.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rings of the 9pfs front end against a backend in memory: messages of all lengths around the
 * ring's end, replies in pieces and in any order, and indices, lengths and tags that can't be.
 */
#include <errno.h>
#include <stdbool.h>

#include <xenplat/9pfront.h>
#include <xenplat/evtchn.h>

#include "unit.h"

#include "fake_cpu.h"
#include "fake_log.h"

#define ORDER 3u
#define SIZE  (1u << (ORDER + 11)) /* of a stream */

static struct p9front d;
static struct xen_9pfs_data_intf intf[P9FRONT_RINGS];
static uint64_t rng = 88172645463325252ull;
static unsigned notified, done;
static int last_status;

/* ---- what the source needs of the rest ---- */

void platform_irq_replay(void)
{
}

int evtchn_notify(uint32_t port)
{
    EXPECT(port == 7 || port == 8);
    notified++;
    return 0;
}

/* ---- the backend ---- */

static void connect(void)
{
    for (unsigned i = 0; i < P9FRONT_RINGS; i++) {
        free(d.ring[i].in);
    }
    memset(&d, 0, sizeof(d));
    memset(intf, 0, sizeof(intf));
    d.p9dev.ops = &p9front_ops;
    d.nrings = P9FRONT_RINGS;
    for (unsigned i = 0; i < P9FRONT_RINGS; i++) {
        uint8_t *both = malloc(2 * SIZE); /* AddressSanitizer sees what is outside */
        d.ring[i] = (struct p9front_ring){ .device = &d, .intf = &intf[i], .in = both, .out = both + SIZE,
                                           .port = 7 + i, .size = SIZE, .order = ORDER };
    }
    d.connected = true;
    errors_logged = 0;
}

/* The next message of a ring, byte by byte; 0: there is none. */
static size_t next_message(unsigned ring, uint8_t *to)
{
    struct p9front_ring *r = &d.ring[ring];
    uint32_t n = intf[ring].out_prod - intf[ring].out_cons, size = 0;
    if (n == 0) {
        return 0;
    }
    for (unsigned i = 0; i < n; i++) {
        to[i] = r->out[(intf[ring].out_cons + i) % SIZE];
        if (i == 3) {
            memcpy(&size, to, 4);
        }
        if (i >= 3 && i + 1 == size) {
            break;
        }
    }
    EXPECT(size >= 7 && size <= n);
    intf[ring].out_cons += size;
    return size;
}

/* A reply of `size` bytes that says `says`; `shown`: how many of them are shown. */
static void send_reply(unsigned ring, uint32_t size, uint32_t says, uint16_t tag, uint32_t shown)
{
    uint8_t head[7] = { 0 };
    memcpy(head, &says, 4);
    memcpy(head + 5, &tag, 2);
    for (uint32_t i = 0; i < size; i++) {
        d.ring[ring].in[(intf[ring].in_prod + i) % SIZE] = i < 7 ? head[i] : (uint8_t)(i + tag);
    }
    intf[ring].in_prod += shown;
}

/* ---- requests ---- */

static struct call {
    struct p9_request req;
    uint8_t out[SIZE], in[SIZE + 1];
    bool over;
} calls[4];

static void request_done(struct p9_request *req)
{
    struct call *c = req->arg;
    c->over = true;
    last_status = req->status;
    done++;
}

static int start(struct call *c, uint16_t tag, uint32_t len, uint32_t reply)
{
    memset(c, 0, sizeof(*c));
    memcpy(c->out, &len, 4);
    memcpy(c->out + 5, &tag, 2);
    for (uint32_t i = 7; i < len; i++) {
        c->out[i] = (uint8_t)(i * 3 + tag);
    }
    c->req = (struct p9_request){ .out = { { c->out, 7 }, { c->out + 7, len - 7 } }, .nout = len > 7 ? 2 : 1,
                                  .in = { { c->in, 11 }, { c->in + 11, reply - 11 } }, .nin = 2, .tag = tag,
                                  .done = request_done, .arg = c };
    return p9front_ops.submit(&d.p9dev, &c->req);
}

static void test_traffic(void)
{
    static uint8_t got[SIZE];
    connect();
    for (unsigned round = 0; round < 20000; round++) {
        uint16_t tag = (uint16_t)(unit_random(&rng) % P9DEV_TAGS);
        uint32_t len = 7 + (uint32_t)(unit_random(&rng) % (SIZE - 7));
        uint32_t reply = 12 + (uint32_t)(unit_random(&rng) % (SIZE - 12));
        uint32_t size = 7 + (uint32_t)(unit_random(&rng) % (reply - 6));
        unsigned ring = tag % P9FRONT_RINGS;
        EXPECT(start(&calls[0], tag, len, reply) == 0);
        EXPECT(next_message(ring, got) == len && memcmp(got, calls[0].out, len) == 0);
        uint32_t shown = (uint32_t)(unit_random(&rng) % size);
        send_reply(ring, size, size, tag, shown);
        p9front_interrupt(7 + ring, &d.ring[ring]);
        EXPECT(!calls[0].over);
        intf[ring].in_prod += size - shown;
        p9front_interrupt(7 + ring, &d.ring[ring]);
        EXPECT(calls[0].over && calls[0].req.status == 0 && calls[0].req.received == size);
        for (uint32_t i = 7; i < size; i++) {
            if (calls[0].in[i] != (uint8_t)(i + tag)) {
                EXPECT(!"the reply's bytes");
                break;
            }
        }
        EXPECT(intf[ring].in_cons == intf[ring].in_prod && d.ring[ring].promised == 0);
    }
    EXPECT(errors_logged == 0 && !d.p9dev.failed);
}

static void test_room(void)
{
    connect();
    EXPECT(start(&calls[0], 0, 100, SIZE - 100) == 0);
    EXPECT(start(&calls[1], 2, 100, 200) == -EAGAIN); /* no room for its reply */
    EXPECT(start(&calls[1], 1, 100, 200) == 0);       /* the other ring has */
    EXPECT(start(&calls[3], 4, SIZE - 99, 50) == -EAGAIN);
    EXPECT(start(&calls[2], 2, SIZE - 100, 50) == 0);
    EXPECT(start(&calls[3], 2, 8, 12) == -EIO);       /* the tag is under way */
    EXPECT(start(&calls[3], P9DEV_TAGS, 8, 12) == -EIO);
    d.p9dev.generation = 1;
    EXPECT(start(&calls[3], 5, 8, 12) == -EPIPE);
    done = 0;
    p9front_end_all(&d, -EPIPE);
    EXPECT(done == 3 && last_status == -EPIPE && d.ring[0].promised == 0 && d.ring[1].promised == 0);
}

/* Each of them ends the device: one line, and what was under way comes back. */
static void test_lies(void)
{
    for (unsigned lie = 0; lie < 9; lie++) {
        connect();
        EXPECT(start(&calls[0], 0, 50, 100) == 0);
        EXPECT(start(&calls[1], 1, 50, 100) == 0);
        done = 0;
        switch (lie) {
        case 0:
            send_reply(0, 60, 60, 0, SIZE + 1); /* a good one, but what comes behind it? */
            break;
        case 1:
            intf[0].in_prod = UINT32_MAX;
            break;
        case 2:
            send_reply(0, 60, SIZE + 1, 0, 60);
            break;
        case 3:
            send_reply(0, 60, 6, 0, 60);
            break;
        case 4:
            send_reply(0, 60, 60, 3, 60); /* nobody has asked */
            break;
        case 5:
            send_reply(0, 60, 60, 1, 60); /* it belongs to the other ring */
            break;
        case 6:
            send_reply(0, 60, 60, 0x8000, 60);
            break;
        case 7:
            send_reply(0, 60, UINT32_MAX, 0, 60);
            break;
        default:
            intf[0].out_cons = intf[0].out_prod + 1; /* more taken than there was */
            EXPECT(start(&calls[2], 2, 50, 100) == -EIO);
        }
        p9front_interrupt(7, &d.ring[0]);
        EXPECT(d.p9dev.failed && errors_logged == 1 && done == 2 && last_status == -EIO);
        EXPECT(calls[0].req.status == -EIO);
        EXPECT(start(&calls[3], 4, 50, 100) == -EIO);
        p9front_interrupt(7, &d.ring[0]);
        EXPECT(errors_logged == 1);
    }
    /* A reply that is longer than its buffer is cut; the file system finds that its length is wrong. */
    connect();
    EXPECT(start(&calls[0], 0, 50, 100) == 0);
    memset(calls[0].in + 100, 0x5a, 16);
    send_reply(0, 500, 500, 0, 500);
    p9front_interrupt(7, &d.ring[0]);
    EXPECT(calls[0].over && calls[0].req.received == 100 && calls[0].in[100] == 0x5a && !d.p9dev.failed);
}

int main(void)
{
    fake_cpu_init();
    test_traffic();
    test_room();
    test_lies();
    connect();
    for (unsigned i = 0; i < P9FRONT_RINGS; i++) {
        free(d.ring[i].in);
    }
    EXPECT(notified != 0);
    return unit_done();
}
