/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 9pfs front end: finding devices, sharing rings with the backend, and doing it again after a
 * resume.
 *
 * What is in xenstore (xen docs/misc/9pfs.pandoc): the backend's versions, max-rings and
 * max-ring-page-order, the toolstack's tag in our part; we write version, num-rings, and a ring-refN
 * and event-channel-N for each. A ring's indices and the references of its pages are in one page more.
 */
#include <xenplat/9pfront.h>

#include <errno.h>

#include <pith/log.h>
#include <pith/page.h>
#include <pith/platform.h>
#include <x86/probe.h>
#include <xenplat/evtchn.h>
#include <xenplat/frontend.h>
#include <xenplat/grant.h>

#define WAIT_NS 30000000000ull /* QEMU has to be started, in places without haste */
#define PART_NS 5000000000ull

#define SELF_PAGES ((sizeof(struct p9front) + PAGE_SIZE - 1) / PAGE_SIZE)

/* ---- rings ---- */

/* No access any more. A backend that keeps a page keeps them all: they are left to it for good. */
static void ring_free(struct p9front *d, struct p9front_ring *r)
{
    unsigned n = 1u << r->order;
    unsigned kept = 0;
    if (r->port != 0) {
        evtchn_close(r->port);
        r->port = 0;
    }
    if (r->intf == NULL) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        kept += grant_revoke(r->refs[i]) == -EBUSY;
    }
    kept += grant_revoke(r->intf_ref) == -EBUSY;
    if (kept != 0) {
        klog(LOG_WARNING, "xen: %s: the backend keeps %u pages of ours", d->bus.path, kept);
    } else {
        grant_free(r->refs, n);
        grant_free(&r->intf_ref, 1);
        page_free_n(r->in, n);
        page_free(r->intf, 0);
    }
    r->intf = NULL;
}

/* Let the backend have the pages. They are zero, and so are the indices. Errors: grant_access()'s. */
static int ring_share(struct p9front *d, struct p9front_ring *r)
{
    memset(r->intf, 0, PAGE_SIZE);
    r->in_cons = r->out_prod = r->promised = 0;
    r->intf->ring_order = r->order;
    int result = grant_access(r->intf_ref, d->bus.domain, r->intf, false);
    for (unsigned i = 0; i < 1u << r->order && result == 0; i++) {
        r->intf->ref[i] = r->refs[i];
        result = grant_access(r->refs[i], d->bus.domain, r->in + i * PAGE_SIZE, false);
    }
    if (result == 0) {
        result = evtchn_alloc_unbound(d->bus.domain, p9front_interrupt, r);
        r->port = result > 0 ? (uint32_t)result : 0;
        result = result > 0 ? 0 : result;
    }
    return result;
}

static int ring_new(struct p9front *d, struct p9front_ring *r, unsigned order)
{
    unsigned n = 1u << order;
    r->device = d;
    r->order = order;
    r->size = (uint32_t)XEN_FLEX_RING_SIZE(order);
    r->intf = page_alloc(0);
    r->in = r->intf != NULL ? page_alloc_n(n) : NULL;
    int result = r->in == NULL ? -ENOMEM : grant_alloc(r->refs, n);
    if (result == 0) {
        result = grant_alloc(&r->intf_ref, 1);
        if (result != 0) {
            grant_free(r->refs, n);
        }
    }
    if (result != 0) {
        if (r->in != NULL) {
            page_free_n(r->in, n);
        }
        if (r->intf != NULL) {
            page_free(r->intf, 0);
        }
        r->intf = NULL;
        return result;
    }
    memset(r->in, 0, n * PAGE_SIZE); /* nothing of what was there is shown */
    r->out = r->in + r->size;
    return ring_share(d, r);
}

/* ---- what the two halves tell each other ---- */

static struct p9front *device_of(struct xenbus_device *bus)
{
    return (struct p9front *)((char *)bus - offsetof(struct p9front, bus));
}

