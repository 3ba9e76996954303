/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's paravirtual block devices, the front end (public/io/blkif.h, ring.h): requests in and out.
 *
 * Threads put requests on the ring themselves and notify the backend once per batch. Answers are
 * taken in the event's handler or by whoever polls. A backend that breaks the rules or does not
 * answer is given up, and all that it had comes back with -EIO.
 */
#include <xenplat/blkfront.h>

#include <errno.h>

#include <pith/irq.h>
#include <pith/log.h>
#include <pith/platform.h>
#include <xenplat/evtchn.h>
#include <xenplat/suspend.h>

/* ---- the ring ---- */

bool blkfront_publish(struct blkfront *b)
{
    uint32_t old = b->ring->req_prod;
    if (old == b->req_prod) {
        return false;
    }
    __atomic_store_n(&b->ring->req_prod, b->req_prod, __ATOMIC_RELEASE);
    /* The backend sets req_event and then looks at req_prod; we do the opposite. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint32_t event = __atomic_load_n(&b->ring->req_event, __ATOMIC_RELAXED);
    bool notify = b->req_prod - event < b->req_prod - old;
    b->notifications += notify;
    return notify;
}

/*
 * How many answers there are; -EIO: more than there can be. Between a move and resume() none: what the
 * old backend wrote last may not have been copied.
 */
static int answers(struct blkfront *b)
{
    uint32_t prod = __atomic_load_n(&b->ring->rsp_prod, __ATOMIC_ACQUIRE);
    uint32_t n = prod - b->rsp_cons;
    if (b->generation != xen_generation()) {
        return 0;
    }
    return n > b->req_prod - b->rsp_cons ? -EIO : (int)n;
}

/* Ask for an event at the next answer; whether one has come meanwhile. */
static bool arm(struct blkfront *b)
{
    __atomic_store_n(&b->ring->rsp_event, b->rsp_cons + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return answers(b) != 0;
}

/* ---- answers ---- */

static int status_to_errno(struct blkfront *b, int status)
{
    switch (status) {
    case BLKIF_RSP_OKAY:
        return 0;
    case BLKIF_RSP_EOPNOTSUPP:
        return -ENOTSUP;
    default:
        if (b->bad_status++ == 0) {
            klog(LOG_WARNING, "%s: status %d means nothing", b->blkdev.name, status);
        }
        return -EIO;
    case BLKIF_RSP_ERROR:
        return -EIO;
    }
}

/*
 * The backend does not know an operation that it has offered (blkif.h: "may still be returned at any
 * time"). A flush is tried as the other operation; where there is none it is as with a device that
 * offers none. Returns the request's status, or 1: it has been started again.
 */
static int not_supported(struct blkfront *b, struct blk_request *req, uint8_t op)
{
    if (req->op == BLK_DISCARD) {
        b->blkdev.has_discard = false;
    }
    if (req->op != BLK_FLUSH) {
        return -ENOTSUP;
    }
    b->flush = false;
    if (op == BLKIF_OP_FLUSH_DISKCACHE && b->barrier) {
        return blkfront_start(b, req) == 0 ? 1 : -EIO; /* an entry has just become free */
    }
    klog(LOG_WARNING, "%s: the backend does not flush after all", b->blkdev.name);
    b->barrier = false;
    b->blkdev.has_flush = false;
    return 0;
}

/* An entry is answered. Returns what is wrong with that, or NULL. */
static const char *answered(struct blkfront *b, struct blkfront_io *io, int status,
                            struct blk_request **list)
{
    struct blkfront_io *leader = io->leader;
    struct blk_request *req = io->req;
    uint8_t op = io->op;

    io->busy = false;
    b->nbusy--;
    if (status == 0 && io->copied && op == BLKIF_OP_READ) {
        blkfront_io_copy_back(io);
    }
    bool well = blkfront_pages_put(b, io->pages);
    io->pages = NULL;
    if (status != 0 && leader->status == 0) {
        leader->status = status;
    }
    if (io != leader) {
        blkfront_io_release(b, io);
    }
    if (--leader->left == 0) {
        status = leader->status;
        blkfront_io_release(b, leader);
        if (status == -ENOTSUP) {
            status = not_supported(b, req, op);
        }
        if (status <= 0) {
            blkdev_end(list, req, status);
        }
    }
    return well ? NULL : "it keeps memory mapped that it is done with";
}

/* Look at one answer, which may be anything. Returns what is wrong, or NULL. */
static const char *take_one(struct blkfront *b, struct blk_request **list)
{
    /* Each field is read once: the backend can write here at any time. */
    volatile struct blkif_response *rsp =
        &b->ring->ring[b->rsp_cons & (b->ring_size - 1)].rsp;
    uint64_t id = rsp->id;
    uint8_t op = rsp->operation;
    int status = rsp->status;
    struct blkfront_io *io = &b->io[(uint32_t)id < b->nio ? (uint32_t)id : 0];

    b->rsp_cons++;
    b->responses++;
    if ((uint32_t)id >= b->nio || !io->busy || io->turn != id >> 32) {
        return "it answered what was not asked";
    }
    /* Linux answers an indirect request by what it does; nothing says that all do. */
    if (op != io->op && !(op == BLKIF_OP_INDIRECT && io->op <= BLKIF_OP_WRITE)) {
        return "it answered another operation";
    }
    return answered(b, io, status_to_errno(b, status), list);
}

void blkfront_start_again(struct blkfront *b, struct blk_request **list)
{
    while (b->again != NULL && b->state == BLKFRONT_CONNECTED) {
        struct blk_request *req = b->again;
        int err = req->op == BLK_FLUSH && !b->blkdev.has_flush ? 1 : blkfront_start(b, req);
        if (err == -ENOSPC) {
            return;
        }
        b->again = req->driver;
        req->driver = NULL;
        if (err != 0) {
            blkdev_end(list, req, err < 0 ? err : 0);
        }
    }
}

unsigned blkfront_complete(struct blkfront *b)
{
    unsigned n = 0;
    bool more = true;
    const char *wrong = NULL;
    while (more && wrong == NULL) {
        struct blk_request *list = NULL;
        bool was = spin_lock(&b->lock);
        if (b->state != BLKFRONT_CONNECTED) {
            spin_unlock(&b->lock, was);
            return n;
        }
        int count = answers(b);
        if (count < 0) {
            wrong = "its index makes no sense";
        }
        while (count-- > 0 && wrong == NULL) {
            wrong = take_one(b, &list);
        }
        bool notify = false;
        if (wrong == NULL) {
            blkfront_start_again(b, &list);
            notify = blkfront_publish(b);
            more = arm(b);
        }
        if (b->nbusy == 0) {
            waitq_wake_all(&b->idle);
        }
        uint32_t port = b->port;
        spin_unlock(&b->lock, was);
        if (notify) {
            evtchn_notify(port);
        }
        n += blkdev_done(list);
    }
    return wrong != NULL ? n + blkfront_give_up(b, wrong) : n;
}

void blkfront_event(uint32_t port, void *arg)
{
    (void)port;
    blkfront_complete(arg);
}

/* ---- the end of all requests ---- */

/* The leader with the greatest order; NULL: there is none. */
static struct blkfront_io *newest(struct blkfront *b)
{
    struct blkfront_io *best = NULL;
    for (unsigned i = 0; i < b->nio; i++) {
        struct blkfront_io *io = &b->io[i];
        if (io->req != NULL && io->leader == io && (best == NULL || io->order > best->order)) {
            best = io;
        }
    }
    return best;
}

void blkfront_withdraw(struct blkfront *b)
{
    struct blkfront_io *io;
    for (unsigned i = 0; i < b->nio; i++) {
        io = &b->io[i];
        if (io->req != NULL && io->leader != io) {
            blkfront_io_release(b, io);
        }
    }
    while ((io = newest(b)) != NULL) {
        struct blk_request *req = io->req;
        blkfront_io_release(b, io);
        req->driver = b->again;
        b->again = req;
    }
    b->nbusy = 0;
}

unsigned blkfront_end_all(struct blkfront *b, enum blkfront_state state)
{
    bool was = spin_lock(&b->lock);
    b->state = state;
    b->blkdev.failed = true;
    blkfront_withdraw(b);
    struct blk_request *list = b->again;
    b->again = NULL;
    for (struct blk_request *req = list; req != NULL; req = req->driver) {
        req->status = -EIO;
    }
    waitq_wake_all(&b->idle);
    spin_unlock(&b->lock, was);
    return blkdev_done(list);
}

unsigned blkfront_give_up(struct blkfront *b, const char *why)
{
    bool was = spin_lock(&b->lock);
    bool first = b->state != BLKFRONT_FAILED && b->state != BLKFRONT_GONE;
    unsigned out = b->nbusy;
    if (first) {
        b->state = BLKFRONT_FAILED;
    }
    spin_unlock(&b->lock, was);
    if (!first) {
        return 0;
    }
    klog(LOG_ERROR, "%s: given up with %u requests under way: %s", b->blkdev.name, out, why);
    return blkfront_end_all(b, BLKFRONT_FAILED);
}

/* ---- what libos calls ---- */

static int blk_poll(struct blkdev *dev)
{
    bool was = irq_save();
    unsigned n = blkfront_complete((struct blkfront *)dev);
    irq_restore(was);
    return (int)n;
}

/* Start up to n requests; returns how many were taken. Lock held. */
static unsigned start_some(struct blkfront *b, struct blk_request **req, unsigned n,
                           struct blk_request **list)
{
    unsigned taken = 0;
    for (; taken < n; taken++) {
        int err = blkdev_check(&b->blkdev, req[taken]);
        if (err == 0 && req[taken]->op == BLK_FLUSH && !b->blkdev.has_flush) {
            blkdev_end(list, req[taken], 0); /* what is written is durable already */
            continue;
        }
        if (err == 0) {
            err = blkfront_start(b, req[taken]);
        }
        if (err == -ENOSPC) {
            break;
        }
        if (err < 0) {
            blkdev_end(list, req[taken], err);
        }
    }
    return taken;
}

static int blk_submit(struct blkdev *dev, struct blk_request **req, unsigned n)
{
    struct blkfront *b = (struct blkfront *)dev;
    struct blk_request *list = NULL;
    unsigned taken = 0;
    bool notify = false;
    bool outer = irq_save();
    bool was = spin_lock(&b->lock);
    if (b->state == BLKFRONT_FAILED || b->state == BLKFRONT_GONE) {
        spin_unlock(&b->lock, was);
        irq_restore(outer);
        return -EIO;
    }
    /* While it is being connected again, and while older ones wait, nothing is taken. */
    if (b->state == BLKFRONT_CONNECTED && b->again == NULL) {
        taken = start_some(b, req, n, &list);
        notify = blkfront_publish(b);
        if (b->nbusy > 0 && !timer_armed(&b->watchdog)) {
            blkfront_watch_start(b);
        }
    }
    uint32_t port = b->port;
    spin_unlock(&b->lock, was);
    if (notify) {
        evtchn_notify(port);
    }
    blkdev_done(list);
    irq_restore(outer);
    return (int)taken;
}

static void blk_release(struct blkdev *dev)
{
    blkfront_destroy((struct blkfront *)dev);
}

const struct blkdev_ops blkfront_ops = {
    .submit = blk_submit, .poll = blk_poll, .release = blk_release
};
