/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files by name: what the calls of <fcntl.h>, <sys/stat.h>, <unistd.h> and <dirent.h> are made of.
 *
 * There is one tree of names with a ramfs at its root, filled from the initrd, and /dev. dirfd is a
 * directory's descriptor or AT_FDCWD. All calls: thread context, may sleep; 0 or a count, errors
 * -errno as POSIX and Linux name them. docs/files.md tells what the tree can do.
 */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

struct file;
struct stat;
struct statvfs;
struct timespec;

/* open(): the result has one reference. */
int fs_open(int dirfd, const char *path, int flags, mode_t mode, struct file **out);

/* `flags` are the AT_ ones that the call of that name has. */
int fs_stat(int dirfd, const char *path, struct stat *st, int flags);
int fs_access(int dirfd, const char *path, int mode, int flags);
int fs_mkdir(int dirfd, const char *path, mode_t mode);
int fs_mknod(int dirfd, const char *path, mode_t mode);
int fs_unlink(int dirfd, const char *path, int flags);
int fs_rename(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int fs_link(int from_fd, const char *from, int to_fd, const char *to, int flags);
int fs_symlink(const char *target, int dirfd, const char *path);
ssize_t fs_readlink(int dirfd, const char *path, char *buf, size_t size);
int fs_chmod(int dirfd, const char *path, mode_t mode, int flags);
int fs_chown(int dirfd, const char *path, uid_t uid, gid_t gid, int flags);
int fs_utimens(int dirfd, const char *path, const struct timespec times[2], int flags);
int fs_truncate(const char *path, off_t size);
int fs_chdir(const char *path);
int fs_getcwd(char *buf, size_t size);
int fs_realpath(const char *path, char *buf, size_t size);
int fs_statvfs(const char *path, struct statvfs *out);
mode_t fs_umask(mode_t mask);
int fs_sync(void); /* all that was written to file systems on disks is safe. Errors: -EIO */

/* The same of an open file. Errors: -EINVAL where it has no place in the tree (a socket). */
int fs_fchmod(struct file *f, mode_t mode);
int fs_fchown(struct file *f, uid_t uid, gid_t gid);
int fs_futimens(struct file *f, const struct timespec times[2]);
int fs_fchdir(struct file *f);
int fs_fstatvfs(struct file *f, struct statvfs *out);
int fs_allocate(struct file *f, off_t pos, off_t len);

/* An entry of a directory. */
struct fs_entry {
    ino_t ino;
    unsigned char type; /* DT_REG, ... */
    off_t next;         /* the position behind it */
    char name[NAME_MAX + 1];
};

/*
 * The next entry of an open directory at its position, which moves behind it: 1, or 0 at the end.
 * Positions stay valid while other entries come and go. Errors: -ENOTDIR.
 */
int fs_readdir(struct file *f, struct fs_entry *out);

/* Copy from one open file to another, as sendfile() does: see libos/fs/sendfile.c. */
ssize_t fs_sendfile(struct file *out, struct file *in, off_t *pos, size_t len);
