/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: what is free. The library keeps the bitmaps in memory; here blocks and inodes are chosen,
 * and what has changed goes to the cache before a commit: only the groups that a change was in.
 */
#include <errno.h>
#include <string.h>

#include <pith/heap.h>
#include <pith/log.h>

#include "ext.h"

#define SUPER_AT   1024u /* bytes from the beginning */
#define SUPER_SIZE 1024u

/* The library has marked a block as used or free. */
static void block_marked(ext2_filsys fs, blk64_t no, int inuse)
{
    struct ext_fs *x = fs->priv_data;
    x->touched = true;
    x->dirty_group[ext2fs_group_of_blk2(fs, no)] |= EXT_GROUP_BLOCKS;
    if (inuse < 0 && !ext2fs_test_block_bitmap2(x->held, no)) {
        ext2fs_mark_block_bitmap2(x->held, no);
        x->nheld++;
        ext_block_forget(x, no);
    }
}

uint64_t ext_free_blocks(struct ext_fs *x)
{
    uint64_t n = ext2fs_free_blocks_count(x->fs->super);
    return n > x->nheld ? n - x->nheld : 0;
}

/* The first block in [from, to] that is free and not held. */
static int find_free(struct ext_fs *x, uint64_t from, uint64_t to, blk64_t *out)
{
    while (from <= to) {
        if (ext2fs_find_first_zero_block_bitmap2(x->fs->block_map, from, to, out) != 0) {
            return -ENOSPC;
        }
        if (x->nheld == 0 || !ext2fs_test_block_bitmap2(x->held, *out)) {
            return 0;
        }
        blk64_t next;
        if (ext2fs_find_first_zero_block_bitmap2(x->held, *out, to, &next) != 0) {
            return -ENOSPC;
        }
        from = next;
    }
    return -ENOSPC;
}

static int find_run(struct ext_fs *x, uint64_t goal, uint32_t want, uint64_t *first, uint32_t *got)
{
    uint64_t begin = x->fs->super->s_first_data_block;
    uint64_t last = ext2fs_blocks_count(x->fs->super) - 1;
    blk64_t at = 0, used;
    goal = goal > begin && goal <= last ? goal : begin;
    int r = find_free(x, goal, last, &at);
    if (r != 0 && goal > begin) {
        r = find_free(x, begin, goal - 1, &at);
    }
    if (r != 0) {
        return r;
    }
    uint64_t end = at + want - 1 < last ? at + want - 1 : last;
    if (ext2fs_find_first_set_block_bitmap2(x->fs->block_map, at, end, &used) == 0) {
        end = used - 1;
    }
    if (x->nheld != 0 && ext2fs_find_first_set_block_bitmap2(x->held, at, end, &used) == 0) {
        end = used - 1;
    }
    *first = at;
    *got = (uint32_t)(end - at + 1);
    return 0;
}

int ext_blocks_take(struct ext_fs *x, uint64_t goal, uint32_t want, uint64_t *first, uint32_t *got)
{
    int r = find_run(x, goal, want, first, got);
    for (uint32_t i = 0; r == 0 && i < *got; i++) {
        ext2fs_block_alloc_stats2(x->fs, *first + i, 1);
    }
    return r;
}

void ext_blocks_give_back(struct ext_fs *x, uint64_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        ext2fs_block_alloc_stats2(x->fs, first + i, -1);
    }
}

/* The library wants a block for its own use and marks it itself. */
static errcode_t choose_block(ext2_filsys fs, blk64_t goal, blk64_t *out,
                              struct blk_alloc_ctx *context)
{
    uint64_t first;
    uint32_t got;
    (void)context;
    if (find_run(fs->priv_data, goal, 1, &first, &got) != 0) {
        return EXT2_ET_BLOCK_ALLOC_FAIL;
    }
    *out = first;
    return 0;
}

static void mark_inode(struct ext_fs *x, uint32_t ino, int inuse, bool directory)
{
    x->touched = true;
    ext2fs_inode_alloc_stats2(x->fs, ino, inuse, directory);
    /* The first inode of a group ends its "uninitialized" state for both bitmaps. */
    x->dirty_group[ext2fs_group_of_ino(x->fs, ino)] |= EXT_GROUP_BLOCKS | EXT_GROUP_INODES;
}

