/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A block front end and its backend agree (public/io/blkif.h, "XenBus Nodes"): ring, event channel,
 * features, size.
 *
 * Linux's backend tells before InitWait what the ring may be and how long requests may get, and the
 * rest when it is Connected (drivers/block/xen-blkback/xenbus.c), so all but the ring is read then.
 */
#include <xenplat/blkfront.h>

#include <errno.h>
#include <string.h>

#include <pith/log.h>
#include <pith/page.h>
#include <xenplat/evtchn.h>
#include <xenplat/grant.h>
#include <xenplat/suspend.h>

#include <xen/io/protocols.h>

#define WAIT_NS     15000000000ULL /* for each of the backend's two states */
#define SECTORS_MAX (1ULL << 54)   /* bytes have to fit into an off_t */
#define KEPT_MAX    16u

/* Rings that a backend has not let go of. Only the thread that makes and ends devices comes here. */
static struct {
    void *ring;
    unsigned pages;
    uint32_t refs[BLKFRONT_RING_PAGES];
} kept[KEPT_MAX];

/* ---- the ring ---- */

/* Revoke the pages' grants; refs that are done with become 0. Whether all are. */
static bool ring_revoke(uint32_t *refs, unsigned pages)
{
    bool all = true;
    for (unsigned i = 0; i < pages; i++) {
        if (refs[i] != 0 && grant_revoke(refs[i]) == 0) {
            grant_free(&refs[i], 1);
            refs[i] = 0;
        }
        all &= refs[i] == 0;
    }
    return all;
}

static void reap_kept(void)
{
    for (unsigned i = 0; i < KEPT_MAX; i++) {
        if (kept[i].ring != NULL && ring_revoke(kept[i].refs, kept[i].pages)) {
            page_free_n(kept[i].ring, kept[i].pages);
            kept[i].ring = NULL;
        }
    }
}

static void ring_free(struct blkfront *b)
{
    if (b->ring != NULL && ring_revoke(b->ring_refs, b->ring_pages)) {
        page_free_n(b->ring, b->ring_pages);
    } else if (b->ring != NULL) {
        unsigned i = 0;
        while (i < KEPT_MAX && kept[i].ring != NULL) {
            i++;
        }
        klog(LOG_WARNING, "%s: its backend keeps the ring", b->blkdev.name);
        if (i < KEPT_MAX) { /* else it is lost */
            kept[i].ring = b->ring;
            kept[i].pages = b->ring_pages;
            memcpy(kept[i].refs, b->ring_refs, sizeof(kept[i].refs));
        }
    }
    b->ring = NULL;
    memset(b->ring_refs, 0, sizeof(b->ring_refs));
}

static uint64_t backend_u64(struct blkfront *b, const char *key, uint64_t fallback)
{
    uint64_t value;
    return xenstore_read_u64(XENSTORE_NO_TX, b->bus.backend, key, &value) == 0 ? value : fallback;
}

static int ring_make(struct blkfront *b)
{
    uint64_t order = backend_u64(b, "max-ring-page-order", 0);
    unsigned pages = b->options.ring_pages;

    order = order > BLKFRONT_RING_ORDER ? BLKFRONT_RING_ORDER : order;
    pages = pages > 1u << order ? 1u << order : pages;
    reap_kept();
    b->ring = page_alloc_n(pages);
    if (b->ring == NULL) {
        return -ENOMEM;
    }
    memset(b->ring, 0, pages * PAGE_SIZE);
    b->ring_pages = pages;
    b->ring_size = 1; /* a power of two of entries, behind the indices */
    size_t room = pages * PAGE_SIZE - offsetof(struct blkif_sring, ring);
    while (b->ring_size * 2 * sizeof(b->ring->ring[0]) <= room) {
        b->ring_size *= 2;
    }
    b->ring->req_event = b->ring->rsp_event = 1;
    b->req_prod = b->rsp_cons = 0;
    b->generation = xen_generation();
    for (unsigned i = 0; i < pages; i++) {
        int err = grant_alloc(&b->ring_refs[i], 1);
        if (err != 0) {
            b->ring_refs[i] = 0;
            return err;
        }
        err = grant_access(b->ring_refs[i], b->bus.domain, (char *)b->ring + i * PAGE_SIZE, false);
        if (err != 0) {
            grant_free(&b->ring_refs[i], 1);
            b->ring_refs[i] = 0;
            return err;
        }
    }
    return 0;
}

/* ---- what each tells the other ---- */

static int publish(uint32_t tx, struct xenbus_device *bus)
{
    struct blkfront *b = bus->arg;
    int err = 0;

    if (b->ring_pages == 1) {
        err = xenstore_write_u64(tx, bus->path, "ring-ref", b->ring_refs[0]);
    } else {
        char key[16];
        unsigned order = (unsigned)__builtin_ctz(b->ring_pages);
        err = xenstore_write_u64(tx, bus->path, "ring-page-order", order);
        for (unsigned i = 0; i < b->ring_pages && err == 0; i++) {
            log_format(key, sizeof(key), "ring-ref%u", i);
            err = xenstore_write_u64(tx, bus->path, key, b->ring_refs[i]);
        }
    }
    if (err == 0) {
        err = xenstore_write_u64(tx, bus->path, "event-channel", b->port);
    }
    if (err == 0) {
        err = xenstore_write(tx, bus->path, "protocol", XEN_IO_PROTO_ABI_X86_64);
    }
    return err != 0 ? err
                    : xenstore_write_u64(tx, bus->path, "feature-persistent", b->options.persistent);
}

