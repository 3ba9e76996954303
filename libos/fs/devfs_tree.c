/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev as a file system: one directory that lists the devices; nothing in it can be made, removed
 * or renamed. A node is made per lookup and only remembers the name.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <pith/heap.h>

#include "devfs.h"

struct dev_node {
    struct vnode v;
    ino_t ino;
    char name[DEVFS_NAME_MAX];
};

static struct dev_node *dev_node(struct vnode *v)
{
    return (struct dev_node *)(void *)v; /* v is its first member */
}

static int node_getattr(struct vnode *v, struct stat *st)
{
    struct dev_node *node = dev_node(v);
    struct file *f;
    int r = devfs_open(node->name, O_RDONLY, &f);
    if (r != 0) {
        return r;
    }
    r = f->ops->fstat != NULL ? f->ops->fstat(f, st) : -EINVAL;
    file_unref(f);
    st->st_dev = v->mount->dev;
    st->st_ino = node->ino;
    return r;
}

static int node_open(struct vnode *v, int flags, struct file **out)
{
    return devfs_open(dev_node(v)->name, flags, out);
}

static void node_release(struct vnode *v)
{
    heap_free(dev_node(v));
}

static const struct vnode_ops node_ops = {
    .getattr = node_getattr,
    .open = node_open,
    .release = node_release,
};

/* Which of the names `want` is, and its type; -1: none. Devices are only looked for when it takes them. */
static int index_of(const char *want, mode_t *type)
{
    char text[DEVFS_NAME_MAX];
    for (unsigned i = 0; devfs_name(i, text, type); i++) {
        if (strcmp(text, want) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int root_lookup(struct vnode *dir, struct name name, struct vnode **out)
{
    char want[DEVFS_NAME_MAX];
    mode_t type;
    if (name.len >= sizeof(want)) {
        return -ENOENT;
    }
    memcpy(want, name.text, name.len);
    want[name.len] = '\0';
    int i = index_of(want, &type);
    if (i < 0 && devfs_real_name(want)) {
        i = index_of(want, &type);
    }
    if (i < 0) {
        return -ENOENT;
    }
    struct dev_node *node = heap_alloc(sizeof(*node));
    if (node == NULL) {
        return -ENOMEM;
    }
    node->v = (struct vnode){ .ops = &node_ops, .mount = dir->mount, .refs = 1, .type = type };
    node->ino = DEVFS_FIRST_INO + (ino_t)i;
    strcpy(node->name, want);
    *out = &node->v;
    return 0;
}

static int root_readdir(struct vnode *dir, off_t *cookie, struct fs_entry *out)
{
    mode_t type;
    (void)dir;
    if (*cookie > 0xffff || !devfs_name((unsigned)*cookie, out->name, &type)) {
        return 0;
    }
    out->ino = DEVFS_FIRST_INO + (ino_t)*cookie;
    out->type = (unsigned char)(type >> 12);
    ++*cookie;
    return 1;
}

static int root_getattr(struct vnode *dir, struct stat *st)
{
    st->st_dev = dir->mount->dev;
    st->st_ino = 1;
    st->st_mode = S_IFDIR | 0755;
    st->st_nlink = 2;
    st->st_blksize = 4096;
    return 0;
}

static void root_release(struct vnode *dir)
{
    (void)dir; /* never: it keeps its first reference */
}

static const struct vnode_ops root_ops = {
    .lookup = root_lookup,
    .readdir = root_readdir,
    .getattr = root_getattr,
    .release = root_release,
};

static int devfs_statvfs(struct mount *m, struct statvfs *out)
{
    *out = (struct statvfs){ .f_bsize = 4096, .f_frsize = 4096, .f_fsid = m->dev,
                             .f_flag = ST_RDONLY, .f_namemax = DEVFS_NAME_MAX - 1 };
    return 0;
}

static struct vnode root = { .ops = &root_ops, .mount = &devfs_mount, .refs = 1, .type = S_IFDIR };

struct mount devfs_mount = { .type = "devfs", .dev = DEVFS_DEV, .root = &root,
                             .statvfs = devfs_statvfs };
