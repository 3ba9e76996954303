/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths: from text to nodes (POSIX 2017, 4.13 Pathname Resolution), and back.
 *
 * A walk is bounded: PATH_MAX bytes of text at a time, NAME_MAX of a component, and LINKS_MAX
 * symbolic links, each of which puts its target in front of what is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <pith/heap.h>

#include "vfs.h"

#define LINKS_MAX 40u /* as on Linux: include/linux/namei.h, MAXSYMLINKS */

/* A walk under way. */
struct walk {
    struct vnode *at;  /* the directory that the rest of the path starts from, with a reference */
    const char *rest;
    char *buf;         /* where `rest` lies after a symbolic link, PATH_MAX bytes; else NULL */
    unsigned links;
    unsigned flags;
};

/* Where a path starts. */
static int start(int dirfd, const char *path, struct vnode **out)
{
    if (path[0] == '/') {
        *out = vnode_ref(vfs_root());
        return 0;
    }
    if (dirfd == AT_FDCWD) {
        *out = vfs_cwd();
        return 0;
    }
    struct file *f = fd_get(dirfd);
    if (f == NULL) {
        return -EBADF;
    }
    struct vnode *node = file_vnode(f);
    int r = node != NULL && S_ISDIR(node->type) ? 0 : -ENOTDIR;
    if (r == 0) {
        *out = vnode_ref(node);
    }
    file_unref(f);
    return r;
}

static int lookup(struct vnode *dir, struct name name, struct vnode **out)
{
    libc_mutex_lock(&dir->mount->names);
    int r = dir->ops->lookup(dir, name, out);
    pthread_mutex_unlock(&dir->mount->names);
    if (r == 0) {
        *out = vfs_cross(*out);
    }
    return r;
}

/* One step up, with a reference; the root is its own parent. `name`: NULL or NAME_MAX + 1 bytes. */
static int step_up(struct vnode *dir, struct vnode **out, char *name)
{
    char unused[NAME_MAX + 1];
    struct vnode *below = dir; /* on whose place in the tree dir is shown */
    while (below == below->mount->root) {
        if (below->mount->covers == NULL) {
            *out = vnode_ref(below);
            return 0;
        }
        below = below->mount->covers;
    }
    libc_mutex_lock(&below->mount->names);
    int r = below->ops->parent(below, out, name != NULL ? name : unused);
    pthread_mutex_unlock(&below->mount->names);
    return r;
}

struct vnode *vfs_parent(struct vnode *dir)
{
    struct vnode *up;
    return step_up(dir, &up, NULL) == 0 ? up : NULL;
}

/* Put the target of a symbolic link in front of the rest of the path. */
static int follow(struct walk *w, struct vnode *link)
{
    if (++w->links > LINKS_MAX) {
        return -ELOOP;
    }
    char *buf = heap_alloc(PATH_MAX);
    if (buf == NULL) {
        return -ENOMEM;
    }
    ssize_t n = link->ops->readlink(link, buf, PATH_MAX);
    size_t left = strlen(w->rest);
    int r = 0;
    if (n <= 0) {
        r = n < 0 ? (int)n : -ENOENT;
    } else if ((size_t)n + left >= PATH_MAX) {
        r = -ENAMETOOLONG;
    }
    if (r != 0) {
        heap_free(buf);
        return r;
    }
    memcpy(buf + n, w->rest, left + 1); /* begins with a slash or is empty */
    heap_free(w->buf);
    w->buf = buf;
    w->rest = buf;
    if (buf[0] == '/') {
        vnode_unref(w->at);
        w->at = vnode_ref(vfs_root());
    }
    return 0;
}

/* The node of one component. `-ENOENT` with *out NULL. */
static int step(struct walk *w, struct name name, enum path_last kind, struct vnode **out)
{
    *out = NULL;
    if (!S_ISDIR(w->at->type)) {
        return -ENOTDIR;
    }
    if (kind == PATH_DOT) {
        *out = vnode_ref(w->at);
        return 0;
    }
    if (kind == PATH_DOTDOT) {
        return step_up(w->at, out, NULL);
    }
    return name.len > NAME_MAX ? -ENAMETOOLONG : lookup(w->at, name, out);
}

