/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the block front end's test runs against: a backend with a disk in memory, which maps what it
 * is granted as Linux's does, keeps it mapped when that is agreed, and can be told to misbehave.
 * Included once.
 */
#pragma once

#include "blkfront_machine.h"

/* ---- the backend ---- */

enum mischief {
    HONEST, SILENT, BAD_ID, OLD_ID, TWICE, BAD_OP, BAD_INDEX, FAR_INDEX, BAD_STATUS, KEEPS, MISCHIEFS
};

static struct {
    enum mischief mischief;
    bool never_ready, never_connects, closes, keeps_ring;
    bool refuses[8]; /* operations */
    bool mapped;     /* the ring */
    bool persistent;
    int state;
    struct blkif_sring *ring;
    uint32_t ring_refs[16];
    unsigned ring_pages, size;
    uint32_t cons;
    uint64_t last_id;
    unsigned nanswers, events, flushes, barriers, discards, indirect, most, served;
    bool held[4096]; /* grants that stay mapped */
    unsigned nheld;
    unsigned history[4096], nhistory; /* sectors written and flushes (~0), in order */
    uint8_t data[SECTORS * 512];
} peer;

static evtchn_handler *handler;
static void *handler_arg;
static struct xen_frontend *kind;
static struct xenbus_device *device;
static struct blkdev *disk;

static struct grant_entry_v1 *grant(uint32_t ref)
{
    return &table[ref / 512][ref % 512];
}

static uint8_t *map(uint32_t ref, bool write)
{
    struct grant_entry_v1 *e = grant(ref);
    EXPECT(ref >= 8 && ref < 4096 && (e->flags & GTF_permit_access) && e->domid == DOMAIN);
    EXPECT(!write || !(e->flags & GTF_readonly));
    e->flags |= (uint16_t)(GTF_reading | (write ? GTF_writing : 0));
    return mem_from_paddr((uint64_t)e->frame << PAGE_SHIFT, PAGE_SIZE);
}

static void unmap(uint32_t ref)
{
    grant(ref)->flags &= (uint16_t)~(GTF_reading | GTF_writing);
}

/* Data of a request: stays mapped where that is agreed. */
static uint8_t *map_data(uint32_t ref, bool write)
{
    if (peer.persistent || peer.mischief == KEEPS) {
        peer.nheld += !peer.held[ref];
        peer.held[ref] = true;
    }
    return map(ref, write || peer.persistent);
}

static void unmap_data(uint32_t ref)
{
    if (!peer.held[ref]) {
        unmap(ref);
    }
}

static void let_go(void)
{
    for (unsigned i = 0; i < 4096; i++) {
        if (peer.held[i]) {
            unmap(i);
        }
        peer.held[i] = false;
    }
    peer.nheld = 0;
    for (unsigned i = 0; i < peer.ring_pages && peer.mapped; i++) {
        unmap(peer.ring_refs[i]);
    }
    peer.mapped = false;
}

static void peer_connect(void)
{
    const uint64_t *order = node(false, "ring-page-order", false);
    char key[16];
    peer.ring_pages = order != NULL ? 1u << *order : 1;
    EXPECT(order == NULL || *order <= *node(true, "max-ring-page-order", false));
    for (unsigned i = 0; i < peer.ring_pages; i++) {
        snprintf(key, sizeof(key), order != NULL ? "ring-ref%u" : "ring-ref", i);
        peer.ring_refs[i] = (uint32_t)*node(false, key, false);
        uint8_t *p = map(peer.ring_refs[i], true);
        peer.ring = i == 0 ? (void *)p : peer.ring;
        EXPECT(p == (uint8_t *)peer.ring + i * PAGE_SIZE);
    }
    peer.size = peer.ring_pages * 32;
    peer.cons = 0;
    peer.mapped = true;
    peer.persistent = *node(false, "feature-persistent", false) == 1 &&
                      node(true, "feature-persistent", false) != NULL;
}

int xenbus_open(struct xenbus_device *dev, const char *path)
{
    snprintf(dev->path, sizeof(dev->path), "%s", path);
    strcpy(dev->backend, "/back");
    dev->domain = DOMAIN;
    peer.state = XenbusStateInitWait;
    return 0;
}

void xenbus_close(struct xenbus_device *dev)
{
    (void)dev;
}

int xenbus_backend_state(struct xenbus_device *dev)
{
    (void)dev;
    return peer.state;
}

int xenbus_set_state(struct xenbus_device *dev, XenbusState state)
{
    (void)dev;
    *node(false, "state", true) = state;
    return 0;
}

int xenbus_publish(struct xenbus_device *dev, int (*publish)(uint32_t tx, struct xenbus_device *dev),
                   XenbusState state)
{
    int err = publish(1, dev);
    return err != 0 ? err : xenbus_set_state(dev, state);
}

