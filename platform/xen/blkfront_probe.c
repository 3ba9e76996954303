/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a block front end: it appears, is connected, again after a resume, changes, goes. */
#include <xenplat/blkfront.h>

#include <errno.h>
#include <string.h>

#include <pith/cmdline.h>
#include <pith/list.h>
#include <pith/log.h>
#include <pith/page.h>
#include <x86/probe.h>
#include <xenplat/evtchn.h>
#include <xenplat/frontend.h>
#include <xenplat/grant.h>

#define TIMEOUT_S    30
#define PARTS_MAX    16u /* a request of libos may have so many segments: each may cut a page */
#define DRAIN_NS     2000000000ULL
#define PART_NS      5000000000ULL
#define SELF_PAGES   ((sizeof(struct blkfront) + PAGE_SIZE - 1) / PAGE_SIZE)
#define PER_PAGE     32u /* entries of the ring in a page, at most */

static size_t io_pages(const struct blkfront *b)
{
    return (b->nio * sizeof(struct blkfront_io) + PAGE_SIZE - 1) / PAGE_SIZE;
}

void blkfront_destroy(struct blkfront *b)
{
    if (b->io != NULL) {
        page_free_n(b->io, io_pages(b));
    }
    page_free_n(b, SELF_PAGES);
}

static int alloc_io(struct blkfront *b)
{
    b->nio = b->options.ring_pages * PER_PAGE;
    b->io = page_alloc_n(io_pages(b));
    if (b->io == NULL) {
        return -ENOMEM;
    }
    memset(b->io, 0, io_pages(b) * PAGE_SIZE);
    for (unsigned i = 0; i < b->nio; i++) {
        b->io[i].next = b->free_io;
        b->free_io = &b->io[i];
    }
    return blkfront_pages_init(b);
}

static struct blkfront *make(unsigned vdev)
{
    struct blkfront *b = page_alloc_n(SELF_PAGES);
    if (b == NULL) {
        return NULL;
    }
    memset(b, 0, sizeof(*b));
    b->vdev = vdev;
    b->blkdev.ops = &blkfront_ops;
    b->blkdev.max_bytes = BLKFRONT_MAX_BYTES;
    b->blkdev.max_segments = PARTS_MAX;
    b->timeout_s = (unsigned)cmdline_get_u64("blk.timeout", TIMEOUT_S);
    blkfront_options_parse(cmdline_get("xen.blk"), &b->options);
    blkfront_name(vdev, b->blkdev.name, b->blkdev.alias);
    timer_init(&b->watchdog, blkfront_watchdog);
    waitq_init(&b->idle);
    return b;
}

/* Open for requests; those that waited go first. */
static void go(struct blkfront *b)
{
    struct blk_request *list = NULL;
    bool outer = irq_save();
    bool was = spin_lock(&b->lock);
    b->state = BLKFRONT_CONNECTED;
    b->connected_once = true;
    blkfront_start_again(b, &list);
    bool notify = blkfront_publish(b);
    if (b->nbusy > 0) {
        blkfront_watch_start(b);
    }
    spin_unlock(&b->lock, was);
    evtchn_unmask(b->port);
    if (notify) {
        evtchn_notify(b->port);
    }
    blkdev_done(list);
    irq_restore(outer);
}

static int attach(const char *path, unsigned number, struct xenbus_device **device)
{
    struct blkfront *b = make(number);
    if (b == NULL) {
        return -ENOMEM;
    }
    int err = xenbus_open(&b->bus, path);
    if (err != 0) {
        klog(LOG_ERROR, "xen: %s: it has no backend (%d)", path, err);
        blkfront_destroy(b);
        return err;
    }
    err = alloc_io(b);
    if (err == 0) {
        err = blkfront_connect(b);
    }
    if (err != 0) {
        xenbus_report(&b->bus, err, b->refused != NULL    ? b->refused
                                    : err == -ETIMEDOUT ? "the backend does not answer, disk not driven"
                                                        : "disk not driven");
        xenbus_part(&b->bus, platform_clock_ns() + PART_NS); /* it may have mapped the ring */
        xenbus_close(&b->bus);
        blkfront_disconnect(b);
        blkfront_pages_free(b);
        blkfront_destroy(b);
        return err;
    }
    go(b);
    *device = &b->bus;
    blkdev_attach(&b->blkdev);
    return 0;
}

