/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: beginning and ending a change, and what happens when one fails.
 *
 * A step is all or nothing. One that fails before it has changed anything just says so; one that
 * fails in its middle (a read error, no memory in spite of the reserve, damage) can't be taken back
 * in memory. Then the running transaction is given up as a whole, nothing is written any more, and
 * the disk keeps the last commit.
 */
#include <errno.h>

#include <pith/log.h>
#include <pith/platform.h>

#include "ext.h"

int ext_fail(struct ext_fs *x, const char *what, int error)
{
    if (!x->failed) {
        klog(LOG_ERROR, "%s: %s failed with error %d: the file system is read-only from now on, "
             "and what was not synced is lost", x->name, what, -error);
    }
    x->failed = true;
    return -EIO;
}

int ext_damaged(struct ext_fs *x, const char *what, uint64_t where)
{
    if (!x->told) {
        klog(LOG_ERROR, "%s: the file system is damaged (%s, %lu): e2fsck has to repair it", x->name,
             what, (unsigned long)where);
    }
    x->told = true;
    return -EIO;
}

int ext_errno(struct ext_fs *x, errcode_t e)
{
    if (e == 0) {
        return 0;
    }
    if (e < 200) {
        return -(int)e;
    }
    switch (e) {
    case EXT2_ET_NO_MEMORY:
        return -ENOMEM;
    case EXT2_ET_BLOCK_ALLOC_FAIL:
    case EXT2_ET_INODE_ALLOC_FAIL:
        return -ENOSPC;
    case EXT2_ET_FILE_TOO_BIG:
        return -EFBIG;
    default:
        return ext_damaged(x, "the library's error", (uint64_t)(e - EXT2_ET_BASE));
    }
}

/* With the lock: wait for one's turn. Without turns who syncs all the time would come before all others. */
static void wait_still(struct ext_fs *x)
{
    unsigned mine = x->tickets++;
    while (x->committing || x->turn != mine) {
        libc_cond_wait(&x->done, &x->lock, 0);
    }
    if (++x->turn != x->tickets) {
        pthread_cond_broadcast(&x->done);
    }
}

void ext_lock_still(struct ext_fs *x)
{
    libc_mutex_lock(&x->lock);
    wait_still(x);
}

/* With the lock; on an error it is given up. */
static int begin(struct ext_fs *x)
{
    int r = x->readonly || x->failed ? -EROFS : x->stop ? -EIO : ext_mem_reserve();
    if (r == 0 && x->cache.count[EXT_CHANGED] > ext_journal_limit(x)) {
        r = ext_commit(x);
    }
    if (r != 0) {
        pthread_mutex_unlock(&x->lock);
        return r;
    }
    x->touched = false;
    return 0;
}

int ext_begin(struct ext_fs *x)
{
    ext_lock_still(x);
    return begin(x);
}

int ext_begin_contents(struct ext_node *n)
{
    struct ext_fs *x = n->x;
    libc_mutex_lock(&x->lock);
    n->changing++;
    while (n->reading != 0) {
        libc_cond_wait(&x->done, &x->lock, 0);
    }
    wait_still(x);
    int r = begin(x);
    if (r != 0) {
        libc_mutex_lock(&x->lock);
        n->changing--;
        pthread_mutex_unlock(&x->lock);
    }
    return r;
}

int ext_end_contents(struct ext_node *n, int r)
{
    n->changing--;
    return ext_end(n->x, r);
}

int ext_end(struct ext_fs *x, int r)
{
    if (x->touched && x->oldest_ns == 0) {
        x->oldest_ns = platform_clock_ns();
        pthread_cond_signal(&x->changes);
    }
    if (r < 0 && x->touched && (r == -EIO || r == -ENOMEM)) {
        r = ext_fail(x, "a change", r);
    }
    pthread_mutex_unlock(&x->lock);
    return r;
}

int ext_pause(struct ext_fs *x)
{
    return x->cache.count[EXT_CHANGED] > ext_journal_limit(x) ? ext_commit(x) : 0;
}

int ext_room(struct ext_fs *x, uint64_t blocks)
{
    if (ext_free_blocks(x) >= blocks) {
        return 0;
    }
    if (x->nheld == 0) {
        return -ENOSPC;
    }
    int r = ext_checkpoint(x);
    return r != 0 ? r : ext_free_blocks(x) >= blocks ? 0 : -ENOSPC;
}
