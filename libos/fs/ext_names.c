/* SPDX-License-Identifier: BSD-2-Clause */
/* ext4: looking up, making and removing names. All with mount.names held. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ext.h"

#define MAKE_BLOCKS (20u + EXT_MAP_ROOM) /* what a new name and its file need at most, mapping included */
#define LINKS_MAX   65000u /* Linux, fs/ext4/ext4.h EXT4_LINK_MAX */

int ext_lookup(struct vnode *v, struct name name, struct vnode **out)
{
    struct ext_node *dir = ext_node(v), *n;
    struct ext_entry e;
    libc_mutex_lock(&dir->x->lock);
    int r = dir->inode.i_links_count == 0 ? -ENOENT : ext_dir_find(dir, name, &e);
    r = r != 0 ? r : ext_node_get(dir->x, e.ino, &n);
    if (r == 0) {
        *out = &n->v;
    }
    pthread_mutex_unlock(&dir->x->lock);
    return r;
}

/* One subdirectory more or less. Above LINKS_MAX the count is 1, for ever: that is "dir_nlink". */
static void count_subdirectory(struct ext_node *dir, int change)
{
    uint32_t links = dir->inode.i_links_count;
    if (links > 1) {
        links = (uint32_t)((int)links + change);
        dir->inode.i_links_count = (uint16_t)(links <= LINKS_MAX ? links : 1);
    }
}

int ext_dir_touch(struct ext_node *dir, int subdirectories)
{
    count_subdirectory(dir, subdirectories);
    ext_touch(dir, EXT_MTIME | EXT_CTIME);
    ext_node_mark(dir);
    return ext_node_store(dir);
}

/* The target: in the inode where it fits, with its NUL, else in a block. */
static int put_target(struct ext_node *n, const struct new_node *what)
{
    struct ext_fs *x = n->x;
    struct ext_block *b;
    struct ext_run run;
    ext_set_size(n, what->len);
    if (what->len < sizeof(n->inode.i_block)) {
        memcpy(n->inode.i_block, what->target, what->len);
        return 0;
    }
    if (ext2fs_has_feature_extents(x->fs->super)) {
        ext2_extent_handle_t h;
        n->inode.i_flags |= EXT4_EXTENTS_FL;
        errcode_t e = ext2fs_extent_open2(x->fs, n->ino, ext_small(n), &h);
        if (e != 0) {
            return ext_errno(x, e);
        }
        ext2fs_extent_free(h);
    }
    int r = ext_map_fill(n, 0, 1, false, &run);
    r = r != 0 ? r : ext_block_new(x, run.first, &b);
    if (r == 0) {
        memset(b->data, 0, x->block_size);
        memcpy(b->data, what->target, what->len);
        ext_block_changed(x, b);
        ext_block_put(b);
    }
    return r;
}

/* What a directory with the set-group-ID bit hands on, as on Linux. */
static void inherit(struct ext_node *dir, struct ext_node *n)
{
    if (dir->inode.i_mode & S_ISGID) {
        n->inode.i_gid = dir->inode.i_gid;
        n->inode.osd2.linux2.l_i_gid_high = dir->inode.osd2.linux2.l_i_gid_high;
        n->inode.i_mode |= S_ISDIR(n->v.type) ? S_ISGID : 0;
    }
}

static int make(struct ext_node *dir, struct name name, const struct new_node *what,
                struct ext_node **out)
{
    struct ext_fs *x = dir->x;
    bool directory = S_ISDIR(what->mode);
    uint32_t ino;
    int r = ext_inode_take(x, dir->ino, directory, &ino);
    if (r != 0) {
        return r;
    }
    r = ext_node_new(x, ino, what->mode, out);
    if (r != 0) {
        ext_inode_give_back(x, ino, directory);
        return -EIO; /* half done */
    }
    struct ext_node *n = *out;
    inherit(dir, n);
    r = S_ISLNK(what->mode) ? put_target(n, what) : directory ? ext_dir_make(n, dir->ino) : 0;
    r = r != 0 ? r : ext_node_store(n);
    r = r != 0 ? r : ext_dir_add(dir, name, ino, what->mode);
    r = r != 0 ? r : ext_dir_touch(dir, directory);
    if (r != 0) {
        ext_node_undo(n);
    }
    return r == -ENOSPC ? -EIO : r; /* ext_room() has been asked */
}

