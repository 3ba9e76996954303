/* SPDX-License-Identifier: BSD-2-Clause */
/* The backend of a disk in memory (public/io/blkif.h), of 4 MiB; or one that lies about it. */
#include "badback.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include <xen/grant_table.h>
#include <xen/io/blkif.h>

#define SECTOR   512u
#define SECTORS  8192u
#define INDIRECT 32u /* segments of one request: what we offer */
#define IN_PAGE  (PAGE / sizeof(struct blkif_request_segment))

static uint8_t disk[SECTORS * SECTOR];

static void nodes(struct back *b)
{
    store_write(b, "sector-size", "512");
    store_write(b, "physical-sector-size", "512");
    store_write(b, "sectors", "%u", SECTORS);
    store_write(b, "info", "0");
    store_write(b, "mode", "w");
    store_write(b, "max-ring-page-order", "2");
    store_write(b, "feature-flush-cache", "1");
    store_write(b, "feature-max-indirect-segments", "%u", INDIRECT);
    store_write(b, "feature-persistent", "1");
    store_write(b, "hotplug-status", "connected");
}

static bool connect(struct back *b)
{
    unsigned order = store_front(b, "ring-page-order", 0), n = 1u << order;
    uint32_t refs[RING_PAGES];
    char key[16] = "ring-ref";

    if (n > RING_PAGES) {
        die("a ring of %u pages", n);
    }
    for (unsigned i = 0; i < n; i++) {
        if (n > 1 || store_front(b, "ring-ref", 0) == 0) {
            key[8] = (char)('0' + i);
        }
        refs[i] = store_front(b, key, 0);
    }
    b->ring[0].name = "vbd";
    b->ring[0].slot = sizeof(union blkif_sring_entry);
    b->ring[0].id_bytes = 8;
    b->ring[0].fault = b->fault;
    return ring_map(b, &b->ring[0], refs, n);
}

static void answer(struct back *b, uint64_t id, uint8_t op, int16_t status)
{
    struct ring *r = &b->ring[0];
    union blkif_sring_entry slot;

    if (fault_now(b, r, BAD_STATUS)) {
        status = 55;
    } else if (fault_now(b, r, BAD_OP)) {
        op ^= 3;
    }
    memset(&slot, 0, sizeof(slot));
    slot.rsp = (struct blkif_response){.id = id, .operation = op, .status = status};
    ring_put(b, r, &slot);
}

/* Read or write the pieces; the status. */
static int16_t move(struct back *b, bool write, uint64_t sector, const struct blkif_request_segment *seg,
                    unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned first = seg[i].first_sect, count = seg[i].last_sect - first + 1u;
        if (seg[i].last_sect < first || seg[i].last_sect > 7) {
            die("vbd: sectors %u to %u of a page", first, seg[i].last_sect);
        }
        if (sector > SECTORS || count > SECTORS - sector ||
            !grant_copy(b, seg[i].gref, first * SECTOR, disk + sector * SECTOR, count * SECTOR, !write)) {
            tell("vbd: sector %llu: reference %u", (unsigned long long)sector, seg[i].gref);
            return BLKIF_RSP_ERROR;
        }
        sector += count;
    }
    return BLKIF_RSP_OKAY;
}

static int16_t move_indirect(struct back *b, const struct blkif_request_indirect *req)
{
    static struct blkif_request_segment seg[IN_PAGE];
    unsigned n = req->nr_segments;

    if (n == 0 || n > IN_PAGE) {
        die("vbd: %u indirect segments", n);
    }
    if (!grant_copy(b, req->indirect_grefs[0], 0, seg, n * sizeof(seg[0]), false)) {
        return BLKIF_RSP_ERROR;
    }
    return move(b, req->indirect_op == BLKIF_OP_WRITE, req->sector_number, seg, n);
}

static void perform(struct back *b, const struct blkif_request *req)
{
    struct blkif_request_indirect far;

    switch (req->operation) {
    case BLKIF_OP_READ:
    case BLKIF_OP_WRITE:
        if (req->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
            die("vbd: %u segments", req->nr_segments);
        }
        answer(b, req->id, req->operation, move(b, req->operation == BLKIF_OP_WRITE, req->sector_number,
                                                req->seg, req->nr_segments));
        break;
    case BLKIF_OP_INDIRECT:
        memcpy(&far, req, sizeof(far));
        answer(b, far.id, BLKIF_OP_INDIRECT, move_indirect(b, &far));
        break;
    case BLKIF_OP_FLUSH_DISKCACHE:
        answer(b, req->id, req->operation, BLKIF_RSP_OKAY);
        break;
    default:
        answer(b, req->id, req->operation, BLKIF_RSP_EOPNOTSUPP);
    }
}

static void serve(struct back *b)
{
    union blkif_sring_entry slot;

    struct ring *r = &b->ring[0];
    bool ends = b->fault == CLOSE || b->fault == VANISH;

    /* What the device ends with stays in the ring. */
    while (!(ends && b->responses >= b->after && ring_waiting(r) > 0) && ring_take(r, &slot)) {
        if (b->fault == SILENCE && b->responses >= b->after) {
            fault_now(b, r, SILENCE);
            continue;
        }
        perform(b, &slot.req);
        ring_push(b, r);
    }
}

static bool has(const char *fault)
{
    return strncmp(fault, "bad-offset", 10) != 0 && strcmp(fault, "bad-flags") != 0 &&
           strcmp(fault, "bad-extra") != 0 && strcmp(fault, "endless") != 0;
}

const struct kind kind_disk = {"disk", "vbd", nodes, connect, serve, has};
