/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flock(): locks of whole files, each held by an open file (flock(2)), between those of this image.
 * A file of the host is locked for this image alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <pith/attention.h>
#include <pith/file.h>
#include <pith/heap.h>
#include <pith/spinlock.h>
#include <pith/waitq.h>

#include "point.h"
#include "result.h"

/* A lock that is held. */
struct hold {
    struct hold *next;
    const struct file *owner;
    dev_t dev;
    uint64_t ino;
    bool exclusive;
};

static struct spinlock lock = SPINLOCK_INIT; /* of all that follows */
static struct waitq waiters = WAITQ_INIT(waiters); /* for a lock that somebody lets go of */
static struct hold *holds;

/* Whose lock it is; a file without a number is one by itself. */
static int identify(struct file *f, struct hold *out)
{
    struct stat st;
    memset(&st, 0, sizeof(st));
    int r = f->ops->fstat != NULL ? f->ops->fstat(f, &st) : 0;
    *out = (struct hold){ .owner = f, .dev = st.st_dev, .ino = st.st_ino };
    if (st.st_ino == 0) {
        out->ino = (uintptr_t)f;
    }
    return r;
}

static bool conflicts(const struct hold *want)
{
    for (const struct hold *h = holds; h != NULL; h = h->next) {
        if (h->owner != want->owner && h->dev == want->dev && h->ino == want->ino &&
            (h->exclusive || want->exclusive)) {
            return true;
        }
    }
    return false;
}

/* Let go of what an open file holds; what was its lock is to be freed. Context: lock held. */
static struct hold *release(const struct file *owner)
{
    for (struct hold **at = &holds; *at != NULL; at = &(*at)->next) {
        struct hold *h = *at;
        if (h->owner == owner) {
            *at = h->next;
            waitq_wake_all(&waiters);
            return h;
        }
    }
    return NULL;
}

static void release_on_close(struct file *f)
{
    bool was = spin_lock(&lock);
    struct hold *h = release(f);
    spin_unlock(&lock, was);
    heap_free(h);
}

static bool has(const struct hold *want)
{
    for (const struct hold *h = holds; h != NULL; h = h->next) {
        if (h->owner == want->owner) {
            return h->exclusive == want->exclusive;
        }
    }
    return false;
}

/*
 * As on Linux, a lock is given up before another kind of it is waited for: a wait that a signal ends
 * leaves none.
 */
static int take(const struct hold *want, bool wait)
{
    struct hold *h = heap_alloc(sizeof(*h)), *old = NULL, *other = NULL;
    int r = 0;
    if (h == NULL) {
        return -ENOLCK;
    }
    bool was = spin_lock(&lock);
    bool there = has(want);
    if (!there) {
        old = release(want->owner);
        while (r == 0 && conflicts(want)) {
            r = wait ? waitq_wait_for(&waiters, &lock, UINT64_MAX, ATTENTION_ALL) : -EWOULDBLOCK;
        }
    }
    if (r == 0 && !there) {
        other = release(want->owner); /* what another thread has taken for the same open file meanwhile */
        *h = *want;
        h->next = holds;
        holds = h;
        h = NULL;
    }
    spin_unlock(&lock, was);
    heap_free(h);
    heap_free(old);
    heap_free(other);
    return r;
}

static int lock_file(struct file *f, int operation)
{
    struct hold want;
    int kind = operation & ~LOCK_NB;
    if (kind == LOCK_UN) {
        release_on_close(f);
        return 0;
    }
    if (kind != LOCK_SH && kind != LOCK_EX) {
        return -EINVAL;
    }
    int r = identify(f, &want);
    if (r != 0) {
        return r;
    }
    want.exclusive = kind == LOCK_EX;
    __atomic_store_n(&f->on_close, release_on_close, __ATOMIC_RELEASE);
    return take(&want, !(operation & LOCK_NB));
}

static int flock_once(int fd, int operation)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    int r = lock_file(f, operation);
    file_unref(f);
    return r;
}

int flock(int fd, int operation)
{
    int r;
    LIBC_RESTARTING(r, flock_once(fd, operation));
    return (int)libc_result(r);
}