static int publish(uint32_t tx, struct xenbus_device *bus)
{
    struct p9front *d = device_of(bus);
    char key[24];
    int result = xenstore_write_u64(tx, bus->path, "version", 1);
    if (result == 0) {
        result = xenstore_write_u64(tx, bus->path, "num-rings", d->nrings);
    }
    for (unsigned i = 0; i < d->nrings && result == 0; i++) {
        log_format(key, sizeof(key), "ring-ref%u", i);
        result = xenstore_write_u64(tx, bus->path, key, d->ring[i].intf_ref);
        if (result == 0) {
            log_format(key, sizeof(key), "event-channel-%u", i);
            result = xenstore_write_u64(tx, bus->path, key, d->ring[i].port);
        }
    }
    return result;
}

/* Is version 1 in the list "1,2"? */
static bool has_version_1(const char *list)
{
    for (const char *at = list; *at != '\0';) {
        size_t n = strcspn(at, ",");
        if (n == 1 && *at == '1') {
            return true;
        }
        at += n + (at[n] == ',');
    }
    return false;
}

/* What the backend can do, when it has said so. Errors: -EPROTO, -ENODEV it went, xenstore's. */
static int read_backend(struct p9front *d, uint64_t *rings, uint64_t *order)
{
    char versions[64];
    int state = xenbus_wait(&d->bus, XENBUS_STATES(XenbusStateInitWait),
                            platform_clock_ns() + WAIT_NS);
    if (state != XenbusStateInitWait) {
        return state < 0 ? state : -ENODEV;
    }
    ssize_t n = xenstore_read(XENSTORE_NO_TX, d->bus.backend, "versions", versions,
                              sizeof(versions));
    int result = n < 0 ? (int)n : 0;
    if (result == 0 && !has_version_1(versions)) {
        result = -EPROTO;
    }
    if (result == 0) {
        result = xenstore_read_u64(XENSTORE_NO_TX, d->bus.backend, "max-rings", rings);
    }
    if (result == 0) {
        result = xenstore_read_u64(XENSTORE_NO_TX, d->bus.backend, "max-ring-page-order", order);
    }
    /* Order 3 is 8 pages: 16 KiB a stream, the least that P9DEV_SMALLEST goes into twice. */
    return result == 0 && (*rings < 1 || *order < 3) ? -EPROTO : result;
}

/* Tell the backend where the rings are, and wait until it has them. */
static int connect_rings(struct p9front *d)
{
    int result = xenbus_publish(&d->bus, publish, XenbusStateInitialised);
    if (result == 0) {
        int state = xenbus_wait(&d->bus, XENBUS_STATES(XenbusStateConnected),
                                platform_clock_ns() + WAIT_NS);
        result = state == XenbusStateConnected ? 0 : state < 0 ? state : -ENODEV;
    }
    if (result == 0) {
        result = xenbus_set_state(&d->bus, XenbusStateConnected);
    }
    if (result == 0) {
        bool was = spin_lock(&d->lock);
        d->connected = true;
        spin_unlock(&d->lock, was);
        for (unsigned i = 0; i < d->nrings; i++) {
            evtchn_unmask(d->ring[i].port);
        }
    }
    return result;
}

/* ---- a device's life ---- */

static int read_tag(struct p9front *d)
{
    ssize_t n = xenstore_read(XENSTORE_NO_TX, d->bus.path, "tag", d->p9dev.name,
                              sizeof(d->p9dev.name));
    for (ssize_t i = 0; i < n; i++) {
        if ((unsigned char)d->p9dev.name[i] < ' ') {
            d->p9dev.name[i] = '?'; /* it goes to the log */
        }
    }
    return n < 0 ? (int)n : n == 0 ? -EINVAL : 0;
}

