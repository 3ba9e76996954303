/* SPDX-License-Identifier: BSD-2-Clause */
/* Files and directories with names of their own: six random characters at the end of a template. */
#define _GNU_SOURCE /* mkostemps */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pith/random.h>

#define XS    6u
#define TRIES 100

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* The Xs of a template, or NULL with errno. */
static char *find_xs(char *path, int suffix)
{
    size_t len = strlen(path);
    if (suffix < 0 || len < XS + (size_t)suffix ||
        strncmp(path + len - (size_t)suffix - XS, "XXXXXX", XS) != 0) {
        errno = EINVAL;
        return NULL;
    }
    return path + len - (size_t)suffix - XS;
}

static void fill(char *xs)
{
    uint64_t r;
    random_bytes(&r, sizeof(r));
    for (unsigned i = 0; i < XS; i++) {
        xs[i] = letters[r % (sizeof(letters) - 1)];
        r /= sizeof(letters) - 1;
    }
}

/* Try names until `try` makes one; what it returned, or -1. */
static int until_new(char *path, int suffix, int (*try)(const char *path, int flags), int flags)
{
    char *xs = find_xs(path, suffix);
    if (xs == NULL) {
        return -1;
    }
    for (int i = 0; i < TRIES; i++) {
        fill(xs);
        int r = try(path, flags);
        if (r >= 0 || errno != EEXIST) {
            return r;
        }
    }
    return -1;
}

static int try_file(const char *path, int flags)
{
    return open(path, (flags & ~O_ACCMODE) | O_RDWR | O_CREAT | O_EXCL, 0600);
}

static int try_directory(const char *path, int flags)
{
    (void)flags;
    return mkdir(path, 0700);
}

static int try_name(const char *path, int flags)
{
    struct stat st;
    (void)flags;
    if (lstat(path, &st) == 0) {
        errno = EEXIST;
        return -1;
    }
    return errno == ENOENT ? 0 : -1;
}

int mkostemps(char *path, int suffix, int flags)
{
    return until_new(path, suffix, try_file, flags);
}

int mkostemp(char *path, int flags)
{
    return mkostemps(path, 0, flags);
}

int mkstemps(char *path, int suffix)
{
    return mkostemps(path, suffix, 0);
}

int mkstemp(char *path)
{
    return mkostemps(path, 0, 0);
}

char *mkdtemp(char *path)
{
    return until_new(path, 0, try_directory, 0) == 0 ? path : NULL;
}

/* The name may be somebody else's when it is used; POSIX has dropped it for that. */
char *mktemp(char *path)
{
    if (until_new(path, 0, try_name, 0) != 0) {
        path[0] = '\0';
    }
    return path;
}

FILE *tmpfile(void)
{
    char path[] = P_tmpdir "/tmpXXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) {
        return NULL;
    }
    unlink(path);
    FILE *f = fdopen(fd, "w+");
    if (f == NULL) {
        close(fd);
    }
    return f;
}
