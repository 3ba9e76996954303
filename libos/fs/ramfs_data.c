/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contents of regular files in memory: pages in a radix tree, so that a file grows without copying
 * and holes cost nothing, over the contents that the initrd brought. Those are read where they lie;
 * a page of them is copied when it is first written to.
 */
#include <errno.h>
#include <string.h>

#include <pith/page.h>

#include "ramfs.h"

#define FANOUT_SHIFT 6u
#define FANOUT       (1u << FANOUT_SHIFT)

struct ram_branch {
    void *child[FANOUT]; /* branches, at the lowest level pages; NULL: nothing there */
};

static inline size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Whether a tree of that height has a place for the page. */
static bool covers(unsigned height, uint64_t index)
{
    return height * FANOUT_SHIFT >= 64 || index >> (height * FANOUT_SHIFT) == 0;
}

static unsigned slot_of(unsigned height, uint64_t index)
{
    return index >> ((height - 1) * FANOUT_SHIFT) & (FANOUT - 1);
}

static char *page_at(const struct ram_data *d, uint64_t index)
{
    if (!covers(d->height, index)) {
        return NULL;
    }
    void *at = d->top;
    for (unsigned h = d->height; h != 0 && at != NULL; h--) {
        at = ((struct ram_branch *)at)->child[slot_of(h, index)];
    }
    return at;
}

static struct ram_branch *new_branch(void)
{
    struct ram_branch *b = ramfs_alloc(sizeof(*b));
    if (b != NULL) {
        memset(b, 0, sizeof(*b));
    }
    return b;
}

/*
 * Where the pointer to the page belongs, with all branches above it; NULL: no memory. Branches that
 * were made stay, they are freed with the file.
 */
static void **place_of(struct ram_data *d, uint64_t index)
{
    while (!covers(d->height, index)) {
        if (d->top != NULL) {
            struct ram_branch *b = new_branch();
            if (b == NULL) {
                return NULL;
            }
            b->child[0] = d->top;
            d->top = b;
        }
        d->height++;
    }
    void **at = &d->top;
    for (unsigned h = d->height; h != 0; h--) {
        if (*at == NULL && (*at = new_branch()) == NULL) {
            return NULL;
        }
        at = &((struct ram_branch *)*at)->child[slot_of(h, index)];
    }
    return at;
}

/* The page, to be written to: it is made where there is none. NULL: no space. */
static char *page_to_write(struct ram_data *d, uint64_t index, bool whole)
{
    char *page = page_at(d, index);
    if (page != NULL) {
        return page;
    }
    void **place = place_of(d, index);
    if (place == NULL || (page = ramfs_page()) == NULL) {
        return NULL;
    }
    *place = page;
    d->npages++;
    if (!whole) {
        size_t at = index * PAGE_SIZE;
        size_t n = at < d->base_len ? min_size(d->base_len - at, PAGE_SIZE) : 0;
        if (n != 0) {
            memcpy(page, d->base + at, n);
        }
        memset(page + n, 0, PAGE_SIZE - n);
    }
    return page;
}

/*
 * Zero what the pages have in [from, to). A program writes behind the end of a file by way of a
 * mapping as it likes, so this is done where the file ends and again before it grows.
 */
static void wipe(struct ram_data *d, size_t from, size_t to)
{
    while (from < to) {
        size_t at = from % PAGE_SIZE, n = min_size(PAGE_SIZE - at, to - from);
        char *page = page_at(d, from / PAGE_SIZE);
        if (page != NULL) {
            memset(page + at, 0, n);
        }
        from += n;
    }
}

/* The last page that was ever made is below this. */
static size_t end_of_pages(const struct ram_data *d)
{
    unsigned bits = d->height * FANOUT_SHIFT + PAGE_SHIFT;
    return bits < 63 ? 1ul << bits : PTRDIFF_MAX;
}

