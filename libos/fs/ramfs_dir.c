/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories in memory: a hash table finds a name, and each entry has a slot that it keeps as long
 * as it lives, so that positions in the directory mean the same whatever comes and goes.
 *
 * All functions run with mount.names held, which guards everything here.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <pith/panic.h>
#include <pith/random.h>

#include "ramfs.h"

#define FIRST_BUCKETS 8u
#define FIRST_SLOTS   8u
#define LINK_MAX_HERE 65000u /* of one file, as ext4 has it */

/* A free slot: the lowest bit, and above it the next free slot + 1 or 0. */
#define SLOT_FREE(next) ((uintptr_t)(next) << 1 | 1)

static uint32_t seed; /* of the names' hashes; constant after the first directory has an entry */
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    random_bytes(&seed, sizeof(seed));
}

/* FNV-1a from a random start; the last steps spread it over the low bits. */
static uint32_t hash_of(struct name name)
{
    pthread_once(&seeded, make_seed);
    uint32_t h = seed;
    for (size_t i = 0; i < name.len; i++) {
        h = (h ^ (unsigned char)name.text[i]) * 16777619u;
    }
    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    return h ^ h >> 13;
}

static struct ram_entry *find(const struct ram_dir *d, struct name name)
{
    if (d->nbuckets == 0) {
        return NULL;
    }
    uint32_t hash = hash_of(name);
    struct ram_entry *e = d->table[hash & (d->nbuckets - 1)];
    while (e != NULL &&
           (e->hash != hash || e->len != name.len || memcmp(e->name, name.text, name.len) != 0)) {
        e = e->next;
    }
    return e;
}

/* Make the table as large as there are entries. The old one stays where there is no memory. */
static int grow_table(struct ram_dir *d)
{
    uint32_t n = d->nbuckets != 0 ? 2 * d->nbuckets : FIRST_BUCKETS;
    struct ram_entry **table = ramfs_alloc(n * sizeof(*table));
    if (table == NULL) {
        return d->nbuckets != 0 ? 0 : -ENOSPC;
    }
    memset(table, 0, n * sizeof(*table));
    for (uint32_t i = 0; i < d->nbuckets; i++) {
        struct ram_entry *next;
        for (struct ram_entry *e = d->table[i]; e != NULL; e = next) {
            next = e->next;
            e->next = table[e->hash & (n - 1)];
            table[e->hash & (n - 1)] = e;
        }
    }
    ramfs_free(d->table);
    d->table = table;
    d->nbuckets = n;
    return 0;
}

static int grow_slots(struct ram_dir *d)
{
    uint32_t n = d->nslots != 0 ? 2 * d->nslots : FIRST_SLOTS;
    uintptr_t *slots = ramfs_alloc(n * sizeof(*slots));
    if (slots == NULL) {
        return -ENOSPC;
    }
    if (d->slots != NULL) {
        memcpy(slots, d->slots, d->high * sizeof(*slots));
    }
    ramfs_free(d->slots);
    d->slots = slots;
    d->nslots = n;
    return 0;
}

/* Enter a name; the entry takes over the caller's reference to the node. Errors: -ENOSPC. */
static int insert(struct ram_dir *d, struct name name, struct ram_node *node)
{
    if (d->count >= d->nbuckets && grow_table(d) != 0) {
        return -ENOSPC;
    }
    if (d->first_free == 0 && d->high == d->nslots && grow_slots(d) != 0) {
        return -ENOSPC;
    }
    struct ram_entry *e = ramfs_alloc(sizeof(*e) + name.len);
    if (e == NULL) {
        return -ENOSPC;
    }
    e->node = node;
    e->hash = hash_of(name);
    e->len = (uint8_t)name.len;
    memcpy(e->name, name.text, name.len);
    struct ram_entry **chain = &d->table[e->hash & (d->nbuckets - 1)];
    e->next = *chain;
    *chain = e;
    if (d->first_free != 0) {
        e->slot = d->first_free - 1;
        d->first_free = (uint32_t)(d->slots[e->slot] >> 1);
    } else {
        e->slot = d->high++;
    }
    d->slots[e->slot] = (uintptr_t)e;
    d->count++;
    if (S_ISDIR(node->v.type)) {
        node->dir.entry = e;
    }
    return 0;
}