int ext_inode_take(struct ext_fs *x, uint32_t near, bool directory, uint32_t *ino)
{
    errcode_t e = ext2fs_new_inode(x->fs, near, 0, NULL, ino);
    if (e != 0) {
        return ext_errno(x, e);
    }
    mark_inode(x, *ino, 1, directory);
    return 0;
}

void ext_inode_give_back(struct ext_fs *x, uint32_t ino, bool directory)
{
    mark_inode(x, ino, -1, directory);
}

int ext_held_release(struct ext_fs *x)
{
    if (x->nheld == 0) {
        return 0;
    }
    blk64_t at = x->fs->super->s_first_data_block, last = ext2fs_blocks_count(x->fs->super) - 1;
    while (x->discard && at <= last &&
           ext2fs_find_first_set_block_bitmap2(x->held, at, last, &at) == 0) {
        blk64_t end = last + 1;
        if (ext2fs_find_first_zero_block_bitmap2(x->held, at, last, &end) != 0) {
            end = last + 1;
        }
        /* Advice: a device that refuses loses nothing. */
        (void)blkdev_discard(x->dev, x->start + at * x->block_size, (end - at) * x->block_size);
        at = end;
    }
    x->nheld = 0;
    ext2fs_clear_block_bitmap(x->held);
    return 0;
}

/* ---- to the cache ---- */

static int put_block(struct ext_fs *x, uint64_t no, const void *data)
{
    struct ext_block *b;
    int r = ext_block_new(x, no, &b);
    if (r == 0) {
        memcpy(b->data, data, x->block_size);
        ext_block_changed(x, b);
        ext_block_put(b);
    }
    return r;
}

static int put_block_bitmap(struct ext_fs *x, dgrp_t group)
{
    ext2_filsys fs = x->fs;
    uint32_t bits = EXT2_CLUSTERS_PER_GROUP(fs->super);
    uint64_t first = ext2fs_group_first_block2(fs, group);
    uint64_t count = ext2fs_blocks_count(fs->super) - first;
    uint8_t *map = x->scratch;
    memset(map, 0xff, x->block_size);
    errcode_t e = ext2fs_get_block_bitmap_range2(fs->block_map, first,
                                                 count < bits ? count : bits, map);
    if (e != 0) {
        return ext_errno(x, e);
    }
    for (uint64_t i = count; i < bits && i % 8 != 0; i++) {
        map[i / 8] |= (uint8_t)(1u << i % 8);
    }
    for (uint64_t i = (count + 7) / 8; i < bits / 8; i++) {
        map[i] = 0xff; /* behind the end of the last group */
    }
    ext2fs_block_bitmap_csum_set(fs, group, (char *)map, (int)bits / 8);
    return put_block(x, ext2fs_block_bitmap_loc(fs, group), map);
}

static int put_inode_bitmap(struct ext_fs *x, dgrp_t group)
{
    ext2_filsys fs = x->fs;
    uint32_t bits = EXT2_INODES_PER_GROUP(fs->super);
    uint8_t *map = x->scratch;
    memset(map, 0xff, x->block_size);
    errcode_t e = ext2fs_get_inode_bitmap_range2(fs->inode_map, (__u64)group * bits + 1, bits, map);
    if (e != 0) {
        return ext_errno(x, e);
    }
    ext2fs_inode_bitmap_csum_set(fs, group, (char *)map, (int)bits / 8);
    return put_block(x, ext2fs_inode_bitmap_loc(fs, group), map);
}

static int put_group(struct ext_fs *x, dgrp_t group)
{
    ext2_filsys fs = x->fs;
    bool sums = ext2fs_has_group_desc_csum(fs);
    int r = 0;
    if ((x->dirty_group[group] & EXT_GROUP_BLOCKS) &&
        !(sums && ext2fs_bg_flags_test(fs, group, EXT2_BG_BLOCK_UNINIT))) {
        r = put_block_bitmap(x, group);
    }
    if (r == 0 && (x->dirty_group[group] & EXT_GROUP_INODES) &&
        !(sums && ext2fs_bg_flags_test(fs, group, EXT2_BG_INODE_UNINIT))) {
        r = put_inode_bitmap(x, group);
    }
    ext2fs_group_desc_csum_set(fs, group);
    return r;
}

