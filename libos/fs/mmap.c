/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory mappings: the list of them by address, and what is done to ranges of it.
 *
 * A block of the page allocator can't go back in parts. A mapping that loses pages at its end gives
 * them back; others that are unmapped are made inaccessible, and go back with the last of them.
 */
#include "mmap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include <pith/exit.h>
#include <pith/file.h>
#include <pith/heap.h>
#include <pith/libc.h>
#include <pith/page.h>
#include <pith/platform.h>

#include "mmap_list.h"

#define BATCH 16u /* changes of the address space in one call */
#define RW    (PAGE_PROT_READ | PAGE_PROT_WRITE)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all mappings and their list */

static bool is_gone(const struct mapping *m, size_t i)
{
    return m->state[i] == MAPPING_GONE;
}

/* How many pages from `i` on, below `end`, are in the same state. */
static size_t run(const struct mapping *m, size_t i, size_t end)
{
    size_t n = 1;
    while (i + n < end && m->state[i + n] == m->state[i]) {
        n++;
    }
    return n;
}

/* One batch of changes for pages that lie anywhere; returns how many it is about. */
static size_t show_batch(struct mapping *m, size_t first, size_t n, unsigned prot, int *r)
{
    struct page_op ops[BATCH];
    size_t nops = 0, i = 0;
    for (; i < n && nops < BATCH; i++) {
        if (m->pages[first + i] != NULL) {
            ops[nops++] = (struct page_op){ m->start + (first + i) * PAGE_SIZE,
                                            m->pages[first + i], 1, prot };
        }
    }
    *r = nops != 0 ? platform_page_ops(ops, nops) : 0;
    return i;
}

/* Show pages [first, first + n) with a protection. */
static int show(struct mapping *m, size_t first, size_t n, unsigned prot)
{
    char *at = m->start + first * PAGE_SIZE;
    int r = 0;
    if (m->pinned && prot != PAGE_PROT_NONE) {
        for (size_t i = 0; i < n && r == 0;) {
            i += show_batch(m, first + i, n - i, prot, &r);
        }
    } else {
        struct page_op op = { at, prot == PAGE_PROT_NONE ? NULL : at, n, prot };
        r = platform_page_ops(&op, 1);
    }
    if (r == 0) {
        memset(m->state + first, (int)prot, n);
    }
    return r;
}

/* The same where it isn't so already: a change costs a call of the monitor. */
static int show_all(struct mapping *m, unsigned prot)
{
    int r = 0;
    for (size_t at = 0, n; at < m->npages && r == 0; at += n) {
        n = run(m, at, m->npages);
        r = m->state[at] != prot ? show(m, at, n, prot) : 0;
    }
    return r;
}

/* Free what the mapping consists of. What can't be made accessible again is lost. */
static void destroy(struct mapping *m)
{
    if (m->pinned) {
        m->file->ops->unpin(m->file);
        heap_free(m->pages);
    } else if (m->start != NULL && show_all(m, RW) == 0) {
        page_free_n(m->start, m->npages);
    }
    if (m->before != NULL) {
        page_free_n(m->before, m->npages);
    }
    if (m->file != NULL) {
        file_unref(m->file);
    }
    heap_free(m);
}

static struct mapping *new_mapping(const struct mapping_request *want)
{
    struct mapping *m = heap_alloc(sizeof(*m) + want->npages);
    if (m == NULL) {
        return NULL;
    }
    memset(m, 0, sizeof(*m));
    memset(m->state, RW, want->npages); /* as the page allocator gives them */
    m->npages = m->live = want->npages;
    m->shared = want->shared;
    m->pos = want->pos;
    m->file = want->file != NULL ? file_ref(want->file) : NULL;
    return m;
}

/* The file's own pages at a new address. -ENOTSUP: it has none. */
static int show_pages(struct mapping *m)
{
    if (m->file->ops->pin == NULL) {
        return -ENOTSUP;
    }
    m->pages = heap_alloc(m->npages * sizeof(*m->pages));
    if (m->pages == NULL) {
        return -ENOMEM;
    }
    int r = m->file->ops->pin(m->file, (uint64_t)m->pos / PAGE_SIZE, m->npages, m->pages);
    if (r == 0) {
        m->pinned = true;
        m->start = list_gap(m->npages);
        r = m->start == NULL ? -ENOMEM : 0;
    } else {
        heap_free(m->pages);
        m->pages = NULL;
    }
    return r;
}