static enum path_last kind_of(struct name name)
{
    if (name.text[0] == '.' && name.len == 1) {
        return PATH_DOT;
    }
    return name.len == 2 && name.text[0] == '.' && name.text[1] == '.' ? PATH_DOTDOT : PATH_NAME;
}

/* The last component has been found or is missing: fill in *out. Takes over w->at and `node`. */
static int finish(struct walk *w, struct name name, enum path_last kind, struct vnode *node,
                  bool slash, struct path *out)
{
    if (slash && node != NULL && !S_ISDIR(node->type) && !(w->flags & WALK_CREATE)) {
        vnode_unref(node);
        return -ENOTDIR;
    }
    out->dir = w->at;
    out->node = node;
    out->last = kind;
    out->slash = slash;
    memcpy(out->text, name.text, name.len);
    out->text[name.len] = '\0';
    out->name = (struct name){ out->text, name.len };
    w->at = NULL;
    return 0;
}

/* All components, one by one. Leaves w->at NULL when it was handed over. */
static int walk_on(struct walk *w, struct path *out)
{
    for (;;) {
        w->rest += strspn(w->rest, "/");
        struct name name = { w->rest, strcspn(w->rest, "/") };
        if (name.len == 0) {
            if (!S_ISDIR(w->at->type)) {
                return -ENOTDIR;
            }
            return finish(w, name, PATH_ROOT, vnode_ref(w->at), false, out);
        }
        const char *behind = name.text + name.len;
        bool slash = *behind == '/';
        bool last = behind[strspn(behind, "/")] == '\0';
        enum path_last kind = kind_of(name);
        struct vnode *node;
        int r = step(w, name, kind, &node);
        if (r == -ENOENT && last && kind == PATH_NAME) {
            return finish(w, name, kind, NULL, slash, out);
        }
        if (r != 0) {
            return r;
        }
        w->rest = behind;
        if (S_ISLNK(node->type) &&
            (!last || (w->flags & WALK_FOLLOW) || (slash && !(w->flags & WALK_CREATE)))) {
            r = follow(w, node);
            vnode_unref(node);
            if (r != 0) {
                return r;
            }
        } else if (last) {
            return finish(w, name, kind, node, slash, out);
        } else {
            vnode_unref(w->at);
            w->at = node;
        }
    }
}

int path_walk(int dirfd, const char *path, unsigned flags, struct path *out)
{
    struct walk w = { .rest = path, .flags = flags };
    if (path[0] == '\0') {
        return -ENOENT;
    }
    if (strnlen(path, PATH_MAX) == PATH_MAX) {
        return -ENAMETOOLONG;
    }
    int r = start(dirfd, path, &w.at);
    if (r == 0) {
        r = walk_on(&w, out);
    }
    vnode_unref(w.at);
    heap_free(w.buf);
    return r;
}

void path_done(struct path *p)
{
    vnode_unref(p->dir);
    vnode_unref(p->node);
}

int path_node(int dirfd, const char *path, unsigned flags, struct vnode **out)
{
    struct path p;
    int r = path_walk(dirfd, path, flags, &p);
    if (r != 0) {
        return r;
    }
    if (p.node == NULL) {
        path_done(&p);
        return -ENOENT;
    }
    *out = vnode_ref(p.node);
    path_done(&p);
    return 0;
}

int path_of(struct vnode *dir, char *buf, size_t size)
{
    char name[NAME_MAX + 1];
    size_t at = size; /* filled from the end */
    int r = 0;
    if (size < 2) {
        return -ERANGE;
    }
    buf[--at] = '\0';
    dir = vnode_ref(dir);
    while (dir != vfs_root() && r == 0) {
        struct vnode *up;
        r = step_up(dir, &up, name);
        if (r != 0) {
            break;
        }
        vnode_unref(dir);
        dir = up;
        size_t len = strlen(name);
        if (len == 0) {
            r = -ENOENT; /* it has been removed */
        } else if (len + 1 > at) {
            r = -ERANGE;
        } else {
            at -= len;
            memcpy(buf + at, name, len);
            buf[--at] = '/';
        }
    }
    vnode_unref(dir);
    if (r == 0 && at == size - 1) {
        buf[--at] = '/';
    }
    if (r == 0) {
        memmove(buf, buf + at, size - at);
    }
    return r;
}