static int set_up(struct p9front *d)
{
    uint64_t rings, order;
    int result = read_tag(d);
    if (result == 0) {
        result = read_backend(d, &rings, &order);
    }
    if (result != 0) {
        return result;
    }
    d->nrings = rings < P9FRONT_RINGS ? (unsigned)rings : P9FRONT_RINGS;
    order = order < P9FRONT_ORDER ? order : P9FRONT_ORDER;
    for (unsigned i = 0; i < d->nrings && result == 0; i++) {
        result = ring_new(d, &d->ring[i], (unsigned)order);
    }
    /* Two of the longest at a time. */
    d->p9dev.max_message = d->ring[0].size / 2;
    return result != 0 ? result : connect_rings(d);
}

static int attach(const char *path, unsigned number, struct xenbus_device **device)
{
    (void)number;
    struct p9front *d = page_alloc_n(SELF_PAGES);
    if (d == NULL) {
        return -ENOMEM;
    }
    memset(d, 0, sizeof(*d));
    d->p9dev.ops = &p9front_ops;
    d->nrings = 1;
    int result = xenbus_open(&d->bus, path);
    if (result != 0) {
        page_free_n(d, SELF_PAGES);
        return result;
    }
    result = set_up(d);
    if (result != 0) {
        xenbus_report(&d->bus, result, "the shared folder can't be connected");
        xenbus_close(&d->bus);
        for (unsigned i = 0; i < P9FRONT_RINGS; i++) {
            ring_free(d, &d->ring[i]);
        }
        page_free_n(d, SELF_PAGES);
        return result;
    }
    p9dev_attach(&d->p9dev);
    *device = &d->bus;
    return 0;
}

/* The device itself stays: the file system that is mounted answers -EIO from now on. */
static void detach(struct xenbus_device *device)
{
    struct p9front *d = device_of(device);
    p9front_ops.fail(&d->p9dev, "the backend has gone");
    bool was = spin_lock(&d->lock);
    d->connected = false;
    spin_unlock(&d->lock, was);
    xenbus_part(device, platform_clock_ns() + PART_NS);
    xenbus_close(device);
    for (unsigned i = 0; i < d->nrings; i++) {
        ring_free(d, &d->ring[i]);
    }
}

/*
 * Connect again. What was under way comes back with -EPIPE: whether it was done nobody knows, and
 * the new server knows no fid. The file system finds its files again by their names (p9_fid.c).
 */
static void resume(struct xenbus_device *device)
{
    struct p9front *d = device_of(device);
    int result = 0;
    if (d->p9dev.failed) {
        for (unsigned i = 0; i < d->nrings; i++) {
            d->ring[i].port = 0; /* the number may be somebody else's now */
        }
        return;
    }
    bool was = spin_lock(&d->lock);
    d->connected = false;
    __atomic_fetch_add(&d->p9dev.generation, 1, __ATOMIC_RELEASE);
    spin_unlock(&d->lock, was);
    p9front_end_all(d, -EPIPE);
    xenbus_close(device);
    char path[XENSTORE_PATH_MAX];
    strlcpy(path, device->path, sizeof(path));
    result = xenbus_open(device, path); /* the backend may be another one */
    uint64_t rings, order;
    if (result == 0) {
        result = read_backend(d, &rings, &order);
    }
    if (result == 0 && (rings < d->nrings || order < d->ring[0].order)) {
        result = -EPROTO;
    }
    for (unsigned i = 0; i < d->nrings && result == 0; i++) {
        struct p9front_ring *r = &d->ring[i];
        for (unsigned page = 0; page < 1u << r->order; page++) {
            grant_revoke(r->refs[page]);
        }
        grant_revoke(r->intf_ref);
        r->port = 0; /* the number may be somebody else's now */
        result = ring_share(d, r);
    }
    if (result == 0) {
        result = connect_rings(d);
    }
    if (result != 0) {
        xenbus_report(device, result, "the shared folder can't be connected again");
        p9front_ops.fail(&d->p9dev, "not connected after a resume");
    }
}

static struct xen_frontend kind = {
    .kind = "9pfs",
    .attach = attach,
    .detach = detach,
    .resume = resume,
};

int xen_9p_probe(void)
{
    int n = xen_frontend_start(&kind);
    return n > 0 ? n : 0;
}
