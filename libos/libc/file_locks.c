/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks of open files: all that are held, in one list. */
#include "file_locks.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <pith/attention.h>
#include <pith/file.h>
#include <pith/heap.h>
#include <pith/spinlock.h>
#include <pith/waitq.h>

struct hold {
    struct hold *next;
    struct file_lock l;
};

static struct spinlock lock = SPINLOCK_INIT; /* of all that follows */
static struct waitq waiters = WAITQ_INIT(waiters); /* for a lock that somebody lets go of */
static struct hold *holds;

static void free_all(struct hold *h)
{
    while (h != NULL) {
        struct hold *next = h->next;
        heap_free(h);
        h = next;
    }
}

/* With the last descriptor of an open file its locks go. */
static void release_on_close(struct file *f)
{
    struct hold *gone = NULL;
    bool was = spin_lock(&lock);
    for (struct hold **at = &holds; *at != NULL;) {
        struct hold *h = *at;
        if (h->l.owner == f) {
            *at = h->next;
            h->next = gone;
            gone = h;
        } else {
            at = &h->next;
        }
    }
    waitq_wake_all(&waiters);
    spin_unlock(&lock, was);
    free_all(gone);
}

/* A file without a number is one by itself. */
int file_lock_describe(struct file *f, enum file_lock_kind kind, struct file_lock *out)
{
    struct stat st;
    memset(&st, 0, sizeof(st));
    int r = f->ops->fstat != NULL ? f->ops->fstat(f, &st) : 0;
    *out = (struct file_lock){ .owner = f, .dev = st.st_dev, .ino = st.st_ino, .kind = kind,
                               .last = FILE_LOCK_END };
    if (st.st_ino == 0) {
        out->ino = (uintptr_t)f;
    }
    __atomic_store_n(&f->on_close, release_on_close, __ATOMIC_RELEASE);
    return r;
}

static bool same_file(const struct file_lock *a, const struct file_lock *b)
{
    return a->kind == b->kind && a->dev == b->dev && a->ino == b->ino;
}

static bool overlap(const struct file_lock *a, const struct file_lock *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The first in the file of those that others have and that conflict. */
static const struct hold *conflict(const struct file_lock *want)
{
    const struct hold *found = NULL;
    for (const struct hold *h = holds; h != NULL; h = h->next) {
        if ((found == NULL || h->l.first < found->l.first) && h->l.owner != want->owner && same_file(&h->l, want) && overlap(&h->l, want) &&
            (h->l.exclusive || want->exclusive)) {
            found = h;
        }
    }
    return found;
}

/*
 * Take the range out of what the owner has; `spare` is for what is left behind it. Returns what is
 * to be freed. Context: lock held.
 */
static struct hold *cut(const struct file_lock *what, struct hold **spare)
{
    struct hold *gone = NULL;
    for (struct hold **at = &holds; *at != NULL;) {
        struct hold *h = *at;
        bool before = h->l.first < what->first, behind = h->l.last > what->last;
        if (h->l.owner != what->owner || !same_file(&h->l, what) || !overlap(&h->l, what)) {
            at = &h->next;
            continue;
        }
        if (before && behind) { /* there is one such at most */
            struct hold *rest = *spare;
            *spare = NULL;
            rest->l = h->l;
            rest->l.first = what->last + 1;
            rest->next = h->next;
            h->next = rest;
            h->l.last = what->first - 1;
            at = &rest->next;
        } else if (before) {
            h->l.last = what->first - 1;
            at = &h->next;
        } else if (behind) {
            h->l.first = what->last + 1;
            at = &h->next;
        } else {
            *at = h->next;
            h->next = gone;
            gone = h;
        }
        waitq_wake_all(&waiters);
    }
    return gone;
}

/* What the owner has of the same sort beside it becomes one lock with it. Context: lock held. */
static struct hold *join(struct hold *with)
{
    struct hold *gone = NULL;
    for (struct hold **at = &holds; *at != NULL;) {
        struct hold *h = *at;
        bool ends = h->l.last != FILE_LOCK_END && h->l.last + 1 == with->l.first;
        bool begins = with->l.last != FILE_LOCK_END && with->l.last + 1 == h->l.first;
        if (h->l.owner == with->l.owner && same_file(&h->l, &with->l) &&
            h->l.exclusive == with->l.exclusive && (ends || begins)) {
            with->l.first = ends ? h->l.first : with->l.first;
            with->l.last = begins ? h->l.last : with->l.last;
            *at = h->next;
            h->next = gone;
            gone = h;
        } else {
            at = &h->next;
        }
    }
    return gone;
}

static bool has(const struct file_lock *want)
{
    for (const struct hold *h = holds; h != NULL; h = h->next) {
        if (h->l.owner == want->owner && same_file(&h->l, want) &&
            h->l.exclusive == want->exclusive && h->l.first <= want->first &&
            h->l.last >= want->last) {
            return true;
        }
    }
    return false;
}

/*
 * As on Linux, flock() gives a lock up before another kind of it is waited for: a wait that a signal
 * ends leaves none. A record's lock stays until the other one is there.
 */
int file_lock_take(const struct file_lock *want, bool wait)
{
    struct hold *h = heap_alloc(sizeof(*h)), *spare = heap_alloc(sizeof(*spare));
    struct hold *old = NULL, *other = NULL, *joined = NULL;
    int r = 0;
    if (h == NULL || spare == NULL) {
        heap_free(h);
        heap_free(spare);
        return -ENOLCK;
    }
    bool was = spin_lock(&lock);
    bool there = has(want);
    if (!there) {
        old = want->kind == FILE_LOCK_WHOLE ? cut(want, &spare) : NULL;
        while (r == 0 && conflict(want) != NULL) {
            r = wait ? waitq_wait_for(&waiters, &lock, UINT64_MAX, ATTENTION_ALL) : -EWOULDBLOCK;
        }
    }
    if (r == 0 && !there) {
        other = cut(want, &spare); /* also what another thread has taken for the same open file */
        h->l = *want;
        joined = join(h);
        h->next = holds;
        holds = h;
        h = NULL;
    }
    spin_unlock(&lock, was);
    heap_free(h);
    heap_free(spare);
    free_all(old);
    free_all(other);
    free_all(joined);
    return r;
}

int file_lock_release(const struct file_lock *what)
{
    struct hold *spare = what->kind == FILE_LOCK_RECORD ? heap_alloc(sizeof(*spare)) : NULL;
    if (spare == NULL && what->kind == FILE_LOCK_RECORD) {
        return -ENOLCK;
    }
    bool was = spin_lock(&lock);
    struct hold *gone = cut(what, &spare);
    spin_unlock(&lock, was);
    heap_free(spare);
    free_all(gone);
    return 0;
}

bool file_lock_find(const struct file_lock *want, struct file_lock *out)
{
    bool was = spin_lock(&lock);
    const struct hold *h = conflict(want);
    if (h != NULL) {
        *out = h->l;
    }
    spin_unlock(&lock, was);
    return h != NULL;
}
