/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files of the tree: regular ones, which pass everything to their node, and directories,
 * whose position is a place in their list of entries.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <pith/heap.h>

#include "vfs.h"

static struct vnode *node_of(struct file *f)
{
    return f->data;
}

static ssize_t reg_pread(struct file *f, void *buf, size_t len, off_t pos)
{
    struct vnode *node = node_of(f);
    return node->ops->read(node, buf, len, pos);
}

/* What is only read has the type of iovec's buffers, which aren't. */
static struct iovec one(const void *buf, size_t len)
{
    return (struct iovec){ (void *)(uintptr_t)buf, len };
}

static ssize_t reg_pwrite(struct file *f, const void *buf, size_t len, off_t pos)
{
    struct vnode *node = node_of(f);
    struct iovec v = one(buf, len);
    off_t end;
    return node->ops->write(node, &v, 1, pos, &end);
}

static ssize_t reg_append(struct file *f, const void *buf, size_t len, off_t *end)
{
    struct vnode *node = node_of(f);
    struct iovec v = one(buf, len);
    return node->ops->write(node, &v, 1, -1, end);
}

static ssize_t reg_writev(struct file *f, const struct iovec *iov, int n)
{
    struct vnode *node = node_of(f);
    off_t end;
    libc_mutex_lock(&f->pos_lock);
    bool append = __atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_APPEND;
    ssize_t r = node->ops->write(node, iov, n, append ? -1 : f->pos, &end);
    if (r > 0) {
        f->pos = end;
    }
    pthread_mutex_unlock(&f->pos_lock);
    return r;
}

static off_t reg_size(struct file *f)
{
    struct vnode *node = node_of(f);
    return node->ops->size(node);
}

static int reg_truncate(struct file *f, off_t size)
{
    struct vnode *node = node_of(f);
    return node->ops->truncate != NULL ? node->ops->truncate(node, size) : -EINVAL;
}

static int reg_extent(struct file *f, off_t pos, const void **data, size_t *len)
{
    struct vnode *node = node_of(f);
    return node->ops->extent != NULL ? node->ops->extent(node, pos, data, len) : -ENOTSUP;
}

static int reg_pin(struct file *f, uint64_t first, size_t n, void **pages)
{
    struct vnode *node = node_of(f);
    return node->ops->pin != NULL ? node->ops->pin(node, first, n, pages) : -ENOTSUP;
}

static void reg_unpin(struct file *f)
{
    struct vnode *node = node_of(f);
    node->ops->unpin(node);
}

static int node_fsync(struct file *f)
{
    struct vnode *node = node_of(f);
    return node->ops->sync != NULL ? node->ops->sync(node) : 0;
}

static int node_fstat(struct file *f, struct stat *st)
{
    struct vnode *node = node_of(f);
    return node->ops->getattr(node, st);
}

static void node_close(struct file *f)
{
    vnode_unref(node_of(f));
    heap_free(f);
}

static const struct file_ops regular_ops = {
    .pread = reg_pread,
    .pwrite = reg_pwrite,
    .append = reg_append,
    .writev = reg_writev,
    .size = reg_size,
    .fstat = node_fstat,
    .fsync = node_fsync,
    .truncate = reg_truncate,
    .extent = reg_extent,
    .pin = reg_pin,
    .unpin = reg_unpin,
    .close = node_close,
};

static ssize_t dir_read(struct file *f, void *buf, size_t len)
{
    (void)f;
    (void)buf;
    (void)len;
    return -EISDIR;
}

static ssize_t dir_pread(struct file *f, void *buf, size_t len, off_t pos)
{
    (void)pos;
    return dir_read(f, buf, len);
}

/* pread is there so that a directory can be sought in. */
static const struct file_ops directory_ops = {
    .read = dir_read,
    .pread = dir_pread,
    .fstat = node_fstat,
    .fsync = node_fsync,
    .close = node_close,
};

struct vnode *file_vnode(struct file *f)
{
    return f->ops == &regular_ops || f->ops == &directory_ops ? node_of(f) : NULL;
}

int vnode_file_open(struct vnode *node, int flags, struct file **out)
{
    struct file *f = heap_alloc(sizeof(*f));
    if (f == NULL) {
        return -ENOMEM;
    }
    file_init(f, S_ISDIR(node->type) ? &directory_ops : &regular_ops, flags, vnode_ref(node));
    *out = f;
    return 0;
}

/* Positions 0 and 1 are "." and "..", the file system's begin at 2. */
#define OWN_ENTRIES 2

static int own_entry(struct vnode *node, off_t pos, struct fs_entry *out)
{
    struct stat st;
    strcpy(out->name, pos == 0 ? "." : "..");
    out->type = DT_DIR;
    memset(&st, 0, sizeof(st));
    int r = node->ops->getattr(node, &st);
    if (r == 0 && pos == 1) {
        struct vnode *parent = vfs_parent(node);
        if (parent != NULL) {
            memset(&st, 0, sizeof(st));
            r = parent->ops->getattr(parent, &st);
            vnode_unref(parent);
        }
    }
    out->ino = st.st_ino;
    return r == 0 ? 1 : r;
}

int fs_readdir(struct file *f, struct fs_entry *out)
{
    if (f->ops != &directory_ops) {
        return -ENOTDIR;
    }
    struct vnode *node = node_of(f);
    int r;
    libc_mutex_lock(&f->pos_lock);
    off_t pos = f->pos;
    if (pos < OWN_ENTRIES) {
        r = own_entry(node, pos, out);
        pos++;
    } else {
        off_t cookie = pos - OWN_ENTRIES;
        libc_mutex_lock(&node->mount->names);
        r = node->ops->readdir(node, &cookie, out);
        pthread_mutex_unlock(&node->mount->names);
        pos = cookie + OWN_ENTRIES;
    }
    if (r == 1) {
        f->pos = out->next = pos;
    }
    pthread_mutex_unlock(&f->pos_lock);
    return r;
}
