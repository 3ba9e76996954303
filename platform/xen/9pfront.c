/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 9pfs front end: messages through the rings. All that the backend writes is bounded before it is
 * used; a stream that makes no sense ends the device, because nothing after it can be understood.
 */
#include <xenplat/9pfront.h>

#include <errno.h>

#include <pith/irq.h>
#include <pith/log.h>
#include <xenplat/evtchn.h>

#define HEADER 7u /* size[4] type[1] tag[2] */
#define NOTAG  0xffffu

/* The C library's memcpy() may use vector registers, which an interrupt must leave alone. */
static void copy(void *dst, const void *src, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

/* Bytes between a place of a stream and `p`, around the stream's end. */
static void put(struct p9front_ring *r, uint32_t at, const char *p, size_t n)
{
    uint32_t begin = at & (r->size - 1);
    size_t first = n < r->size - begin ? n : r->size - begin;
    copy(r->out + begin, p, first);
    copy(r->out, p + first, n - first);
}

static void get(const struct p9front_ring *r, uint32_t at, char *p, size_t n)
{
    uint32_t begin = at & (r->size - 1);
    size_t first = n < r->size - begin ? n : r->size - begin;
    copy(p, r->in + begin, first);
    copy(p + first, r->in, n - first);
}

static size_t length(const struct p9_piece *piece, unsigned n)
{
    size_t total = 0;
    for (unsigned i = 0; i < n; i++) {
        total += piece[i].len;
    }
    return total;
}

static struct p9_request **slot(struct p9front *d, uint16_t tag)
{
    return tag < P9DEV_TAGS ? &d->pending[tag] : tag == NOTAG ? &d->pending[P9DEV_TAGS] : NULL;
}

static struct p9front_ring *ring_of(struct p9front *d, uint16_t tag)
{
    return &d->ring[tag % d->nrings];
}

void p9front_end_all(struct p9front *d, int status)
{
    for (unsigned i = 0; i < P9FRONT_PENDING; i++) {
        bool was = spin_lock(&d->lock);
        struct p9_request *req = d->pending[i];
        d->pending[i] = NULL;
        if (req != NULL) {
            ring_of(d, req->tag)->promised -= (uint32_t)length(req->in, req->nin);
        }
        spin_unlock(&d->lock, was);
        if (req != NULL) {
            req->status = status;
            bool masked = irq_save();
            req->done(req);
            irq_restore(masked);
        }
    }
}

static void give_up(struct p9front *d, const char *why)
{
    if (!__atomic_exchange_n(&d->p9dev.failed, true, __ATOMIC_ACQ_REL)) {
        klog(LOG_ERROR, "xen: %s: %s; it is given up", d->bus.path, why);
    }
    p9front_end_all(d, -EIO);
}

/*
 * The next whole reply: its request, with what came in its buffer. NULL: there is none; *why is set
 * where there never will be. Context: lock held.
 */
static struct p9_request *take(struct p9front_ring *r, const char **why)
{
    uint8_t header[HEADER];
    uint32_t size;
    uint16_t tag;
    uint32_t ready = __atomic_load_n(&r->intf->in_prod, __ATOMIC_ACQUIRE) - r->in_cons;
    if (ready > r->size) {
        *why = "an index out of range";
        return NULL;
    }
    if (ready < HEADER) {
        return NULL;
    }
    get(r, r->in_cons, (char *)header, HEADER);
    __builtin_memcpy(&size, header, sizeof(size));
    __builtin_memcpy(&tag, header + 5, sizeof(tag));
    if (size < HEADER || size > r->size) {
        *why = "a reply of impossible length";
        return NULL;
    }
    if (ready < size) {
        return NULL; /* the rest is on its way */
    }
    struct p9_request **at = slot(r->device, tag);
    struct p9_request *req = at != NULL && ring_of(r->device, tag) == r ? *at : NULL;
    if (req == NULL) {
        *why = "a reply to no request";
        return NULL;
    }
    *at = NULL;
    size_t done = 0;
    for (unsigned i = 0; i < req->nin && done < size; i++) {
        size_t n = req->in[i].len < size - done ? req->in[i].len : size - done;
        get(r, r->in_cons + (uint32_t)done, req->in[i].base, n);
        done += n;
    }
    req->received = done;
    req->status = 0;
    r->promised -= (uint32_t)length(req->in, req->nin);
    r->in_cons += size;
    __atomic_store_n(&r->intf->in_cons, r->in_cons, __ATOMIC_RELEASE);
    return req;
}

/* Context: masked. */
static void complete(struct p9front_ring *r)
{
    struct p9front *d = r->device;
    const char *why = NULL;
    struct p9_request *req;
    do {
        bool was = spin_lock(&d->lock);
        req = d->connected && !d->p9dev.failed ? take(r, &why) : NULL;
        spin_unlock(&d->lock, was);
        if (req != NULL) {
            req->done(req); /* it may be gone */
        }
    } while (req != NULL);
    if (why != NULL) {
        give_up(d, why);
    }
}

void p9front_interrupt(uint32_t port, void *arg)
{
    (void)port;
    complete(arg);
}

/* Put the message into the ring. Context: lock held. */
static int start(struct p9front *d, struct p9front_ring *r, struct p9_request *req)
{
    size_t len = length(req->out, req->nout);
    size_t reply = length(req->in, req->nin);
    struct p9_request **at = slot(d, req->tag);
    if (d->p9dev.failed || at == NULL || *at != NULL || len > r->size || reply > r->size) {
        return -EIO;
    }
    if (req->generation != d->p9dev.generation) {
        return -EPIPE;
    }
    uint32_t used = r->out_prod - __atomic_load_n(&r->intf->out_cons, __ATOMIC_ACQUIRE);
    if (d->connected && used > r->size) {
        return -ERANGE;
    }
    if (!d->connected || len > r->size - used || reply > r->size - r->promised) {
        return -EAGAIN;
    }
    uint32_t to = r->out_prod;
    for (unsigned i = 0; i < req->nout; i++) {
        put(r, to, req->out[i].base, req->out[i].len);
        to += (uint32_t)req->out[i].len;
    }
    *at = req;
    r->promised += (uint32_t)reply;
    r->out_prod = to;
    __atomic_store_n(&r->intf->out_prod, to, __ATOMIC_RELEASE);
    return 0;
}

static int submit(struct p9dev *dev, struct p9_request *req)
{
    struct p9front *d = (struct p9front *)dev;
    struct p9front_ring *r = ring_of(d, req->tag);
    bool was = spin_lock(&d->lock);
    int result = start(d, r, req);
    uint32_t port = r->port;
    spin_unlock(&d->lock, was);
    if (result == 0) {
        evtchn_notify(port);
    } else if (result == -ERANGE) {
        give_up(d, "an index out of range");
        result = -EIO;
    }
    return result;
}

static void poll(struct p9dev *dev)
{
    struct p9front *d = (struct p9front *)dev;
    bool was = irq_save();
    for (unsigned i = 0; i < d->nrings; i++) {
        complete(&d->ring[i]);
    }
    irq_restore(was);
}

static void fail(struct p9dev *dev, const char *why)
{
    give_up((struct p9front *)dev, why);
}

const struct p9dev_ops p9front_ops = { .submit = submit, .poll = poll, .fail = fail };