int xenbus_wait(struct xenbus_device *dev, unsigned states, uint64_t deadline_ns)
{
    (void)dev;
    bool first = states & XENBUS_STATES(XenbusStateInitWait);
    if (first ? peer.never_ready : peer.never_connects) {
        now_ns = deadline_ns;
        return -ETIMEDOUT;
    }
    if (peer.closes) {
        return XenbusStateClosing;
    }
    if (!first) {
        EXPECT(*node(false, "state", false) == XenbusStateInitialised);
        peer_connect();
        peer.state = XenbusStateConnected;
    }
    return peer.state;
}

int xenbus_part(struct xenbus_device *dev, uint64_t deadline_ns)
{
    if (*node(false, "state", true) != XenbusStateInitialising) {
        xenbus_set_state(dev, XenbusStateClosed);
    }
    if (peer.keeps_ring) {
        now_ns = deadline_ns;
        return -ETIMEDOUT;
    }
    let_go();
    peer.state = XenbusStateClosed;
    return 0;
}

void xenbus_report(struct xenbus_device *dev, int error, const char *what)
{
    (void)dev;
    (void)what;
    EXPECT(error < 0);
    errors_logged++;
}

int evtchn_alloc_unbound(unsigned remote, evtchn_handler *fn, void *arg)
{
    EXPECT(remote == DOMAIN && handler == NULL);
    handler = fn;
    handler_arg = arg;
    return 77;
}

void evtchn_close(uint32_t port)
{
    EXPECT(port == 77 && handler != NULL);
    handler = NULL;
}

void evtchn_unmask(uint32_t port)
{
    EXPECT(port == 77);
}

static uint32_t generation; /* goes up with each move */

uint32_t xen_generation(void)
{
    return generation;
}

int evtchn_notify(uint32_t port)
{
    EXPECT(port == 77);
    peer.events++;
    return 0;
}

int xen_frontend_start(struct xen_frontend *k)
{
    EXPECT(strcmp(k->kind, "vbd") == 0);
    kind = k;
    return 0;
}

void blkdev_attach(struct blkdev *dev)
{
    disk = dev;
    dev->refs = 1;
}

void blkdev_detach(struct blkdev *dev)
{
    EXPECT(dev == disk);
    dev->gone = true;
}

void blkdev_put(struct blkdev *dev)
{
    if (--dev->refs == 0) {
        releases++;
        dev->ops->release(dev);
    }
}

/* Carry out a read or write of n pieces. */
static int execute(bool write, uint64_t sector, const struct blkif_request_segment *seg, unsigned n)
{
    unsigned unit = (unsigned)*node(true, "sector-size", false) / 512;
    peer.most = n > peer.most ? n : peer.most;
    for (unsigned i = 0; i < n; i++) {
        unsigned count = seg[i].last_sect - seg[i].first_sect + 1u;
        EXPECT(seg[i].first_sect <= seg[i].last_sect && seg[i].last_sect < 8);
        EXPECT((sector | count) % unit == 0); /* Linux refuses what is misaligned */
        if (sector + count > SECTORS) {
            return BLKIF_RSP_ERROR;
        }
        uint8_t *p = map_data(seg[i].gref, !write) + seg[i].first_sect * 512;
        if (write) {
            memcpy(peer.data + sector * 512, p, count * 512);
            peer.history[peer.nhistory++ % 4096] = (unsigned)sector;
        } else {
            memcpy(p, peer.data + sector * 512, count * 512);
        }
        unmap_data(seg[i].gref);
        sector += count;
    }
    return BLKIF_RSP_OKAY;
}

static int serve(const struct blkif_request *r)
{
    struct blkif_request_segment seg[64];
    const struct blkif_request_indirect *ind = (const void *)r;
    const struct blkif_request_discard *d = (const void *)r;
    peer.served++;
    if (r->operation < 8 && peer.refuses[r->operation]) {
        return BLKIF_RSP_EOPNOTSUPP;
    }
    switch (r->operation) {
    case BLKIF_OP_READ:
    case BLKIF_OP_WRITE:
        EXPECT(r->nr_segments >= 1 && r->nr_segments <= 11);
        return execute(r->operation == BLKIF_OP_WRITE, r->sector_number, r->seg, r->nr_segments);
    case BLKIF_OP_INDIRECT:
        EXPECT(ind->nr_segments > 11 && ind->nr_segments <= 64 && ind->indirect_op <= 1);
        peer.indirect++;
        memcpy(seg, map_data(ind->indirect_grefs[0], false), ind->nr_segments * sizeof(seg[0]));
        unmap_data(ind->indirect_grefs[0]);
        return execute(ind->indirect_op == BLKIF_OP_WRITE, ind->sector_number, seg,
                       ind->nr_segments);
    case BLKIF_OP_FLUSH_DISKCACHE:
    case BLKIF_OP_WRITE_BARRIER:
        EXPECT(r->nr_segments == 0);
        peer.history[peer.nhistory++ % 4096] = ~0u;
        *(r->operation == BLKIF_OP_WRITE_BARRIER ? &peer.barriers : &peer.flushes) += 1;
        return BLKIF_RSP_OKAY;
    case BLKIF_OP_DISCARD:
        EXPECT(d->flag == 0 && d->sector_number + d->nr_sectors <= SECTORS);
        memset(peer.data + d->sector_number * 512, 0xdd, d->nr_sectors * 512);
        peer.discards++;
        return BLKIF_RSP_OKAY;
    default:
        EXPECT(!"an operation");
        return BLKIF_RSP_ERROR;
    }
}

