/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: transactions, written in the format of Linux' jbd2 (Documentation/filesystems/ext4/journal.rst),
 * which Linux and e2fsck can replay as well as ext_recover.c.
 *
 * The log is not a ring here: each transaction is written behind the last, and when half of it is
 * full, all metadata is put in its place and the log begins anew. So a transaction always finds
 * room, ext_journal_limit() being an eighth of the log.
 *
 * A file system without a journal is written in place, contents first; what a crash leaves of that
 * is e2fsck's to repair.
 */
#include <errno.h>
#include <string.h>

#include <pith/heap.h>
#include <pith/platform.h>

#include "ext.h"

uint64_t ext_journal_place(const struct ext_journal *j, uint32_t block)
{
    unsigned low = 0, high = j->nruns;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (j->run[mid].at + j->run[mid].len <= block) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < j->nruns && block >= j->run[low].at ? j->run[low].first + (block - j->run[low].at)
                                                     : 0;
}

static bool has_sums(const struct ext_journal *j)
{
    return j->incompat & (JBD2_INCOMPAT_CSUM_V3 | JBD2_INCOMPAT_CSUM_V2);
}

int ext_journal_write_super(struct ext_fs *x, uint32_t start)
{
    struct ext_journal *j = &x->journal;
    struct jbd2_super *s = (void *)j->super;
    s->sequence = ext_be32(j->sequence);
    s->start = ext_be32(start);
    s->head = 0;
    if (has_sums(j)) {
        s->checksum = 0;
        s->checksum = ext_be32(ext_crc32c(~0u, s, sizeof(*s)));
    }
    return ext_dev_rw(x, true, ext_journal_place(j, 0), 1, j->super);
}

/* The first change: the disk says from now on that its journal, or all of it, has to be looked at. */
static int activate(struct ext_fs *x)
{
    struct ext_journal *j = &x->journal;
    if (j->run != NULL) {
        ext2fs_set_feature_journal_needs_recovery(x->fs->super);
    } else {
        x->fs->super->s_state &= (uint16_t)~EXT2_VALID_FS;
    }
    int r = ext_super_write(x);
    r = r != 0 ? r : ext_dev_flush(x);
    if (r != 0 || j->run == NULL) {
        j->active = r == 0;
        return r;
    }
    struct jbd2_super *s = (void *)j->super;
    j->incompat = ext2fs_has_feature_metadata_csum(x->fs->super) ? JBD2_INCOMPAT_CSUM_V3 : 0;
    j->incompat |= ext2fs_has_feature_64bit(x->fs->super) ? JBD2_INCOMPAT_64BIT : 0;
    s->compat = 0;
    s->incompat = ext_be32(j->incompat | (ext_be32(s->incompat) & JBD2_INCOMPAT_REVOKE));
    s->checksum_type = has_sums(j) ? JBD2_CRC32C : 0;
    s->checksum = 0;
    j->seed = ext_crc32c(~0u, s->uuid, sizeof(s->uuid));
    j->head = j->first;
    r = ext_journal_write_super(x, j->first);
    r = r != 0 ? r : ext_dev_flush(x);
    j->active = r == 0;
    return r;
}

size_t ext_journal_limit(const struct ext_fs *x)
{
    size_t cache = x->cache.limit / 4;
    size_t log = x->journal.run != NULL ? (x->journal.blocks - x->journal.first) / 8 : SIZE_MAX;
    return cache < log ? cache : log;
}

/* ---- writing a transaction ---- */

static size_t tag_size(const struct ext_journal *j)
{
    return j->incompat & JBD2_INCOMPAT_CSUM_V3  ? sizeof(struct jbd2_tag3)
           : j->incompat & JBD2_INCOMPAT_64BIT ? sizeof(struct jbd2_tag)
                                                : sizeof(struct jbd2_tag) - 4;
}

static void put_header(const struct ext_journal *j, uint32_t type, void *block)
{
    struct jbd2_header *h = block;
    h->magic = ext_be32(JBD2_MAGIC);
    h->type = ext_be32(type);
    h->sequence = ext_be32(j->sequence);
}

/* How many blocks one descriptor tells of. */
static uint32_t tags_of(const struct ext_fs *x)
{
    size_t tail = has_sums(&x->journal) ? 4 : 0;
    return (uint32_t)((x->block_size - sizeof(struct jbd2_header) - 16 - tail) /
                      tag_size(&x->journal));
}