/* Free the pages from `first` on of the tree at *at; *at becomes NULL when nothing is left. */
static void prune(struct ram_data *d, void **at, unsigned height, uint64_t first)
{
    if (*at == NULL) {
        return;
    }
    if (height == 0) {
        if (first == 0) {
            ramfs_page_free(*at);
            d->npages--;
            *at = NULL;
        }
        return;
    }
    struct ram_branch *b = *at;
    uint64_t span = 1ull << ((height - 1) * FANOUT_SHIFT);
    bool empty = true;
    for (unsigned i = 0; i < FANOUT; i++) {
        uint64_t start = i * span;
        if (start + span > first) {
            prune(d, &b->child[i], height - 1, first > start ? first - start : 0);
        }
        empty = empty && b->child[i] == NULL;
    }
    if (empty) {
        ramfs_free(b);
        *at = NULL;
    }
}

void ramdata_free(struct ram_data *d)
{
    prune(d, &d->top, d->height, 0);
}

/* Copy out of one page, or of what is there instead of it. */
static void copy_out(const struct ram_data *d, uint64_t index, size_t at, char *to, size_t n)
{
    const char *page = page_at(d, index);
    if (page != NULL) {
        memcpy(to, page + at, n);
        return;
    }
    size_t pos = index * PAGE_SIZE + at;
    size_t have = pos < d->base_len ? min_size(d->base_len - pos, n) : 0;
    if (have != 0) {
        memcpy(to, d->base + pos, have);
    }
    memset(to + have, 0, n - have);
}

ssize_t ramdata_read(struct vnode *v, void *buf, size_t len, off_t pos)
{
    struct ram_node *node = ram_node(v);
    size_t done = 0;
    pthread_rwlock_rdlock(&node->lock);
    off_t size = node->data.size;
    len = pos < size ? min_size(len, (size_t)(size - pos)) : 0;
    while (done < len) {
        size_t now = (size_t)pos + done;
        size_t at = now % PAGE_SIZE;
        size_t n = min_size(len - done, PAGE_SIZE - at);
        copy_out(&node->data, now / PAGE_SIZE, at, (char *)buf + done, n);
        done += n;
    }
    pthread_rwlock_unlock(&node->lock);
    return (ssize_t)len;
}

/* Write into pages; returns how much there was space for. */
static size_t put(struct ram_data *d, size_t pos, const char *buf, size_t len)
{
    size_t done = 0;
    while (done < len) {
        size_t at = (pos + done) % PAGE_SIZE;
        size_t n = min_size(len - done, PAGE_SIZE - at);
        char *page = page_to_write(d, (pos + done) / PAGE_SIZE, n == PAGE_SIZE);
        if (page == NULL) {
            break;
        }
        memcpy(page + at, buf + done, n);
        done += n;
    }
    return done;
}

ssize_t ramdata_write(struct vnode *v, const struct iovec *iov, int n, off_t pos, off_t *end)
{
    struct ram_node *node = ram_node(v);
    struct ram_data *d = &node->data;
    size_t done = 0, len = 0;
    for (int i = 0; i < n; i++) {
        len += iov[i].iov_len; /* checked by writev(): it is an ssize_t */
    }
    pthread_rwlock_wrlock(&node->lock);
    pos = pos < 0 ? d->size : pos;
    if (__builtin_add_overflow(pos, (off_t)len, end)) {
        pthread_rwlock_unlock(&node->lock);
        return -EFBIG;
    }
    if (d->mapped != 0 && pos > d->size) {
        wipe(d, (size_t)d->size, min_size((size_t)pos, end_of_pages(d)));
    }
    for (int i = 0; i < n; i++) {
        size_t part = put(d, (size_t)pos + done, iov[i].iov_base, iov[i].iov_len);
        done += part;
        if (part < iov[i].iov_len) {
            break;
        }
    }
    *end = pos + (off_t)done;
    if (done != 0) {
        d->size = *end > d->size ? *end : d->size;
        node->mtime = node->ctime = ramfs_now();
    }
    pthread_rwlock_unlock(&node->lock);
    return done != 0 || len == 0 ? (ssize_t)done : -ENOSPC;
}

off_t ramdata_size(struct vnode *v)
{
    struct ram_node *node = ram_node(v);
    pthread_rwlock_rdlock(&node->lock);
    off_t size = node->data.size;
    pthread_rwlock_unlock(&node->lock);
    return size;
}

