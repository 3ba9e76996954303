/* SPDX-License-Identifier: BSD-2-Clause */
/* ext4: which blocks of the disk a file has: by extents, or by the lists of ext2 and ext3. */
#include <errno.h>
#include <limits.h>

#include "ext.h"

#define LONGEST_HOLE (1u << 24)
#define SHORT_RUN    64u       /* of a file with lists, which are looked at block by block */
#define CUT_STEP     (1u << 16) /* blocks that are freed in one step */

static bool has_extents(const struct ext_node *n)
{
    return n->inode.i_flags & EXT4_EXTENTS_FL;
}

/* Is it a run that a file can have? */
static int check(struct ext_node *n, const struct ext_run *run)
{
    uint64_t all = ext2fs_blocks_count(n->x->fs->super);
    if (run->first != 0 && (run->first <= n->x->fs->super->s_first_data_block ||
                            run->first >= all || run->len > all - run->first || run->len == 0)) {
        return ext_damaged(n->x, "an inode's blocks", n->ino);
    }
    return 0;
}

/* How long the hole at `at` is; the handle stands where the search has ended. */
static errcode_t hole_length(ext2_extent_handle_t h, uint64_t at, uint32_t *len)
{
    struct ext2fs_extent e;
    *len = LONGEST_HOLE;
    errcode_t r = ext2fs_extent_get(h, EXT2_EXTENT_CURRENT, &e);
    if (r == 0 && e.e_lblk <= at) {
        r = ext2fs_extent_get(h, EXT2_EXTENT_NEXT_LEAF, &e);
    }
    if (r == EXT2_ET_NO_CURRENT_NODE || r == EXT2_ET_EXTENT_NO_NEXT) {
        return 0;
    }
    if (r == 0 && e.e_lblk > at && e.e_lblk - at < *len) {
        *len = (uint32_t)(e.e_lblk - at);
    }
    return r;
}

static int map_extent(struct ext_node *n, uint64_t at, struct ext_run *run, bool *unwritten)
{
    ext2_extent_handle_t h;
    struct ext2fs_extent e;
    errcode_t r = ext2fs_extent_open2(n->x->fs, n->ino, ext_small(n), &h);
    if (r != 0) {
        return ext_errno(n->x, r);
    }
    *run = (struct ext_run){ 0, (uint32_t)at, 0 };
    *unwritten = false;
    r = ext2fs_extent_goto(h, at);
    if (r == EXT2_ET_EXTENT_NOT_FOUND) {
        r = hole_length(h, at, &run->len);
    } else if (r == 0 && (r = ext2fs_extent_get(h, EXT2_EXTENT_CURRENT, &e)) == 0) {
        if (e.e_lblk > at || at - e.e_lblk >= e.e_len || e.e_pblk == 0) {
            ext2fs_extent_free(h);
            return ext_damaged(n->x, "an inode's blocks", n->ino);
        }
        run->first = e.e_pblk + (at - e.e_lblk);
        run->len = (uint32_t)(e.e_len - (at - e.e_lblk));
        *unwritten = e.e_flags & EXT2_EXTENT_FLAGS_UNINIT;
    }
    ext2fs_extent_free(h);
    return r != 0 ? ext_errno(n->x, r) : check(n, run);
}

static int map_list(struct ext_node *n, uint64_t at, struct ext_run *run)
{
    *run = (struct ext_run){ 0, (uint32_t)at, 0 };
    for (uint32_t i = 0; i < SHORT_RUN; i++) {
        blk64_t no = 0;
        errcode_t r = ext2fs_bmap2(n->x->fs, n->ino, ext_small(n), NULL, 0, at + i, NULL, &no);
        if (r == EXT2_ET_FILE_TOO_BIG && i != 0) {
            break;
        }
        if (r != 0) {
            return ext_errno(n->x, r);
        }
        if (i == 0) {
            run->first = no;
        } else if (run->first == 0 ? no != 0 : no != run->first + i) {
            break;
        }
        run->len = i + 1;
    }
    return check(n, run);
}

int ext_map(struct ext_node *n, uint64_t at, struct ext_run *run, bool *unwritten)
{
    struct ext_run *known = &n->map;
    if (at >= UINT32_MAX) {
        *run = (struct ext_run){ 0, UINT32_MAX, LONGEST_HOLE };
        *unwritten = false;
        return 0;
    }
    if (at < known->at || at - known->at >= known->len) {
        int r = has_extents(n) ? map_extent(n, at, known, &n->map_unwritten)
                               : map_list(n, at, known);
        if (r != 0) {
            known->len = 0;
            return r;
        }
        if (!has_extents(n)) {
            n->map_unwritten = false;
        }
    }
    uint32_t skip = (uint32_t)(at - known->at);
    *run = (struct ext_run){ known->first != 0 ? known->first + skip : 0, (uint32_t)at,
                             known->len - skip };
    *unwritten = n->map_unwritten;
    return 0;
}

/* Where the next blocks of the file would best be. */
static uint64_t goal_of(struct ext_node *n, uint64_t at)
{
    struct ext_run before;
    bool unwritten;
    if (at != 0 && ext_map(n, at - 1, &before, &unwritten) == 0 && before.first != 0) {
        return before.first + 1;
    }
    ext2_filsys fs = n->x->fs;
    return ext2fs_group_first_block2(fs, ext2fs_group_of_ino(fs, n->ino));
}

