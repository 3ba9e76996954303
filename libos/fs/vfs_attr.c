/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a file by name: stat, access, modes, owners, times, size, file system.
 *
 * There is one user, root: modes and owners are kept and never refuse anything, except that nobody
 * may execute what has no x bit.
 */
#define _GNU_SOURCE /* AT_EMPTY_PATH */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vfs.h"

#define PERMISSIONS 07777
#define X_BITS      (S_IXUSR | S_IXGRP | S_IXOTH)
#define NS_PER_S    1000000000l

static int getattr(struct vnode *node, struct stat *st)
{
    memset(st, 0, sizeof(*st));
    return node->ops->getattr(node, st);
}

/* fstat() by way of fstatat(). */
static int stat_open_file(int fd, struct stat *st)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    memset(st, 0, sizeof(*st));
    int r = f->ops->fstat != NULL ? f->ops->fstat(f, st) : -EINVAL;
    file_unref(f);
    return r;
}

int fs_stat(int dirfd, const char *path, struct stat *st, int flags)
{
    struct vnode *node;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    if (path[0] == '\0' && (flags & AT_EMPTY_PATH)) {
        if (dirfd != AT_FDCWD) {
            return stat_open_file(dirfd, st);
        }
        path = ".";
    }
    int r = path_node(dirfd, path, flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW, &node);
    if (r == 0) {
        r = getattr(node, st);
        vnode_unref(node);
    }
    return r;
}

int fs_access(int dirfd, const char *path, int mode, int flags)
{
    struct vnode *node;
    struct stat st;
    if ((mode & ~(R_OK | W_OK | X_OK)) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW))) {
        return -EINVAL;
    }
    int r = path_node(dirfd, path, flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW, &node);
    if (r != 0) {
        return r;
    }
    r = getattr(node, &st);
    if (r == 0 && (mode & X_OK) && !S_ISDIR(st.st_mode) && !(st.st_mode & X_BITS)) {
        r = -EACCES;
    }
    if (r == 0 && (mode & W_OK) && S_ISBLK(st.st_mode) && !(st.st_mode & S_IWUSR)) {
        r = -EACCES; /* a disk that the host gave read-only */
    }
    vnode_unref(node);
    return r;
}

ssize_t fs_readlink(int dirfd, const char *path, char *buf, size_t size)
{
    struct vnode *node;
    if (size == 0) {
        return -EINVAL;
    }
    int r = path_node(dirfd, path, 0, &node);
    if (r != 0) {
        return r;
    }
    ssize_t n = S_ISLNK(node->type) ? node->ops->readlink(node, buf, size) : -EINVAL;
    vnode_unref(node);
    return n;
}

static int setattr(struct vnode *node, const struct attr *attr)
{
    return node->ops->setattr != NULL ? node->ops->setattr(node, attr) : -EPERM;
}

/* Change attributes of what a path names. */
static int set_by_path(int dirfd, const char *path, int flags, const struct attr *attr)
{
    struct vnode *node;
    if (flags & ~AT_SYMLINK_NOFOLLOW) {
        return -EINVAL;
    }
    int r = path_node(dirfd, path, flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW, &node);
    if (r != 0) {
        return r;
    }
    /* A symbolic link has no mode of its own. */
    r = (attr->set & ATTR_MODE) && S_ISLNK(node->type) ? -EOPNOTSUPP : setattr(node, attr);
    vnode_unref(node);
    return r;
}

static int set_by_file(struct file *f, const struct attr *attr)
{
    struct vnode *node = file_vnode(f);
    return node == NULL ? -EINVAL : setattr(node, attr);
}

static struct attr owner(uid_t uid, gid_t gid)
{
    struct attr attr = { .uid = uid, .gid = gid };
    attr.set = (uid != (uid_t)-1 ? ATTR_UID : 0) | (gid != (gid_t)-1 ? ATTR_GID : 0);
    return attr;
}

int fs_chmod(int dirfd, const char *path, mode_t mode, int flags)
{
    struct attr attr = { .set = ATTR_MODE, .mode = mode & PERMISSIONS };
    return set_by_path(dirfd, path, flags, &attr);
}

int fs_fchmod(struct file *f, mode_t mode)
{
    struct attr attr = { .set = ATTR_MODE, .mode = mode & PERMISSIONS };
    return set_by_file(f, &attr);
}