int ext_create(struct vnode *v, struct name name, const struct new_node *what, struct vnode **out)
{
    struct ext_node *dir = ext_node(v), *n;
    struct ext_entry e;
    int r = ext_begin(dir->x);
    if (r != 0) {
        return r;
    }
    r = dir->inode.i_links_count == 0 ? -ENOENT : ext_dir_find(dir, name, &e);
    r = r == 0 ? -EEXIST : r == -ENOENT && dir->inode.i_links_count != 0 ? 0 : r;
    if (r == 0 && S_ISLNK(what->mode) && what->len >= dir->x->block_size) {
        r = -ENAMETOOLONG;
    }
    if (r == 0 && S_ISDIR(what->mode) && dir->inode.i_links_count >= LINKS_MAX &&
        !ext2fs_has_feature_dir_nlink(dir->x->fs->super)) {
        r = -EMLINK;
    }
    r = r != 0 ? r : ext_room(dir->x, MAKE_BLOCKS);
    r = r != 0 ? r : make(dir, name, what, &n);
    if (r == 0) {
        *out = &n->v;
    }
    return ext_end(dir->x, r);
}

int ext_link(struct vnode *v, struct name name, struct vnode *target)
{
    struct ext_node *dir = ext_node(v), *n = ext_node(target);
    struct ext_entry e;
    int r = ext_begin(dir->x);
    if (r != 0) {
        return r;
    }
    if (dir->inode.i_links_count == 0 || n->inode.i_links_count == 0) {
        return ext_end(dir->x, -ENOENT);
    }
    r = ext_dir_find(dir, name, &e);
    r = r == 0 ? -EEXIST : r == -ENOENT ? 0 : r;
    if (r == 0 && n->inode.i_links_count >= LINKS_MAX) {
        r = -EMLINK;
    }
    r = r != 0 ? r : ext_room(dir->x, MAKE_BLOCKS);
    r = r != 0 ? r : ext_dir_add(dir, name, n->ino, n->inode.i_mode);
    r = r != 0 ? r : ext_dir_touch(dir, 0);
    if (r == 0) {
        n->inode.i_links_count++;
        ext_touch(n, EXT_CTIME);
        ext_node_mark(n);
        r = ext_node_store(n);
    }
    return ext_end(dir->x, r);
}

int ext_lose_name(struct ext_node *n)
{
    n->inode.i_links_count = S_ISDIR(n->v.type) ? 0 : (uint16_t)(n->inode.i_links_count - 1);
    ext_touch(n, EXT_CTIME);
    ext_node_mark(n);
    return n->inode.i_links_count == 0 ? ext_orphan_add(n) : ext_node_store(n);
}

int ext_may_go(struct ext_node *n, bool directory)
{
    if (S_ISDIR(n->v.type) != directory) {
        return directory ? -ENOTDIR : -EISDIR;
    }
    int r = directory ? ext_dir_is_empty(n) : 1;
    return r < 0 ? r : r == 0 ? -ENOTEMPTY : 0;
}

int ext_unlink(struct vnode *v, struct name name, bool directory, struct vnode **gone)
{
    struct ext_node *dir = ext_node(v), *n = NULL;
    struct ext_entry e;
    int r = ext_begin(dir->x);
    if (r != 0) {
        return r;
    }
    r = dir->inode.i_links_count == 0 ? -ENOENT : ext_dir_find(dir, name, &e);
    r = r != 0 ? r : ext_node_get(dir->x, e.ino, &n);
    if (r == 0) {
        *gone = &n->v; /* whatever happens, the caller drops it */
        r = ext_may_go(n, directory);
    }
    r = r != 0 ? r : ext_dir_remove(dir, name, &e);
    r = r != 0 ? r : ext_dir_touch(dir, directory ? -1 : 0);
    r = r != 0 ? r : ext_lose_name(n);
    return ext_end(dir->x, r);
}

int ext_dir_parent(struct ext_node *dir, struct ext_node **out)
{
    struct ext_entry e;
    int r = ext_dir_find(dir, (struct name){ "..", 2 }, &e);
    r = r == -ENOENT ? ext_damaged(dir->x, "a directory", dir->ino) : r;
    r = r != 0 ? r : ext_node_get(dir->x, e.ino, out);
    if (r == 0 && !S_ISDIR((*out)->v.type)) {
        r = ext_damaged(dir->x, "a directory", dir->ino);
    }
    return r;
}

int ext_parent(struct vnode *v, struct vnode **out, char *name)
{
    struct ext_node *dir = ext_node(v), *up = NULL;
    libc_mutex_lock(&dir->x->lock);
    name[0] = '\0';
    int r = ext_dir_parent(dir, &up);
    if (r == 0 && dir->inode.i_links_count != 0 && dir->ino != EXT2_ROOT_INO) {
        r = ext_dir_name_of(up, dir->ino, name);
    }
    pthread_mutex_unlock(&dir->x->lock);
    if (r != 0) {
        vnode_unref(up != NULL ? &up->v : NULL);
        return r;
    }
    *out = &up->v;
    return 0;
}