/* A block's copy in the log: one that begins like the journal's own does so with zeroes. */
static bool escape(uint8_t *copy)
{
    static const uint32_t zero;
    uint32_t magic;
    memcpy(&magic, copy, 4);
    if (magic != ext_be32(JBD2_MAGIC)) {
        return false;
    }
    memcpy(copy, &zero, 4);
    return true;
}

static uint8_t *put_tag(const struct ext_fs *x, uint8_t *at, uint64_t no, uint32_t flags,
                        const uint8_t *copy)
{
    const struct ext_journal *j = &x->journal;
    if (j->incompat & JBD2_INCOMPAT_CSUM_V3) {
        uint32_t sequence = ext_be32(j->sequence);
        uint32_t sum = ext_crc32c(j->seed, &sequence, 4);
        struct jbd2_tag3 tag = { ext_be32((uint32_t)no), ext_be32(flags),
                                 ext_be32((uint32_t)(no >> 32)),
                                 ext_be32(ext_crc32c(sum, copy, x->block_size)) };
        memcpy(at, &tag, sizeof(tag));
    } else {
        struct jbd2_tag tag = { ext_be32((uint32_t)no), 0, ext_be16((uint16_t)flags),
                                ext_be32((uint32_t)(no >> 32)) };
        memcpy(at, &tag, tag_size(j));
    }
    at += tag_size(j);
    if (!(flags & JBD2_FLAG_SAME_UUID)) {
        memcpy(at, ((struct jbd2_super *)(void *)j->super)->uuid, 16);
        at += 16;
    }
    return at;
}

/* Add the log's next block. */
static int log_block(struct ext_fs *x, struct ext_gather *g, const uint8_t *data)
{
    uint64_t place = ext_journal_place(&x->journal, x->journal.head++);
    return place != 0 ? ext_gather_add(g, place, data) : ext_fail(x, "the journal's end", -ENOSPC);
}

/* One descriptor and its n blocks, from *l on; `copy` has room for one. */
static int log_piece(struct ext_fs *x, struct ext_gather *g, struct list **l, uint32_t n,
                     uint8_t *copy)
{
    struct ext_journal *j = &x->journal;
    struct list *from = *l;
    memset(j->block, 0, x->block_size);
    put_header(j, JBD2_DESCRIPTOR, j->block);
    uint8_t *at = j->block + sizeof(struct jbd2_header);
    struct list *i = from;
    for (uint32_t k = 0; k < n; k++, i = i->next) {
        struct ext_block *b = LIST_ENTRY(i, struct ext_block, link);
        memcpy(copy, b->data, x->block_size);
        uint32_t flags = (escape(copy) ? JBD2_FLAG_ESCAPE : 0) | (k != 0 ? JBD2_FLAG_SAME_UUID : 0) |
                         (k == n - 1 ? JBD2_FLAG_LAST : 0);
        at = put_tag(x, at, b->no, flags, copy);
    }
    if (has_sums(j)) {
        uint32_t sum = ext_be32(ext_crc32c(j->seed, j->block, x->block_size));
        memcpy(j->block + x->block_size - 4, &sum, 4);
    }
    int r = log_block(x, g, j->block);
    i = from;
    for (uint32_t k = 0; k < n && r == 0; k++, i = i->next) {
        memcpy(copy, LIST_ENTRY(i, struct ext_block, link)->data, x->block_size);
        escape(copy);
        r = log_block(x, g, copy);
    }
    *l = i;
    return r;
}

/* All changed blocks with their descriptors, and then, when those are safe, the commit block. */
static int log_transaction(struct ext_fs *x)
{
    struct ext_journal *j = &x->journal;
    struct ext_gather g = { .x = x };
    struct list *changed = &x->cache.list[EXT_CHANGED], *l = changed->next;
    uint32_t left = (uint32_t)x->cache.count[EXT_CHANGED], most = tags_of(x);
    uint8_t *copy = j->block + x->block_size;
    int r = 0;
    while (left != 0 && r == 0) {
        uint32_t n = left < most ? left : most;
        r = log_piece(x, &g, &l, n, copy);
        left -= n;
    }
    r = r != 0 ? r : ext_gather_end(&g);
    r = r != 0 ? r : ext_dev_flush(x);
    if (r != 0) {
        return r;
    }
    struct timespec now = ext_now();
    struct jbd2_commit *c = (void *)j->block;
    memset(j->block, 0, x->block_size);
    put_header(j, JBD2_COMMIT, j->block);
    c->seconds = __builtin_bswap64((uint64_t)now.tv_sec);
    c->nanoseconds = ext_be32((uint32_t)now.tv_nsec);
    if (has_sums(j)) {
        c->checksum[0] = ext_be32(ext_crc32c(j->seed, j->block, x->block_size));
    }
    r = log_block(x, &g, j->block);
    r = r != 0 ? r : ext_gather_end(&g);
    return r != 0 ? r : ext_dev_flush(x);
}

