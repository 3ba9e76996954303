/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: the journal's beginning: where it is, and putting what it has in place after a crash, ours
 * or Linux' (Documentation/filesystems/ext4/journal.rst). Nothing in it is trusted: a block that
 * does not fit ends the log, as in Linux; a copy with a wrong sum inside of a committed transaction
 * is damage, and the file system is not used.
 */
#include <errno.h>
#include <string.h>

#include <pith/heap.h>
#include <pith/log.h>

#include "ext.h"

#define REVOKES_MAX (1u << 20)

struct revoke {
    uint64_t block;
    uint32_t sequence;
};

struct replay {
    struct ext_fs *x;
    uint32_t at;       /* the log's next block */
    uint32_t sequence; /* of the transaction that is looked at */
    uint32_t end;      /* the first that is not complete; known after the first pass */
    uint64_t steps;    /* blocks looked at: a log is no longer than itself */
    struct revoke *revoke; /* hashed by block, 1 << bits places */
    unsigned bits;
    size_t nrevokes;
    uint8_t *block, *copy;
};

enum pass { PASS_SCAN, PASS_REVOKE, PASS_REPLAY };

/* ---- revoked blocks ---- */

static struct revoke *revoke_place(struct replay *p, uint64_t block)
{
    size_t mask = (1ul << p->bits) - 1, i = (block * 0x9e3779b97f4a7c15u >> 32) & mask;
    while (p->revoke[i].block != 0 && p->revoke[i].block != block) {
        i = (i + 1) & mask;
    }
    return &p->revoke[i];
}

static int revoke_grow(struct replay *p)
{
    struct revoke *old = p->revoke;
    size_t n = old != NULL ? 1ul << p->bits : 0;
    p->bits = old != NULL ? p->bits + 1 : 8;
    p->revoke = heap_alloc(sizeof(*old) << p->bits);
    if (p->revoke == NULL) {
        p->revoke = old;
        return -ENOMEM;
    }
    memset(p->revoke, 0, sizeof(*old) << p->bits);
    for (size_t i = 0; i < n; i++) {
        if (old[i].block != 0) {
            *revoke_place(p, old[i].block) = old[i];
        }
    }
    heap_free(old);
    return 0;
}

static int revoke_add(struct replay *p, uint64_t block)
{
    if (block == 0) {
        return 0;
    }
    if (p->revoke == NULL || 2 * p->nrevokes >= 1ul << p->bits) {
        int r = p->nrevokes < REVOKES_MAX ? revoke_grow(p) : -ENOMEM;
        if (r != 0) {
            return r;
        }
    }
    struct revoke *at = revoke_place(p, block);
    p->nrevokes += at->block == 0;
    *at = (struct revoke){ block, p->sequence };
    return 0;
}

/* Was the block freed by this transaction or a later one? */
static bool is_revoked(struct replay *p, uint64_t block)
{
    if (p->revoke == NULL) {
        return false;
    }
    const struct revoke *at = revoke_place(p, block);
    return at->block == block && (int32_t)(at->sequence - p->sequence) >= 0;
}

/* ---- the log ---- */

static int log_read(struct replay *p, uint8_t *to)
{
    struct ext_journal *j = &p->x->journal;
    uint64_t place = ext_journal_place(j, p->at);
    if (place == 0 || ++p->steps > j->blocks) {
        return -EBADMSG;
    }
    p->at = p->at + 1 < j->blocks ? p->at + 1 : j->first;
    return ext_dev_rw(p->x, false, place, 1, to);
}

static bool sum_at_end(struct replay *p)
{
    const struct ext_journal *j = &p->x->journal;
    uint32_t size = p->x->block_size, sum;
    if (!(j->incompat & (JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3))) {
        return true;
    }
    memcpy(&sum, p->block + size - 4, 4);
    memset(p->block + size - 4, 0, 4);
    return ext_crc32c(j->seed, p->block, size) == ext_be32(sum);
}