/* A block of descriptors, where a group in it was changed. */
static int put_descriptors(struct ext_fs *x, unsigned long i)
{
    ext2_filsys fs = x->fs;
    dgrp_t per = EXT2_DESC_PER_BLOCK(fs->super), group = (dgrp_t)i * per;
    bool dirty = false;
    for (dgrp_t g = group; g < group + per && g < fs->group_desc_count; g++) {
        dirty = dirty || x->dirty_group[g] != 0;
        x->dirty_group[g] = 0;
    }
    if (!dirty) {
        return 0;
    }
    blk64_t first = fs->super->s_first_data_block;
    return put_block(x, ext2fs_descriptor_block_loc2(fs, first, (dgrp_t)i),
                     (char *)fs->group_desc + i * x->block_size);
}

int ext_meta_collect(struct ext_fs *x)
{
    ext2_filsys fs = x->fs;
    if (!(fs->flags & EXT2_FLAG_DIRTY)) {
        return 0;
    }
    int r = 0;
    for (dgrp_t g = 0; g < fs->group_desc_count && r == 0; g++) {
        r = x->dirty_group[g] != 0 ? put_group(x, g) : 0;
    }
    for (unsigned long i = 0; i < fs->desc_blocks && r == 0; i++) {
        r = put_descriptors(x, i);
    }
    struct ext_block *b;
    r = r != 0 ? r : ext_block_read(x, SUPER_AT / x->block_size, &b);
    if (r != 0) {
        return ext_fail(x, "collecting what has changed", r);
    }
    fs->super->s_wtime = (uint32_t)ext_now().tv_sec;
    ext2fs_superblock_csum_set(fs, fs->super);
    memcpy(b->data + SUPER_AT % x->block_size, fs->super, SUPER_SIZE);
    ext_block_changed(x, b);
    ext_block_put(b);
    fs->flags &= ~(EXT2_FLAG_DIRTY | EXT2_FLAG_CHANGED | EXT2_FLAG_BB_DIRTY | EXT2_FLAG_IB_DIRTY);
    return 0;
}

/* Of what is on the disk only the state is changed: the rest belongs to the next commit. */
int ext_super_write(struct ext_fs *x)
{
    uint64_t block = SUPER_AT / x->block_size;
    int r = ext_dev_rw(x, false, block, 1, x->bounce);
    if (r != 0) {
        return ext_fail(x, "reading the superblock", r);
    }
    struct ext2_super_block *s = (void *)(x->bounce + SUPER_AT % x->block_size);
    s->s_feature_incompat = x->fs->super->s_feature_incompat;
    s->s_state = x->fs->super->s_state;
    ext2fs_superblock_csum_set(x->fs, s);
    return ext_dev_rw(x, true, block, 1, x->bounce);
}

/*
 * All fields that change are in the first of its two sectors, the sum is in the second: one of them is
 * of before, one of after. With other fields changed the journal has a copy; see ext_journal_close()
 * and activate() for the two writes without.
 */
int ext_super_mend(struct ext_fs *x)
{
    uint64_t block = SUPER_AT / x->block_size;
    int r = ext_dev_rw(x, false, block, 1, x->bounce);
    struct ext2_super_block *s = (void *)(x->bounce + SUPER_AT % x->block_size);
    if (r != 0) {
        return r;
    }
    s->s_feature_incompat ^= EXT3_FEATURE_INCOMPAT_RECOVER;
    if (!ext2fs_superblock_csum_verify(x->fs, s)) {
        return -EBADMSG;
    }
    r = ext_dev_rw(x, true, block, 1, x->bounce);
    return r != 0 ? r : ext_dev_flush(x);
}

int ext_meta_start(struct ext_fs *x)
{
    ext2_filsys fs = x->fs;
    fs->priv_data = x;
    x->dirty_group = heap_alloc(fs->group_desc_count);
    if (x->dirty_group == NULL) {
        return -ENOMEM;
    }
    memset(x->dirty_group, 0, fs->group_desc_count);
    errcode_t e = ext2fs_read_bitmaps(fs);
    e = e != 0 ? e : ext2fs_allocate_block_bitmap(fs, "held", &x->held);
    if (e != 0) {
        return ext_errno(x, e);
    }
    fs->get_alloc_block2 = choose_block;
    ext2fs_set_block_alloc_stats_callback(fs, block_marked, NULL);
    return 0;
}