static void set_committed(struct ext_fs *x)
{
    struct list *changed = &x->cache.list[EXT_CHANGED];
    while (!list_empty(changed)) {
        ext_block_state(x, LIST_ENTRY(changed->next, struct ext_block, link), EXT_COMMITTED);
    }
    x->committed = x->running++;
    x->oldest_ns = 0;
    x->stats.commits++;
}

/* Metadata in place, the log empty. The running transaction has to be. */
static int empty_log(struct ext_fs *x)
{
    struct ext_journal *j = &x->journal;
    int r = ext_cache_write_committed(x);
    r = r != 0 ? r : ext_dev_flush(x);
    if (r == 0 && j->active && j->run != NULL) {
        j->head = j->first;
        r = ext_journal_write_super(x, j->first);
        r = r != 0 ? r : ext_dev_flush(x);
    }
    x->stats.checkpoints++;
    return r != 0 ? r : ext_held_release(x);
}

/* From here to write_end() others may have the lock while the device works, and change nothing. */
static bool write_begin(struct ext_fs *x)
{
    bool was = x->committing;
    x->committing = true;
    return was;
}

static int write_end(struct ext_fs *x, bool was, int r)
{
    x->committing = was;
    if (!was) {
        pthread_cond_broadcast(&x->done);
    }
    return r;
}

int ext_commit_data(struct ext_fs *x, uint32_t ino)
{
    bool was = write_begin(x);
    int r = ext_cache_write_data(x, ino);
    return write_end(x, was, r != 0 || !x->unflushed ? r : ext_dev_flush(x));
}

/* What was collected, to the disk. */
static int write_transaction(struct ext_fs *x)
{
    struct ext_journal *j = &x->journal;
    int r = ext_cache_write_data(x, 0);
    if (r == 0 && j->run == NULL) {
        r = ext_dev_flush(x);
        set_committed(x);
        return r != 0 ? r : empty_log(x);
    }
    r = r != 0 ? r : log_transaction(x);
    if (r != 0) {
        return r;
    }
    set_committed(x);
    j->sequence++;
    return j->head - j->first > (j->blocks - j->first) / 2 ? empty_log(x) : 0;
}

int ext_commit(struct ext_fs *x)
{
    struct ext_journal *j = &x->journal;
    if (x->failed) {
        return -EIO;
    }
    /* Is there metadata to write? Then the disk is told before anything is collected of it. */
    bool changed = x->cache.count[EXT_CHANGED] != 0 || (x->fs->flags & EXT2_FLAG_DIRTY);
    int r = changed && !j->active ? activate(x) : 0;
    r = r != 0 ? r : ext_meta_collect(x);
    if (r != 0 || x->cache.count[EXT_CHANGED] == 0) {
        return r != 0 ? r : ext_commit_data(x, 0);
    }
    bool was = write_begin(x);
    return write_end(x, was, write_transaction(x));
}

int ext_checkpoint(struct ext_fs *x)
{
    int r = ext_commit(x);
    if (r != 0) {
        return r;
    }
    bool was = write_begin(x);
    return write_end(x, was, empty_log(x));
}

int ext_journal_close(struct ext_fs *x)
{
    int r = ext_checkpoint(x);
    if (r != 0 || !x->journal.active) {
        return r;
    }
    if (x->journal.run != NULL) {
        r = ext_journal_write_super(x, 0);
        r = r != 0 ? r : ext_dev_flush(x);
        ext2fs_clear_feature_journal_needs_recovery(x->fs->super);
    } else {
        x->fs->super->s_state |= EXT2_VALID_FS;
    }
    r = r != 0 ? r : ext_super_write(x);
    return r != 0 ? r : ext_dev_flush(x);
}
