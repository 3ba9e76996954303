/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 9P: nodes. Each look-up makes one, with a fid of its own; what two paths lead to are two nodes, and
 * both ask the server. A node knows its name and its parent, because a directory's path is asked for
 * and because a new connection has to find it again; so all nodes are on a list, and whoever renames
 * or removes goes through it.
 *
 * A file that is removed while it is open: servers reach files by path (QEMU's does), so after that
 * only the open fid may be used; anything else could hit a new file of the same name. The node's
 * attributes are kept here from then on (p9_attr.c, p9_data.c).
 */
#include <errno.h>
#include <string.h>

#include <pith/heap.h>

#include "p9.h"

int p9_node_new(struct p9_client *c, struct p9_node *parent, struct name name, uint32_t fid,
                unsigned generation, struct p9_qid qid, mode_t type, struct p9_node **out)
{
    struct p9_node *n = heap_alloc(sizeof(*n));
    char *text = heap_alloc(name.len + 1);
    if (n == NULL || text == NULL) {
        heap_free(n);
        heap_free(text);
        p9_clunk(c, fid, generation);
        return -ENOMEM;
    }
    memset(n, 0, sizeof(*n));
    n->v = (struct vnode){ .ops = &p9_ops, .mount = &c->mount, .refs = 1, .type = type };
    n->c = c;
    n->qid = qid;
    n->generation = generation;
    n->fid[P9_NODE] = fid;
    n->fid[P9_READ] = n->fid[P9_WRITE] = P9_NOFID;
    memcpy(text, name.text, name.len);
    text[name.len] = '\0';
    n->name = text;
    pthread_mutex_init(&n->lock, NULL);
    if (parent != NULL) {
        n->parent = p9_node(vnode_ref(&parent->v));
    }
    libc_mutex_lock(&c->live_lock);
    list_insert(&c->live, &n->live);
    pthread_mutex_unlock(&c->live_lock);
    *out = n;
    return 0;
}

/* The last reference is gone, which may be the last one of the parent, too, and so on. */
void p9_release(struct vnode *v)
{
    while (v != NULL) {
        struct p9_node *n = p9_node(v);
        struct p9_client *c = n->c;
        libc_mutex_lock(&c->live_lock);
        list_remove(&n->live);
        struct p9_node *parent = n->parent;
        pthread_mutex_unlock(&c->live_lock);
        if (n->fid[P9_WRITE] != n->fid[P9_READ]) {
            p9_clunk(c, n->fid[P9_WRITE], n->generation);
        }
        p9_clunk(c, n->fid[P9_READ], n->generation);
        p9_clunk(c, n->fid[P9_NODE], n->generation);
        p9_dirbuf_free(n->dirbuf);
        pthread_mutex_destroy(&n->lock);
        heap_free(n->name);
        heap_free(n);
        v = NULL;
        if (parent != NULL && __atomic_sub_fetch(&parent->v.refs, 1, __ATOMIC_ACQ_REL) == 0) {
            v = &parent->v;
        }
    }
}

int p9_place(struct p9_node *n, struct p9_node **parent, char *name)
{
    libc_mutex_lock(&n->c->live_lock);
    strcpy(name, n->name); /* NAME_MAX at most, from struct name */
    *parent = n->parent != NULL ? p9_node(vnode_ref(&n->parent->v)) : NULL;
    pthread_mutex_unlock(&n->c->live_lock);
    return 0;
}

/* Is `n` what has that name in `dir`? Two nodes of one directory have the same qid. live_lock held. */
static bool is_at(const struct p9_node *n, const struct p9_node *dir, struct name name)
{
    return n->parent != NULL && n->parent->qid.path == dir->qid.path && !n->removed &&
           strlen(n->name) == name.len && memcmp(n->name, name.text, name.len) == 0;
}

/* One reference more, unless the node is on its way to p9_release(). */
static bool ref_live(struct p9_node *n)
{
    unsigned refs = __atomic_load_n(&n->v.refs, __ATOMIC_RELAXED);
    while (refs != 0 && !__atomic_compare_exchange_n(&n->v.refs, &refs, refs + 1, true,
                                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
    }
    return refs != 0;
}

/* Has anybody but the walk that found it a use for the node when its name is gone? */
static bool is_kept(const struct p9_node *n)
{
    return n->fid[P9_READ] != P9_NOFID || n->fid[P9_WRITE] != P9_NOFID ||
           (S_ISDIR(n->v.type) && __atomic_load_n(&n->v.refs, __ATOMIC_RELAXED) > 1);
}

/* The next such node of that name that `step` has not seen, with a reference; or NULL. */
static struct p9_node *next_kept(struct p9_node *dir, struct name name, unsigned step)
{
    struct p9_client *c = dir->c;
    struct p9_node *found = NULL;
    libc_mutex_lock(&c->live_lock);
    for (struct list *l = c->live.next; l != &c->live && found == NULL; l = l->next) {
        struct p9_node *n = LIST_ENTRY(l, struct p9_node, live);
        if (n->step != step && is_at(n, dir, name) && is_kept(n) && ref_live(n)) {
            n->step = step;
            found = n;
        }
    }
    pthread_mutex_unlock(&c->live_lock);
    return found;
}

int p9_will_vanish(struct p9_node *dir, struct name name)
{
    struct p9_node *n;
    unsigned step = ++dir->c->steps;
    int r = 0;
    while (r == 0 && (n = next_kept(dir, name, step)) != NULL) {
        struct stat st;
        memset(&st, 0, sizeof(st));
        r = p9_fetch_attr(n, &st);
        libc_mutex_lock(&n->lock);
        n->st = st;
        pthread_mutex_unlock(&n->lock);
        vnode_unref(&n->v);
        r = r == -ENOENT || r == -ESTALE ? 0 : r;
    }
    return r;
}

void p9_vanished(struct p9_node *dir, struct name name)
{
    struct p9_client *c = dir->c;
    libc_mutex_lock(&c->live_lock);
    for (struct list *l = c->live.next; l != &c->live; l = l->next) {
        struct p9_node *n = LIST_ENTRY(l, struct p9_node, live);
        if (is_at(n, dir, name)) {
            n->name[0] = '\0';
            if (n->st.st_nlink != 0) {
                n->st.st_nlink -= S_ISDIR(n->v.type) ? n->st.st_nlink : 1;
            }
            __atomic_store_n(&n->removed, true, __ATOMIC_RELEASE);
        }
    }
    pthread_mutex_unlock(&c->live_lock);
}

/* Give the next node of the old name the new one; false: there is none. */
static bool move_one(struct p9_node *from_dir, struct name from, struct p9_node *to_dir, char *name)
{
    struct p9_client *c = from_dir->c;
    struct p9_node *old = NULL;
    bool found = false;
    libc_mutex_lock(&c->live_lock);
    for (struct list *l = c->live.next; l != &c->live && !found; l = l->next) {
        struct p9_node *n = LIST_ENTRY(l, struct p9_node, live);
        if (is_at(n, from_dir, from)) {
            found = true;
            heap_free(n->name);
            n->name = name;
            old = n->parent;
            n->parent = p9_node(vnode_ref(&to_dir->v));
        }
    }
    pthread_mutex_unlock(&c->live_lock);
    vnode_unref(old != NULL ? &old->v : NULL); /* may be the last, and release takes the lock */
    return found;
}

void p9_moved(struct p9_node *from_dir, struct name from, struct p9_node *to_dir, struct name to)
{
    char *name;
    do {
        name = heap_alloc(to.len + 1);
        if (name == NULL) {
            return; /* the rest keep the old name: getcwd() and a move of the machine would tell */
        }
        memcpy(name, to.text, to.len);
        name[to.len] = '\0';
    } while (move_one(from_dir, from, to_dir, name));
    heap_free(name);
}
