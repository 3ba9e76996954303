/* SPDX-License-Identifier: BSD-2-Clause */
/* The file system in memory: its nodes, their attributes, and the account of memory. */
#include "ramfs.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <pith/cmdline.h>
#include <pith/heap.h>
#include <pith/page.h>

#define RAMFS_DEV      0x10
#define RESERVE_SHARE  32u   /* of all pages: what files leave alone */
#define RESERVE_MIN    64u   /* pages */
#define RESERVE_MAX    4096u

static size_t limit;   /* bytes; constant after ramfs_mount() */
static size_t reserve; /* pages; constant */
static size_t used;    /* bytes; atomic */
static ino_t last_ino; /* atomic */

static size_t free_bytes(void)
{
    struct page_stats stats;
    page_stats(&stats);
    return stats.free > reserve ? (stats.free - reserve) * PAGE_SIZE : 0;
}

size_t ramfs_left(void)
{
    size_t now = __atomic_load_n(&used, __ATOMIC_RELAXED);
    size_t left = now < limit ? limit - now : 0;
    size_t room = free_bytes();
    return left < room ? left : room;
}

static bool charge(size_t bytes)
{
    size_t now = __atomic_load_n(&used, __ATOMIC_RELAXED);
    do {
        if (now > limit || bytes > limit - now) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(&used, &now, now + bytes, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return true;
}

static void discharge(size_t bytes)
{
    __atomic_fetch_sub(&used, bytes, __ATOMIC_RELAXED);
}

/* There are `bytes` above the reserve, if need be after caches have been given back. */
static bool room_for(size_t bytes)
{
    return free_bytes() >= bytes || (page_reclaim() != 0 && free_bytes() >= bytes);
}

void *ramfs_alloc(size_t size)
{
    if (!room_for(size)) {
        return NULL;
    }
    void *p = heap_alloc(size);
    if (p != NULL && !charge(heap_usable(p))) {
        heap_free(p);
        p = NULL;
    }
    return p;
}

void ramfs_free(void *p)
{
    if (p != NULL) {
        discharge(heap_usable(p));
        heap_free(p);
    }
}

void *ramfs_page(void)
{
    if (!room_for(PAGE_SIZE) || !charge(PAGE_SIZE)) {
        return NULL;
    }
    void *page = page_alloc(0);
    if (page == NULL) {
        discharge(PAGE_SIZE);
    }
    return page;
}

void ramfs_page_free(void *page)
{
    page_free(page, 0);
    discharge(PAGE_SIZE);
}

struct timespec ramfs_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now;
}

void ramfs_touch(struct ram_node *node, bool contents, const struct timespec *now)
{
    pthread_rwlock_wrlock(&node->lock);
    node->ctime = *now;
    if (contents) {
        node->mtime = *now;
    }
    pthread_rwlock_unlock(&node->lock);
}

static off_t size_of(const struct ram_node *node)
{
    switch (node->v.type) {
    case S_IFREG:
        return node->data.size;
    case S_IFLNK:
        return (off_t)node->link.len;
    case S_IFSOCK:
        return 0;
    default:
        return PAGE_SIZE; /* of a directory: a number that programs take for one */
    }
}

static int ram_getattr(struct vnode *v, struct stat *st)
{
    struct ram_node *node = ram_node(v);
    pthread_rwlock_rdlock(&node->lock);
    st->st_dev = v->mount->dev;
    st->st_ino = node->ino;
    st->st_mode = node->mode;
    st->st_nlink = (nlink_t)__atomic_load_n(&node->nlink, __ATOMIC_RELAXED);
    st->st_uid = node->uid;
    st->st_gid = node->gid;
    st->st_size = size_of(node);
    st->st_blksize = PAGE_SIZE;
    if (S_ISREG(v->type)) {
        st->st_blocks = (blkcnt_t)(node->data.npages * (PAGE_SIZE / 512) +
                                   (node->data.base_len + 511) / 512);
    }
    st->st_atim = node->atime;
    st->st_mtim = node->mtime;
    st->st_ctim = node->ctime;
    pthread_rwlock_unlock(&node->lock);
    return 0;
}

static int ram_setattr(struct vnode *v, const struct attr *attr)
{
    struct ram_node *node = ram_node(v);
    pthread_rwlock_wrlock(&node->lock);
    if (attr->set & ATTR_MODE) {
        node->mode = v->type | attr->mode;
    }
    if (attr->set & ATTR_UID) {
        node->uid = attr->uid;
    }
    if (attr->set & ATTR_GID) {
        node->gid = attr->gid;
    }
    if ((attr->set & (ATTR_UID | ATTR_GID)) && S_ISREG(v->type)) {
        node->mode &= ~(mode_t)S_ISUID; /* POSIX, chown(): as Linux does it for root, too */
        node->mode &= node->mode & S_IXGRP ? ~(mode_t)S_ISGID : ~(mode_t)0;
    }
    if (attr->set & ATTR_ATIME) {
        node->atime = attr->atime;
    }
    if (attr->set & ATTR_MTIME) {
        node->mtime = attr->mtime;
    }
    if (attr->set != 0) {
        node->ctime = ramfs_now();
    }
    pthread_rwlock_unlock(&node->lock);
    return 0;
}

static ssize_t ram_readlink(struct vnode *v, char *buf, size_t size)
{
    const struct ram_link *link = &ram_node(v)->link;
    size_t n = link->len < size ? link->len : size;
    memcpy(buf, link->target, n);
    return (ssize_t)n;
}

/*
 * The last reference is gone. A directory holds one to its parent, which may thereby go, too: a
 * loop, because such a chain can be long.
 */
static void ram_release(struct vnode *v)
{
    while (v != NULL) {
        struct ram_node *node = ram_node(v);
        struct ram_node *parent = NULL;
        switch (v->type) {
        case S_IFREG:
            ramdata_free(&node->data);
            break;
        case S_IFLNK:
            ramfs_free(node->link.target);
            break;
        case S_IFSOCK:
            break;
        default:
            ramfs_free(node->dir.table);
            ramfs_free(node->dir.slots);
            parent = node->dir.parent;
        }
        ramfs_free(node);
        v = NULL;
        if (parent != NULL && __atomic_sub_fetch(&parent->v.refs, 1, __ATOMIC_ACQ_REL) == 0) {
            v = &parent->v;
        }
    }
}

static const struct vnode_ops ramfs_ops = {
    .lookup = ramdir_lookup,
    .create = ramdir_create,
    .link = ramdir_link,
    .unlink = ramdir_unlink,
    .rename = ramdir_rename,
    .parent = ramdir_parent,
    .readdir = ramdir_readdir,
    .getattr = ram_getattr,
    .setattr = ram_setattr,
    .readlink = ram_readlink,
    .release = ram_release,
    .read = ramdata_read,
    .write = ramdata_write,
    .size = ramdata_size,
    .truncate = ramdata_truncate,
    .allocate = ramdata_allocate,
    .extent = ramdata_extent,
    .pin = ramdata_pin,
    .unpin = ramdata_unpin,
};

int ramfs_node(struct mount *m, const struct new_node *what, const struct timespec *now,
               struct ram_node **out)
{
    struct ram_node *node = ramfs_alloc(sizeof(*node));
    if (node == NULL) {
        return -ENOSPC;
    }
    memset(node, 0, sizeof(*node));
    node->v = (struct vnode){ .ops = &ramfs_ops, .mount = m, .refs = 1,
                              .type = what->mode & S_IFMT };
    node->ino = __atomic_add_fetch(&last_ino, 1, __ATOMIC_RELAXED);
    node->mode = what->mode;
    node->nlink = S_ISDIR(what->mode) ? 2 : 1;
    node->atime = node->mtime = node->ctime = *now;
    if (S_ISLNK(what->mode)) {
        node->link.target = ramfs_alloc(what->len);
        if (node->link.target == NULL) {
            ramfs_free(node);
            return -ENOSPC;
        }
        memcpy(node->link.target, what->target, what->len);
        node->link.len = what->len;
    }
    *out = node;
    return 0;
}

static int ramfs_statvfs(struct mount *m, struct statvfs *out)
{
    *out = (struct statvfs){ .f_bsize = PAGE_SIZE, .f_frsize = PAGE_SIZE,
                             .f_blocks = limit / PAGE_SIZE,
                             .f_bfree = ramfs_left() / PAGE_SIZE,
                             .f_fsid = m->dev, .f_namemax = NAME_MAX };
    out->f_bavail = out->f_bfree;
    out->f_ffree = ramfs_left() / sizeof(struct ram_node);
    out->f_favail = out->f_ffree;
    out->f_files = out->f_ffree + __atomic_load_n(&last_ino, __ATOMIC_RELAXED);
    return 0;
}

struct mount *ramfs_mount(void)
{
    static struct mount m = { .type = "ramfs", .dev = RAMFS_DEV, .statvfs = ramfs_statvfs };
    struct new_node what = { .mode = S_IFDIR | 0755 };
    struct page_stats stats;
    struct ram_node *root;
    page_stats(&stats);
    reserve = stats.total / RESERVE_SHARE;
    reserve = reserve < RESERVE_MIN ? RESERVE_MIN : reserve > RESERVE_MAX ? RESERVE_MAX : reserve;
    limit = SIZE_MAX;
    struct timespec now = ramfs_now();
    if (ramfs_node(&m, &what, &now, &root) != 0) {
        return NULL;
    }
    limit = cmdline_get_u64("ramfs.max", stats.total / 2 * PAGE_SIZE);
    m.root = &root->v;
    return &m;
}
