/* SPDX-License-Identifier: BSD-2-Clause */
/* 9P: one message and its reply. A reply's fields are checked here as far as all replies have them. */
#include <errno.h>
#include <string.h>

#include <pith/log.h>
#include <pith/platform.h>

#include "p9.h"

#define LOOK_NS 1000000000ull /* how often the device is looked at while a reply does not come */
#define ROOM_NS 1000000ull    /* the same while it has no room */

int p9_lie(struct p9_client *c, const char *what)
{
    if (__atomic_fetch_add(&c->lies, 1, __ATOMIC_RELAXED) == 0) {
        klog(LOG_WARNING, "9p: '%s': the server breaks the protocol: %s", c->dev->name, what);
    }
    return -EIO;
}

/* The reply has come, or never will. Context: masked. */
static void request_done(struct p9_request *req)
{
    struct p9_call *call = req->arg;
    struct p9_client *c = call->c;
    bool was = spin_lock(&c->lock);
    call->over = true;
    waitq_wake_all(&call->done); /* the call may be gone as soon as the lock is free */
    waitq_wake_all(&c->room);
    spin_unlock(&c->lock, was);
}

_Static_assert(P9DEV_TAGS == 32, "a bit of p9_client.tags each");

void p9_begin(struct p9_call *call, struct p9_client *c, unsigned generation, uint8_t type)
{
    call->c = c;
    call->out = (struct p9_out){ .buf = call->out_buf, .cap = sizeof(call->out_buf) };
    call->more = NULL;
    call->more_len = call->tail = 0;
    call->data = NULL;
    call->data_len = 0;
    call->reply = call->in_buf;
    call->reply_len = sizeof(call->in_buf);
    call->type = type;
    call->over = false;
    call->req = (struct p9_request){ .generation = generation, .done = request_done, .arg = call };
    waitq_init(&call->done);
    p9_put32(&call->out, 0); /* size and tag are known when it is sent */
    p9_put8(&call->out, type);
    p9_put16(&call->out, 0);
}

/* A free tag, for which it waits if need be. Tversion has its own. */
static int take_tag(struct p9_call *call, uint64_t deadline)
{
    struct p9_client *c = call->c;
    int r = 0;
    if (call->type == P9_TVERSION) {
        call->req.tag = P9_NOTAG;
        return 0;
    }
    bool was = spin_lock(&c->lock);
    while (c->tags == UINT32_MAX && r == 0) {
        r = waitq_wait(&c->room, &c->lock, deadline);
    }
    if (c->tags != UINT32_MAX) {
        unsigned tag = (unsigned)__builtin_ctz(~c->tags);
        c->tags |= 1u << tag;
        call->req.tag = (uint16_t)tag;
        r = 0;
    }
    spin_unlock(&c->lock, was);
    return r != 0 ? -EIO : 0;
}

static void free_tag(struct p9_call *call)
{
    struct p9_client *c = call->c;
    if (call->req.tag != P9_NOTAG) {
        bool was = spin_lock(&c->lock);
        c->tags &= ~(1u << call->req.tag);
        waitq_wake_all(&c->room);
        spin_unlock(&c->lock, was);
    }
}

/* The pieces of the message and of the reply's buffer. */
static void lay_out(struct p9_call *call)
{
    struct p9_request *req = &call->req;
    uint32_t size = (uint32_t)(call->out.len + call->more_len);
    size_t head = call->out.len - call->tail;
    memcpy(call->out_buf, &size, sizeof(size));
    memcpy(call->out_buf + 5, &req->tag, sizeof(req->tag));
    req->out[req->nout++] = (struct p9_piece){ call->out_buf, head };
    if (call->more_len != 0) {
        req->out[req->nout++] = (struct p9_piece){ (void *)(uintptr_t)call->more, call->more_len };
    }
    if (call->tail != 0) {
        req->out[req->nout++] = (struct p9_piece){ call->out_buf + head, call->tail };
    }
    req->in[req->nin++] = (struct p9_piece){ call->reply, call->reply_len };
    if (call->data_len != 0) {
        req->in[0].len = P9_DATA_HEADER;
        req->in[req->nin++] = (struct p9_piece){ call->data, call->data_len };
    }
}

