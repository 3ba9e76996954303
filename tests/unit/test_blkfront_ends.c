/*
 * sources: platform/xen/blkfront.c platform/xen/blkfront_connect.c platform/xen/blkfront_name.c
 * platform/xen/blkfront_options.c platform/xen/blkfront_pages.c platform/xen/blkfront_probe.c
 * platform/xen/blkfront_request.c platform/xen/blkfront_watch.c platform/xen/grant.c
 * libos/core/blkdev_driver.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block front end against a backend in memory: disks that are taken away, lose their backend or
 * are moved to another host, and what is left of them; a backend that writes anything anywhere.
 */
#include "blkfront_load.h"

/* Taken away while requests are out and files are open. */
static void test_unplug(void)
{
    uint8_t *buf = aligned_alloc(4096, 65536);
    for (unsigned how = 0; how < 4; how++) {
        struct blk_request *list[4];
        reset_peer();
        attach_disk();
        for (unsigned i = 0; i < 4; i++) {
            list[i] = prepare(i, BLK_WRITE, i * 8, buf + 4096 * i, 4096, 1, 1);
        }
        EXPECT(disk->ops->submit(disk, list, 4) == 4);
        disk->refs++; /* an open file */
        unsigned before = releases;
        peer.mischief = how == 0 ? HONEST : SILENT;
        peer.state = how == 2 ? XenbusStateClosed : XenbusStateClosing;
        peer.keeps_ring = how == 3; /* and the pages that it has mapped */
        uint64_t began = now_ns;
        kind->detach(device);
        EXPECT(how < 2 || now_ns - began < 10000000000ULL);
        for (unsigned i = 0; i < 4; i++) {
            EXPECT(requests[i].calls == 1 && requests[i].req.status == (how == 0 ? 0 : -EIO));
        }
        struct blk_request *r = prepare(0, BLK_READ, 0, buf, 512, 1, 1);
        EXPECT(disk->ops->submit(disk, &r, 1) == -EIO);
        EXPECT(releases == before && (how == 3 || grants_used() == 0));
        blkdev_put(disk);
        EXPECT(releases == before + 1);
        if (how == 3) { /* what it kept comes back when it lets go */
            EXPECT(grants_used() > 0 && pages_out > 0);
            let_go();
            peer.keeps_ring = false;
            attach_disk();
            peer.mischief = HONEST;
            EXPECT(one(BLK_READ, 0, buf, 512, 1) == 0);
            detach_disk(0);
        }
        EXPECT(pages_out == 0);
    }
    free(buf);
}

/* Its backend has closed, and nobody has taken it away. */
static void test_lost(void)
{
    uint8_t *buf = aligned_alloc(4096, 65536);
    for (unsigned how = 0; how < 3; how++) {
        struct blk_request *r = prepare(0, BLK_WRITE, 0, buf, 4096, 1, 1);
        reset_peer();
        attach_disk();
        peer.mischief = SILENT;
        EXPECT(disk->ops->submit(disk, &r, 1) == 1);
        if (how == 1) { /* given up already: no second line */
            pass(60000000000ULL);
        }
        peer.state = XenbusStateClosing;
        kind->lost(device);
        EXPECT(requests[0].calls == 1 && r->status == -EIO && errors_logged == 1);
        EXPECT(disk->failed && !disk->gone && peer.state == XenbusStateClosed && !peer.mapped);
        r = prepare(1, BLK_READ, 0, buf, 512, 1, 1);
        EXPECT(disk->ops->submit(disk, &r, 1) == -EIO && disk->ops->poll(disk) == 0);
        if (how == 2) { /* after a move its place is that of another one, which is left alone */
            generation++;
            handler = NULL;
            *node(false, "state", true) = XenbusStateInitialising;
            kind->resume(device);
            EXPECT(*node(false, "state", false) == XenbusStateInitialising);
        }
        EXPECT(errors_logged == 1 && warnings_logged == 0);
        detach_disk(0);
    }
    free(buf);
}

