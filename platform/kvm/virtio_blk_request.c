/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block requests as descriptors (virtio 1.2, 5.2.6 "Device Operation").
 *
 * A request is header, pieces of data, status byte. Memory of ours is not contiguous for the device
 * in general, so each segment is cut where its physical addresses jump.
 */
#include <kvm/virtio_blk.h>

#include <errno.h>
#include <string.h>

#include <pith/page.h>
#include <x86/mem.h>

/* Without indirect tables a chain is described on the stack first. */
#define MAX_DIRECT 66

/* Where the descriptors of a request go. */
struct chain {
    struct virtio_desc *table; /* indirect, or NULL */
    struct virtio_buf *bufs;   /* direct */
    unsigned n, max;
};

static void put(struct chain *c, paddr_t addr, uint32_t len, bool device_writes)
{
    if (c->table == NULL) {
        c->bufs[c->n++] = (struct virtio_buf){ addr, len };
        return;
    }
    /* Each table entry points to the next; the last one's flag is taken away at the end. */
    c->table[c->n] = (struct virtio_desc){
        .addr = addr,
        .len = len,
        .flags = (uint16_t)(VIRTIO_DESC_NEXT | (device_writes ? VIRTIO_DESC_WRITE : 0)),
        .next = (uint16_t)(c->n + 1),
    };
    c->n++;
}

/*
 * Append [p, p+len). Returns 0, -E2BIG when that takes more pieces than there may be, -EFAULT not
 * memory.
 */
static int put_memory(struct virtio_blk *b, struct chain *c, const char *p, size_t len,
                      bool device_writes)
{
    while (len > 0) {
        size_t want = len < b->max_piece ? len : b->max_piece;
        size_t n;
        paddr_t pa = mem_to_paddr(p, want, &n);
        if (pa == PADDR_NONE || n == 0) {
            return -EFAULT;
        }
        if (c->n == c->max) {
            return -E2BIG;
        }
        put(c, pa, (uint32_t)n, device_writes);
        p += n;
        len -= n;
    }
    return 0;
}

/* Copy between the request's segments and the bounce buffer. */
static void copy_segments(struct virtio_blk_io *io, bool to_bounce)
{
    char *at = io->bounce;
    for (unsigned i = 0; i < io->req->nsegments; i++) {
        const struct blk_segment *s = &io->req->segment[i];
        if (to_bounce) {
            memcpy(at, s->base, s->len);
        } else {
            memcpy(s->base, at, s->len);
        }
        at += s->len;
    }
}

/* Describe the data by a copy in contiguous memory. */
static int put_bounced(struct virtio_blk *b, struct chain *c, struct virtio_blk_io *io,
                       bool device_writes)
{
    size_t len = blkdev_request_len(io->req);
    io->bounce_pages = (len + PAGE_SIZE - 1) / PAGE_SIZE;
    io->bounce = page_alloc_n(io->bounce_pages);
    if (io->bounce == NULL) {
        return -ENOMEM;
    }
    if (!device_writes) {
        copy_segments(io, true);
    }
    c->n = 1; /* behind the header */
    return put_memory(b, c, io->bounce, len, device_writes);
}

static int put_data(struct virtio_blk *b, struct chain *c, struct virtio_blk_io *io,
                    bool device_writes)
{
    int err = 0;
    for (unsigned i = 0; i < io->req->nsegments && err == 0; i++) {
        err = put_memory(b, c, io->req->segment[i].base, io->req->segment[i].len, device_writes);
    }
    return err;
}

/* A page for a long table, if need be the spare one. */
static void *take_table(struct virtio_blk *b)
{
    void *page = page_alloc(0);
    if (page == NULL) {
        page = b->spare;
        b->spare = NULL;
    }
    return page;
}

static void release(struct virtio_blk *b, struct virtio_blk_io *io)
{
    if (io->big_table != NULL && b->spare == NULL) {
        b->spare = io->big_table;
    } else if (io->big_table != NULL) {
        page_free(io->big_table, 0);
    }
    if (io->bounce != NULL) {
        page_free_n(io->bounce, io->bounce_pages);
    }
    io->big_table = NULL;
    io->bounce = NULL;
    io->req = NULL;
    io->start_ns = 0;
    io->next = b->free;
    b->free = io;
}

static struct virtio_blk_io *take_io(struct virtio_blk *b, unsigned type, uint64_t sector,
                                     struct virtio_blk_slot **slot)
{
    struct virtio_blk_io *io = b->free;
    if (io == NULL) {
        return NULL;
    }
    b->free = io->next;
    *slot = &b->slots[io - b->io];
    (*slot)->header = (struct virtio_blk_header){ .type = type, .sector = sector };
    (*slot)->status = VIRTIO_BLK_PENDING;
    return io;
}

/* The device's address of a part of a slot. */
static paddr_t slot_pa(const struct virtio_blk *b, const volatile void *part)
{
    return b->slots_pa + (size_t)((const volatile char *)part - (const volatile char *)b->slots);
}

