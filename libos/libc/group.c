/* SPDX-License-Identifier: BSD-2-Clause */
/* The group database: root's, and nobody else's. There is no file behind it. */
#define _GNU_SOURCE /* setgroups, initgroups */
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "result.h"

static char *members[] = { "root", NULL };
static struct group root = { .gr_name = "root", .gr_passwd = "", .gr_mem = members };
static bool told; /* by getgrent(), which POSIX lets be used by one thread at a time */

struct group *getgrgid(gid_t gid)
{
    return gid == 0 ? &root : NULL;
}

struct group *getgrnam(const char *name)
{
    return strcmp(name, root.gr_name) == 0 ? &root : NULL;
}

/* Nothing is put into buf: the strings are constant. */
static int copy_out(const struct group *found, struct group *out, struct group **result)
{
    *result = NULL;
    if (found != NULL) {
        *out = *found;
        *result = out;
    }
    return 0;
}

int getgrgid_r(gid_t gid, struct group *out, char *buf, size_t size, struct group **result)
{
    (void)buf;
    (void)size;
    return copy_out(getgrgid(gid), out, result);
}

int getgrnam_r(const char *name, struct group *out, char *buf, size_t size, struct group **result)
{
    (void)buf;
    (void)size;
    return copy_out(getgrnam(name), out, result);
}

struct group *getgrent(void)
{
    struct group *next = told ? NULL : &root;
    told = true;
    return next;
}

void setgrent(void)
{
    told = false;
}

void endgrent(void)
{
    told = false;
}

int getgroups(int size, gid_t list[])
{
    if (size < 0) {
        return (int)libc_result(-EINVAL);
    }
    if (size > 0) {
        list[0] = 0;
    }
    return 1;
}

/* Groups mean nothing where one user may do everything: those that are named are forgotten. */
int setgroups(int n, const gid_t *list)
{
    (void)list;
    return (int)libc_result(n < 0 ? -EINVAL : 0);
}

int initgroups(const char *name, gid_t gid)
{
    (void)name;
    (void)gid;
    return 0;
}

/* The groups of a user: the one that is named. Returns how many, -1 when *n is too small. */
int getgrouplist(const char *name, gid_t gid, gid_t *list, int *n)
{
    (void)name;
    bool fits = *n >= 1;
    if (fits) {
        list[0] = gid;
    }
    *n = 1;
    return fits ? 1 : -1;
}