/* Cycles leave nothing behind. */
static void test_cycles(void)
{
    uint8_t *buf = aligned_alloc(4096, 65536);
    reset_peer();
    for (unsigned i = 0; i < 200; i++) {
        memset(front, 0, sizeof(front));
        *node(false, "state", true) = XenbusStateInitialising;
        EXPECT(attach_disk() == 0 && one(BLK_WRITE, i, buf, 65536, 3) == 0);
        detach_disk(0);
    }
    free(buf);
}

/* Unanswered requests are made again in their order, whatever the new backend takes at once. */
static void test_moves(void)
{
    static const char *const kinds[] = { "", "nopersistent", "ring=1", "ring=16" };
    for (unsigned i = 0; i < 4; i++) {
        reset_peer();
        options = kinds[i];
        attach_disk();
        exercise(100, true);
        /* Writes, a flush, a write: the order stays. */
        uint8_t *buf = aligned_alloc(4096, 65536);
        struct blk_request *list[8];
        for (unsigned k = 0; k < 8; k++) {
            list[k] = prepare(k, k == 5 ? BLK_FLUSH : BLK_WRITE, 100 + k, buf, k == 5 ? 0 : 512,
                              k == 5 ? 0 : 1, 1);
        }
        EXPECT(disk->ops->submit(disk, list, 8) == 8);
        /* Between the move and resume() whatever is in the ring says nothing. */
        generation++;
        peer.ring->rsp_prod += 1000;
        event();
        pass(1000000);
        EXPECT(disk->ops->poll(disk) == 0 && !disk->failed && errors_logged == 0);
        another_host();
        kind->resume(device);
        peer.nhistory = 0;
        for (unsigned k = 0; k < 8; k++) {
            EXPECT(requests[k].calls == 0);
            run_some(1); /* one at a time, so that the peer's order is the ring's */
        }
        for (unsigned k = 0; k < 8; k++) {
            EXPECT(requests[k].calls == 1 && list[k]->status == 0);
            EXPECT(peer.history[k] == (k == 5 ? ~0u : 100 + k));
        }
        /* Nobody answers on the new host. */
        EXPECT(disk->ops->submit(disk, list, 8) == 8);
        handler = NULL;
        let_go();
        peer.never_connects = true;
        kind->resume(device);
        for (unsigned k = 0; k < 8; k++) {
            EXPECT(requests[k].calls == 2 && list[k]->status == -EIO);
        }
        EXPECT(disk->ops->submit(disk, list, 8) == -EIO && errors_logged == 1);
        let_go();
        detach_disk(0);
        free(buf);
    }
    options = "";
}

/* A backend that writes anything anywhere it may: every request ends, nothing is touched but its data. */
static void test_scribbles(void)
{
    uint8_t *buf = aligned_alloc(4096, 16 * 65536);
    unsigned given_up = 0;
    for (unsigned round = 0; round < 400; round++) {
        struct blk_request *list[16];
        reset_peer();
        attach_disk();
        for (unsigned i = 0; i < 16; i++) {
            list[i] = prepare(i, i & 1 ? BLK_WRITE : BLK_READ, i * 128, buf + i * 65536,
                              unit_random(&seed) % 128 * 512 + 512, 1 + i, 1);
        }
        int taken = disk->ops->submit(disk, list, 16);
        EXPECT(taken > 0);
        for (unsigned k = 0; k < 8; k++) {
            if (unit_random(&seed) % 2) {
                ((uint32_t *)peer.ring)[unit_random(&seed) % 16] = (uint32_t)(unit_random(&seed) % 300);
            } else {
                answer(unit_random(&seed) % 4 << 32 | unit_random(&seed) % 200,
                       (uint8_t)(unit_random(&seed) % 3), (int)(unit_random(&seed) % 5) - 2);
            }
            event();
        }
        given_up += disk->failed;
        pass(60000000000ULL);
        for (int i = 0; i < taken; i++) {
            EXPECT(requests[i].calls == 1);
        }
        EXPECT(errors_logged <= 1);
        memset(peer.ring, 0, 64);
        detach_disk(0);
    }
    EXPECT(given_up > 300);
    free(buf);
}

int main(void)
{
    begin();
    test_unplug();
    test_lost();
    test_cycles();
    test_moves();
    test_scribbles();
    return end();
}