/* Nothing fits on a disk without a block; a drive may be empty (blkif.h, VDISK_CDROM). */
int blkfront_read_size(struct blkfront *b)
{
    uint64_t sectors;
    int err = xenstore_read_u64(XENSTORE_NO_TX, b->bus.backend, "sectors", &sectors);
    if (err != 0) {
        return err;
    }
    if (sectors > SECTORS_MAX) {
        return -EFBIG;
    }
    sectors -= sectors % (b->blkdev.block_size / BLKDEV_SECTOR);
    if (sectors == 0 && (backend_u64(b, "info", 0) & VDISK_CDROM) == 0) {
        return -EINVAL;
    }
    if (b->connected_once && sectors != b->blkdev.nsectors) {
        klog(LOG_INFO, "%s: %llu sectors now", b->blkdev.name, (unsigned long long)sectors);
    }
    __atomic_store_n(&b->blkdev.nsectors, sectors, __ATOMIC_RELAXED);
    return 0;
}

static int read_properties(struct blkfront *b)
{
    uint64_t size = backend_u64(b, "sector-size", BLKDEV_SECTOR);
    uint64_t info = backend_u64(b, "info", 0), granularity;

    if (size < BLKDEV_SECTOR || size > PAGE_SIZE || (size & (size - 1)) != 0) {
        b->refused = "its sector-size can't be, disk not driven";
        return -EINVAL;
    }
    if (b->connected_once && size != b->blkdev.block_size) {
        b->refused = "another block size after a resume, disk not driven";
        return -EINVAL;
    }
    b->blkdev.block_size = (uint32_t)size;
    b->blkdev.readonly = (info & (VDISK_READONLY | VDISK_CDROM)) != 0;
    int err = blkfront_read_size(b);
    if (err != 0) {
        b->refused = "its number of sectors can't be, disk not driven";
        return err;
    }
    granularity = backend_u64(b, "discard-granularity", size);
    b->blkdev.has_discard = b->options.discard && backend_u64(b, "feature-discard", 0) == 1;
    b->blkdev.discard_granularity = granularity <= UINT32_MAX ? (uint32_t)granularity : UINT32_MAX;
    return 0;
}

static void read_features(struct blkfront *b)
{
    uint64_t indirect = backend_u64(b, "feature-max-indirect-segments", 0);

    b->max_segments = BLKIF_MAX_SEGMENTS_PER_REQUEST;
    if (b->options.indirect && indirect > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
        b->max_segments = indirect < BLKFRONT_SEGMENTS ? (unsigned)indirect : BLKFRONT_SEGMENTS;
    }
    b->flush = b->options.flush && backend_u64(b, "feature-flush-cache", 0) == 1;
    b->barrier = b->options.barrier && backend_u64(b, "feature-barrier", 0) == 1;
    b->blkdev.has_flush = b->flush || b->barrier;
    /* Who is not to be trusted sees copies only, not what else lies in a page of the program's. */
    uint64_t trusted = 1;
    if (xenstore_read_u64(XENSTORE_NO_TX, b->bus.path, "trusted", &trusted) != 0) {
        trusted = 1;
    }
    b->persistent = b->options.persistent || trusted == 0;
    bool both = b->options.persistent && backend_u64(b, "feature-persistent", 0) == 1;
    klog(LOG_INFO, "%s: vbd %u: ring %u page%s, %u%s segments%s%s%s%s, %u",
         b->blkdev.name[0] != '\0' ? b->blkdev.name : "disk", b->vdev, b->ring_pages,
         b->ring_pages > 1 ? "s" : "", b->max_segments,
         b->max_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST ? " indirect" : "",
         both ? ", persistent" : b->persistent ? ", copied" : "",
         b->flush ? ", flush" : b->barrier ? ", barrier" : "", b->blkdev.has_discard ? ", discard" : "",
         b->blkdev.readonly ? ", read-only" : "", b->blkdev.block_size);
}

/* Wait for the backend; Closing and Closed are no state to work with. */
static int wait_for(struct blkfront *b, unsigned states)
{
    int state = xenbus_wait(&b->bus, states, platform_clock_ns() + WAIT_NS);
    return state == XenbusStateClosing || state == XenbusStateClosed ? -ENODEV
           : state < 0                                               ? state
                                                                     : 0;
}

int blkfront_connect(struct blkfront *b)
{
    b->refused = NULL;
    int err = wait_for(b, XENBUS_STATES(XenbusStateInitWait) | XENBUS_STATES(XenbusStateInitialised) |
                              XENBUS_STATES(XenbusStateConnected));
    if (err == 0) {
        err = ring_make(b);
    }
    if (err == 0) {
        int port = evtchn_alloc_unbound(b->bus.domain, blkfront_event, b);
        b->port = port > 0 ? (uint32_t)port : 0;
        err = port < 0 ? port : 0;
    }
    if (err == 0) {
        b->bus.arg = b;
        err = xenbus_publish(&b->bus, publish, XenbusStateInitialised);
    }
    if (err == 0) {
        err = wait_for(b, XENBUS_STATES(XenbusStateConnected));
    }
    if (err == 0) {
        err = read_properties(b);
    }
    if (err == 0) {
        read_features(b);
        err = xenbus_set_state(&b->bus, XenbusStateConnected);
    }
    return err;
}

void blkfront_disconnect(struct blkfront *b)
{
    if (b->port != 0) {
        evtchn_close(b->port);
        b->port = 0;
    }
    ring_free(b);
}
