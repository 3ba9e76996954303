/* SPDX-License-Identifier: BSD-2-Clause */
/* glob(): the files whose names match a pattern, folder by folder (POSIX; newlib's has no escapes). */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BRACES_MAX 16 /* nested or one behind the other: the depth of the recursion */

struct search {
    glob_t *out;
    int flags;
    int (*error)(const char *, int);
    char path[PATH_MAX];
};

static bool has_magic(const char *s, size_t len, int flags)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\\' && !(flags & GLOB_NOESCAPE)) {
            i++;
        } else if (strchr("*?[", s[i]) != NULL && s[i] != '\0') {
            return true;
        }
    }
    return false;
}

static int add(glob_t *g, const char *path, const char *suffix)
{
    size_t offset = g->gl_flags & GLOB_DOOFFS ? g->gl_offs : 0;
    char **v = realloc(g->gl_pathv, (offset + g->gl_pathc + 2) * sizeof(*v));
    if (v == NULL) {
        return GLOB_NOSPACE;
    }
    if (g->gl_pathv == NULL) {
        memset(v, 0, offset * sizeof(*v));
    }
    g->gl_pathv = v;
    size_t len = strlen(path), more = strlen(suffix);
    char *copy = malloc(len + more + 1);
    v[offset + g->gl_pathc] = copy;
    if (copy == NULL) {
        return GLOB_NOSPACE;
    }
    memcpy(copy, path, len);
    memcpy(copy + len, suffix, more + 1);
    v[offset + ++g->gl_pathc] = NULL;
    return 0;
}

/* The path is whole: take it if it is there. */
static int add_if_there(struct search *s, size_t len)
{
    struct stat st;
    if (len == 0 || lstat(s->path, &st) != 0) {
        return 0;
    }
    bool mark = (s->flags & GLOB_MARK) && s->path[len - 1] != '/' && stat(s->path, &st) == 0 && S_ISDIR(st.st_mode);
    return add(s->out, s->path, mark ? "/" : "");
}

static int walk(struct search *s, size_t len, const char *pattern);

/* A part without magic: its characters without the escapes. */
static int step_plain(struct search *s, size_t len, const char *part, size_t part_len)
{
    for (size_t i = 0; i < part_len; i++) {
        if (part[i] == '\\' && !(s->flags & GLOB_NOESCAPE) && i + 1 < part_len) {
            i++;
        }
        if (len + 1 >= sizeof(s->path)) {
            return 0; /* nothing has such a name */
        }
        s->path[len++] = part[i];
    }
    s->path[len] = '\0';
    return walk(s, len, part + part_len);
}

static int unreadable(struct search *s, size_t len)
{
    int error = errno;
    while (len > 1 && s->path[len - 1] == '/') {
        s->path[--len] = '\0';
    }
    if (error == ENOTDIR) {
        return 0; /* then nothing is below it */
    }
    return (s->error != NULL && s->error(len != 0 ? s->path : ".", error) != 0) || (s->flags & GLOB_ERR) ? GLOB_ABORTED : 0;
}

static int step_magic(struct search *s, size_t len, const char *part, size_t part_len)
{
    char match[NAME_MAX + 1];
    int r = 0;
    if (part_len > NAME_MAX) {
        return 0;
    }
    memcpy(match, part, part_len);
    match[part_len] = '\0';
    DIR *d = opendir(len != 0 ? s->path : ".");
    if (d == NULL) {
        return unreadable(s, len);
    }
    int how = (s->flags & GLOB_PERIOD ? 0 : FNM_PERIOD) | (s->flags & GLOB_NOESCAPE ? FNM_NOESCAPE : 0);
    for (struct dirent *e; r == 0 && (e = readdir(d)) != NULL;) {
        size_t name = strlen(e->d_name);
        if (fnmatch(match, e->d_name, how) == 0 && len + name < sizeof(s->path)) {
            memcpy(s->path + len, e->d_name, name + 1);
            r = walk(s, len + name, part + part_len);
            s->path[len] = '\0';
        }
    }
    closedir(d);
    return r;
}