/* Cut at `size`: what lies behind it is zero from now on, should the file grow again. */
static void cut(struct ram_data *d, off_t size)
{
    if (d->mapped != 0) {
        wipe(d, (size_t)size, min_size((size_t)d->size, end_of_pages(d)));
        d->base_len = min_size(d->base_len, (size_t)size);
        return; /* the pages go with the last mapping */
    }
    size_t at = (size_t)size % PAGE_SIZE;
    char *page = page_at(d, (uint64_t)size / PAGE_SIZE);
    if (page != NULL && at != 0) {
        memset(page + at, 0, PAGE_SIZE - at);
    }
    prune(d, &d->top, d->height, ((uint64_t)size + PAGE_SIZE - 1) / PAGE_SIZE);
    if (d->top == NULL) {
        d->height = 0;
    }
    d->base_len = min_size(d->base_len, (size_t)size);
}

int ramdata_truncate(struct vnode *v, off_t size)
{
    struct ram_node *node = ram_node(v);
    pthread_rwlock_wrlock(&node->lock);
    struct ram_data *d = &node->data;
    if (size < d->size) {
        cut(d, size);
    } else if (d->mapped != 0) {
        wipe(d, (size_t)d->size, min_size((size_t)size, end_of_pages(d)));
    }
    node->data.size = size;
    node->mtime = node->ctime = ramfs_now();
    pthread_rwlock_unlock(&node->lock);
    return 0;
}

int ramdata_allocate(struct vnode *v, off_t pos, off_t len)
{
    struct ram_node *node = ram_node(v);
    uint64_t first = (uint64_t)pos / PAGE_SIZE;
    uint64_t last = ((uint64_t)pos + (uint64_t)len - 1) / PAGE_SIZE;
    int r = 0;
    pthread_rwlock_wrlock(&node->lock);
    /* What can't be had is refused before memory is taken; pages that are there count as new. */
    if (last - first >= ramfs_left() / PAGE_SIZE + node->data.npages) {
        r = -ENOSPC;
    }
    for (uint64_t i = first; r == 0 && i <= last; i++) {
        r = page_to_write(&node->data, i, false) != NULL ? 0 : -ENOSPC;
    }
    if (r == 0 && pos + len > node->data.size) {
        node->data.size = pos + len;
        node->mtime = node->ctime = ramfs_now();
    }
    pthread_rwlock_unlock(&node->lock);
    return r;
}

/* Only what lies in the initrd stays as it is whatever happens to the file. */
int ramdata_extent(struct vnode *v, off_t pos, const void **data, size_t *len)
{
    struct ram_node *node = ram_node(v);
    int r = -ENOTSUP;
    pthread_rwlock_rdlock(&node->lock);
    const struct ram_data *d = &node->data;
    if (d->npages == 0 && pos >= 0 && (size_t)pos < d->base_len) {
        *data = d->base + pos;
        *len = d->base_len - (size_t)pos;
        r = 0;
    }
    pthread_rwlock_unlock(&node->lock);
    return r;
}

void ramfs_set_contents(struct vnode *v, const void *base, size_t len)
{
    struct ram_data *d = &ram_node(v)->data;
    d->base = base;
    d->base_len = len;
    d->size = (off_t)len;
}

int ramdata_pin(struct vnode *v, uint64_t first, size_t n, void **pages)
{
    struct ram_node *node = ram_node(v);
    struct ram_data *d = &node->data;
    int r = 0;
    pthread_rwlock_wrlock(&node->lock);
    uint64_t end = ((uint64_t)d->size + PAGE_SIZE - 1) / PAGE_SIZE;
    for (size_t i = 0; i < n && r == 0; i++) {
        pages[i] = first + i < end ? page_to_write(d, first + i, false) : NULL;
        r = first + i < end && pages[i] == NULL ? -ENOMEM : 0;
    }
    d->mapped += r == 0;
    pthread_rwlock_unlock(&node->lock);
    return r;
}

void ramdata_unpin(struct vnode *v)
{
    struct ram_node *node = ram_node(v);
    pthread_rwlock_wrlock(&node->lock);
    if (--node->data.mapped == 0) {
        cut(&node->data, node->data.size);
    }
    pthread_rwlock_unlock(&node->lock);
}
