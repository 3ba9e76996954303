/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directory streams. One keeps nothing but its descriptor and the entry that readdir() returned:
 * the position is the open file's, so that lseek() and other streams of the same description agree.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pith/file.h>
#include <pith/fs.h>
#include <pith/libc.h>

#include "result.h"

struct __dirstream {
    int fd;
    pthread_mutex_t lock; /* of `entry` while it is filled */
    struct dirent entry;
};

DIR *fdopendir(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return NULL;
    }
    DIR *dir = S_ISDIR(st.st_mode) ? malloc(sizeof(*dir)) : NULL;
    if (dir == NULL) {
        errno = S_ISDIR(st.st_mode) ? ENOMEM : ENOTDIR;
        return NULL;
    }
    dir->fd = fd;
    pthread_mutex_init(&dir->lock, NULL);
    return dir;
}

DIR *opendir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL && fd >= 0) {
        int why = errno;
        close(fd);
        errno = why;
    }
    return dir;
}

int closedir(DIR *dir)
{
    int fd = dir->fd;
    free(dir);
    return close(fd);
}

int fdclosedir(DIR *dir)
{
    int fd = dir->fd;
    free(dir);
    return fd;
}

int dirfd(DIR *dir)
{
    return dir->fd;
}

/* 1, 0 at the end, or an error. */
static int next(DIR *dir, struct dirent *out)
{
    struct fs_entry e;
    struct file *f = fd_get(dir->fd);
    if (f == NULL) {
        return -EBADF;
    }
    int r = fs_readdir(f, &e);
    file_unref(f);
    if (r == 1) {
        size_t len = strlen(e.name);
        out->d_ino = e.ino;
        out->d_off = e.next;
        out->d_reclen = sizeof(*out);
        out->d_type = e.type;
        memcpy(out->d_name, e.name, len + 1);
    }
    return r;
}

struct dirent *readdir(DIR *dir)
{
    libc_mutex_lock(&dir->lock);
    int r = next(dir, &dir->entry);
    pthread_mutex_unlock(&dir->lock);
    if (r < 0) {
        errno = -r;
    }
    return r == 1 ? &dir->entry : NULL;
}

int readdir_r(DIR *restrict dir, struct dirent *restrict entry, struct dirent **restrict result)
{
    int r = next(dir, entry);
    *result = r == 1 ? entry : NULL;
    return r < 0 ? -r : 0;
}

void rewinddir(DIR *dir)
{
    lseek(dir->fd, 0, SEEK_SET);
}

long telldir(DIR *dir)
{
    return (long)lseek(dir->fd, 0, SEEK_CUR);
}

void seekdir(DIR *dir, long pos)
{
    lseek(dir->fd, pos, SEEK_SET);
}
