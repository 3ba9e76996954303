/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block requests as entries of the ring (public/io/blkif.h).
 *
 * An entry names pages and the sectors in them: up to 11 in itself, more in a page of their own
 * (BLKIF_OP_INDIRECT). The unit is 512 bytes whatever the device's block size is: Linux's backend and
 * front end agree on that, and feature-large-sector-size, which would mean something else, is not
 * written. A piece has to be whole blocks (Linux, xen_blkbk's check of "Misaligned I/O request"), so
 * data that does not lie so goes through pages of the pool.
 */
#include <xenplat/blkfront.h>

#include <errno.h>
#include <string.h>

#define LIST_MAX (PAGE_SIZE / sizeof(struct blkif_request_segment))

_Static_assert(BLKFRONT_SEGMENTS <= LIST_MAX, "the list of an indirect request fits into a page");
_Static_assert(sizeof(struct blkif_request) == 112, "as Linux's on x86-64");
_Static_assert(sizeof(struct blkif_request_indirect) <= sizeof(struct blkif_request), "one entry");
_Static_assert(offsetof(struct blkif_request_indirect, id) == 8, "not packed");

/*
 * The C library's memcpy() may use vector registers, which an interrupt must leave alone. By eight
 * bytes: that is no slower on a CPU, and eight times as fast where each round is emulated.
 */
static void copy(void *dst, const void *src, size_t n)
{
    size_t words = n / 8, rest = n % 8;
    __asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(rest) : : "memory");
}

/* A place in the data of a request. */
struct cursor {
    const struct blk_segment *segment;
    unsigned left; /* segments, this one included */
    size_t at;     /* in this one */
};

static struct cursor cursor_at(const struct blk_request *req, size_t offset)
{
    struct cursor c = { req->segment, req->nsegments, 0 };
    while (c.left > 0 && offset >= c.segment->len) {
        offset -= c.segment->len;
        c.segment++;
        c.left--;
    }
    c.at = offset;
    return c;
}

/* The next contiguous bytes, at most `want`; 0 at the end. */
static size_t cursor_next(struct cursor *c, size_t want, char **p)
{
    while (c->left > 0 && c->at == c->segment->len) {
        c->segment++;
        c->left--;
        c->at = 0;
    }
    if (c->left == 0) {
        return 0;
    }
    size_t n = c->segment->len - c->at;
    n = n < want ? n : want;
    *p = (char *)c->segment->base + c->at;
    c->at += n;
    return n;
}

static void copy_page(struct cursor *c, char *page, size_t len, bool to_page)
{
    char *p;
    size_t n;
    while (len > 0 && (n = cursor_next(c, len, &p)) > 0) {
        if (to_page) {
            copy(page, p, n);
        } else {
            copy(p, page, n);
        }
        page += n;
        len -= n;
    }
}

void blkfront_io_copy_back(const struct blkfront_io *io)
{
    struct cursor c = cursor_at(io->req, io->offset);
    size_t left = io->len;
    for (const struct blkfront_page *p = io->pages; left > 0 && p != NULL; p = p->next) {
        size_t n = left < PAGE_SIZE ? left : PAGE_SIZE;
        copy_page(&c, p->page, n, false);
        left -= n;
    }
}

/* ---- entries ---- */

static struct blkfront_io *io_take(struct blkfront *b, struct blk_request *req, uint8_t op,
                                   struct blkfront_io *leader)
{
    struct blkfront_io *io = b->free_io;
    if (io == NULL) {
        return NULL;
    }
    b->free_io = io->next;
    uint32_t turn = io->turn + 1;
    *io = (struct blkfront_io){ .req = req, .op = op, .turn = turn, .order = b->order };
    io->leader = leader != NULL ? leader : io;
    io->leader->left++;
    return io;
}

bool blkfront_io_release(struct blkfront *b, struct blkfront_io *io)
{
    bool well = blkfront_pages_put(b, io->pages);
    io->pages = NULL;
    io->req = NULL;
    io->busy = false;
    io->next = b->free_io;
    b->free_io = io;
    return well;
}