/* Memory of our own with what is to be in it. */
static int fill_block(struct mapping *m)
{
    m->start = page_alloc_n(m->npages);
    if (m->start == NULL) {
        return -ENOMEM;
    }
    if (m->file == NULL) {
        memset(m->start, 0, m->npages * PAGE_SIZE);
        return 0;
    }
    int r = mapping_read(m, 0, m->npages);
    if (r == 0 && m->shared && (m->file->flags & O_ACCMODE) == O_RDWR) {
        m->before = page_alloc_n(m->npages);
        if (m->before == NULL) {
            return -ENOMEM;
        }
        memcpy(m->before, m->start, m->npages * PAGE_SIZE);
        m->copied = true;
    }
    return r;
}

/* Write pages in one state back, also those that the program may not read. */
static int write_back(struct mapping *m, size_t first, size_t n)
{
    bool hidden = m->state[first] == PAGE_PROT_NONE;
    int r = hidden ? show(m, first, n, PAGE_PROT_READ) : 0;
    r = r == 0 ? mapping_write(m, first, n) : r;
    if (hidden) {
        (void)show(m, first, n, PAGE_PROT_NONE);
    }
    return r;
}

/* Before the machine ends: shared copies go back to their files. Errors have nobody to go to. */
static void write_back_all(void)
{
    libc_mutex_lock(&lock);
    for (size_t i = 0; i < list_count(); i++) {
        struct mapping *m = list_at(i);
        for (size_t at = 0, n; m->copied && at < m->npages; at += n) {
            n = run(m, at, m->npages);
            if (!is_gone(m, at)) {
                (void)write_back(m, at, n);
            }
        }
    }
    pthread_mutex_unlock(&lock);
}

static int make_anywhere(const struct mapping_request *want, char **out)
{
    struct mapping *m = new_mapping(want);
    if (m == NULL) {
        return -ENOMEM;
    }
    int r = want->file != NULL && want->shared ? show_pages(m) : -ENOTSUP;
    if (r == -ENOTSUP) {
        r = fill_block(m);
    }
    if (r == 0 && (m->pinned || want->prot != RW)) {
        r = show(m, 0, m->npages, want->prot);
    }
    if (r == 0) {
        r = list_insert(m);
    }
    if (r != 0) {
        if (m->pinned && m->start != NULL) {
            (void)show(m, 0, m->npages, PAGE_PROT_NONE);
        }
        destroy(m);
        return r;
    }
    if (m->copied) {
        program_add_exit_hook(write_back_all);
    }
    *out = m->start;
    return 0;
}

/*
 * Other contents at an address that is mapped already, within one mapping with memory of its own:
 * the pages stay what they are, a private copy of the file is read into them.
 */
static int make_fixed(const struct mapping_request *want, char **out)
{
    struct mapping *m = list_find(want->at);
    size_t first = m != NULL ? (size_t)(want->at - m->start) / PAGE_SIZE : 0;
    if (m == NULL || first + want->npages > m->npages || m->pinned || m->copied) {
        return -ENOMEM;
    }
    if (want->shared && want->file != NULL) {
        return -ENODEV; /* its pages can't be shown where others live */
    }
    for (size_t i = first; i < first + want->npages; i++) {
        m->live += is_gone(m, i);
    }
    int r = show(m, first, want->npages, RW);
    if (r == 0) {
        memset(want->at, 0, want->npages * PAGE_SIZE);
    }
    if (r == 0 && want->file != NULL) {
        struct mapping part = { .start = want->at, .file = want->file, .pos = want->pos };
        r = mapping_read(&part, 0, want->npages);
    }
    if (r == 0 && want->prot != RW) {
        r = show(m, first, want->npages, want->prot);
    }
    *out = want->at;
    return r;
}

int mapping_make(const struct mapping_request *want, char **out)
{
    if (want->file != NULL && want->file->ops->pread == NULL) {
        return -ENODEV;
    }
    libc_mutex_lock(&lock);
    int r = want->replace ? make_fixed(want, out) : make_anywhere(want, out);
    pthread_mutex_unlock(&lock);
    return r;
}

/* ---- ranges ---- */

/* What is done to the pages [first, first + n) of a mapping, all of which are there. */
typedef int range_fn(struct mapping *m, size_t first, size_t n, unsigned prot);

/*
 * Do it for all that is mapped in a range, lock held. *whole: whether that was everything. A
 * function that takes the mapping away moves the list, hence the search at each step.
 */
