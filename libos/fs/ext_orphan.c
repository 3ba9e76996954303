/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: files that have no name any more but are still open, and files that are being cut. The disk
 * has them on a list, through the inodes' i_dtime, so that after a crash whoever mounts it next (we,
 * Linux, e2fsck) finishes what was begun.
 */
#include <errno.h>
#include <string.h>

#include <pith/heap.h>
#include <pith/log.h>

#include "ext.h"

int ext_orphan_add(struct ext_node *n)
{
    struct ext_fs *x = n->x;
    if (n->orphan) {
        return 0;
    }
    n->orphan = true;
    n->next_orphan = x->orphans;
    x->orphans = n;
    n->inode.i_dtime = x->fs->super->s_last_orphan;
    x->fs->super->s_last_orphan = n->ino;
    ext2fs_mark_super_dirty(x->fs);
    return ext_node_store(n);
}

int ext_orphan_remove(struct ext_node *n)
{
    struct ext_fs *x = n->x;
    if (!n->orphan) {
        return 0;
    }
    struct ext_node *before = NULL, *i = x->orphans;
    while (i != NULL && i != n) {
        before = i;
        i = i->next_orphan;
    }
    int r = 0;
    if (i != NULL && before == NULL) {
        x->orphans = n->next_orphan;
        x->fs->super->s_last_orphan = n->inode.i_dtime;
        ext2fs_mark_super_dirty(x->fs);
    } else if (i != NULL) {
        before->next_orphan = n->next_orphan;
        before->inode.i_dtime = n->inode.i_dtime;
        r = ext_node_store(before);
    }
    n->orphan = false;
    n->inode.i_dtime = 0;
    return r != 0 ? r : ext_node_store(n);
}

/* The block of extended attributes, which several inodes may share. */
static int drop_attributes(struct ext_node *n)
{
    struct ext_fs *x = n->x;
    uint64_t no = ext2fs_file_acl_block(x->fs, ext_small(n));
    struct ext_block *b;
    if (no == 0) {
        return 0;
    }
    if (no <= x->fs->super->s_first_data_block || no >= ext2fs_blocks_count(x->fs->super)) {
        return ext_damaged(x, "a block of attributes", no);
    }
    int r = ext_block_read(x, no, &b);
    if (r != 0) {
        return r;
    }
    struct ext2_ext_attr_header *head = (void *)b->data;
    if (head->h_magic != EXT2_EXT_ATTR_MAGIC) {
        r = ext_damaged(x, "a block of attributes", no);
    } else if (head->h_refcount > 1) {
        head->h_refcount--;
        ext2fs_ext_attr_block_csum_set(x->fs, n->ino, no, head);
        ext_block_changed(x, b);
    }
    bool last = r == 0 && head->h_refcount <= 1;
    ext_block_put(b);
    if (last) {
        ext_blocks_give_back(x, no, 1);
    }
    ext2fs_file_acl_block_set(x->fs, ext_small(n), 0);
    ext2fs_iblk_sub_blocks(x->fs, ext_small(n), 1);
    return r;
}

static bool has_blocks(const struct ext_node *n)
{
    struct ext2_inode i;
    memcpy(&i, &n->inode, sizeof(i));
    return S_ISREG(n->v.type) || S_ISDIR(n->v.type) ||
           (S_ISLNK(n->v.type) && !ext2fs_is_fast_symlink(&i));
}

int ext_node_delete(struct ext_node *n)
{
    int r = drop_attributes(n);
    if (r == 0 && has_blocks(n)) {
        r = ext_map_cut(n, 0);
    }
    if (r == 0) {
        r = ext_orphan_remove(n);
    }
    if (r == 0) {
        ext_set_size(n, 0);
        n->inode.i_dtime = (uint32_t)ext_now().tv_sec;
        r = ext_node_store(n);
    }
    if (r == 0) {
        ext_inode_give_back(n->x, n->ino, S_ISDIR(n->v.type));
    }
    return r;
}

int ext_orphans_end(struct ext_fs *x)
{
    if (x->orphans == NULL || ext_mem_reserve() != 0) {
        return 0;
    }
    int r = ext_commit(x);
    if (r != 0) {
        return r;
    }
    while (r == 0 && x->orphans != NULL) {
        r = ext_node_delete(x->orphans);
        r = r != 0 ? r : ext_pause(x);
    }
    return r != 0 ? ext_fail(x, "freeing files without a name", r) : 0;
}

/* One of a crash, at the head of the list. */
static int finish_one(struct ext_fs *x, uint32_t ino)
{
    struct ext_node *n = heap_alloc(sizeof(*n));
    if (n == NULL) {
        return -ENOMEM;
    }
    memset(n, 0, sizeof(*n));
    n->x = x;
    n->ino = ino;
    list_init(&n->hash);
    int r = ext_errno(x, ext2fs_read_inode_full(x->fs, ino, ext_small(n), sizeof(n->inode)));
    if (r == 0 && !ext2fs_test_inode_bitmap2(x->fs->inode_map, ino)) {
        r = ext_damaged(x, "a file without a name", ino);
    }
    if (r == 0) {
        n->v.type = n->inode.i_mode & S_IFMT;
        n->orphan = true;
        x->orphans = n;
        if (n->inode.i_links_count == 0) {
            r = ext_node_delete(n);
        } else {
            r = ext_map_cut(n, (ext_size(n) + x->block_size - 1) / x->block_size);
            r = r != 0 ? r : ext_orphan_remove(n);
        }
        x->orphans = NULL;
    }
    heap_free(n);
    return r;
}

int ext_orphans_finish(struct ext_fs *x)
{
    uint32_t most = x->fs->super->s_inodes_count, n = 0, ino;
    int r = 0;
    while (r == 0 && (ino = x->fs->super->s_last_orphan) != 0) {
        if (ino < EXT2_FIRST_INODE(x->fs->super) || ino > most || n++ == most) {
            return ext_damaged(x, "the list of files without a name", ino);
        }
        r = ext_begin(x);
        if (r == 0) {
            r = ext_end(x, finish_one(x, ino));
        }
        if (r == 0 && x->fs->super->s_last_orphan == ino) {
            r = ext_damaged(x, "the list of files without a name", ino);
        }
    }
    if (n != 0 && r == 0) {
        klog(LOG_INFO, "%s: %u files that had no name when it crashed are freed", x->name, n);
    }
    return r;
}