static bool commit_is_good(struct replay *p)
{
    const struct ext_journal *j = &p->x->journal;
    struct jbd2_commit *c = (void *)p->block;
    if (!(j->incompat & (JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3))) {
        return true;
    }
    uint32_t sum = ext_be32(c->checksum[0]);
    c->checksum[0] = 0;
    return ext_crc32c(j->seed, p->block, p->x->block_size) == sum;
}

struct tag {
    uint64_t block;
    uint32_t flags, sum;
    bool has_sum;
};

/* The tag at *at, which moves behind it; false: there is none. */
static bool get_tag(struct replay *p, uint32_t *at, struct tag *tag)
{
    const struct ext_journal *j = &p->x->journal;
    bool v3 = j->incompat & JBD2_INCOMPAT_CSUM_V3, v2 = j->incompat & JBD2_INCOMPAT_CSUM_V2;
    bool wide = j->incompat & JBD2_INCOMPAT_64BIT;
    /* With version 2 a tag has two bytes that it does not need (journal_tag_bytes() of jbd2). */
    uint32_t size = v3 ? sizeof(struct jbd2_tag3)
                       : (uint32_t)(sizeof(struct jbd2_tag) - (wide ? 0 : 4) + (v2 ? 2 : 0));
    if (*at + size > p->x->block_size - (v2 || v3 ? 4 : 0)) {
        return false;
    }
    if (v3) {
        struct jbd2_tag3 t;
        memcpy(&t, p->block + *at, sizeof(t));
        *tag = (struct tag){ ext_be32(t.block), ext_be32(t.flags), ext_be32(t.checksum), true };
        tag->block |= wide ? (uint64_t)ext_be32(t.block_high) << 32 : 0;
    } else {
        struct jbd2_tag t = { .block_high = 0 };
        memcpy(&t, p->block + *at, wide ? sizeof(t) : sizeof(t) - 4);
        *tag = (struct tag){ ext_be32(t.block), ext_be16(t.flags), ext_be16(t.checksum), v2 };
        tag->block |= wide ? (uint64_t)ext_be32(t.block_high) << 32 : 0;
    }
    *at += size + (tag->flags & JBD2_FLAG_SAME_UUID ? 0 : 16);
    return true;
}

/* Put one copy in its place. */
static int put_back(struct replay *p, const struct tag *tag)
{
    struct ext_fs *x = p->x;
    const struct ext_journal *j = &x->journal;
    uint32_t sequence = ext_be32(p->sequence), magic = ext_be32(JBD2_MAGIC);
    if (tag->has_sum) {
        uint32_t sum = ext_crc32c(ext_crc32c(j->seed, &sequence, 4), p->copy, x->block_size);
        sum = j->incompat & JBD2_INCOMPAT_CSUM_V3 ? sum : sum & 0xffff;
        if (sum != tag->sum) {
            return -EBADMSG;
        }
    }
    if (tag->flags & JBD2_FLAG_ESCAPE) {
        memcpy(p->copy, &magic, 4);
    }
    if (tag->block >= ext2fs_blocks_count(x->fs->super)) {
        return -EBADMSG;
    }
    x->stats.replayed++;
    return ext_dev_rw(x, true, tag->block, 1, p->copy);
}

