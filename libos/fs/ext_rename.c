/* SPDX-License-Identifier: BSD-2-Clause */
/* ext4: rename(), one step of the journal. With mount.names held. */
#include <errno.h>

#include "ext.h"

#define RENAME_BLOCKS (20u + EXT_MAP_ROOM)
#define DEPTH_MAX     65536u /* directories above each other: more is a circle */

struct move {
    struct ext_node *from_dir, *to_dir, *node, *old; /* old: what is replaced, or NULL */
    struct name from, to;
    struct ext_entry from_entry, to_entry;
    bool directory;
};

/* Is `node` the directory `dir`, or above it? Then it would be moved into itself. */
static int check_circle(struct ext_node *node, struct ext_node *dir)
{
    struct ext_node *at = dir;
    int r = 0;
    vnode_ref(&at->v);
    for (unsigned depth = 0; r == 0 && at->ino != EXT2_ROOT_INO; depth++) {
        struct ext_node *up = NULL;
        r = at == node ? -EINVAL : depth == DEPTH_MAX ? ext_damaged(dir->x, "a circle", at->ino)
                                                      : ext_dir_parent(at, &up);
        /* Never the last reference of `dir`, and of others only one that was idle before. */
        ext_node_put(at);
        at = up;
        if (r != 0) {
            break;
        }
    }
    if (at != NULL) {
        ext_node_put(at);
    }
    return r;
}

static int check(struct move *m, bool replace)
{
    m->directory = S_ISDIR(m->node->v.type);
    if (m->old != NULL) {
        if (!replace) {
            return -EEXIST;
        }
        if (m->directory != S_ISDIR(m->old->v.type)) {
            return m->directory ? -ENOTDIR : -EISDIR;
        }
        int r = ext_may_go(m->old, m->directory);
        if (r != 0) {
            return r;
        }
    }
    return m->directory && m->from_dir != m->to_dir ? check_circle(m->node, m->to_dir) : 0;
}

/* The directory has another one above it. */
static int change_parent(struct move *m)
{
    struct ext_entry up;
    int r = ext_dir_find(m->node, (struct name){ "..", 2 }, &up);
    return r != 0 ? -EIO : ext_dir_change(m->node, &up, m->to_dir->ino, S_IFDIR);
}

static int do_move(struct move *m)
{
    mode_t mode = m->node->inode.i_mode;
    bool other = m->from_dir != m->to_dir;
    int r = m->old != NULL ? ext_dir_change(m->to_dir, &m->to_entry, m->node->ino, mode)
                           : ext_dir_add(m->to_dir, m->to, m->node->ino, mode);
    r = r != 0 ? r : ext_dir_remove(m->from_dir, m->from, &m->from_entry);
    if (r == 0 && m->directory && other) {
        r = change_parent(m);
    }
    /* Subdirectories: the one that moves, and the one that goes. */
    int to_change = m->directory ? (other ? 1 : 0) - (m->old != NULL ? 1 : 0) : 0;
    r = r != 0 ? r : ext_dir_touch(m->to_dir, to_change);
    if (r == 0 && other) {
        r = ext_dir_touch(m->from_dir, m->directory ? -1 : 0);
    }
    ext_touch(m->node, EXT_CTIME);
    ext_node_mark(m->node);
    r = r != 0 ? r : ext_node_store(m->node);
    return r != 0 || m->old == NULL ? r : ext_lose_name(m->old);
}

static int find(struct move *m)
{
    struct ext_fs *x = m->from_dir->x;
    if (m->from_dir->inode.i_links_count == 0 || m->to_dir->inode.i_links_count == 0) {
        return -ENOENT;
    }
    int r = ext_dir_find(m->from_dir, m->from, &m->from_entry);
    r = r != 0 ? r : ext_node_get(x, m->from_entry.ino, &m->node);
    if (r != 0) {
        return r;
    }
    r = ext_dir_find(m->to_dir, m->to, &m->to_entry);
    return r == 0 ? ext_node_get(x, m->to_entry.ino, &m->old) : r == -ENOENT ? 0 : r;
}

int ext_rename(struct vnode *from_dir, struct name from, struct vnode *to_dir, struct name to,
               bool replace, struct vnode **gone)
{
    struct move m = { .from_dir = ext_node(from_dir), .to_dir = ext_node(to_dir), .from = from,
                      .to = to };
    struct ext_fs *x = m.from_dir->x;
    int r = ext_begin(x);
    if (r != 0) {
        return r;
    }
    r = find(&m);
    if (r == 0 && m.old != m.node) { /* two names of one file: POSIX says that nothing happens */
        r = check(&m, replace);
        r = r != 0 ? r : ext_room(x, RENAME_BLOCKS);
        r = r != 0 ? r : do_move(&m);
    } else if (r == 0 && !replace) {
        r = -EEXIST;
    }
    r = ext_end(x, r);
    vnode_unref(m.node != NULL ? &m.node->v : NULL);
    if (m.old != NULL) {
        *gone = &m.old->v;
    }
    return r;
}
