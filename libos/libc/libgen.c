/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of a path, POSIX's basename() and dirname(); both may write into it. */
#include <libgen.h>
#include <stddef.h>
#include <string.h>

/* The end of a path without the slashes behind its last name; at least 1 for "/". */
static size_t without_slashes(const char *path, size_t len)
{
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return len;
}

char *basename(char *path)
{
    if (path == NULL || *path == '\0') {
        return (char *)".";
    }
    size_t len = without_slashes(path, strlen(path));
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    return slash == NULL || len == 1 ? path : slash + 1;
}

char *dirname(char *path)
{
    char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (slash != NULL && slash[1] == '\0') {
        size_t len = without_slashes(path, (size_t)(slash - path) + 1);
        while (len > 0 && path[len - 1] != '/') {
            len--;
        }
        slash = len > 0 ? path + len - 1 : NULL;
    }
    if (slash == NULL) {
        return (char *)".";
    }
    size_t len = without_slashes(path, (size_t)(slash - path) + 1);
    if (len == 1 && *path == '/') { /* two slashes at the start are the system's own */
        len = path[1] == '/' && path[2] != '/' && slash <= path + 1 ? 2 : 1;
    }
    path[len] = '\0';
    return path;
}
