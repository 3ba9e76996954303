/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * setenv(), putenv(), unsetenv(). A string that putenv() was given is part of the environment itself.
 * Strings of setenv() are kept for ever, since programs keep what getenv() has told; a value that fits
 * takes the place of the one before, and room grows twofold, so that little is lost.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <envlock.h>
#include <reent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct text {
    struct text *next;
    size_t room;
    char s[];
};

/* Both under newlib's lock of the environment. */
static struct text *texts;
static char **array; /* the one that is ours, once something was added */

static bool is_name(const char *name)
{
    return name != NULL && *name != '\0' && strchr(name, '=') == NULL;
}

static size_t count(void)
{
    size_t n = 0;
    while (environ != NULL && environ[n] != NULL) {
        n++;
    }
    return n;
}

/* Where a name is; NULL when it is not there. Context: lock held. */
static char **find(const char *name, size_t len)
{
    for (char **e = environ; e != NULL && *e != NULL; e++) {
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=') {
            return e;
        }
    }
    return NULL;
}

/* Context: lock held. Errors: -ENOMEM. */
static int put(char **at, char *string)
{
    if (at != NULL) {
        *at = string;
        return 0;
    }
    size_t n = count();
    char **larger = realloc(environ == array ? array : NULL, (n + 2) * sizeof(*larger));
    if (larger == NULL) {
        return -ENOMEM;
    }
    if (environ != array && n > 0) {
        memcpy(larger, environ, n * sizeof(*larger));
    }
    larger[n] = string;
    larger[n + 1] = NULL;
    environ = array = larger;
    return 0;
}

/* Room for a string in place of `old`. Context: lock held. */
static char *room_for(const char *old, size_t len)
{
    size_t room = len;
    for (struct text *t = texts; t != NULL; t = t->next) {
        if (t->s == old) {
            if (t->room >= len) {
                return t->s;
            }
            room = 2 * len;
        }
    }
    struct text *t = malloc(sizeof(*t) + room);
    if (t == NULL) {
        return NULL;
    }
    t->room = room;
    t->next = texts;
    texts = t;
    return t->s;
}

static int set(const char *name, const char *value, bool overwrite)
{
    size_t len = strlen(name), more = strlen(value) + 1;
    char **at = find(name, len);
    if (at != NULL && !overwrite) {
        return 0;
    }
    char *string = room_for(at != NULL ? *at : NULL, len + 1 + more);
    if (string == NULL) {
        return -ENOMEM;
    }
    memmove(string + len + 1, value, more); /* it may be the old one's */
    memcpy(string, name, len);
    string[len] = '=';
    return put(at, string);
}

static int finish(int r)
{
    if (r != 0) {
        errno = -r;
    }
    return r != 0 ? -1 : 0;
}

int setenv(const char *name, const char *value, int overwrite)
{
    if (!is_name(name)) {
        return finish(-EINVAL);
    }
    __env_lock(_REENT);
    int r = set(name, value, overwrite != 0);
    __env_unlock(_REENT);
    return finish(r);
}

int unsetenv(const char *name)
{
    if (!is_name(name)) {
        return finish(-EINVAL);
    }
    __env_lock(_REENT);
    for (char **at; (at = find(name, strlen(name))) != NULL;) {
        do {
            at[0] = at[1];
        } while (*at++ != NULL);
    }
    __env_unlock(_REENT);
    return 0;
}

/* Without a '=' it takes the name out, as in glibc. */
int putenv(char *string)
{
    size_t len = strcspn(string, "=");
    if (string[len] == '\0' || len == 0) {
        return unsetenv(string);
    }
    __env_lock(_REENT);
    int r = put(find(string, len), string);
    __env_unlock(_REENT);
    return finish(r);
}