static void answer(uint64_t id, uint8_t op, int status)
{
    struct blkif_response *rsp = &peer.ring->ring[peer.ring->rsp_prod % peer.size].rsp;
    *rsp = (struct blkif_response){ .id = id, .operation = op, .status = (int16_t)status };
    peer.ring->rsp_prod++;
}

static void event(void)
{
    if (handler != NULL) {
        irq_save();
        handler(77, handler_arg);
        irq_unmask();
    }
}

static void answer_badly(const struct blkif_request *r, uint8_t op, int status)
{
    uint64_t id = r->id;
    switch (peer.mischief) {
    case BAD_ID:
        id |= 0xffff;
        break;
    case OLD_ID:
        id -= 1ULL << 32;
        break;
    case TWICE:
        id = peer.nanswers++ % 2 ? peer.last_id : id;
        peer.last_id = id;
        break;
    case BAD_OP:
        op = (uint8_t)(op + 3);
        break;
    case BAD_STATUS:
        status = 77;
        break;
    case BAD_INDEX:
        peer.ring->rsp_prod += 40;
        return;
    case FAR_INDEX:
        peer.ring->rsp_prod -= 2;
        return;
    default:
        break;
    }
    answer(id, op, status);
}

/* Take what is there and answer it in random order, up to `most`. Whether there was anything. */
static bool run_some(unsigned most)
{
    static struct blkif_request held[512];
    unsigned n = 0;
    if (!peer.mapped || peer.mischief == SILENT) {
        return false;
    }
    uint32_t prod = peer.ring->req_prod, old = peer.ring->rsp_prod;
    EXPECT(prod - peer.cons <= peer.size);
    while (peer.cons != prod && n < most) {
        held[n++] = peer.ring->ring[peer.cons++ % peer.size].req;
    }
    peer.ring->req_event = peer.cons + 1;
    bool any = n > 0;
    while (n > 0) {
        unsigned k = (unsigned)(unit_random(&seed) % n);
        struct blkif_request r = held[k];
        held[k] = held[--n];
        int status = serve(&r);
        uint8_t op = r.operation;
        if (op == BLKIF_OP_INDIRECT) {
            const struct blkif_request_indirect *ind = (const void *)&r;
            op = ind->indirect_op; /* as Linux does */
        }
        answer_badly(&r, op, status);
    }
    if (peer.ring->rsp_prod - peer.ring->rsp_event < peer.ring->rsp_prod - old) {
        event();
    }
    return any;
}

static void run_peer(void)
{
    for (unsigned i = 0; i < 1000 && run_some(512); i++) {
    }
}

int waitq_wait(struct waitq *q, struct spinlock *lock, uint64_t deadline_ns)
{
    (void)q;
    spin_release(lock);
    bool any = run_some(512);
    if (!any) {
        now_ns = deadline_ns;
    }
    spin_acquire(lock);
    return any ? 0 : -ETIMEDOUT;
}

unsigned waitq_wake_all(struct waitq *q)
{
    (void)q;
    return 0;
}

static void reset_peer(void)
{
    struct grant_stats stats;
    grant_stats(&stats);
    if (stats.used == 0) {
        memset(frames, 0, sizeof(frames)); /* the sanitizer's heap takes new addresses all the time */
    }
    memset(&peer, 0, sizeof(peer));
    memset(front, 0, sizeof(front));
    memset(back, 0, sizeof(back));
    tell("max-ring-page-order", 4);
    tell("feature-max-indirect-segments", 256);
    tell("feature-persistent", 1);
    tell("feature-flush-cache", 1);
    tell("feature-barrier", 1);
    tell("feature-discard", 1);
    tell("sectors", SECTORS);
    tell("sector-size", 512);
    tell("info", 0);
    *node(false, "state", true) = XenbusStateInitialising;
    errors_logged = warnings_logged = 0;
}

/* Tables that are new, of which nobody has mapped anything. */
static void another_host(void)
{
    handler = NULL;
    for (unsigned f = 0; f < 8 && table[f] != NULL; f++) {
        memset(table[f], 0, 4096);
    }
    memset(peer.held, 0, sizeof(peer.held));
    peer.mapped = false;
    memset(front, 0, sizeof(front));
}

static int attach_disk(void)
{
    disk = NULL;
    xen_blkfront_probe();
    return kind->attach("device/vbd/51712", NUMBER, &device);
}