static int do_descriptor(struct replay *p, enum pass pass)
{
    struct tag tag = { 0 };
    uint32_t at = sizeof(struct jbd2_header);
    while (!(tag.flags & JBD2_FLAG_LAST) && get_tag(p, &at, &tag)) {
        int r = log_read(p, p->copy);
        if (r == 0 && pass == PASS_REPLAY && !is_revoked(p, tag.block)) {
            r = put_back(p, &tag);
        }
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static int do_revoke(struct replay *p)
{
    struct jbd2_revoke head;
    memcpy(&head, p->block, sizeof(head));
    bool wide = p->x->journal.incompat & JBD2_INCOMPAT_64BIT;
    uint32_t size = wide ? 8 : 4, end = ext_be32(head.bytes);
    if (end > p->x->block_size) {
        return -EBADMSG;
    }
    for (uint32_t at = sizeof(head); at + size <= end; at += size) {
        uint32_t part[2] = { 0, 0 };
        memcpy(part, p->block + at, size);
        uint64_t block = wide ? (uint64_t)ext_be32(part[0]) << 32 | ext_be32(part[1])
                              : ext_be32(part[0]);
        int r = revoke_add(p, block);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* Go through the log once. */
static int do_pass(struct replay *p, enum pass pass, uint32_t start, uint32_t sequence)
{
    p->at = start;
    p->sequence = sequence;
    p->steps = 0;
    while (pass == PASS_SCAN || p->sequence != p->end) {
        struct jbd2_header h;
        int r = log_read(p, p->block);
        if (r == -EBADMSG && pass == PASS_SCAN) {
            break;
        }
        if (r != 0) {
            return r;
        }
        memcpy(&h, p->block, sizeof(h));
        if (ext_be32(h.magic) != JBD2_MAGIC || ext_be32(h.sequence) != p->sequence) {
            break;
        }
        uint32_t type = ext_be32(h.type);
        if (type == JBD2_DESCRIPTOR && sum_at_end(p)) {
            r = do_descriptor(p, pass);
        } else if (type == JBD2_REVOKE && sum_at_end(p)) {
            r = pass == PASS_REVOKE ? do_revoke(p) : 0;
        } else if (type == JBD2_COMMIT && commit_is_good(p)) {
            p->sequence++;
        } else {
            break;
        }
        if (r != 0 && (pass != PASS_SCAN || r != -EBADMSG)) {
            return r;
        }
        if (r != 0) {
            break;
        }
    }
    if (pass == PASS_SCAN) {
        p->end = p->sequence;
    }
    return p->sequence == p->end ? 0 : -EBADMSG;
}

int ext_recover(struct ext_fs *x)
{
    struct ext_journal *j = &x->journal;
    const struct jbd2_super *s = (void *)j->super;
    uint32_t start = ext_be32(s->start), sequence = ext_be32(s->sequence);
    if (start == 0) {
        return 0;
    }
    struct replay p = { .x = x, .block = heap_alloc(x->block_size),
                        .copy = heap_alloc(x->block_size) };
    int r = p.block != NULL && p.copy != NULL ? 0 : -ENOMEM;
    for (enum pass pass = PASS_SCAN; pass <= PASS_REPLAY && r == 0; pass++) {
        r = do_pass(&p, pass, start, sequence);
    }
    r = r != 0 ? r : ext_dev_flush(x);
    if (r == 0) {
        klog(LOG_INFO, "%s: the journal had %u transactions that were not in place, now they are",
             x->name, p.end - sequence);
        j->sequence = p.end + 1; /* so that nothing of the old log can be taken for the new one's */
        r = ext_journal_write_super(x, 0);
        r = r != 0 ? r : ext_dev_flush(x);
    } else if (r == -EBADMSG) {
        klog(LOG_ERROR, "%s: the journal is damaged: e2fsck has to repair it", x->name);
    }
    heap_free(p.block);
    heap_free(p.copy);
    heap_free(p.revoke);
    return r;
}

/* ---- where the journal is ---- */

static int add_block(struct ext_journal *j, uint64_t place, unsigned *room)
{
    struct ext_run *last = j->nruns != 0 ? &j->run[j->nruns - 1] : NULL;
    if (last != NULL && last->first + last->len == place) {
        last->len++;
    } else {
        if (j->nruns == *room) {
            struct ext_run *more = heap_resize(j->run, 2 * *room * sizeof(*more));
            if (more == NULL) {
                return -ENOMEM;
            }
            j->run = more;
            *room *= 2;
        }
        j->run[j->nruns++] = (struct ext_run){ place, j->blocks, 1 };
    }
    j->blocks++;
    return 0;
}

static int find_blocks(struct ext_fs *x, uint32_t blocks)
{
    struct ext_journal *j = &x->journal;
    ext2_filsys fs = x->fs;
    struct ext2_inode inode;
    unsigned room = 16;
    errcode_t e = ext2fs_read_inode(fs, fs->super->s_journal_inum, &inode);
    if (e != 0) {
        return ext_errno(x, e);
    }
    j->run = heap_alloc(room * sizeof(j->run[0]));
    int r = j->run != NULL ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < blocks && r == 0; i++) {
        blk64_t place = 0;
        e = ext2fs_bmap2(fs, fs->super->s_journal_inum, &inode, NULL, 0, i, NULL, &place);
        if (e != 0) {
            r = ext_errno(x, e);
        } else if (place <= fs->super->s_first_data_block ||
                   place >= ext2fs_blocks_count(fs->super)) {
            r = ext_damaged(x, "the journal", i);
        } else {
            r = add_block(j, place, &room);
        }
    }
    return r;
}

/* What the journal's superblock says; -EBADMSG: it can't be. */
static int read_super(struct ext_fs *x, uint32_t blocks)
{
    struct ext_journal *j = &x->journal;
    struct jbd2_super *s = (void *)j->super;
    int r = ext_dev_rw(x, false, ext_journal_place(j, 0), 1, j->super);
    if (r != 0) {
        return r;
    }
    j->incompat = ext_be32(s->incompat);
    uint32_t known = JBD2_INCOMPAT_REVOKE | JBD2_INCOMPAT_64BIT | JBD2_INCOMPAT_ASYNC |
                     JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3;
    if (ext_be32(s->header.magic) == JBD2_MAGIC && ext_be32(s->header.type) == JBD2_SUPER_V2 &&
        (j->incompat & ~known)) {
        klog(LOG_ERROR, "%s: the journal has features that are not known here (%#x)", x->name,
             j->incompat & ~known);
        return -ENOTSUP;
    }
    bool sums = j->incompat & (JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3);
    uint32_t sum = ext_be32(s->checksum);
    s->checksum = 0;
    j->first = ext_be32(s->first);
    uint32_t maxlen = ext_be32(s->maxlen), start = ext_be32(s->start);
    if (ext_be32(s->header.magic) != JBD2_MAGIC || ext_be32(s->header.type) != JBD2_SUPER_V2 ||
        ext_be32(s->block_size) != x->block_size || maxlen > blocks || j->first == 0 ||
        j->first >= maxlen || maxlen - j->first < 64 || start >= maxlen ||
        (start != 0 && start < j->first) ||
        (sums && sum != ext_crc32c(~0u, s, sizeof(*s)))) {
        klog(LOG_ERROR, "%s: the journal's superblock is damaged: e2fsck has to repair it", x->name);
        return -EBADMSG;
    }
    j->blocks = maxlen;
    j->sequence = ext_be32(s->sequence);
    j->seed = ext_crc32c(~0u, s->uuid, sizeof(s->uuid));
    return 0;
}

int ext_journal_open(struct ext_fs *x)
{
    struct ext_journal *j = &x->journal;
    struct ext2_super_block *s = x->fs->super;
    if (!ext2fs_has_feature_journal(s)) {
        return 0;
    }
    struct ext2_inode inode;
    if (s->s_journal_inum == 0 || ext2fs_read_inode(x->fs, s->s_journal_inum, &inode) != 0) {
        klog(LOG_ERROR, "%s: the journal is on another device or has no inode", x->name);
        return -ENOTSUP;
    }
    uint64_t blocks = EXT2_I_SIZE(&inode) / x->block_size;
    if (blocks < 64 || blocks > 1u << 24) {
        return ext_damaged(x, "the journal's size", blocks);
    }
    j->super = heap_alloc(x->block_size);
    j->block = heap_alloc(2ul * x->block_size); /* and a copy of one */
    int r = j->super != NULL && j->block != NULL ? find_blocks(x, (uint32_t)blocks) : -ENOMEM;
    return r != 0 ? r : read_super(x, (uint32_t)blocks);
}
