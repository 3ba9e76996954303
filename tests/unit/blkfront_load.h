/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests for the block front end's tests, at random and one by one; begin and end. Included once. */
#pragma once

#include "blkfront_peer.h"

#include "blk_requests.h"

static uint8_t copy[SECTORS * 512];

static int one(enum blk_op op, uint64_t sector, void *buf, size_t len, unsigned nsegments)
{
    struct blk_request *r = prepare(0, op, sector, buf, len, nsegments, 1);
    r->nsectors = op == BLK_DISCARD ? len / 512 : 0;
    r->nsegments = op == BLK_DISCARD ? 0 : nsegments;
    int n = disk->ops->submit(disk, &r, 1);
    if (n != 1) {
        return n;
    }
    run_peer();
    EXPECT(requests[0].calls == 1);
    return r->status;
}

/* One batch of random reads and writes, each in a region of its own; submitted and not yet served. */
static unsigned fill_batch(struct blk_request **list, uint8_t **bufs, size_t *lens)
{
    unsigned n = 1 + (unsigned)(unit_random(&seed) % 16);
    size_t region = SECTORS / 16 * 512, bs = disk->block_size;
    for (unsigned i = 0; i < n; i++) {
        size_t most = unit_random(&seed) % 4 == 0 ? region : 16384;
        lens[i] = (1 + unit_random(&seed) % (most / bs)) * bs;
        uint64_t room = (region - lens[i]) / bs + 1;
        uint64_t sector = i * region / 512 + unit_random(&seed) % room * (bs / 512);
        bufs[i] = aligned_alloc(4096, (lens[i] + 8191) / 4096 * 4096);
        /* Sometimes as it can be lent, sometimes not at all. */
        bool even = unit_random(&seed) & 1;
        uint8_t *p = bufs[i] + (even ? unit_random(&seed) % 4 * 512 / bs * bs : unit_random(&seed) % 4096);
        bool write = unit_random(&seed) & 1;
        for (size_t k = 0; k < lens[i]; k++) {
            p[k] = (uint8_t)unit_random(&seed);
        }
        if (write) {
            memcpy(copy + sector * 512, p, lens[i]);
        }
        list[i] = prepare(i, write ? BLK_WRITE : BLK_READ, sector, p, lens[i],
                          1 + (unsigned)(unit_random(&seed) % 16), even ? (unsigned)bs : 1);
    }
    return n;
}

static void check_batch(unsigned n, uint8_t **bufs, const size_t *lens)
{
    for (unsigned i = 0; i < n; i++) {
        EXPECT(requests[i].calls == 1 && requests[i].req.status == 0);
        if (requests[i].req.op == BLK_READ) {
            EXPECT(memcmp(requests[i].seg[0].base, copy + requests[i].req.sector * 512, lens[i]) == 0);
        }
        free(bufs[i]);
    }
}

/* Random reads and writes, compared with a copy; `moves`: and another host now and then. */
static void exercise(unsigned rounds, bool moves)
{
    struct blk_request *list[16];
    uint8_t *bufs[16];
    size_t lens[16];
    memcpy(copy, peer.data, sizeof(copy));
    for (unsigned round = 0; round < rounds; round++) {
        unsigned n = fill_batch(list, bufs, lens), given = 0;
        for (unsigned stuck = 0; given < n && stuck < 1000; stuck++) {
            int taken = disk->ops->submit(disk, list + given, n - given);
            EXPECT(taken >= 0);
            given += taken > 0 ? (unsigned)taken : 0;
            if (moves && unit_random(&seed) % 3 == 0) {
                run_some((unsigned)(unit_random(&seed) % 4)); /* some are answered before */
                another_host(); /* and another kind of backend */
                tell("feature-max-indirect-segments", unit_random(&seed) % 2 ? 256 : 0);
                tell("max-ring-page-order", unit_random(&seed) % 3);
                kind->resume(device);
            }
            if (unit_random(&seed) % 2 || given < n) {
                run_peer();
            }
        }
        run_peer();
        EXPECT(given == n);
        check_batch(n, bufs, lens);
    }
    EXPECT(memcmp(copy, peer.data, sizeof(copy)) == 0);
    EXPECT(errors_logged == 0 && warnings_logged == 0);
}

static unsigned grants_used(void)
{
    struct grant_stats stats;
    grant_stats(&stats);
    return stats.used;
}

/* Take the disk away; everything is as it was before it came. */
static void detach_disk(long pages)
{
    kind->detach(device);
    EXPECT(pages_out == pages && grants_used() == 0 && handler == NULL && armed == NULL);
}

/* The grants' own notes stay; what is counted begins after them. */
static void begin(void)
{
    static uint32_t refs[1000];
    fake_cpu_init();
    EXPECT(grant_alloc(refs, 1000) == 0);
    grant_free(refs, 1000);
    pages_out = 0;
}

static int end(void)
{
    for (unsigned f = 0; f < 8; f++) {
        free(table[f]);
    }
    return unit_done();
}
