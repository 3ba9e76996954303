/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 9P: the connection and its fids, which are the server's handles of files.
 *
 * When the machine was moved, the server is another one that knows none of our fids. Each node is
 * then found again by its names when it is next used, and its open fids are opened again. Numbers of
 * the old connection are never used in the new one, so that a message which comes too late can't
 * mean another file.
 */
#include <errno.h>
#include <string.h>

#include <pith/heap.h>
#include <pith/log.h>

#include "p9.h"

#define P9_TRIES  3u
#define DEPTH_MAX 256u /* of directories above a node that is found again */

static const char version[] = "9P2000.L";

static int agree(struct p9_client *c, unsigned generation)
{
    struct p9_call call;
    size_t len;
    p9_begin(&call, c, generation, P9_TVERSION);
    p9_put32(&call.out, c->dev->max_message);
    p9_put_text(&call.out, version, strlen(version));
    int r = p9_do(&call);
    if (r != 0) {
        return r;
    }
    uint32_t size = p9_get32(&call.in);
    const char *text = p9_get_text(&call.in, &len);
    r = p9_check(&call);
    if (r != 0) {
        return r;
    }
    if (len != strlen(version) || memcmp(text, version, len) != 0) {
        klog(LOG_ERROR, "9p: '%s': the server speaks no 9P2000.L", c->dev->name);
        return -EPROTO;
    }
    if (size < 4096 || size > c->dev->max_message) {
        return p9_lie(c, "the size of messages");
    }
    uint32_t chunk = size - P9_WRITE_HEADER;
    if (c->chunk != 0 && chunk < c->chunk) {
        return p9_lie(c, "smaller messages than before");
    }
    c->chunk = c->chunk != 0 ? c->chunk : chunk;
    return 0;
}

int p9_connect(struct p9_client *c, uint32_t root_fid, struct p9_qid *root)
{
    struct p9_call call;
    unsigned generation = __atomic_load_n(&c->dev->generation, __ATOMIC_ACQUIRE);
    int r = agree(c, generation);
    if (r != 0) {
        return r;
    }
    p9_begin(&call, c, generation, P9_TATTACH);
    p9_put32(&call.out, root_fid);
    p9_put32(&call.out, P9_NOFID); /* no authentication */
    p9_put_text(&call.out, "", 0); /* user: by number */
    p9_put_text(&call.out, "", 0); /* the folder: the transport's only one */
    p9_put32(&call.out, 0);        /* root, as everything here */
    r = p9_do(&call);
    if (r == 0) {
        *root = p9_get_qid(&call.in);
        r = p9_check(&call);
    }
    if (r == 0) {
        __atomic_store_n(&c->generation, generation, __ATOMIC_RELEASE);
    }
    return r;
}

int p9_fid_alloc(struct p9_client *c, uint32_t *fid)
{
    int r = 0;
    bool was = spin_lock(&c->lock);
    if (c->nfree != 0) {
        *fid = c->free_fids[--c->nfree];
    } else if (c->last_fid < P9_NOFID - 1) {
        *fid = ++c->last_fid;
    } else {
        r = -ENFILE;
    }
    spin_unlock(&c->lock, was);
    return r;
}

void p9_fid_free(struct p9_client *c, uint32_t fid)
{
    uint32_t *bigger = NULL;
    bool was = spin_lock(&c->lock);
    uint32_t cap = c->cap;
    if (c->nfree == cap) {
        /* The heap may be asked under a spin lock; what it can't hold is a number lost, no more. */
        cap = cap != 0 ? 2 * cap : 64;
        bigger = heap_alloc(cap * sizeof(*bigger));
    }
    uint32_t *old = NULL;
    if (bigger != NULL) {
        old = c->free_fids;
        if (old != NULL) {
            memcpy(bigger, old, c->nfree * sizeof(*bigger));
        }
        c->free_fids = bigger;
        c->cap = cap;
    }
    if (c->nfree < c->cap) {
        c->free_fids[c->nfree++] = fid;
    }
    spin_unlock(&c->lock, was);
    heap_free(old);
}

void p9_clunk(struct p9_client *c, uint32_t fid, unsigned generation)
{
    struct p9_call call;
    if (fid == P9_NOFID || generation != __atomic_load_n(&c->dev->generation, __ATOMIC_ACQUIRE)) {
        return; /* the number is not given back: see the top */
    }
    p9_begin(&call, c, generation, P9_TCLUNK);
    p9_put32(&call.out, fid);
    int r = p9_do(&call);
    if (r != -EPIPE) {
        p9_fid_free(c, fid); /* also after an error: clunk(5) says that the fid is over */
    }
}

int p9_walk(struct p9_client *c, unsigned generation, uint32_t from, uint32_t to, struct name name,
            struct p9_qid *qid)
{
    struct p9_call call;
    p9_begin(&call, c, generation, P9_TWALK);
    p9_put32(&call.out, from);
    p9_put32(&call.out, to);
    p9_put16(&call.out, name.len != 0);
    if (name.len != 0) {
        p9_put_text(&call.out, name.text, name.len);
    }
    int r = p9_do(&call);
    if (r != 0) {
        return r;
    }
    uint16_t n = p9_get16(&call.in);
    struct p9_qid found = { 0, 0 };
    if (n != (name.len != 0)) {
        return n == 0 ? -ENOENT : p9_lie(c, "more names walked than asked");
    }
    if (n != 0) {
        found = p9_get_qid(&call.in);
    }
    r = p9_check(&call);
    if (r == 0 && n != 0 && qid != NULL) {
        *qid = found;
    }
    return r;
}

