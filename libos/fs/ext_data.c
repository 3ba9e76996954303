/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: contents. What is written stays in the cache until somebody syncs, or there is too much of
 * it, or a few seconds have passed. Long reads of what is not there go straight to the caller.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "ext.h"
#include "iovec.h"

#define DIRECT_MIN (64u * 1024)  /* bytes: shorter reads go through the cache */
#define AHEAD      (128u * 1024) /* bytes that are read for who reads on where he has ended */
#define WRITE_STEP 256u          /* blocks that are written in one step of the journal */

int ext_open(struct vnode *v, int flags, struct file **out)
{
    struct ext_node *n = ext_node(v);
    int mode = flags & O_ACCMODE;
    if (!S_ISREG(v->type) && !S_ISDIR(v->type)) {
        return -ENXIO; /* a device or pipe that Linux has made */
    }
    if (mode != O_RDONLY && (n->x->readonly || n->x->failed)) {
        return -EROFS;
    }
    if (mode != O_RDONLY && (flags & O_SYNC)) {
        n->sync = true;
    }
    return vnode_file_open(v, flags, out);
}

off_t ext_size_of(struct vnode *v)
{
    struct ext_node *n = ext_node(v);
    libc_mutex_lock(&n->x->lock);
    off_t size = (off_t)ext_size(n);
    pthread_mutex_unlock(&n->x->lock);
    return size;
}

/* How many blocks from `no` on are not in memory, at most n. */
static uint32_t absent(struct ext_fs *x, uint64_t no, uint32_t n)
{
    uint32_t i = 0;
    while (i < n && ext_block_peek(x, no + i) == NULL) {
        i++;
    }
    return i;
}

/* Read up to len bytes at pos, which are in `run`; returns how many. */
static ssize_t read_run(struct ext_node *n, const struct ext_run *run, uint8_t *to, size_t len,
                        uint64_t pos)
{
    struct ext_fs *x = n->x;
    uint32_t size = x->block_size, whole = (uint32_t)(len / size < run->len ? len / size : run->len);
    size_t at = pos % size;
    if (at == 0 && (uint64_t)whole * size >= DIRECT_MIN) {
        whole = absent(x, run->first, whole);
        if ((uint64_t)whole * size >= DIRECT_MIN) {
            int r = ext_dev_read_file(n, run->first, whole, to);
            if (r != -EFAULT && r != -EINVAL) { /* the device can't reach that memory */
                return r != 0 ? r : (ssize_t)whole * size;
            }
        }
    }
    struct ext_block *b = ext_block_peek(x, run->first);
    if (b != NULL && b->loading) {
        libc_cond_wait(&x->done, &x->lock, 0);
        return 0; /* look again */
    }
    if (b == NULL) {
        uint32_t ahead = pos == n->next_read ? AHEAD / size : (uint32_t)((at + len + size - 1) / size);
        int r = ext_cache_fill(x, n, run->first, ahead < run->len ? ahead : run->len);
        if (r != 0) {
            return r < 0 ? r : 0; /* look again: the lock was given up */
        }
    }
    int r = ext_block_read(x, run->first, &b);
    if (r != 0) {
        return r;
    }
    size_t part = size - at < len ? size - at : len;
    memcpy(to, b->data + at, part);
    ext_block_put(b);
    return (ssize_t)part;
}

static ssize_t read_some(struct ext_node *n, uint8_t *to, size_t len, uint64_t pos)
{
    uint32_t size = n->x->block_size;
    struct ext_run run;
    bool unwritten;
    int r = ext_map(n, pos / size, &run, &unwritten);
    if (r != 0) {
        return r;
    }
    if (run.first != 0 && !unwritten) {
        return read_run(n, &run, to, len, pos);
    }
    uint64_t hole = (uint64_t)run.len * size - pos % size;
    len = len < hole ? len : hole;
    memset(to, 0, len);
    return (ssize_t)len;
}

ssize_t ext_read(struct vnode *v, void *buf, size_t len, off_t pos)
{
    struct ext_node *n = ext_node(v);
    size_t done = 0;
    ssize_t r = 0;
    libc_mutex_lock(&n->x->lock);
    uint64_t at = (uint64_t)pos;
    while (done < len && r >= 0 && at + done < ext_size(n)) { /* which may change meanwhile */
        uint64_t left = ext_size(n) - (at + done);
        r = read_some(n, (uint8_t *)buf + done, left < len - done ? left : len - done, at + done);
        done += r > 0 ? (size_t)r : 0;
        if (r > 0) {
            n->next_read = at + done;
        }
    }
    pthread_mutex_unlock(&n->x->lock);
    return done != 0 ? (ssize_t)done : r;
}

/* ---- writing ---- */

