/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing the tree: mkdir, mknod, symlink, link, unlink, rmdir, rename. Errors are those of Linux. */
#define _GNU_SOURCE /* RENAME_NOREPLACE */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "vfs.h"

/*
 * Walk to a name that is to be made. A slash behind it is for directories only.
 * After 0 the caller calls path_done().
 */
static int walk_to_new(int dirfd, const char *path, bool directory, struct path *p)
{
    int r = path_walk(dirfd, path, WALK_CREATE, p);
    if (r != 0) {
        return r;
    }
    if (p->node != NULL) {
        r = -EEXIST;
    } else if (p->slash && !directory) {
        r = -ENOENT;
    }
    if (r != 0) {
        path_done(p);
    }
    return r;
}

static int make(int dirfd, const char *path, const struct new_node *what)
{
    struct path p;
    struct vnode *node;
    int r = walk_to_new(dirfd, path, S_ISDIR(what->mode), &p);
    if (r != 0) {
        return r;
    }
    r = vfs_create(&p, what, &node);
    if (r == 0) {
        vnode_unref(node);
    }
    path_done(&p);
    return r;
}

int fs_mkdir(int dirfd, const char *path, mode_t mode)
{
    struct new_node what = { .mode = S_IFDIR | (vfs_mode(mode) & 01777) };
    return make(dirfd, path, &what);
}

int fs_mknod(int dirfd, const char *path, mode_t mode)
{
    mode_t type = mode & S_IFMT;
    if (type != 0 && type != S_IFREG) {
        return -EPERM; /* devices are the machine's, and there are no named pipes and sockets */
    }
    struct new_node what = { .mode = S_IFREG | vfs_mode(mode) };
    return make(dirfd, path, &what);
}

int fs_symlink(const char *target, int dirfd, const char *path)
{
    struct new_node what = { .mode = S_IFLNK | 0777, .target = target };
    what.len = strnlen(target, PATH_MAX);
    if (what.len == 0 || what.len == PATH_MAX) {
        return what.len == 0 ? -ENOENT : -ENAMETOOLONG;
    }
    return make(dirfd, path, &what);
}

int fs_link(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    struct vnode *node;
    struct path p;
    if (flags & ~AT_SYMLINK_FOLLOW) {
        return -EINVAL;
    }
    int r = path_node(from_fd, from, flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0, &node);
    if (r != 0) {
        return r;
    }
    r = walk_to_new(to_fd, to, false, &p);
    if (r == 0) {
        if (node->mount != p.dir->mount) {
            r = -EXDEV;
        } else if (S_ISDIR(node->type) || p.dir->ops->link == NULL) {
            r = -EPERM;
        } else {
            libc_mutex_lock(&node->mount->names);
            r = p.dir->ops->link(p.dir, p.name, node);
            pthread_mutex_unlock(&node->mount->names);
        }
        path_done(&p);
    }
    vnode_unref(node);
    return r;
}

/* What speaks against unlink() or rmdir() of a path that has been walked. */
static int check_unlink(const struct path *p, bool directory)
{
    static const int rmdir_errors[] = {
        [PATH_DOT] = -EINVAL, [PATH_DOTDOT] = -ENOTEMPTY, [PATH_ROOT] = -EBUSY,
    };
    if (p->last != PATH_NAME) {
        return directory ? rmdir_errors[p->last] : -EISDIR;
    }
    if (p->node == NULL) {
        return -ENOENT;
    }
    if (!directory && p->slash) {
        return S_ISDIR(p->node->type) ? -EISDIR : -ENOTDIR;
    }
    if (p->node->mount != p->dir->mount) {
        return directory ? -EBUSY : -EISDIR;
    }
    return p->dir->ops->unlink == NULL ? -EROFS : 0;
}

int fs_unlink(int dirfd, const char *path, int flags)
{
    bool directory = flags & AT_REMOVEDIR;
    struct path p;
    if (flags & ~AT_REMOVEDIR) {
        return -EINVAL;
    }
    int r = path_walk(dirfd, path, WALK_CREATE, &p);
    if (r != 0) {
        return r;
    }
    r = check_unlink(&p, directory);
    if (r == 0) {
        struct vnode *gone = NULL;
        libc_mutex_lock(&p.dir->mount->names);
        r = p.dir->ops->unlink(p.dir, p.name, directory, &gone);
        pthread_mutex_unlock(&p.dir->mount->names);
        vnode_unref(gone);
    }
    path_done(&p);
    return r;
}

/* What speaks against a rename of paths that have been walked. */
static int check_rename(const struct path *from, const struct path *to, bool replace)
{
    if (from->dir->mount != to->dir->mount) {
        return -EXDEV;
    }
    if (from->last != PATH_NAME) {
        return -EBUSY;
    }
    if (to->last != PATH_NAME) {
        return replace ? -EBUSY : -EEXIST;
    }
    if (from->node == NULL) {
        return -ENOENT;
    }
    if (to->node != NULL && !replace) {
        return -EEXIST;
    }
    if (!S_ISDIR(from->node->type) && (from->slash || to->slash)) {
        return -ENOTDIR;
    }
    if (from->node->mount != from->dir->mount ||
        (to->node != NULL && to->node->mount != to->dir->mount)) {
        return -EBUSY;
    }
    return from->dir->ops->rename == NULL ? -EROFS : 0;
}

int fs_rename(int from_fd, const char *from_path, int to_fd, const char *to_path, unsigned flags)
{
    bool replace = !(flags & RENAME_NOREPLACE);
    struct path from, to;
    if (flags & ~RENAME_NOREPLACE) {
        return -EINVAL;
    }
    int r = path_walk(from_fd, from_path, WALK_CREATE, &from);
    if (r != 0) {
        return r;
    }
    r = path_walk(to_fd, to_path, WALK_CREATE, &to);
    if (r == 0) {
        r = check_rename(&from, &to, replace);
        if (r == 0) {
            struct vnode *gone = NULL;
            libc_mutex_lock(&from.dir->mount->names);
            r = from.dir->ops->rename(from.dir, from.name, to.dir, to.name, replace, &gone);
            pthread_mutex_unlock(&from.dir->mount->names);
            vnode_unref(gone);
        }
        path_done(&to);
    }
    path_done(&from);
    return r;
}