/* Take an entry out and free it; its reference to the node goes to the caller. */
static void drop(struct ram_dir *d, struct ram_entry *e)
{
    struct ram_entry **at = &d->table[e->hash & (d->nbuckets - 1)];
    while (*at != e) {
        at = &(*at)->next;
    }
    *at = e->next;
    d->slots[e->slot] = SLOT_FREE(d->first_free);
    d->first_free = e->slot + 1;
    ramfs_free(e);
    if (--d->count == 0) {
        ramfs_free(d->table);
        ramfs_free(d->slots);
        d->table = NULL;
        d->slots = NULL;
        d->nbuckets = d->nslots = d->high = d->first_free = 0;
    }
}

static bool removed(const struct ram_node *dir)
{
    return dir->nlink == 0;
}

static void add_links(struct ram_node *node, int n)
{
    __atomic_fetch_add(&node->nlink, (unsigned)n, __ATOMIC_RELAXED);
}

int ramdir_lookup(struct vnode *v, struct name name, struct vnode **out)
{
    struct ram_entry *e = find(&ram_node(v)->dir, name);
    if (e == NULL) {
        return -ENOENT;
    }
    *out = vnode_ref(&e->node->v);
    return 0;
}

int ramdir_create(struct vnode *v, struct name name, const struct new_node *what,
                  struct vnode **out)
{
    struct ram_node *dir = ram_node(v);
    struct ram_node *node;
    if (removed(dir)) {
        return -ENOENT;
    }
    if (find(&dir->dir, name) != NULL) {
        return -EEXIST;
    }
    struct timespec now = ramfs_now();
    int r = ramfs_node(v->mount, what, &now, &node);
    if (r != 0) {
        return r;
    }
    r = insert(&dir->dir, name, node);
    if (r != 0) {
        vnode_unref(&node->v);
        return r;
    }
    if (S_ISDIR(what->mode)) {
        node->dir.parent = ram_node(vnode_ref(v));
        add_links(dir, 1);
    }
    ramfs_touch(dir, true, &now);
    *out = vnode_ref(&node->v);
    return 0;
}

int ramdir_link(struct vnode *v, struct name name, struct vnode *target)
{
    struct ram_node *dir = ram_node(v);
    struct ram_node *node = ram_node(target);
    if (removed(dir) || node->nlink == 0) {
        return -ENOENT;
    }
    if (find(&dir->dir, name) != NULL) {
        return -EEXIST;
    }
    if (node->nlink >= LINK_MAX_HERE) {
        return -EMLINK;
    }
    int r = insert(&dir->dir, name, node);
    if (r != 0) {
        return r;
    }
    struct timespec now = ramfs_now();
    vnode_ref(target);
    add_links(node, 1);
    ramfs_touch(node, false, &now);
    ramfs_touch(dir, true, &now);
    return 0;
}

/* A node has lost the name that `entry` gave it in `dir`. */
static void unname(struct ram_node *dir, struct ram_node *node, const struct timespec *now)
{
    if (S_ISDIR(node->v.type)) {
        add_links(node, -2);
        add_links(dir, -1);
        node->dir.entry = NULL;
    } else {
        add_links(node, -1);
    }
    ramfs_touch(node, false, now);
}

int ramdir_unlink(struct vnode *v, struct name name, bool directory, struct vnode **gone)
{
    struct ram_node *dir = ram_node(v);
    struct ram_entry *e = find(&dir->dir, name);
    if (e == NULL) {
        return -ENOENT;
    }
    struct ram_node *node = e->node;
    bool is_dir = S_ISDIR(node->v.type);
    if (is_dir != directory) {
        return directory ? -ENOTDIR : -EISDIR;
    }
    if (is_dir && node->dir.count != 0) {
        return -ENOTEMPTY;
    }
    struct timespec now = ramfs_now();
    drop(&dir->dir, e);
    unname(dir, node, &now);
    ramfs_touch(dir, true, &now);
    *gone = &node->v;
    return 0;
}

