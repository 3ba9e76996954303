/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking a tree: nftw() and ftw(). The names of a directory are read before its entries are
 * visited, so that one descriptor is open at a time whatever the depth, and the levels lie on the
 * heap, not on the stack.
 */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef int visitor_nftw(const char *path, const struct stat *st, int type, struct FTW *where);
typedef int visitor_ftw(const char *path, const struct stat *st, int type);

/* A directory whose entries are being visited. */
struct level {
    struct level *up;
    struct dirent **names;
    int count, next;
    size_t path_len; /* of the directory */
    int base;        /* where its own name begins */
    struct stat st;
};

struct walk {
    char path[PATH_MAX];
    struct level *at;
    int depth;
    int flags;
    dev_t dev; /* of the start, for FTW_MOUNT */
    visitor_nftw *nftw;
    visitor_ftw *ftw; /* instead of it */
};

static int visit(const struct walk *w, const struct stat *st, int type, int base)
{
    struct FTW where = { .base = base, .level = w->depth };
    if (w->ftw == NULL) {
        return w->nftw(w->path, st, type, &where);
    }
    return w->ftw(w->path, st, type == FTW_SLN ? FTW_NS : type);
}

static int not_dots(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* A link leads to a directory that we are in. */
static bool is_loop(const struct walk *w, const struct stat *st)
{
    const struct level *l = w->at;
    while (l != NULL && (l->st.st_ino != st->st_ino || l->st.st_dev != st->st_dev)) {
        l = l->up;
    }
    return l != NULL;
}

/* What w->path is. Errors: -1 with errno. */
static int type_of(const struct walk *w, struct stat *st)
{
    bool physical = w->flags & FTW_PHYS;
    if ((physical ? lstat(w->path, st) : stat(w->path, st)) != 0) {
        if (!physical && errno == ENOENT && lstat(w->path, st) == 0) {
            return FTW_SLN;
        }
        memset(st, 0, sizeof(*st));
        return w->at == NULL ? -1 : FTW_NS;
    }
    if (S_ISDIR(st->st_mode)) {
        return w->flags & FTW_DEPTH ? FTW_DP : FTW_D;
    }
    return S_ISLNK(st->st_mode) ? FTW_SL : FTW_F;
}

/* Go down into the directory w->path. Returns what the visitor says. */
static int enter(struct walk *w, const struct stat *st, int type, int base)
{
    struct level *l = malloc(sizeof(*l));
    if (l == NULL) {
        return -1;
    }
    l->count = scandir(w->path, &l->names, not_dots, NULL);
    if (l->count < 0) {
        free(l);
        return errno == ENOMEM ? -1 : visit(w, st, FTW_DNR, base);
    }
    *l = (struct level){ w->at, l->names, l->count, 0, strlen(w->path), base, *st };
    w->at = l;
    int r = type == FTW_D ? visit(w, st, type, base) : 0;
    w->depth++;
    return r;
}

/* Back up; after a directory's contents comes the directory itself where that is asked for. */
static int leave(struct walk *w, bool silent)
{
    struct level *l = w->at;
    w->depth--;
    w->path[l->path_len] = '\0';
    int r = 0;
    if (!silent && (w->flags & FTW_DEPTH)) {
        r = visit(w, &l->st, FTW_DP, l->base);
    }
    while (l->next < l->count) {
        free(l->names[l->next++]);
    }
    free(l->names);
    w->at = l->up;
    free(l);
    return r;
}

/* Visit w->path, which begins its last component at `base`. */
static int arrive(struct walk *w, int base)
{
    struct stat st;
    int type = type_of(w, &st);
    if (type < 0) {
        return -1;
    }
    if (w->at == NULL) {
        w->dev = st.st_dev;
    } else if ((w->flags & FTW_MOUNT) && type != FTW_NS && st.st_dev != w->dev) {
        return 0;
    }
    if (type != FTW_D && type != FTW_DP) {
        return visit(w, &st, type, base);
    }
    return is_loop(w, &st) ? 0 : enter(w, &st, type, base);
}

/* Append the next name of this level to the path. */
static int next_name(struct walk *w)
{
    struct level *l = w->at;
    struct dirent *e = l->names[l->next++];
    size_t len = strlen(e->d_name), at = l->path_len;
    int r = 0;
    if (at + len + 2 > sizeof(w->path)) {
        errno = ENAMETOOLONG;
        r = -1;
    } else {
        if (w->path[at - 1] != '/') {
            w->path[at++] = '/';
        }
        memcpy(w->path + at, e->d_name, len + 1);
        r = (int)at;
    }
    free(e);
    return r;
}

static int walk(const char *path, struct walk *w)
{
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(w->path) || (w->flags & FTW_CHDIR)) {
        errno = len == 0 ? ENOENT : len >= sizeof(w->path) ? ENAMETOOLONG : EINVAL;
        return -1;
    }
    memcpy(w->path, path, len + 1);
    while (len > 1 && w->path[len - 1] == '/') {
        w->path[--len] = '\0';
    }
    const char *slash = len > 1 ? strrchr(w->path, '/') : NULL;
    int r = arrive(w, slash != NULL ? (int)(slash + 1 - w->path) : 0);
    while (w->at != NULL) {
        if (r != 0 || w->at->next == w->at->count) {
            int last = leave(w, r != 0);
            r = r != 0 ? r : last;
            continue;
        }
        r = next_name(w);
        r = r < 0 ? r : arrive(w, r);
    }
    return r;
}

static int start(const char *path, int flags, visitor_nftw *nftw_fn, visitor_ftw *ftw_fn)
{
    struct walk *w = malloc(sizeof(*w));
    if (w == NULL) {
        return -1;
    }
    w->at = NULL;
    w->depth = 0;
    w->flags = flags;
    w->nftw = nftw_fn;
    w->ftw = ftw_fn;
    int r = walk(path, w);
    free(w);
    return r;
}

/* FTW_CHDIR is refused with EINVAL: the working directory is shared by all threads. */
int nftw(const char *path, visitor_nftw *fn, int fd_limit, int flags)
{
    (void)fd_limit;
    return start(path, flags, fn, NULL);
}

int ftw(const char *path, visitor_ftw *fn, int fd_limit)
{
    (void)fd_limit;
    return start(path, 0, NULL, fn);
}
