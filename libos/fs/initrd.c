/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The initrd: cpio archives in the image and in modules become files of the ramfs at the root.
 *
 * Contents stay where they are in the archive. A later entry replaces an earlier one of the same
 * name, as in Linux' initramfs. Names are taken from the root on, whatever they begin with; one that
 * climbs with ".." or goes through a symbolic link is refused, and so is everything but files,
 * directories and symbolic links.
 */
#include "initrd.h"

#include <errno.h>
#include <string.h>

#include <pith/heap.h>
#include <pith/log.h>
#include <pith/machine.h>

#include "cpio.h"
#include "ramfs.h"

#define CHAINS 64u

/* The archive in the image; from platform/x86/link.ld. */
extern const char __initrd_start[], __initrd_end[];

/* A file with more than one name: the first that was seen. */
struct linked {
    struct linked *next;
    uint64_t dev;
    uint32_t ino;
    unsigned archive;
    struct vnode *node; /* with a reference */
};

struct load {
    struct vnode *root;
    struct cpio_reader reader;
    struct linked *linked[CHAINS];
    unsigned entries, refused;
    size_t refused_at; /* the first of them */
    int refused_why;
    size_t bytes;
};

static int lookup(struct vnode *dir, struct name name, struct vnode **out)
{
    libc_mutex_lock(&dir->mount->names);
    int r = dir->ops->lookup(dir, name, out);
    pthread_mutex_unlock(&dir->mount->names);
    return r;
}

static int create(struct vnode *dir, struct name name, const struct new_node *what,
                  struct vnode **out)
{
    libc_mutex_lock(&dir->mount->names);
    int r = dir->ops->create(dir, name, what, out);
    pthread_mutex_unlock(&dir->mount->names);
    return r;
}

static int unlink_name(struct vnode *dir, struct name name, bool directory)
{
    struct vnode *gone = NULL;
    libc_mutex_lock(&dir->mount->names);
    int r = dir->ops->unlink(dir, name, directory, &gone);
    pthread_mutex_unlock(&dir->mount->names);
    vnode_unref(gone);
    return r;
}

/* The next component of *path, which moves behind it; length 0 at the end. "." is left out. */
static struct name component(const char **path)
{
    struct name name;
    do {
        *path += strspn(*path, "/");
        name = (struct name){ *path, strcspn(*path, "/") };
        *path += name.len;
    } while (name.len == 1 && name.text[0] == '.');
    return name;
}

/*
 * The directory that the last component of a path belongs to, made where it is missing, with a
 * reference; *last is of length 0 for the root itself.
 */
static int parent_of(struct vnode *root, const char *path, struct vnode **out, struct name *last)
{
    struct vnode *dir = vnode_ref(root);
    struct name name = component(&path);
    int r = 0;
    while (r == 0) {
        if (name.len > NAME_MAX) {
            r = -ENAMETOOLONG;
        } else if (name.len == 2 && memcmp(name.text, "..", 2) == 0) {
            r = -EINVAL;
        } else if (!S_ISDIR(dir->type)) {
            r = -ENOTDIR;
        }
        struct name next = r == 0 ? component(&path) : name;
        if (r != 0 || next.len == 0) {
            break;
        }
        struct vnode *below;
        r = lookup(dir, name, &below);
        if (r == -ENOENT) {
            struct new_node what = { .mode = S_IFDIR | 0755 };
            r = create(dir, name, &what, &below);
        }
        if (r == 0) {
            vnode_unref(dir);
            dir = below;
            name = next;
        }
    }
    if (r != 0) {
        vnode_unref(dir);
        return r;
    }
    *out = dir;
    *last = name;
    return 0;
}

/* The node that has been seen under another name of the same file, or NULL. */
static struct vnode *other_name(struct load *l, const struct cpio_entry *e)
{
    struct linked *k = l->linked[e->ino % CHAINS];
    while (k != NULL && (k->ino != e->ino || k->dev != e->dev || k->archive != l->reader.archive)) {
        k = k->next;
    }
    return k != NULL ? k->node : NULL;
}

static int remember(struct load *l, const struct cpio_entry *e, struct vnode *node)
{
    struct linked *k = heap_alloc(sizeof(*k));
    if (k == NULL) {
        return -ENOSPC;
    }
    *k = (struct linked){ l->linked[e->ino % CHAINS], e->dev, e->ino, l->reader.archive,
                          vnode_ref(node) };
    l->linked[e->ino % CHAINS] = k;
    return 0;
}

static void forget_links(struct load *l)
{
    for (unsigned i = 0; i < CHAINS; i++) {
        while (l->linked[i] != NULL) {
            struct linked *k = l->linked[i];
            l->linked[i] = k->next;
            vnode_unref(k->node);
            heap_free(k);
        }
    }
}

static void set_attributes(struct vnode *node, const struct cpio_entry *e)
{
    struct attr attr = { .set = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME,
                         .mode = e->mode & 07777, .uid = e->uid, .gid = e->gid };
    attr.atime.tv_sec = attr.mtime.tv_sec = (time_t)e->mtime;
    node->ops->setattr(node, &attr);
}

