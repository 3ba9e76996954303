/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file system in memory: nodes, shared by ramfs.c (attributes, accounts), ramfs_dir.c (names)
 * and ramfs_data.c (contents).
 *
 * Memory is bounded twice: by `ramfs.max=`, and by a reserve of free pages that files never take,
 * so that a machine whose files are full goes on. What the initrd brought lies where the loader put
 * it and isn't counted until it is written to.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include <pith/libc.h>

#include "vfs.h"

struct ram_node;

/* A name in a directory; holds a reference to its node. */
struct ram_entry {
    struct ram_entry *next; /* in its chain of the table */
    struct ram_node *node;
    uint32_t hash;
    uint32_t slot;
    uint8_t len;
    char name[];
};

/* Of a directory. All under mount.names. */
struct ram_dir {
    struct ram_node *parent;   /* with a reference; NULL: the root */
    struct ram_entry *entry;   /* the name in the parent; NULL: the root, or removed */
    struct ram_entry **table;  /* chains by hash */
    uint32_t nbuckets;         /* 0 or a power of two */
    uint32_t count;
    uintptr_t *slots;          /* by position: an entry, or SLOT_FREE(next free one + 1) */
    uint32_t nslots;           /* allocated */
    uint32_t high;             /* slots that have been used */
    uint32_t first_free;       /* + 1; 0: none below `high` */
};

/*
 * Of a regular file: pages in a radix tree over what the initrd brought over zeros. Under
 * ram_node.lock. What lies behind `size` in a page is zero.
 */
struct ram_data {
    off_t size;
    const char *base;      /* contents in the initrd, never written; NULL: none */
    size_t base_len;       /* at most size */
    void *top;             /* height 0: the page of index 0 or NULL; else a struct ram_branch */
    unsigned height;
    size_t npages;
    unsigned mapped;       /* how often pages have been pinned: none is freed until it is 0 */
};

struct ram_link {
    char *target;
    size_t len;
};

struct ram_node {
    struct vnode v;
    ino_t ino;
    unsigned nlink;          /* changed under mount.names; atomic */
    pthread_rwlock_t lock;   /* of what follows, except `dir` */
    mode_t mode;             /* with its type */
    uid_t uid;
    gid_t gid;
    struct timespec atime, mtime, ctime;
    union {
        struct ram_data data;
        struct ram_dir dir;
        struct ram_link link; /* constant */
    };
};

static inline struct ram_node *ram_node(struct vnode *v)
{
    return (struct ram_node *)(void *)v; /* v is its first member */
}

/* The one instance, with its root; NULL: no memory. Called once. */
struct mount *ramfs_mount(void);

/* Give a new regular file contents that stay in place and are never freed. Context: start-up. */
void ramfs_set_contents(struct vnode *node, const void *base, size_t len);

/* ---- ramfs.c, for the other two ---- */

/* Counted memory; NULL when the limit or the reserve is reached. */
void *ramfs_alloc(size_t size);
void ramfs_free(void *p);
void *ramfs_page(void);
void ramfs_page_free(void *page);

/* How many bytes may still be taken. */
size_t ramfs_left(void);

/* The time of a change: read once for all nodes that it touches, a clock can be dear to read. */
struct timespec ramfs_now(void);

/* A node without a name, with one reference. Errors: -ENOSPC. */
int ramfs_node(struct mount *m, const struct new_node *what, const struct timespec *now,
               struct ram_node **out);

/* Contents (mtime too) or attributes have changed. Takes node->lock. */
void ramfs_touch(struct ram_node *node, bool contents, const struct timespec *now);

/* ---- ramfs_dir.c ---- */

int ramdir_lookup(struct vnode *dir, struct name name, struct vnode **out);
int ramdir_create(struct vnode *dir, struct name name, const struct new_node *what,
                  struct vnode **out);
int ramdir_link(struct vnode *dir, struct name name, struct vnode *node);
int ramdir_unlink(struct vnode *dir, struct name name, bool directory, struct vnode **gone);
int ramdir_rename(struct vnode *from_dir, struct name from, struct vnode *to_dir, struct name to,
                  bool replace, struct vnode **gone);
int ramdir_parent(struct vnode *dir, struct vnode **out, char *name);
int ramdir_readdir(struct vnode *dir, off_t *cookie, struct fs_entry *out);

/* ---- ramfs_data.c ---- */

ssize_t ramdata_read(struct vnode *node, void *buf, size_t len, off_t pos);
ssize_t ramdata_write(struct vnode *node, const struct iovec *iov, int n, off_t pos, off_t *end);
off_t ramdata_size(struct vnode *node);
int ramdata_truncate(struct vnode *node, off_t size);
int ramdata_allocate(struct vnode *node, off_t pos, off_t len);
int ramdata_extent(struct vnode *node, off_t pos, const void **data, size_t *len);
int ramdata_pin(struct vnode *v, uint64_t first, size_t n, void **pages);
void ramdata_unpin(struct vnode *v);
void ramdata_free(struct ram_data *d);