static struct blkif_request *ring_slot(struct blkfront *b)
{
    return &b->ring->ring[b->req_prod & (b->ring_size - 1)].req;
}

static uint64_t io_id(const struct blkfront *b, const struct blkfront_io *io)
{
    return (uint64_t)io->turn << 32 | (uint64_t)(io - b->io);
}

static struct blkif_request_segment segment_of(const struct blkfront_page *p)
{
    return (struct blkif_request_segment){ p->ref, p->first, p->last };
}

/* Write the entry of an io whose pages are there, its list among them if it is a long one. */
static void put_data_entry(struct blkfront *b, struct blkfront_io *io, unsigned npages)
{
    struct blkif_request entry = { .operation = io->op, .nr_segments = (uint8_t)npages };
    struct blkfront_page *p = io->pages;
    uint64_t sector = io->req->sector + io->offset / BLKDEV_SECTOR;

    entry.handle = (blkif_vdev_t)b->vdev;
    entry.id = io_id(b, io);
    entry.sector_number = sector;
    if (npages <= BLKIF_MAX_SEGMENTS_PER_REQUEST) {
        for (unsigned i = 0; i < npages; i++, p = p->next) {
            entry.seg[i] = segment_of(p);
        }
        copy(ring_slot(b), &entry, sizeof(entry));
    } else {
        struct blkif_request_segment list[BLKFRONT_SEGMENTS];
        struct blkif_request_indirect indirect = { .operation = BLKIF_OP_INDIRECT };
        for (unsigned i = 0; i < npages; i++, p = p->next) {
            list[i] = segment_of(p);
        }
        copy(p->page, list, npages * sizeof(list[0]));
        indirect.indirect_op = io->op;
        indirect.nr_segments = (uint16_t)npages;
        indirect.id = entry.id;
        indirect.sector_number = sector;
        indirect.handle = entry.handle;
        indirect.indirect_grefs[0] = p->ref;
        copy(ring_slot(b), &indirect, sizeof(indirect));
    }
    io->busy = true;
    b->nbusy++;
    b->req_prod++;
}

/* One that names no pages: a flush as either operation, a discard. */
static int put_bare_entry(struct blkfront *b, struct blk_request *req)
{
    bool discard = req->op == BLK_DISCARD;
    uint8_t op = discard    ? BLKIF_OP_DISCARD
                 : b->flush ? BLKIF_OP_FLUSH_DISKCACHE
                            : BLKIF_OP_WRITE_BARRIER;
    struct blkfront_io *io = io_take(b, req, op, NULL);
    if (io == NULL) {
        return -ENOSPC;
    }
    struct blkif_request entry = { .operation = op, .handle = (blkif_vdev_t)b->vdev };
    entry.id = io_id(b, io);
    if (discard) {
        struct blkif_request_discard d = { .operation = op, .handle = entry.handle,
                                           .id = entry.id, .sector_number = req->sector,
                                           .nr_sectors = req->nsectors };
        copy(ring_slot(b), &d, sizeof(d));
    } else {
        copy(ring_slot(b), &entry, sizeof(entry));
    }
    io->busy = true;
    b->nbusy++;
    b->req_prod++;
    return 0;
}

/* ---- from requests to entries ---- */

/* Whether the program's memory can be shown to the backend as it lies there. */
static bool may_lend(const struct blkfront *b, const struct blk_request *req)
{
    uintptr_t mask = b->blkdev.block_size - 1;
    uintptr_t bits = 0;
    for (unsigned i = 0; i < req->nsegments; i++) {
        bits |= (uintptr_t)req->segment[i].base | req->segment[i].len;
    }
    return !b->persistent && (bits & mask) == 0;
}

