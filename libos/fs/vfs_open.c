/* SPDX-License-Identifier: BSD-2-Clause */
/* open(): find or make the node, then an open file of it. Errors are those of Linux. */
#define _GNU_SOURCE /* O_DIRECT */
#include <errno.h>
#include <fcntl.h>

#include "vfs.h"

/* The flags that the open file keeps. */
#define KEPT_FLAGS (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DIRECT)

#define PERMISSIONS 07777

static mode_t mask = 022; /* of the process; atomic */

mode_t fs_umask(mode_t new_mask)
{
    return __atomic_exchange_n(&mask, new_mask & 0777, __ATOMIC_RELAXED);
}

mode_t vfs_mode(mode_t mode)
{
    return mode & PERMISSIONS & ~__atomic_load_n(&mask, __ATOMIC_RELAXED);
}

int vfs_create(const struct path *p, const struct new_node *what, struct vnode **out)
{
    struct vnode *dir = p->dir;
    if (dir->ops->create == NULL) {
        return -EROFS;
    }
    libc_mutex_lock(&dir->mount->names);
    int r = dir->ops->create(dir, p->name, what, out);
    pthread_mutex_unlock(&dir->mount->names);
    return r;
}

/* What speaks against opening a node that is there. */
static int check(const struct vnode *node, int flags)
{
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        return -EEXIST;
    }
    if (S_ISLNK(node->type)) {
        return flags & O_DIRECTORY ? -ENOTDIR : -ELOOP;
    }
    if (S_ISSOCK(node->type)) {
        return -ENXIO; /* for connect() */
    }
    if (S_ISDIR(node->type)) {
        return (flags & (O_CREAT | O_TRUNC)) || (flags & O_ACCMODE) != O_RDONLY ? -EISDIR : 0;
    }
    return flags & O_DIRECTORY ? -ENOTDIR : 0;
}

static int open_node(struct vnode *node, int flags, struct file **out)
{
    int kept = flags & KEPT_FLAGS;
    if ((flags & O_TRUNC) && S_ISREG(node->type)) {
        int r = node->ops->truncate != NULL ? node->ops->truncate(node, 0) : -EROFS;
        if (r != 0) {
            return r;
        }
    }
    return node->ops->open != NULL ? node->ops->open(node, kept, out)
                                   : vnode_file_open(node, kept, out);
}

/* -EAGAIN: somebody else has made the file meanwhile, look again. */
static int open_path(const struct path *p, int flags, mode_t mode, struct file **out)
{
    if ((flags & O_CREAT) && p->slash) {
        return -EISDIR;
    }
    if (p->node != NULL) {
        int r = check(p->node, flags);
        return r != 0 ? r : open_node(p->node, flags, out);
    }
    if (!(flags & O_CREAT)) {
        return -ENOENT;
    }
    struct new_node what = { .mode = S_IFREG | vfs_mode(mode) };
    struct vnode *node;
    int r = vfs_create(p, &what, &node);
    if (r == -EEXIST && !(flags & O_EXCL)) {
        return -EAGAIN;
    }
    if (r == 0) {
        r = open_node(node, flags & ~O_TRUNC, out);
        vnode_unref(node);
    }
    return r;
}

int fs_open(int dirfd, const char *path, int flags, mode_t mode, struct file **out)
{
    bool create = flags & O_CREAT;
    bool follow = !(flags & O_NOFOLLOW) && !(create && (flags & O_EXCL));
    unsigned walk = (follow ? WALK_FOLLOW : 0) | (create ? WALK_CREATE : 0);
    if ((flags & O_ACCMODE) == O_ACCMODE || (create && (flags & O_DIRECTORY))) {
        return -EINVAL;
    }
    int r;
    do {
        struct path p;
        r = path_walk(dirfd, path, walk, &p);
        if (r != 0) {
            return r;
        }
        r = open_path(&p, flags, mode, out);
        path_done(&p);
    } while (r == -EAGAIN);
    return r;
}

int file_open(const char *path, int flags, struct file **out)
{
    return fs_open(AT_FDCWD, path, flags, 0666, out);
}
