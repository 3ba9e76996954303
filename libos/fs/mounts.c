/* SPDX-License-Identifier: BSD-2-Clause */
/* The option mount=, and the file system that stands where one could not be mounted. */
#include "mounts.h"

#include <errno.h>
#include <string.h>

#include <pith/cmdline.h>
#include <pith/heap.h>
#include <pith/log.h>

#define DEAD_DEV 0x12 /* st_dev */

/* From platform/x86/link.ld. */
extern const struct mount_type __mounts_start[], __mounts_end[];

/* ---- what could not be mounted: a directory in which all fails ---- */

static int dead_lookup(struct vnode *dir, struct name name, struct vnode **out)
{
    (void)dir;
    (void)name;
    *out = NULL;
    return -EIO;
}

static int dead_getattr(struct vnode *node, struct stat *st)
{
    st->st_dev = node->mount->dev;
    st->st_ino = 1;
    st->st_mode = S_IFDIR;
    st->st_nlink = 2;
    return 0;
}

static int dead_open(struct vnode *node, int flags, struct file **out)
{
    (void)node;
    (void)flags;
    *out = NULL;
    return -EIO;
}

static void dead_release(struct vnode *node)
{
    (void)node; /* never: it keeps its first reference */
}

static const struct vnode_ops dead_ops = {
    .lookup = dead_lookup,
    .getattr = dead_getattr,
    .open = dead_open,
    .release = dead_release,
};

static int dead_statvfs(struct mount *m, struct statvfs *out)
{
    (void)m;
    (void)out;
    return -EIO;
}

static struct mount *dead_mount(void)
{
    struct {
        struct mount m;
        struct vnode root;
    } *dead = heap_alloc(sizeof(*dead));
    if (dead == NULL) {
        return NULL;
    }
    memset(dead, 0, sizeof(*dead));
    dead->m = (struct mount){ .type = "dead", .dev = DEAD_DEV, .root = &dead->root,
                              .statvfs = dead_statvfs };
    dead->root = (struct vnode){ .ops = &dead_ops, .mount = &dead->m, .refs = 1, .type = S_IFDIR };
    pthread_mutex_init(&dead->m.names, NULL);
    return &dead->m;
}

/* ---- where ---- */

/* The directory `name` of `dir`, made where it is missing, in place of `dir`'s reference. */
static int step(struct vnode **dir, struct name name)
{
    struct new_node what = { .mode = S_IFDIR | 0755 };
    struct vnode *below = NULL;
    libc_mutex_lock(&(*dir)->mount->names);
    int r = (*dir)->ops->lookup(*dir, name, &below);
    if (r == -ENOENT && (*dir)->ops->create != NULL) {
        r = (*dir)->ops->create(*dir, name, &what, &below);
    }
    pthread_mutex_unlock(&(*dir)->mount->names);
    if (r == 0) {
        vnode_unref(*dir);
        *dir = vfs_cross(below);
        r = S_ISDIR((*dir)->type) ? 0 : -ENOTDIR;
    }
    return r;
}

/* The directory that a path leads to, which begins at the root and has no links, with a reference. */
static int mount_point(struct vnode *root, const char *path, size_t len, struct vnode **out)
{
    const char *end = path + len;
    struct vnode *dir = vnode_ref(root);
    int r = len > 1 && *path == '/' ? 0 : -EINVAL;
    while (r == 0) {
        while (path < end && *path == '/') {
            path++;
        }
        struct name name = { path, 0 };
        while (path < end && *path != '/') {
            path++;
            name.len++;
        }
        if (name.len == 0) {
            break;
        }
        bool dots = name.text[0] == '.' && (name.len == 1 || (name.len == 2 && name.text[1] == '.'));
        r = dots || name.len > NAME_MAX ? -EINVAL : step(&dir, name);
    }
    /* Only in the memory at the root are nodes what they were at the next look-up. */
    if (r == 0 && (dir->mount != root->mount || dir == root)) {
        r = -EBUSY;
    }
    if (r != 0) {
        vnode_unref(dir);
        return r;
    }
    *out = dir;
    return 0;
}

/* ---- what ---- */

static const struct mount_type *type_of(const char *name, size_t len)
{
    for (const struct mount_type *t = __mounts_start; t < __mounts_end; t++) {
        if (strlen(t->name) == len && memcmp(t->name, name, len) == 0) {
            return t;
        }
    }
    return NULL;
}

/* Cut `text` in place: the source, the type, and the options behind a comma. */
static int mount_source(const char *option, char *source, struct mount **out)
{
    char *type = strchr(source, ':');
    if (type == NULL) {
        return -EINVAL;
    }
    *type++ = '\0';
    size_t len = strcspn(type, ",");
    const struct mount_type *t = type_of(type, len);
    if (t == NULL) {
        klog(LOG_ERROR, "mount=%s: this image was linked without that kind of file system "
             "(app_mounts in app.mk)", option);
        return -ENODEV;
    }
    return t->mount(source, type[len] == ',' ? type + len + 1 : "", out);
}

static void mount_one(struct vnode *root, const char *option)
{
    struct mount *m = NULL;
    struct vnode *dir;
    size_t path = strcspn(option, ":");
    int r = mount_point(root, option, path, &dir);
    if (r != 0) {
        klog(LOG_ERROR, "mount=%s: no directory to mount it on, error %d", option, -r);
        return;
    }
    size_t len = strlen(option + path);
    char *copy = len > 1 ? heap_alloc(len) : NULL;
    r = -EINVAL;
    if (copy != NULL) {
        memcpy(copy, option + path + 1, len); /* with its NUL */
        r = mount_source(option, copy, &m);
        heap_free(copy);
    }
    if (r != 0) {
        klog(LOG_ERROR, "mount=%s: failed, error %d; files below it can't be used", option, -r);
        m = dead_mount();
    }
    r = m != NULL ? vfs_mount(m, dir) : -ENOMEM;
    if (r != 0) {
        klog(LOG_ERROR, "mount=%s: nothing is there, error %d", option, -r);
    }
    vnode_unref(dir);
}

void mounts_start(struct vnode *root)
{
    const char *option = NULL;
    while ((option = cmdline_next("mount", option)) != NULL) {
        mount_one(root, option);
    }
}