/* n blocks from *run on, none of which was mapped, as extents. */
static errcode_t set_extents(ext2_extent_handle_t h, const struct ext_run *run, bool unwritten)
{
    uint32_t most = unwritten ? EXT_UNINIT_MAX_LEN : EXT_INIT_MAX_LEN, i = 0;
    int flags = unwritten ? EXT2_EXTENT_SET_BMAP_UNINIT : 0;
    struct ext2fs_extent e;
    errcode_t r = 0;
    while (r == 0 && i < run->len) {
        r = ext2fs_extent_set_bmap(h, run->at + i, run->first + i, flags);
        i++;
        /* The extent that the block has become part of can take those behind it, too. */
        if (r != 0 || i == run->len || ext2fs_extent_goto(h, run->at + i - 1) != 0 ||
            ext2fs_extent_get(h, EXT2_EXTENT_CURRENT, &e) != 0 ||
            e.e_lblk + e.e_len != run->at + i || e.e_pblk + e.e_len != run->first + i) {
            continue;
        }
        uint32_t more = run->len - i;
        more = more < most - e.e_len ? more : most - e.e_len;
        if (more != 0) {
            e.e_len += more;
            r = ext2fs_extent_replace(h, 0, &e);
            i += more;
        }
    }
    return r;
}

static errcode_t set_list(struct ext_node *n, const struct ext_run *run)
{
    errcode_t r = 0;
    for (uint32_t i = 0; r == 0 && i < run->len; i++) {
        blk64_t no = run->first + i;
        /* BMAP_ALLOC is for the lists themselves. */
        r = ext2fs_bmap2(n->x->fs, n->ino, ext_small(n), NULL, BMAP_SET | BMAP_ALLOC, run->at + i,
                         NULL, &no);
    }
    return r;
}

/* What is unwritten gets written: the same blocks. */
static errcode_t convert(ext2_extent_handle_t h, const struct ext_run *run)
{
    errcode_t r = 0;
    for (uint32_t i = 0; r == 0 && i < run->len; i++) {
        r = ext2fs_extent_set_bmap(h, run->at + i, run->first + i, 0);
    }
    return r;
}

int ext_map_fill(struct ext_node *n, uint64_t at, uint32_t want, bool unwritten, struct ext_run *run)
{
    struct ext_fs *x = n->x;
    ext2_extent_handle_t h = NULL;
    bool was_unwritten;
    int r = at + want < UINT32_MAX ? ext_map(n, at, run, &was_unwritten) : -EFBIG;
    if (r != 0) {
        return r;
    }
    run->len = run->len < want ? run->len : want;
    bool hole = run->first == 0;
    uint64_t room = ext_free_blocks(x);
    if (room <= (hole ? EXT_MAP_ROOM : EXT_MAP_ROOM / 2)) {
        return -ENOSPC;
    }
    if (hole) {
        uint32_t got;
        uint64_t first;
        run->len = run->len < room - EXT_MAP_ROOM ? run->len : (uint32_t)(room - EXT_MAP_ROOM);
        r = ext_blocks_take(x, goal_of(n, at), run->len, &first, &got);
        if (r != 0) {
            return r;
        }
        *run = (struct ext_run){ first, (uint32_t)at, got };
        ext2fs_iblk_add_blocks(x->fs, ext_small(n), got);
    }
    n->map.len = 0;
    n->changed = x->running;
    errcode_t e = has_extents(n) ? ext2fs_extent_open2(x->fs, n->ino, ext_small(n), &h) : 0;
    if (e == 0) {
        e = h == NULL ? set_list(n, run) : hole ? set_extents(h, run, unwritten) : convert(h, run);
    }
    if (h != NULL) {
        ext2fs_extent_free(h);
    }
    r = ext_errno(x, e);
    return r == -ENOSPC ? -EIO : r; /* EXT_MAP_ROOM was too little: it can't be taken back */
}

/* The first block behind the last that the file has. */
static int end_of_blocks(struct ext_node *n, uint64_t *end)
{
    ext2_extent_handle_t h;
    struct ext2fs_extent e;
    *end = (ext_size(n) + n->x->block_size - 1) / n->x->block_size;
    if (!has_extents(n)) {
        *end = UINT32_MAX; /* its size may be cut already; holes in the lists cost little */
        return 0;
    }
    errcode_t r = ext2fs_extent_open2(n->x->fs, n->ino, ext_small(n), &h);
    if (r != 0) {
        return ext_errno(n->x, r);
    }
    r = ext2fs_extent_get(h, EXT2_EXTENT_ROOT, &e);
    r = r != 0 ? r : ext2fs_extent_get(h, EXT2_EXTENT_LAST_LEAF, &e);
    ext2fs_extent_free(h);
    if (r == 0) {
        *end = e.e_lblk + e.e_len;
    } else if (r == EXT2_ET_EXTENT_NO_NEXT || r == EXT2_ET_NO_CURRENT_NODE ||
               r == EXT2_ET_EXTENT_NOT_FOUND) {
        *end = 0;
        r = 0;
    }
    return ext_errno(n->x, r);
}

int ext_map_cut(struct ext_node *n, uint64_t from)
{
    struct ext_fs *x = n->x;
    bool listed = false;
    uint64_t end, before = UINT64_MAX;
    int r;
    while ((r = end_of_blocks(n, &end)) == 0 && end > from) {
        bool extents = has_extents(n);
        uint64_t start = extents && end - from > CUT_STEP ? end - CUT_STEP : from;
        if (end >= before) {
            return ext_damaged(x, "an inode's blocks", n->ino);
        }
        before = end;
        if (start != from && !n->orphan) {
            listed = true;
            r = ext_orphan_add(n);
        }
        n->map.len = 0;
        n->changed = x->running;
        r = r != 0 ? r : ext_errno(x, ext2fs_punch(x->fs, n->ino, ext_small(n), NULL, start,
                                                   ~0ull));
        r = r != 0 ? r : ext_node_store(n);
        r = r != 0 ? r : ext_pause(x);
        if (r != 0 || !extents) {
            break;
        }
    }
    return r == 0 && listed ? ext_orphan_remove(n) : r;
}
