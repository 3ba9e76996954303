/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of names: references, the root with its first mounts, and the working directory. */
#include "vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include <pith/panic.h>
#include <pith/spinlock.h>

#include "devfs.h"
#include "initrd.h"
#include "mounts.h"
#include "ramfs.h"

static struct vnode *root;               /* set once */
static pthread_once_t ready = PTHREAD_ONCE_INIT;

static struct spinlock cwd_lock = SPINLOCK_INIT;
static struct vnode *cwd;                /* NULL: the root; under cwd_lock */

void vnode_unref(struct vnode *node)
{
    if (node != NULL && __atomic_sub_fetch(&node->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        node->ops->release(node);
    }
}

int vfs_mount(struct mount *m, struct vnode *dir)
{
    if (!S_ISDIR(dir->type)) {
        return -ENOTDIR;
    }
    m->covers = vnode_ref(dir);
    struct mount *none = NULL;
    if (!__atomic_compare_exchange_n(&dir->covered, &none, m, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        vnode_unref(dir);
        return -EBUSY;
    }
    m->next = __atomic_load_n(&vfs_mounts, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&vfs_mounts, &m->next, m, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
    return 0;
}

struct vnode *vfs_cross(struct vnode *node)
{
    struct mount *m;
    while ((m = __atomic_load_n(&node->covered, __ATOMIC_ACQUIRE)) != NULL) {
        struct vnode *above = vnode_ref(m->root);
        vnode_unref(node);
        node = above;
    }
    return node;
}

/* A directory of the root, made where the initrd brought none. */
static struct vnode *directory(struct vnode *top, const char *text, mode_t mode)
{
    struct name name = { text, __builtin_strlen(text) };
    struct new_node what = { .mode = S_IFDIR | mode };
    struct vnode *dir = NULL;
    libc_mutex_lock(&top->mount->names);
    int r = top->ops->lookup(top, name, &dir);
    if (r == -ENOENT) {
        r = top->ops->create(top, name, &what, &dir);
    }
    pthread_mutex_unlock(&top->mount->names);
    return r == 0 ? dir : NULL;
}

/* What is there before the first call by name returns: the initrd's files, /dev, /tmp, what mount= names. */
static void mount_all(void)
{
    struct mount *m = ramfs_mount();
    if (m == NULL) {
        PANIC("no memory for the root of the files");
    }
    initrd_load(m->root);
    struct vnode *dev = directory(m->root, "dev", 0755);
    if (dev != NULL) {
        vfs_mount(&devfs_mount, dev); /* -ENOTDIR: the initrd has a file of that name */
        vnode_unref(dev);
    }
    vnode_unref(directory(m->root, "tmp", 01777));
    mounts_start(m->root);
    root = m->root;
}

struct vnode *vfs_root(void)
{
    pthread_once(&ready, mount_all);
    return root;
}

struct vnode *vfs_cwd(void)
{
    struct vnode *top = vfs_root();
    bool was = spin_lock(&cwd_lock);
    struct vnode *node = vnode_ref(cwd != NULL ? cwd : top);
    spin_unlock(&cwd_lock, was);
    return node;
}

/* Change the working directory; takes over the caller's reference. */
static int change_cwd(struct vnode *node)
{
    if (!S_ISDIR(node->type)) {
        vnode_unref(node);
        return -ENOTDIR;
    }
    bool was = spin_lock(&cwd_lock);
    struct vnode *old = cwd;
    cwd = node;
    spin_unlock(&cwd_lock, was);
    vnode_unref(old);
    return 0;
}

int fs_chdir(const char *path)
{
    struct vnode *node;
    int r = path_node(AT_FDCWD, path, WALK_FOLLOW, &node);
    return r != 0 ? r : change_cwd(node);
}

int fs_fchdir(struct file *f)
{
    struct vnode *node = file_vnode(f);
    return node == NULL ? -ENOTDIR : change_cwd(vnode_ref(node));
}

int fs_getcwd(char *buf, size_t size)
{
    struct vnode *node = vfs_cwd();
    int r = path_of(node, buf, size);
    vnode_unref(node);
    return r;
}
