/* SPDX-License-Identifier: BSD-2-Clause */
/* A directory's entries as a sorted array. */
#define _GNU_SOURCE /* scandirat */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct array {
    struct dirent **entry;
    size_t n, room;
};

/* A copy that is only as long as the name needs. */
static int add(struct array *a, const struct dirent *e)
{
    if (a->n == a->room) {
        size_t room = a->room != 0 ? 2 * a->room : 16;
        struct dirent **larger = reallocarray(a->entry, room, sizeof(*larger));
        if (larger == NULL) {
            return -1;
        }
        a->entry = larger;
        a->room = room;
    }
    size_t size = offsetof(struct dirent, d_name) + strlen(e->d_name) + 1;
    struct dirent *copy = malloc(size);
    if (copy == NULL) {
        return -1;
    }
    memcpy(copy, e, size);
    a->entry[a->n++] = copy;
    return 0;
}

static int scan(DIR *dir, struct dirent ***out, int (*select)(const struct dirent *),
                int (*compare)(const struct dirent **, const struct dirent **))
{
    struct array a = { NULL, 0, 0 };
    const struct dirent *e;
    int bad = 0;
    if (dir == NULL) {
        return -1;
    }
    errno = 0;
    while (!bad && (e = readdir(dir)) != NULL) {
        if (select == NULL || select(e)) {
            bad = add(&a, e);
        }
        errno = bad ? errno : 0; /* select() may have set it */
    }
    int why = errno;
    closedir(dir);
    if (why != 0) {
        while (a.n != 0) {
            free(a.entry[--a.n]);
        }
        free(a.entry);
        errno = why;
        return -1;
    }
    if (a.n != 0 && compare != NULL) {
        qsort(a.entry, a.n, sizeof(*a.entry), (int (*)(const void *, const void *))(void *)compare);
    }
    *out = a.entry;
    return (int)a.n;
}

int scandir(const char *path, struct dirent ***out, int (*select)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **))
{
    return scan(opendir(path), out, select, compare);
}

int scandirat(int dirfd, const char *path, struct dirent ***out,
              int (*select)(const struct dirent *),
              int (*compare)(const struct dirent **, const struct dirent **))
{
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL && fd >= 0) {
        close(fd);
    }
    return scan(dir, out, select, compare);
}

int alphasort(const struct dirent **a, const struct dirent **b)
{
    return strcoll((*a)->d_name, (*b)->d_name);
}

int versionsort(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}