/* Match what is left of the pattern below the first `len` characters of the path. */
static int walk(struct search *s, size_t len, const char *pattern)
{
    for (; *pattern == '/'; pattern++) {
        if (len + 1 >= sizeof(s->path)) {
            return 0;
        }
        s->path[len++] = '/';
    }
    s->path[len] = '\0';
    if (*pattern == '\0') {
        return add_if_there(s, len);
    }
    size_t part = strcspn(pattern, "/");
    return has_magic(pattern, part, s->flags) ? step_magic(s, len, pattern, part) : step_plain(s, len, pattern, part);
}

static int by_name(const void *a, const void *b)
{
    return strcoll(*(char *const *)a, *(char *const *)b);
}

static int search_one(struct search *s, const char *pattern)
{
    glob_t *g = s->out;
    size_t before = g->gl_pathc;
    const char *home = getenv("HOME");
    char *whole = NULL;
    if ((s->flags & GLOB_TILDE) && pattern[0] == '~' && (pattern[1] == '/' || pattern[1] == '\0') && home != NULL) {
        if (asprintf(&whole, "%s%s", home, pattern + 1) < 0) {
            return GLOB_NOSPACE;
        }
        pattern = whole;
    }
    s->path[0] = '\0';
    int r = walk(s, 0, pattern);
    if (r == 0 && g->gl_pathc == before &&
        ((s->flags & GLOB_NOCHECK) ||
         ((s->flags & GLOB_NOMAGIC) && !has_magic(pattern, strlen(pattern), s->flags)))) {
        r = add(g, pattern, "");
    }
    if (!(s->flags & GLOB_NOSORT) && g->gl_pathc > before) {
        size_t offset = g->gl_flags & GLOB_DOOFFS ? g->gl_offs : 0;
        qsort(g->gl_pathv + offset + before, g->gl_pathc - before, sizeof(char *), by_name);
    }
    free(whole);
    return r;
}

/* The end of the alternative at s: a comma or the closing brace of this level. NULL when there is none. */
static const char *alternative_end(const char *s, int flags)
{
    for (int level = 0; *s != '\0'; s++) {
        if (*s == '\\' && !(flags & GLOB_NOESCAPE) && s[1] != '\0') {
            s++;
        } else if (*s == '{') {
            level++;
        } else if (level == 0 && (*s == ',' || *s == '}')) {
            return s;
        } else if (*s == '}') {
            level--;
        }
    }
    return NULL;
}

static const char *closing_brace(const char *s, int flags)
{
    const char *end = alternative_end(s, flags);
    while (end != NULL && *end == ',') {
        end = alternative_end(end + 1, flags);
    }
    return end;
}

/* Each alternative of the first brace in place of it. */
static int search_braces(struct search *s, const char *pattern, unsigned depth)
{
    const char *open = s->flags & GLOB_BRACE && depth < BRACES_MAX ? strchr(pattern, '{') : NULL;
    const char *close = open != NULL && open[1] != '}' ? closing_brace(open + 1, s->flags) : NULL;
    if (close == NULL) {
        return search_one(s, pattern);
    }
    int r = 0;
    for (const char *from = open + 1, *end; r == 0; from = end + 1) {
        char *made;
        end = alternative_end(from, s->flags);
        if (asprintf(&made, "%.*s%.*s%s", (int)(open - pattern), pattern, (int)(end - from), from, close + 1) < 0) {
            return GLOB_NOSPACE;
        }
        r = search_braces(s, made, depth + 1);
        free(made);
        if (end == close) {
            break;
        }
    }
    return r;
}

int glob(const char *restrict pattern, int flags, int (*error)(const char *, int), glob_t *restrict out)
{
    struct search *s = malloc(sizeof(*s));
    if (!(flags & GLOB_APPEND)) {
        out->gl_pathc = 0;
        out->gl_pathv = NULL;
        out->gl_flags = flags;
    }
    if (s == NULL) {
        return GLOB_NOSPACE;
    }
    size_t before = out->gl_pathc;
    *s = (struct search){ .out = out, .flags = flags, .error = error };
    int r = search_braces(s, pattern, 0);
    free(s);
    return r == 0 && out->gl_pathc == before ? GLOB_NOMATCH : r;
}

void globfree(glob_t *g)
{
    size_t offset = g->gl_flags & GLOB_DOOFFS ? g->gl_offs : 0;
    for (size_t i = 0; i < g->gl_pathc; i++) {
        free(g->gl_pathv[offset + i]);
    }
    free(g->gl_pathv);
    g->gl_pathv = NULL;
    g->gl_pathc = 0;
}