/* Wait until the backend has answered everything, if it does so soon. */
static void drain(struct blkfront *b)
{
    uint64_t deadline = platform_clock_ns() + DRAIN_NS;
    int err = 0;
    bool was = spin_lock(&b->lock);
    while (b->state == BLKFRONT_CONNECTED && b->nbusy > 0 && err == 0) {
        err = waitq_wait(&b->idle, &b->lock, deadline);
    }
    if (b->state != BLKFRONT_FAILED) {
        b->state = BLKFRONT_GONE;
    }
    spin_unlock(&b->lock, was);
}

static void part(struct blkfront *b)
{
    int err = xenbus_part(&b->bus, platform_clock_ns() + PART_NS);
    if (err != 0) {
        klog(LOG_WARNING, "%s: its backend does not close (%d)", b->blkdev.name, err);
    }
}

/* What is under way fails when the backend has let go; what comes later fails, too. */
static void lost(struct xenbus_device *device)
{
    struct blkfront *b = LIST_ENTRY(device, struct blkfront, bus);

    part(b);
    bool outer = irq_save();
    blkfront_give_up(b, "its backend has closed");
    irq_restore(outer);
}

/*
 * What the backend has still to do it may do, unless it has gone; the rest fails, but only after it
 * has let go, so that it does not write to memory that has another use by then. A backend that does
 * not let go costs the wait.
 */
static void detach(struct xenbus_device *device)
{
    struct blkfront *b = LIST_ENTRY(device, struct blkfront, bus);

    blkdev_detach(&b->blkdev);
    if (xenbus_backend_state(device) != XenbusStateClosed) {
        drain(b);
    }
    part(b);
    bool outer = irq_save();
    blkfront_end_all(b, BLKFRONT_GONE);
    timer_cancel(&b->watchdog);
    irq_restore(outer);
    xenbus_close(device);
    blkfront_disconnect(b);
    blkfront_pages_free(b);
    blkdev_put(&b->blkdev);
}

/*
 * A new ring to a backend that knows nothing of the old one. Requests that were not answered are
 * made again in their order: a flush comes after the writes that it was asked after, and answers for
 * those that were answered before the move as well, since the disk is the same.
 */
static void resume(struct xenbus_device *device)
{
    struct blkfront *b = LIST_ENTRY(device, struct blkfront, bus);
    char path[XENSTORE_PATH_MAX];
    bool was = spin_lock(&b->lock);
    bool works = b->state == BLKFRONT_CONNECTED || b->state == BLKFRONT_OFF;
    if (works) {
        b->state = BLKFRONT_OFF;
        blkfront_withdraw(b);
    }
    b->port = 0; /* it is not ours any more */
    spin_unlock(&b->lock, was);
    timer_cancel(&b->watchdog);
    blkfront_disconnect(b);
    xenbus_close(device);
    memcpy(path, device->path, sizeof(path));
    int err = xenbus_open(device, path);
    if (err == 0 && works) {
        was = spin_lock(&b->lock);
        blkfront_pages_again(b);
        spin_unlock(&b->lock, was);
        err = blkfront_connect(b);
    }
    if (err == 0 && works) {
        go(b);
        return;
    }
    if (works) {
        xenbus_report(device, err, b->refused != NULL ? b->refused : "disk not connected again");
        bool outer = irq_save();
        blkfront_end_all(b, BLKFRONT_FAILED);
        irq_restore(outer);
        xenbus_set_state(device, XenbusStateClosed);
    }
}

static void changed(struct xenbus_device *device, int state)
{
    struct blkfront *b = LIST_ENTRY(device, struct blkfront, bus);

    if (state != XenbusStateConnected) {
        return;
    }
    int err = blkfront_read_size(b);
    if (err != 0 && b->bad_size++ == 0) {
        klog(LOG_WARNING, "%s: its new number of sectors can't be (%d); it keeps the old one",
             b->blkdev.name, err);
    }
}

int xen_blkfront_probe(void)
{
    static struct xen_frontend kind = {
        .kind = "vbd", .attach = attach, .detach = detach, .lost = lost, .resume = resume,
        .changed = changed,
    };
    int n = xen_frontend_start(&kind);
    return n < 0 ? 0 : n;
}