/* Header first, status last, and the whole on the ring. */
static int commit(struct virtio_blk *b, struct chain *c, struct virtio_blk_io *io, paddr_t table,
                  uint32_t device_bytes)
{
    if (c->table != NULL) {
        c->table[c->n - 1].flags &= (uint16_t)~VIRTIO_DESC_NEXT;
        return virtio_ring_add_indirect(&b->queue.ring, table, c->n, device_bytes + 1, io);
    }
    unsigned nin = device_bytes > 0 ? c->n - 1 : 1;
    return virtio_ring_add(&b->queue.ring, c->bufs, c->n - nin, nin, io);
}

/* Write the descriptors of io's request into c; its table, if it has one, lies at *table. */
static int describe(struct virtio_blk *b, struct virtio_blk_slot *slot, struct chain *c,
                    struct virtio_blk_io *io, paddr_t *table)
{
    bool device_writes = io->req->op == BLK_READ;
    bool indirect = virtio_has(b->dev, VIRTIO_F_INDIRECT_DESC);
    if (indirect) {
        c->table = slot->table;
        c->max = VIRTIO_BLK_SMALL - 1;
        *table = slot_pa(b, slot->table);
    } else {
        c->max = MAX_DIRECT - 1;
    }
    if (c->max > b->max_pieces + 1) {
        c->max = b->max_pieces + 1;
    }
    put(c, slot_pa(b, &slot->header), sizeof slot->header, false);
    if (io->req->op == BLK_DISCARD) {
        slot->range = (struct virtio_blk_range){ .sector = io->req->sector,
                                                 .nsectors = (uint32_t)io->req->nsectors };
        put(c, slot_pa(b, &slot->range), sizeof slot->range, false);
        return 0;
    }
    int err = put_data(b, c, io, device_writes);
    if (err == -E2BIG && indirect && b->max_pieces + 2 > VIRTIO_BLK_SMALL) {
        size_t n;
        io->big_table = take_table(b);
        if (io->big_table == NULL) {
            return -ENOSPC; /* the spare one is in flight and comes back */
        }
        *table = mem_to_paddr(io->big_table, PAGE_SIZE, &n);
        c->table = io->big_table;
        c->max = b->max_pieces + 1;
        c->n = 0;
        put(c, slot_pa(b, &slot->header), sizeof slot->header, false);
        err = put_data(b, c, io, device_writes);
    }
    if (err == -E2BIG) {
        err = put_bounced(b, c, io, device_writes);
    }
    return err;
}

int virtio_blk_start(struct virtio_blk *b, struct blk_request *req, uint64_t now_ns)
{
    static const uint8_t types[] = {
        [BLK_READ] = VIRTIO_BLK_IN, [BLK_WRITE] = VIRTIO_BLK_OUT, [BLK_FLUSH] = VIRTIO_BLK_FLUSH,
        [BLK_DISCARD] = VIRTIO_BLK_DISCARD
    };
    struct virtio_buf direct[MAX_DIRECT];
    struct virtio_blk_slot *slot;
    struct chain c = { .bufs = direct };
    paddr_t table = 0;
    int err = 0;
    uint64_t sector = req->op == BLK_READ || req->op == BLK_WRITE ? req->sector : 0;
    struct virtio_blk_io *io = take_io(b, types[req->op], sector, &slot);
    if (io == NULL) {
        return -ENOSPC;
    }
    io->req = req;
    io->start_ns = now_ns | 1;
    uint32_t device_bytes = 0;
    if (req->op == BLK_FLUSH || req->op == BLK_DISCARD) {
        req->nsegments = 0;
    } else if (req->op == BLK_READ) {
        device_bytes = (uint32_t)blkdev_request_len(req);
    }
    err = describe(b, slot, &c, io, &table);
    if (err == 0) {
        put(&c, slot_pa(b, &slot->status), 1, true);
        err = commit(b, &c, io, table, device_bytes);
    }
    if (err < 0) {
        release(b, io);
    }
    return err;
}

int virtio_blk_start_id(struct virtio_blk *b, uint64_t now_ns)
{
    struct virtio_blk_slot *slot;
    struct virtio_blk_io *io = take_io(b, VIRTIO_BLK_GET_ID, 0, &slot);
    if (io == NULL) {
        return -ENOSPC;
    }
    io->req = NULL;
    io->start_ns = now_ns | 1;
    struct virtio_buf bufs[] = {
        { slot_pa(b, &slot->header), sizeof slot->header },
        { b->id_pa, VIRTIO_BLK_ID_LEN },
        { slot_pa(b, &slot->status), 1 },
    };
    int err = virtio_ring_add(&b->queue.ring, bufs, 1, 2, io);
    if (err < 0) {
        release(b, io);
    }
    return err;
}

void virtio_blk_end(struct virtio_blk *b, struct virtio_blk_io *io)
{
    if (io->bounce != NULL && io->status == 0 && io->req->op == BLK_READ) {
        copy_segments(io, false);
    }
    release(b, io);
}