/* Hand it to the device, waiting while that has no room. */
static int submit(struct p9_call *call, uint64_t deadline)
{
    struct p9_client *c = call->c;
    struct p9dev *dev = c->dev;
    int r;
    while ((r = dev->ops->submit(dev, &call->req)) == -EAGAIN) {
        uint64_t now = platform_clock_ns();
        if (now >= deadline) {
            dev->ops->fail(dev, "it took no request in time");
            return -EIO;
        }
        bool was = spin_lock(&c->lock);
        waitq_wait(&c->room, &c->lock, now + ROOM_NS);
        spin_unlock(&c->lock, was);
        dev->ops->poll(dev);
    }
    return r;
}

int p9_send(struct p9_call *call)
{
    struct p9_client *c = call->c;
    uint64_t deadline = platform_clock_ns() + c->timeout_ns;
    if (call->out.full) {
        return -ENAMETOOLONG;
    }
    int r = take_tag(call, deadline);
    if (r != 0) {
        return r;
    }
    lay_out(call);
    r = submit(call, deadline);
    if (r != 0) {
        free_tag(call);
    }
    return r;
}

/* Wait for done(); who has not heard for too long gives the device up, which ends all requests. */
static void wait_done(struct p9_call *call)
{
    struct p9_client *c = call->c;
    struct p9dev *dev = c->dev;
    uint64_t deadline = platform_clock_ns() + c->timeout_ns;
    bool was = spin_lock(&c->lock);
    while (!call->over) {
        if (waitq_wait(&call->done, &c->lock, platform_clock_ns() + LOOK_NS) == 0 || call->over) {
            continue;
        }
        spin_unlock(&c->lock, was);
        dev->ops->poll(dev);
        if (platform_clock_ns() >= deadline) {
            dev->ops->fail(dev, "a request was not answered in time");
        }
        was = spin_lock(&c->lock);
    }
    spin_unlock(&c->lock, was);
}

/* The frame of a reply: length, type, tag; and an error that it brings. */
static int read_frame(struct p9_call *call)
{
    struct p9_client *c = call->c;
    size_t received = call->req.received;
    size_t head = call->req.in[0].len;
    call->in = (struct p9_in){ .at = call->reply, .left = received < head ? received : head };
    uint32_t size = p9_get32(&call->in);
    uint8_t type = p9_get8(&call->in);
    uint16_t tag = p9_get16(&call->in);
    if (call->in.bad || size < P9_HEADER || size > received) {
        return p9_lie(c, "the length of a reply");
    }
    if (size - P9_HEADER < call->in.left) {
        call->in.left = size - P9_HEADER; /* what lies behind is not the reply's */
    }
    if (tag != call->req.tag) {
        return p9_lie(c, "the tag of a reply");
    }
    if (type == P9_RLERROR) {
        int r = p9_errno(p9_get32(&call->in));
        return call->in.bad ? p9_lie(c, "an error without its number") : r;
    }
    if (type != call->type + 1) {
        return p9_lie(c, "the type of a reply");
    }
    if (call->data_len != 0) {
        uint32_t count = p9_get32(&call->in);
        if (call->in.bad || count > call->data_len || count > size - P9_DATA_HEADER) {
            return p9_lie(c, "the count of data");
        }
        call->data_len = count;
    }
    return 0;
}

int p9_finish(struct p9_call *call)
{
    wait_done(call);
    int r = call->req.status;
    if (r == 0) {
        r = read_frame(call);
    }
    free_tag(call);
    return r;
}

int p9_do(struct p9_call *call)
{
    int r = p9_send(call);
    return r != 0 ? r : p9_finish(call);
}

int p9_check(struct p9_call *call)
{
    return call->in.bad ? p9_lie(call->c, "a reply that is too short") : 0;
}