int fs_chown(int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
    struct attr attr = owner(uid, gid);
    return set_by_path(dirfd, path, flags, &attr);
}

int fs_fchown(struct file *f, uid_t uid, gid_t gid)
{
    struct attr attr = owner(uid, gid);
    return set_by_file(f, &attr);
}

/* One of the two times of utimensat(): in *out, unless it is to stay. */
static int pick_time(const struct timespec *given, const struct timespec *now, unsigned which,
                     struct attr *attr, struct timespec *out)
{
    if (given == NULL || given->tv_nsec == UTIME_NOW) {
        *out = *now;
    } else if (given->tv_nsec == UTIME_OMIT) {
        return 0;
    } else if (given->tv_nsec < 0 || given->tv_nsec >= NS_PER_S) {
        return -EINVAL;
    } else {
        *out = *given;
    }
    attr->set |= which;
    return 0;
}

static int times_attr(const struct timespec times[2], struct attr *attr)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *attr = (struct attr){ .set = 0 };
    int r = pick_time(times, &now, ATTR_ATIME, attr, &attr->atime);
    return r != 0 ? r : pick_time(times != NULL ? times + 1 : NULL, &now, ATTR_MTIME, attr,
                                  &attr->mtime);
}

int fs_utimens(int dirfd, const char *path, const struct timespec times[2], int flags)
{
    struct attr attr;
    int r = times_attr(times, &attr);
    return r != 0 ? r : set_by_path(dirfd, path, flags, &attr);
}

int fs_futimens(struct file *f, const struct timespec times[2])
{
    struct attr attr;
    int r = times_attr(times, &attr);
    return r != 0 ? r : set_by_file(f, &attr);
}

int fs_truncate(const char *path, off_t size)
{
    struct vnode *node;
    if (size < 0) {
        return -EINVAL;
    }
    int r = path_node(AT_FDCWD, path, WALK_FOLLOW, &node);
    if (r != 0) {
        return r;
    }
    if (S_ISDIR(node->type)) {
        r = -EISDIR;
    } else {
        r = S_ISREG(node->type) && node->ops->truncate != NULL ? node->ops->truncate(node, size)
                                                               : -EINVAL;
    }
    vnode_unref(node);
    return r;
}

int fs_allocate(struct file *f, off_t pos, off_t len)
{
    struct vnode *node = file_vnode(f);
    off_t end;
    if (pos < 0 || len <= 0) {
        return -EINVAL;
    }
    if (node == NULL || !S_ISREG(node->type)) {
        return f->ops->pwrite == NULL && f->ops->pread == NULL ? -ESPIPE : -ENODEV;
    }
    if ((f->flags & O_ACCMODE) == O_RDONLY) {
        return -EBADF;
    }
    if (__builtin_add_overflow(pos, len, &end)) {
        return -EFBIG;
    }
    return node->ops->allocate != NULL ? node->ops->allocate(node, pos, len) : -EINVAL;
}

int fs_statvfs(const char *path, struct statvfs *out)
{
    struct vnode *node;
    int r = path_node(AT_FDCWD, path, WALK_FOLLOW, &node);
    if (r == 0) {
        r = node->mount->statvfs(node->mount, out);
        vnode_unref(node);
    }
    return r;
}

int fs_fstatvfs(struct file *f, struct statvfs *out)
{
    struct vnode *node = file_vnode(f);
    struct mount *m = node != NULL ? node->mount : vfs_root()->mount;
    return m->statvfs(m, out);
}

int fs_realpath(const char *path, char *buf, size_t size)
{
    struct path p;
    int r = path_walk(AT_FDCWD, path, WALK_FOLLOW, &p);
    if (r != 0) {
        return r;
    }
    if (p.node == NULL) {
        r = -ENOENT;
    } else if (S_ISDIR(p.node->type)) {
        r = path_of(p.node, buf, size);
    } else {
        r = path_of(p.dir, buf, size);
        size_t len = r == 0 ? strlen(buf) : 0;
        bool root = len == 1;
        if (r == 0 && len + !root + p.name.len >= size) {
            r = -ERANGE;
        } else if (r == 0) {
            buf[len] = '/';
            memcpy(buf + len + !root, p.name.text, p.name.len + 1);
        }
    }
    path_done(&p);
    return r == -ERANGE ? -ENAMETOOLONG : r;
}
