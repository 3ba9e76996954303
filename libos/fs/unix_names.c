/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of AF_UNIX sockets: nodes in the file system, and abstract ones, which are just bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <pith/heap.h>

#include "unix.h"
#include "vfs.h"

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of who has which name */
static struct unix_sock *bound;

/* An address as it was given. Errors: -EINVAL. */
static int read_address(const struct sockaddr *addr, socklen_t len, struct unix_name *out)
{
    sa_family_t family;
    if (addr == NULL) {
        return -EFAULT;
    }
    if (len < sizeof(family) || len > sizeof(struct sockaddr_un)) {
        return -EINVAL;
    }
    memcpy(&family, addr, sizeof(family));
    if (family != AF_UNIX) {
        return -EINVAL;
    }
    *out = (struct unix_name){ .refs = 1, .len = len, .family = family };
    memcpy(out->path, (const char *)addr + PATH_AT, len - PATH_AT);
    if (len > PATH_AT && out->path[0] != '\0') {
        out->len = (socklen_t)(PATH_AT + strlen(out->path) + 1); /* as unix(7) says */
    }
    return 0;
}

static bool is_abstract(const struct unix_name *n)
{
    return n->len > PATH_AT && n->path[0] == '\0';
}

/* Who has an abstract name. Context: lock held. */
static struct unix_sock *abstract_owner(const struct unix_name *n)
{
    struct unix_sock *s = bound;
    while (s != NULL && (s->node != NULL || s->name->len != n->len ||
                         memcmp(s->name->path, n->path, n->len - PATH_AT) != 0)) {
        s = s->next_bound;
    }
    return s;
}

/* Make the node of a name. */
static int make_node(const struct unix_name *n, struct vnode **out)
{
    struct new_node what = { .mode = S_IFSOCK | vfs_mode(0777) };
    struct path p;
    int r = path_walk(AT_FDCWD, n->path, WALK_CREATE, &p);
    if (r != 0) {
        return r;
    }
    if (p.node != NULL || p.last != PATH_NAME) {
        r = -EADDRINUSE;
    } else if (p.slash) {
        r = -ENOENT;
    } else if (strcmp(p.dir->mount->type, "ramfs") != 0) {
        r = -EPERM; /* nobody beside this image could do anything with it */
    } else {
        r = vfs_create(&p, &what, out);
        r = r == -EEXIST ? -EADDRINUSE : r;
    }
    path_done(&p);
    return r;
}

/* Enter a socket under a name. Context: lock held. */
static int enter(struct unix_sock *s, const struct unix_name *n)
{
    struct vnode *node = NULL;
    if (s->name != NULL) {
        return -EINVAL;
    }
    if (is_abstract(n) && abstract_owner(n) != NULL) {
        return -EADDRINUSE;
    }
    struct unix_name *name = heap_alloc(sizeof(*name));
    if (name == NULL) {
        return -ENOMEM;
    }
    *name = *n;
    int r = is_abstract(n) ? 0 : make_node(n, &node);
    if (r != 0) {
        heap_free(name);
        return r;
    }
    s->name = name;
    s->node = node;
    s->next_bound = bound;
    bound = s;
    return 0;
}

/* A name that nobody has: NUL and five digits (unix(7), "Autobind feature"). */
static int enter_anywhere(struct unix_sock *s)
{
    static unsigned counter; /* under the lock */
    int r = -EADDRINUSE;
    for (unsigned i = 0; i < 1u << 20 && r == -EADDRINUSE; i++) {
        struct unix_name n = { .refs = 1, .len = PATH_AT + 6, .family = AF_UNIX };
        snprintf(n.path + 1, 6, "%05x", counter++ & 0xfffff);
        r = enter(s, &n);
    }
    return r == -EADDRINUSE ? -ENOSPC : r;
}

int unix_bind(struct unix_sock *s, const struct sockaddr *addr, socklen_t len)
{
    struct unix_name n;
    int r = read_address(addr, len, &n);
    if (r != 0) {
        return r;
    }
    libc_mutex_lock(&lock);
    r = n.len == PATH_AT ? enter_anywhere(s) : enter(s, &n);
    pthread_mutex_unlock(&lock);
    return r;
}

/* Who has a node. Context: lock held. */
static struct unix_sock *node_owner(const struct vnode *node)
{
    struct unix_sock *s = bound;
    while (s != NULL && s->node != node) {
        s = s->next_bound;
    }
    return s;
}

int unix_find(const struct sockaddr *addr, socklen_t len, struct unix_sock **out)
{
    struct unix_name n;
    struct vnode *node = NULL;
    int r = read_address(addr, len, &n);
    if (r == 0 && n.len == PATH_AT) {
        r = -EINVAL;
    }
    if (r == 0 && !is_abstract(&n)) {
        r = path_node(AT_FDCWD, n.path, WALK_FOLLOW, &node);
    }
    if (r != 0) {
        return r;
    }
    libc_mutex_lock(&lock);
    *out = node != NULL ? node_owner(node) : abstract_owner(&n);
    if (*out == NULL || !file_ref_live(&(*out)->file)) {
        r = -ECONNREFUSED;
    }
    pthread_mutex_unlock(&lock);
    vnode_unref(node);
    return r;
}

void unix_unbind(struct unix_sock *s)
{
    libc_mutex_lock(&lock);
    struct unix_sock **at = &bound;
    while (*at != NULL && *at != s) {
        at = &(*at)->next_bound;
    }
    if (*at != NULL) {
        *at = s->next_bound;
    }
    struct vnode *node = s->node;
    s->node = NULL;
    pthread_mutex_unlock(&lock);
    vnode_unref(node);
}

struct unix_name *unix_name_of(struct unix_sock *s)
{
    libc_mutex_lock(&lock);
    struct unix_name *name = s->name;
    if (name != NULL) {
        __atomic_fetch_add(&name->refs, 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&lock);
    return name;
}

void unix_name_unref(struct unix_name *name)
{
    if (name != NULL && __atomic_sub_fetch(&name->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        heap_free(name);
    }
}

void unix_name_give(const struct unix_name *name, struct sockaddr *addr, socklen_t *len)
{
    struct sockaddr_un out = { .sun_family = AF_UNIX };
    socklen_t full = PATH_AT;
    if (name != NULL) {
        full = name->len;
        memcpy(out.sun_path, name->path,
               full - PATH_AT < sizeof(out.sun_path) ? full - PATH_AT : sizeof(out.sun_path));
    }
    socklen_t fits = *len < full ? *len : full;
    memcpy(addr, &out, fits < sizeof(out) ? fits : sizeof(out));
    *len = full;
}