static int each(char *start, size_t npages, range_fn *what, unsigned prot, bool *whole)
{
    char *end = start + npages * PAGE_SIZE;
    int r = 0;
    *whole = true;
    for (char *at = start; at < end && r == 0;) {
        struct mapping *m = list_at_or_after(at);
        if (m == NULL || m->start >= end) {
            *whole = false;
            break;
        }
        *whole = *whole && m->start <= at;
        at = m->start > at ? m->start : at;
        size_t first = (size_t)(at - m->start) / PAGE_SIZE;
        size_t stop = first + (size_t)(end - at) / PAGE_SIZE;
        size_t n = run(m, first, stop < m->npages ? stop : m->npages);
        at += n * PAGE_SIZE;
        if (is_gone(m, first)) {
            *whole = false;
        } else if (what != NULL) {
            r = what(m, first, n, prot);
        }
    }
    return r;
}

/* The same under the lock; what isn't mapped is -ENOMEM, after the rest has been done. */
static int all(char *start, size_t npages, range_fn *what, unsigned prot)
{
    bool whole;
    libc_mutex_lock(&lock);
    int r = each(start, npages, what, prot, &whole);
    pthread_mutex_unlock(&lock);
    return r == 0 && !whole ? -ENOMEM : r;
}

bool mapping_covers(char *start, size_t npages)
{
    return all(start, npages, NULL, 0) == 0;
}

int mapping_describe(char *start, size_t npages, struct mapping_request *out)
{
    int r = -EFAULT;
    libc_mutex_lock(&lock);
    const struct mapping *m = list_find(start);
    size_t first = m != NULL ? (size_t)(start - m->start) / PAGE_SIZE : 0;
    if (m != NULL && npages <= m->npages - first) {
        *out = (struct mapping_request){
            .npages = npages,
            .prot = m->state[first],
            .shared = m->shared,
            .file = m->file != NULL ? file_ref(m->file) : NULL,
            .pos = m->pos + (off_t)(first * PAGE_SIZE),
        };
        r = 0;
    }
    pthread_mutex_unlock(&lock);
    return r;
}

static int sync_range(struct mapping *m, size_t first, size_t n, unsigned prot)
{
    (void)prot;
    return m->copied ? write_back(m, first, n) : 0;
}

int mapping_sync(char *start, size_t npages)
{
    return all(start, npages, sync_range, 0);
}

/* Pages at the end that have been unmapped go back at once. */
static void give_tail_back(struct mapping *m)
{
    size_t keep = m->npages;
    while (is_gone(m, keep - 1)) {
        keep--;
    }
    if (keep < m->npages && show(m, keep, m->npages - keep, RW) == 0) {
        page_shrink(m->start, m->npages, keep);
        m->npages = keep;
    }
}

static int remove_range(struct mapping *m, size_t first, size_t n, unsigned prot)
{
    (void)prot;
    int r = m->copied ? write_back(m, first, n) : 0;
    m->live -= n;
    if (m->live == 0) {
        list_remove_mapping(m);
        if (m->pinned) {
            (void)show(m, 0, m->npages, PAGE_PROT_NONE);
        }
        destroy(m);
        return r;
    }
    int hidden = show(m, first, n, PAGE_PROT_NONE);
    memset(m->state + first, MAPPING_GONE, n);
    if (!m->pinned && !m->copied) {
        give_tail_back(m);
    }
    return r != 0 ? r : hidden;
}

int mapping_remove(char *start, size_t npages)
{
    bool whole;
    libc_mutex_lock(&lock);
    int r = each(start, npages, remove_range, 0, &whole);
    pthread_mutex_unlock(&lock);
    return r;
}

static int protect_range(struct mapping *m, size_t first, size_t n, unsigned prot)
{
    if ((prot & PAGE_PROT_WRITE) && m->shared && m->file != NULL &&
        (m->file->flags & O_ACCMODE) != O_RDWR) {
        return -EACCES;
    }
    return show(m, first, n, prot);
}

int mapping_protect(char *start, size_t npages, unsigned prot)
{
    int r = all(start, npages, protect_range, prot);
    return r == -EPERM ? -EACCES : r;
}

static int forget_range(struct mapping *m, size_t first, size_t n, unsigned prot)
{
    (void)prot;
    if (m->shared) {
        return 0; /* what is the file's, or everybody's, stays */
    }
    unsigned before = m->state[first];
    int r = before != RW ? show(m, first, n, RW) : 0;
    if (r == 0 && m->file != NULL) {
        r = mapping_read(m, first, n);
    } else if (r == 0) {
        memset(m->start + first * PAGE_SIZE, 0, n * PAGE_SIZE);
    }
    if (before != RW) {
        (void)show(m, first, n, before);
    }
    return r;
}

int mapping_forget(char *start, size_t npages)
{
    return all(start, npages, forget_range, 0);
}