/* Make what the entry says under a free name. Returns it with a reference. */
static int make(struct load *l, struct vnode *dir, struct name name, const struct cpio_entry *e,
                struct vnode **out)
{
    struct new_node what = { .mode = e->mode & (S_IFMT | 07777), .target = e->data, .len = e->size };
    bool many = S_ISREG(e->mode) && e->nlink > 1;
    struct vnode *node = many ? other_name(l, e) : NULL;
    int r;
    if (node != NULL) {
        vnode_ref(node);
        libc_mutex_lock(&dir->mount->names);
        r = dir->ops->link(dir, name, node);
        pthread_mutex_unlock(&dir->mount->names);
    } else {
        r = create(dir, name, &what, &node); /* leaves it NULL on an error */
        if (r == 0 && many) {
            r = remember(l, e, node);
        }
    }
    if (r == 0 && S_ISREG(e->mode) && e->size != 0) {
        ramfs_set_contents(node, e->data, e->size); /* of several names one has the contents */
        l->bytes += e->size;
    }
    *out = node;
    return r;
}

/* Make room for an entry: what is there goes, except a directory for a directory (returned). */
static int replace(struct vnode *dir, struct name name, mode_t mode, struct vnode **out)
{
    struct vnode *old;
    *out = NULL;
    int r = lookup(dir, name, &old);
    if (r != 0) {
        return r == -ENOENT ? 0 : r;
    }
    if (S_ISDIR(mode) && S_ISDIR(old->type)) {
        *out = old;
        return 0;
    }
    r = unlink_name(dir, name, S_ISDIR(old->type));
    vnode_unref(old);
    return r;
}

static int put(struct load *l, const struct cpio_entry *e)
{
    struct vnode *dir, *node = NULL;
    struct name name;
    if (!S_ISREG(e->mode) && !S_ISDIR(e->mode) && !S_ISLNK(e->mode)) {
        return -ENODEV;
    }
    if (S_ISLNK(e->mode) &&
        (e->size == 0 || e->size >= PATH_MAX || strnlen(e->data, e->size) != e->size)) {
        return -EINVAL;
    }
    int r = parent_of(l->root, e->name, &dir, &name);
    if (r != 0) {
        return r;
    }
    if (name.len == 0) {
        r = S_ISDIR(e->mode) ? 0 : -EINVAL;
        node = r == 0 ? vnode_ref(dir) : NULL;
    } else {
        r = replace(dir, name, e->mode, &node);
        if (r == 0 && node == NULL) {
            r = make(l, dir, name, e, &node);
        }
    }
    if (r == 0) {
        set_attributes(node, e);
        l->entries++;
    }
    vnode_unref(node);
    vnode_unref(dir);
    return r;
}

/* Directories got the time of their last change while they were filled: give them their own. */
static void set_directory_times(struct load *l)
{
    struct cpio_reader again = { .data = l->reader.data, .len = l->reader.at };
    struct cpio_entry e;
    while (again.at < again.len && cpio_next(&again, &e) == 1) {
        struct vnode *dir, *node;
        struct name name;
        if (!S_ISDIR(e.mode) || parent_of(l->root, e.name, &dir, &name) != 0) {
            continue;
        }
        int r = 0;
        if (name.len == 0) {
            node = vnode_ref(dir);
        } else {
            r = lookup(dir, name, &node);
        }
        if (r == 0) {
            if (S_ISDIR(node->type)) {
                set_attributes(node, &e);
            }
            vnode_unref(node);
        }
        vnode_unref(dir);
    }
}

/* What a file begins with that is a compressed archive, to say so. */
static const char *compression_of(const char *data, size_t len)
{
    static const struct {
        const char *name, *magic;
        size_t len;
    } known[] = {
        { "gzip", "\x1f\x8b", 2 }, { "xz", "\xfd" "7zXZ", 5 }, { "zstd", "\x28\xb5\x2f\xfd", 4 },
        { "bzip2", "BZh", 3 }, { "lz4", "\x02\x21\x4c\x18", 4 }, { "lzma", "\x5d\0\0", 3 },
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (len >= known[i].len && memcmp(data, known[i].magic, known[i].len) == 0) {
            return known[i].name;
        }
    }
    return NULL;
}

static void load_archive(struct vnode *root, const char *data, size_t len, const char *where)
{
    struct load l = { .root = root, .reader = { .data = data, .len = len } };
    struct cpio_entry e;
    const char *packed = compression_of(data, len);
    int r;
    if (packed != NULL) {
        klog(LOG_ERROR, "initrd in %s: it is compressed (%s); only plain cpio (newc) can be read",
             where, packed);
        return;
    }
    while ((r = cpio_next(&l.reader, &e)) == 1) {
        int why = put(&l, &e);
        if (why == -ENOSPC) {
            klog(LOG_ERROR, "initrd in %s: no memory for its names; %u entries are there", where,
                 l.entries);
            break;
        }
        if (why != 0 && l.refused++ == 0) {
            l.refused_at = e.at;
            l.refused_why = why;
        }
    }
    if (r < 0) {
        klog(LOG_ERROR, "initrd in %s: damaged at byte %zu of %zu: %s; the %u entries before are "
             "there", where, l.reader.at, len, l.reader.error, l.entries);
    }
    if (l.refused != 0) {
        klog(LOG_WARNING, "initrd in %s: %u entries refused, the first at byte %zu (error %d)",
             where, l.refused, l.refused_at, -l.refused_why);
    }
    set_directory_times(&l);
    forget_links(&l);
    klog(LOG_INFO, "initrd in %s: %u entries, %zu bytes of contents", where, l.entries, l.bytes);
}

void initrd_load(struct vnode *root)
{
    const struct boot_info *info = machine_boot_info();
    size_t len = (size_t)(__initrd_end - __initrd_start);
    if (len != 0) {
        load_archive(root, __initrd_start, len, "the image");
    }
    for (size_t i = 0; i < info->nmodules; i++) {
        load_archive(root, info->module[i].start, info->module[i].len, "a module");
    }
}