/* Zeroes from byte `at` of its block on, where that block has contents. */
static int wipe_block(struct ext_node *n, uint64_t pos)
{
    struct ext_fs *x = n->x;
    struct ext_run run;
    struct ext_block *b;
    bool unwritten;
    size_t at = pos % x->block_size;
    int r = at != 0 ? ext_map(n, pos / x->block_size, &run, &unwritten) : 0;
    if (r != 0 || at == 0 || run.first == 0 || unwritten) {
        return r;
    }
    r = ext_block_read(x, run.first, &b);
    if (r == 0) {
        memset(b->data + at, 0, x->block_size - at);
        r = ext_block_changed_data(x, b, n->ino);
        ext_block_put(b);
    }
    return r;
}

/* One block's part of a write. *fresh: the block had no contents before. */
static int write_block(struct ext_node *n, uint64_t no, bool fresh, size_t at, size_t len,
                       struct iov_cursor *from)
{
    struct ext_fs *x = n->x;
    struct ext_block *b;
    bool whole = len == x->block_size;
    int r = whole || fresh ? ext_block_new(x, no, &b) : ext_block_read(x, no, &b);
    if (r != 0) {
        return r;
    }
    if (fresh && !whole) {
        memset(b->data, 0, x->block_size);
    }
    iov_take(from, b->data + at, len);
    r = ext_block_changed_data(x, b, n->ino);
    ext_block_put(b);
    return r;
}

/* Write up to WRITE_STEP blocks; returns how many bytes. */
static ssize_t write_step(struct ext_node *n, struct iov_cursor *from, size_t len, uint64_t pos)
{
    struct ext_fs *x = n->x;
    uint32_t size = x->block_size;
    size_t most = (size_t)WRITE_STEP * size - pos % size, done = 0;
    int r = 0;
    len = len < most ? len : most;
    while (done < len && r == 0) {
        uint64_t now = pos + done, block = now / size;
        struct ext_run run;
        bool unwritten;
        r = ext_map(n, block, &run, &unwritten);
        bool fresh = r == 0 && (run.first == 0 || unwritten);
        if (fresh) {
            uint32_t want = (uint32_t)((now % size + (len - done) + size - 1) / size);
            r = ext_map_fill(n, block, want, false, &run);
        }
        for (uint32_t i = 0; i < run.len && done < len && r == 0; i++) {
            size_t at = (pos + done) % size, part = size - at < len - done ? size - at : len - done;
            r = write_block(n, run.first + i, fresh, at, part, from);
            done += r == 0 ? part : 0;
        }
    }
    if (pos + done > ext_size(n)) {
        ext_set_size(n, pos + done);
        n->changed = x->running;
    }
    return r == 0 || (r == -ENOSPC && done != 0) ? (ssize_t)done : r;
}

static int sync_locked(struct ext_node *n)
{
    struct ext_fs *x = n->x;
    if (x->failed) {
        return -EIO;
    }
    if (n->changed > x->committed) {
        return ext_commit(x);
    }
    return ext_commit_data(x, n->ino);
}

/* For the holes in what write_step() writes. Where there is too little it writes as much as there is. */
static int make_room(struct ext_node *n, uint64_t pos, size_t len)
{
    struct ext_fs *x = n->x;
    uint64_t at = pos / x->block_size, end = (pos + len - 1) / x->block_size + 1, need = 0;
    struct ext_run run;
    bool unwritten;
    int r = 0;
    end = end - at > WRITE_STEP ? at + WRITE_STEP : end;
    for (; at < end && r == 0; at += run.len) {
        r = ext_map(n, at, &run, &unwritten);
        uint64_t left = end - at;
        need += r == 0 && run.first == 0 ? (run.len < left ? run.len : left) : 0;
    }
    r = r == 0 && need != 0 ? ext_room(x, need + EXT_MAP_ROOM) : r;
    return r == -ENOSPC ? 0 : r;
}

ssize_t ext_write(struct vnode *v, const struct iovec *iov, int n_iov, off_t at, off_t *end)
{
    struct ext_node *n = ext_node(v);
    struct ext_fs *x = n->x;
    struct iov_cursor from = iov_begin(iov, n_iov);
    size_t len = iov_total(iov, n_iov), done = 0;
    ssize_t r = ext_begin_contents(n);
    if (r != 0) {
        return r;
    }
    uint64_t pos = at < 0 ? ext_size(n) : (uint64_t)at;
    uint64_t limit = (uint64_t)(UINT32_MAX - 1) * x->block_size;
    if (len != 0 && (pos >= limit || len > limit - pos)) {
        r = -EFBIG;
    }
    if (r == 0 && len != 0 && pos > ext_size(n)) {
        r = wipe_block(n, ext_size(n)); /* whoever made the file may have left something there */
    }
    while (done < len && r >= 0) {
        r = make_room(n, pos + done, len - done);
        r = r != 0 ? r : write_step(n, &from, len - done, pos + done);
        done += r > 0 ? (size_t)r : 0;
        if (done != 0 && r >= 0) {
            ext_touch(n, EXT_MTIME | EXT_CTIME);
            int stored = ext_node_store(n);
            stored = stored != 0 ? stored : ext_pause(x);
            r = stored != 0 ? stored : r;
        }
    }
    if (r >= 0 && n->sync && done != 0) {
        r = sync_locked(n);
    }
    *end = (off_t)(pos + done);
    if (r < 0 && (done == 0 || r == -EIO || r == -ENOMEM)) {
        return ext_end_contents(n, (int)r);
    }
    ext_end_contents(n, 0);
    return (ssize_t)done;
}