int p9_lopen(struct p9_client *c, unsigned generation, uint32_t fid, uint32_t flags)
{
    struct p9_call call;
    p9_begin(&call, c, generation, P9_TLOPEN);
    p9_put32(&call.out, fid);
    p9_put32(&call.out, flags);
    return p9_do(&call); /* qid and iounit: we know the former, and need no more than a message has */
}

/* Open a node's open fids again. Context: c->renew held. */
static int reopen(struct p9_node *n, uint32_t fid, unsigned generation)
{
    struct p9_client *c = n->c;
    bool same = n->fid[P9_READ] == n->fid[P9_WRITE];
    for (unsigned i = P9_READ; i < P9_FIDS; i++) {
        uint32_t open;
        if (n->fid[i] == P9_NOFID) {
            continue;
        }
        if (i == P9_WRITE && same) {
            n->fid[i] = n->fid[P9_READ];
            continue;
        }
        int r = p9_fid_alloc(c, &open);
        if (r == 0) {
            r = p9_walk(c, generation, fid, open, (struct name){ "", 0 }, NULL);
        }
        if (r == 0) {
            r = p9_lopen(c, generation, open, n->open_flags[i]);
        }
        if (r != 0) {
            return r;
        }
        n->fid[i] = open;
    }
    return 0;
}

/* Find a node again whose parent has been found. Context: c->renew held. */
static int renew_one(struct p9_node *n, unsigned generation)
{
    struct p9_client *c = n->c;
    struct p9_node *parent;
    char name[NAME_MAX + 1];
    uint32_t fid;
    struct p9_qid qid;
    int r = p9_place(n, &parent, name);
    if (r != 0) {
        return r;
    }
    r = n->removed || parent == NULL || parent->generation != generation ? -ESTALE : 0;
    if (r == 0) {
        r = p9_fid_alloc(c, &fid);
    }
    if (r == 0) {
        r = p9_walk(c, generation, parent->fid[P9_NODE], fid, (struct name){ name, strlen(name) },
                    &qid);
    }
    if (r == 0) {
        /* The host may be another one with its own numbers: the name decides, the kind has to fit. */
        r = qid.type != n->qid.type ? -ESTALE : reopen(n, fid, generation);
    }
    if (r == 0) {
        n->qid = qid;
        n->fid[P9_NODE] = fid;
        __atomic_store_n(&n->generation, generation, __ATOMIC_RELEASE);
    }
    vnode_unref(parent != NULL ? &parent->v : NULL);
    return r == -ENOENT ? -ESTALE : r;
}

/* The highest of the nodes above `n` (or itself) that has to be found again; with a reference. */
static struct p9_node *highest_old(struct p9_node *n, unsigned generation)
{
    struct p9_node *old = NULL;
    struct p9_node *at = p9_node(vnode_ref(&n->v));
    for (unsigned depth = 0; depth < DEPTH_MAX && at != NULL && at->generation != generation;
         depth++) {
        struct p9_node *parent;
        char name[NAME_MAX + 1];
        vnode_unref(old != NULL ? &old->v : NULL);
        old = at;
        at = p9_place(at, &parent, name) == 0 ? parent : NULL;
    }
    vnode_unref(at != NULL ? &at->v : NULL);
    return old;
}

/* Make the connection, and a node's fids, those of the device's generation. */
static int renew(struct p9_node *n)
{
    struct p9_client *c = n->c;
    struct p9_node *root = p9_node(c->mount.root);
    int r = 0;
    libc_mutex_lock(&c->renew);
    unsigned generation = __atomic_load_n(&c->dev->generation, __ATOMIC_ACQUIRE);
    if (c->generation != generation) {
        bool was = spin_lock(&c->lock);
        c->nfree = 0;
        uint32_t fid = ++c->last_fid;
        spin_unlock(&c->lock, was);
        r = p9_connect(c, fid, &root->qid);
        if (r == 0) {
            generation = c->generation;
            root->fid[P9_NODE] = fid;
            r = reopen(root, fid, generation);
            __atomic_store_n(&root->generation, generation, __ATOMIC_RELEASE);
        }
    }
    while (r == 0 && n->generation != generation) {
        struct p9_node *next = highest_old(n, generation);
        r = next == NULL ? -ESTALE : renew_one(next, generation);
        vnode_unref(next != NULL ? &next->v : NULL);
    }
    pthread_mutex_unlock(&c->renew);
    return r;
}

int p9_start(struct p9_call *call, struct p9_node *n, enum p9_which which, uint8_t type)
{
    struct p9_client *c = n->c;
    unsigned generation = __atomic_load_n(&n->generation, __ATOMIC_ACQUIRE);
    if (__atomic_load_n(&c->dev->failed, __ATOMIC_ACQUIRE)) {
        return -EIO;
    }
    if (generation != __atomic_load_n(&c->dev->generation, __ATOMIC_ACQUIRE)) {
        int r = renew(n);
        if (r != 0) {
            return r;
        }
        generation = __atomic_load_n(&n->generation, __ATOMIC_ACQUIRE);
    }
    if (n->fid[which] == P9_NOFID) {
        return -EBADF;
    }
    p9_begin(call, c, generation, type);
    p9_put32(&call->out, n->fid[which]);
    return 0;
}

bool p9_again(int r, unsigned *tries)
{
    return r == -EPIPE && ++*tries < P9_TRIES;
}