/* The next piece as a page of the backend's. */
static struct blkfront_page *next_page(struct blkfront *b, struct blkfront_io *io, struct cursor *c,
                                       size_t left, size_t *n)
{
    bool write = io->op == BLKIF_OP_WRITE;
    struct blkfront_page *p;
    if (io->copied) {
        *n = left < PAGE_SIZE ? left : PAGE_SIZE;
        p = blkfront_page_get(b);
        if (p != NULL && write) {
            copy_page(c, p->page, *n, true);
        }
        if (p != NULL) {
            p->first = 0;
        }
    } else {
        char *at = NULL;
        *n = cursor_next(c, left, &at);
        size_t in_page = (uintptr_t)at & (PAGE_SIZE - 1);
        if (*n > PAGE_SIZE - in_page) {
            c->at -= *n - (PAGE_SIZE - in_page);
            *n = PAGE_SIZE - in_page;
        }
        p = blkfront_page_lend(b, at, write);
        if (p != NULL) {
            p->first = (uint8_t)(in_page / BLKDEV_SECTOR);
        }
    }
    if (p != NULL) {
        p->last = (uint8_t)(p->first + *n / BLKDEV_SECTOR - 1);
    }
    return p;
}

/* Fill an io with as much as an entry takes of the data from `offset` on. Returns pages, or < 0. */
static int fill_io(struct blkfront *b, struct blkfront_io *io, struct cursor *c, size_t offset,
                   size_t len)
{
    struct blkfront_page **end = &io->pages;
    unsigned npages = 0;
    io->offset = (uint32_t)offset;
    while (npages < b->max_segments && offset < len) {
        size_t n;
        *end = next_page(b, io, c, len - offset, &n);
        if (*end == NULL) {
            return -ENOSPC;
        }
        end = &(*end)->next;
        offset += n;
        npages++;
    }
    if (npages > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
        *end = blkfront_page_get(b);
        if (*end == NULL) {
            return -ENOSPC;
        }
    }
    io->len = (uint32_t)offset - io->offset;
    return (int)npages;
}

/*
 * All entries of a request, or none. `parts` goes from the last to the first through io->next, which
 * only free ones use otherwise.
 */
static int put_data(struct blkfront *b, struct blk_request *req, bool copied)
{
    size_t len = blkdev_request_len(req), offset = 0;
    struct cursor c = cursor_at(req, 0);
    struct blkfront_io *leader = NULL, *parts = NULL;
    unsigned n = 0, room = b->ring_size - (b->req_prod - b->rsp_cons);
    uint8_t op = req->op == BLK_READ ? BLKIF_OP_READ : BLKIF_OP_WRITE;
    uint32_t old_prod = b->req_prod;
    unsigned old_busy = b->nbusy;

    while (offset < len) {
        struct blkfront_io *io = n < room ? io_take(b, req, op, leader) : NULL;
        int pages = -ENOSPC;
        if (io != NULL) {
            io->next = parts;
            parts = io;
            leader = io->leader;
            io->copied = copied;
            pages = fill_io(b, io, &c, offset, len);
        }
        if (pages < 0) {
            b->req_prod = old_prod; /* nothing of it has been published */
            b->nbusy = old_busy;
            while (parts != NULL) {
                io = parts;
                parts = io->next;
                blkfront_io_release(b, io);
            }
            return pages;
        }
        put_data_entry(b, io, (unsigned)pages);
        offset += io->len;
        n++;
    }
    return 0;
}

int blkfront_start(struct blkfront *b, struct blk_request *req)
{
    int err = -ENOSPC;
    b->order++;
    if (req->op == BLK_FLUSH || req->op == BLK_DISCARD) {
        return b->req_prod - b->rsp_cons < b->ring_size ? put_bare_entry(b, req) : err;
    }
    if (may_lend(b, req)) {
        err = put_data(b, req, false);
    }
    if (err != 0) {
        /* Also when memory could not be lent: it may be of a kind that has no grants. */
        err = put_data(b, req, true);
    }
    return err == -ENOSPC && b->nbusy == 0 ? -ENOMEM : err;
}