int ext_truncate(struct vnode *v, off_t to)
{
    struct ext_node *n = ext_node(v);
    struct ext_fs *x = n->x;
    uint64_t size = (uint64_t)to, had;
    int r = ext_begin_contents(n);
    if (r != 0) {
        return r;
    }
    had = ext_size(n);
    if (size > (uint64_t)(UINT32_MAX - 1) * x->block_size) {
        return ext_end_contents(n, -EFBIG);
    }
    r = wipe_block(n, size < had ? size : had);
    if (r == 0) {
        ext_set_size(n, size);
        ext_touch(n, EXT_MTIME | EXT_CTIME);
        ext_node_mark(n);
        r = ext_node_store(n);
    }
    if (r == 0 && size < had) {
        r = ext_map_cut(n, (size + x->block_size - 1) / x->block_size);
    }
    return ext_end_contents(n, r);
}

/* Up to `want` blocks for the hole at `at`, which read as zeroes. Only extents can say that, lists get zeroes. */
static int allocate_some(struct ext_node *n, uint64_t at, uint32_t want, struct ext_run *run)
{
    struct ext_fs *x = n->x;
    bool extents = n->inode.i_flags & EXT4_EXTENTS_FL;
    uint32_t most = extents ? 4 * WRITE_STEP : WRITE_STEP;
    int r = ext_map_fill(n, at, want < most ? want : most, extents, run);
    for (uint32_t i = 0; r == 0 && !extents && i < run->len; i++) {
        struct ext_block *b;
        r = ext_block_new(x, run->first + i, &b);
        if (r == 0) {
            memset(b->data, 0, x->block_size);
            r = ext_block_changed_data(x, b, n->ino);
            ext_block_put(b);
        }
    }
    r = r != 0 ? r : ext_node_store(n);
    return r != 0 ? r : ext_pause(x);
}

int ext_allocate(struct vnode *v, off_t pos, off_t len)
{
    struct ext_node *n = ext_node(v);
    struct ext_fs *x = n->x;
    uint32_t size = x->block_size;
    uint64_t at = (uint64_t)pos / size, end = ((uint64_t)pos + (uint64_t)len + size - 1) / size;
    int r = ext_begin_contents(n);
    if (r != 0) {
        return r;
    }
    if (end >= UINT32_MAX) {
        return ext_end_contents(n, -EFBIG);
    }
    uint64_t need = 0;
    struct ext_run run;
    bool unwritten;
    for (uint64_t i = at; i < end && r == 0; i += run.len) {
        r = ext_map(n, i, &run, &unwritten);
        uint64_t left = end - i;
        run.len = run.len < left ? run.len : (uint32_t)left;
        need += r == 0 && run.first == 0 ? run.len : 0;
    }
    r = r != 0 ? r : ext_room(x, need + (n->inode.i_flags & EXT4_EXTENTS_FL ? 0 : need / 128) + EXT_MAP_ROOM);
    while (at < end && r == 0) {
        r = ext_map(n, at, &run, &unwritten);
        uint64_t left = end - at;
        run.len = run.len < left ? run.len : (uint32_t)left;
        if (r == 0 && run.first == 0) {
            r = allocate_some(n, at, run.len, &run);
        }
        at += run.len;
    }
    if (r == 0) {
        if ((uint64_t)pos + (uint64_t)len > ext_size(n)) {
            r = wipe_block(n, ext_size(n));
            ext_set_size(n, (uint64_t)pos + (uint64_t)len);
        }
        ext_touch(n, EXT_MTIME | EXT_CTIME);
        ext_node_mark(n);
        r = r != 0 ? r : ext_node_store(n);
    }
    return ext_end_contents(n, r);
}

int ext_sync(struct vnode *v)
{
    struct ext_node *n = ext_node(v);
    ext_lock_still(n->x);
    int r = n->x->readonly ? 0 : sync_locked(n);
    pthread_mutex_unlock(&n->x->lock);
    return r;
}
