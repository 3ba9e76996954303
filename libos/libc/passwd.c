/* SPDX-License-Identifier: BSD-2-Clause */
/* The user database: root, and nobody else. There is no file behind it. */
#define _DEFAULT_SOURCE /* issetugid */
#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static struct passwd root = {
    .pw_name = "root", .pw_passwd = "", .pw_gecos = "", .pw_comment = "", .pw_dir = "/",
    .pw_shell = "",
};

struct passwd *getpwuid(uid_t uid)
{
    return uid == 0 ? &root : NULL;
}

struct passwd *getpwnam(const char *name)
{
    return strcmp(name, root.pw_name) == 0 ? &root : NULL;
}

/* Nothing is put into buf: the strings are constant. */
static int copy_out(const struct passwd *found, struct passwd *out, struct passwd **result)
{
    *result = NULL;
    if (found != NULL) {
        *out = *found;
        *result = out;
    }
    return 0;
}

int getpwuid_r(uid_t uid, struct passwd *out, char *buf, size_t size, struct passwd **result)
{
    (void)buf;
    (void)size;
    return copy_out(getpwuid(uid), out, result);
}

int getpwnam_r(const char *name, struct passwd *out, char *buf, size_t size,
               struct passwd **result)
{
    (void)buf;
    (void)size;
    return copy_out(getpwnam(name), out, result);
}

static bool told; /* by getpwent(), which POSIX lets be used by one thread at a time */

struct passwd *getpwent(void)
{
    struct passwd *next = told ? NULL : &root;
    told = true;
    return next;
}

void setpwent(void)
{
    told = false;
}

void endpwent(void)
{
    told = false;
}

int getlogin_r(char *name, size_t size)
{
    if (size <= strlen(root.pw_name)) {
        return ERANGE;
    }
    strcpy(name, root.pw_name);
    return 0;
}

char *getlogin(void)
{
    return root.pw_name;
}

int issetugid(void)
{
    return 0;
}