/* What speaks against replacing `old` by `node`. */
static int check_replace(const struct ram_node *node, const struct ram_node *old)
{
    if (!S_ISDIR(old->v.type)) {
        return S_ISDIR(node->v.type) ? -ENOTDIR : 0;
    }
    if (!S_ISDIR(node->v.type)) {
        return -EISDIR;
    }
    return old->dir.count != 0 ? -ENOTEMPTY : 0;
}

/* What speaks against `node` getting a name in `to`: it would lie in itself. */
static int check_loop(const struct ram_node *node, const struct ram_node *to)
{
    while (to != NULL && to != node) {
        to = to->dir.parent;
    }
    return to == node ? -EINVAL : 0;
}

/* The directory `node` moves from one parent to another; both live, the caller has them. */
static void change_parent(struct ram_node *node, struct ram_node *from, struct ram_node *to)
{
    vnode_ref(&to->v);
    node->dir.parent = to;
    vnode_unref(&from->v);
    add_links(from, -1);
    add_links(to, 1);
}

int ramdir_rename(struct vnode *from_v, struct name from, struct vnode *to_v, struct name to,
                  bool replace, struct vnode **gone)
{
    struct ram_node *from_dir = ram_node(from_v);
    struct ram_node *to_dir = ram_node(to_v);
    struct ram_entry *e = find(&from_dir->dir, from);
    struct ram_entry *old = find(&to_dir->dir, to);
    if (e == NULL || removed(to_dir)) {
        return -ENOENT;
    }
    struct ram_node *node = e->node;
    if (old != NULL && !replace) {
        return -EEXIST;
    }
    if (old != NULL && old->node == node) {
        return 0; /* two names of one file: POSIX says that nothing happens */
    }
    int r = S_ISDIR(node->v.type) ? check_loop(node, to_dir) : 0;
    if (r == 0 && old != NULL) {
        r = check_replace(node, old->node);
    }
    if (r != 0) {
        return r;
    }
    struct timespec now = ramfs_now();
    if (old == NULL) {
        r = insert(&to_dir->dir, to, node);
        if (r != 0) {
            return r;
        }
    } else {
        *gone = &old->node->v;
        unname(to_dir, old->node, &now);
        old->node = node;
        if (S_ISDIR(node->v.type)) {
            node->dir.entry = old;
        }
    }
    drop(&from_dir->dir, e);
    if (S_ISDIR(node->v.type) && from_dir != to_dir) {
        change_parent(node, from_dir, to_dir);
    }
    ramfs_touch(node, false, &now);
    ramfs_touch(from_dir, true, &now);
    ramfs_touch(to_dir, true, &now);
    return 0;
}

int ramdir_parent(struct vnode *v, struct vnode **out, char *name)
{
    struct ram_node *dir = ram_node(v);
    ASSERT(dir->dir.parent != NULL); /* the root has been seen to */
    const struct ram_entry *e = dir->dir.entry;
    if (e != NULL) {
        memcpy(name, e->name, e->len);
    }
    name[e != NULL ? e->len : 0] = '\0';
    *out = vnode_ref(&dir->dir.parent->v);
    return 0;
}

static unsigned char dirent_type(mode_t type)
{
    return (unsigned char)(type >> 12); /* DT_ and S_IF agree so, see <sys/dirent.h> */
}

_Static_assert(DT_REG == S_IFREG >> 12 && DT_DIR == S_IFDIR >> 12 && DT_LNK == S_IFLNK >> 12,
               "types of entries are those of files");

int ramdir_readdir(struct vnode *v, off_t *cookie, struct fs_entry *out)
{
    const struct ram_dir *d = &ram_node(v)->dir;
    for (uint64_t i = (uint64_t)*cookie; i < d->high; i++) {
        if (d->slots[i] & 1) {
            continue;
        }
        const struct ram_entry *e = (const struct ram_entry *)d->slots[i];
        memcpy(out->name, e->name, e->len);
        out->name[e->len] = '\0';
        out->ino = e->node->ino;
        out->type = dirent_type(e->node->v.type);
        *cookie = (off_t)i + 1;
        return 1;
    }
    return 0;
}
