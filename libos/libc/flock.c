/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flock(): locks of whole files, each held by an open file (flock(2)), between those of this image.
 * A file of the host is locked for this image alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <pith/file.h>
#include <pith/heap.h>

#include "result.h"

/* A lock that is held. */
struct hold {
    struct hold *next;
    const struct file *owner;
    dev_t dev;
    uint64_t ino;
    bool exclusive;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
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

/* Let go of what an open file holds. Context: mutex held. */
static void release(const struct file *owner)
{
    for (struct hold **at = &holds; *at != NULL; at = &(*at)->next) {
        struct hold *h = *at;
        if (h->owner == owner) {
            *at = h->next;
            heap_free(h);
            pthread_cond_broadcast(&released);
            return;
        }
    }
}

static void release_on_close(struct file *f)
{
    pthread_mutex_lock(&mutex);
    release(f);
    pthread_mutex_unlock(&mutex);
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

/* As on Linux, a lock is given up before another kind of it is waited for. */
static int take(const struct hold *want, bool wait)
{
    struct hold *h = heap_alloc(sizeof(*h));
    int r = h == NULL ? -ENOLCK : 0;
    pthread_mutex_lock(&mutex);
    bool there = has(want);
    if (r == 0 && !there) {
        release(want->owner);
        while (conflicts(want) && wait) {
            pthread_cond_wait(&released, &mutex);
        }
        r = conflicts(want) ? -EWOULDBLOCK : 0;
    }
    if (r == 0 && !there) {
        *h = *want;
        h->next = holds;
        holds = h;
        h = NULL;
    }
    pthread_mutex_unlock(&mutex);
    heap_free(h);
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

int flock(int fd, int operation)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return (int)libc_result(-EBADF);
    }
    int r = lock_file(f, operation);
    file_unref(f);
    return (int)libc_result(r);
}
