/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of names: nodes, the file systems they belong to, and where those are mounted.
 *
 * A node is a file, directory, symbolic link or device of one file system. It is counted: a
 * reference per directory entry that the file system keeps in memory, per open file and per call
 * under way, so a file that is removed while somebody has it open lives until it is closed.
 *
 * Locks, in the order in which they are taken:
 *   mount.names   a mutex per file system: its directories, link counts and parents. Held for one
 *                 step (one lookup, one change), never across file systems.
 *   the file system's own, of contents and attributes
 * Nodes are released without mount.names held, except that release() must survive it.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <pith/file.h>
#include <pith/fs.h>
#include <pith/libc.h>

struct mount;
struct vnode_ops;

struct vnode {
    const struct vnode_ops *ops;
    struct mount *mount;
    unsigned refs;         /* atomic */
    mode_t type;           /* S_IFREG, ...; never changes */
    struct mount *covered; /* what is mounted on this directory; set once, atomic */
};

/* A name in a directory: not NUL-terminated, 1..NAME_MAX bytes, no '/', neither "." nor "..". */
struct name {
    const char *text;
    size_t len;
};

/* Which attributes vnode_ops.setattr changes. */
#define ATTR_MODE  1u
#define ATTR_UID   2u
#define ATTR_GID   4u
#define ATTR_ATIME 8u
#define ATTR_MTIME 16u

struct attr {
    unsigned set; /* ATTR_* */
    mode_t mode;  /* the twelve bits */
    uid_t uid;
    gid_t gid;
    struct timespec atime, mtime;
};

/* What is to be made under a name. */
struct new_node {
    mode_t mode;        /* type and permissions: S_IFREG, S_IFDIR, S_IFLNK */
    const char *target; /* of a symbolic link, `len` bytes */
    size_t len;
};

/*
 * What a file system offers. All calls are made in thread context and may sleep. 0 or a count,
 * errors -errno. Nodes are handed out with a reference. A NULL entry: the file system can't do it,
 * and the caller gets -EPERM (names), -EINVAL (contents) or what is said there.
 */
struct vnode_ops {
    /* Of directories, with mount.names held. -ENOENT in one that has been removed. */
    int (*lookup)(struct vnode *dir, struct name name, struct vnode **out);
    int (*create)(struct vnode *dir, struct name name, const struct new_node *what,
                  struct vnode **out);                                  /* -EEXIST */
    int (*link)(struct vnode *dir, struct name name, struct vnode *node); /* -EEXIST, -EMLINK */
    /* *gone: the node that lost the name; the caller drops it when the lock is released. */
    int (*unlink)(struct vnode *dir, struct name name, bool directory, struct vnode **gone);
    int (*rename)(struct vnode *from_dir, struct name from, struct vnode *to_dir, struct name to,
                  bool replace, struct vnode **gone);
    /* The parent, and the directory's name in it (NAME_MAX + 1 bytes), "" where it is removed. */
    int (*parent)(struct vnode *dir, struct vnode **out, char *name);
    /* The first entry at or behind *cookie, which moves behind it; returns 1, 0 at the end. */
    int (*readdir)(struct vnode *dir, off_t *cookie, struct fs_entry *out);

    /* Of all. */
    int (*getattr)(struct vnode *node, struct stat *st); /* *st has been zeroed */
    int (*setattr)(struct vnode *node, const struct attr *attr);
    ssize_t (*readlink)(struct vnode *node, char *buf, size_t size); /* cut at size */
    int (*open)(struct vnode *node, int flags, struct file **out);   /* NULL: vnode_file_open() */
    void (*release)(struct vnode *node);                             /* the last reference is gone */

    /* Of regular files. */
    ssize_t (*read)(struct vnode *node, void *buf, size_t len, off_t pos);
    /* All buffers in one step. pos < 0: at the end. *end: the position behind what was written. */
    ssize_t (*write)(struct vnode *node, const struct iovec *iov, int n, off_t pos, off_t *end);
    off_t (*size)(struct vnode *node);
    int (*truncate)(struct vnode *node, off_t size);
    int (*allocate)(struct vnode *node, off_t pos, off_t len);
    int (*extent)(struct vnode *node, off_t pos, const void **data, size_t *len);
    int (*sync)(struct vnode *node);
    int (*pin)(struct vnode *node, uint64_t first, size_t n, void **pages); /* as file_ops.pin */
    void (*unpin)(struct vnode *node);
};

struct mount {
    const char *type;      /* "ramfs" */
    dev_t dev;             /* st_dev */
    pthread_mutex_t names; /* see above */
    struct vnode *root;
    struct vnode *covers;  /* the directory below it; NULL: the root of all */
    int (*statvfs)(struct mount *m, struct statvfs *out);
    int (*sync)(struct mount *m); /* for sync(): all that was written is safe; NULL: nothing to do */
    struct mount *next;    /* of those that vfs_mount() was called for; atomic, never leaves */
    void *data;            /* the file system's */
};

static inline struct vnode *vnode_ref(struct vnode *node)
{
    __atomic_fetch_add(&node->refs, 1, __ATOMIC_RELAXED);
    return node;
}

/* One reference less; NULL is allowed. */
void vnode_unref(struct vnode *node);

/* The root of all names, mounted at the first call. Holds no reference for the caller. */
struct vnode *vfs_root(void);

/* Show file system m in place of directory dir, for good. Errors: -ENOTDIR, -EBUSY. */
int vfs_mount(struct mount *m, struct vnode *dir);

/* All that vfs_mount() was called for: see struct mount.next. */
extern struct mount *vfs_mounts;

/* What `node` shows: the root of what is mounted on it, or itself. Takes and gives a reference. */
struct vnode *vfs_cross(struct vnode *node);

/* The working directory, with a reference. */
struct vnode *vfs_cwd(void);

/* ---- paths: vfs_path.c ---- */

/* How a path ends. */
enum path_last {
    PATH_NAME,
    PATH_DOT,
    PATH_DOTDOT,
    PATH_ROOT, /* "/", and what leads to it by symbolic links */
};

struct path {
    struct vnode *dir;  /* where the last component is looked up, with a reference */
    struct vnode *node; /* what it is, with a reference; NULL: not there */
    enum path_last last;
    bool slash;         /* there are slashes behind the last component */
    struct name name;   /* the last component */
    char text[NAME_MAX + 1];
};

#define WALK_FOLLOW 1u /* the last component too is followed where it is a symbolic link */
#define WALK_CREATE 2u /* the last component may be followed by a slash without being there */

/*
 * Walk a path from directory descriptor dirfd (AT_FDCWD: the working directory). The node may be
 * missing; everything before it is there. path_done() drops the references, only after 0.
 * Errors: -ENOENT, -ENOTDIR, -ENAMETOOLONG, -ELOOP, -EBADF, -ENOMEM.
 */
int path_walk(int dirfd, const char *path, unsigned flags, struct path *out);

/* The same where the node has to be there: *out has a reference. */
int path_node(int dirfd, const char *path, unsigned flags, struct vnode **out);

void path_done(struct path *p);

/* The directory above, with a reference; NULL on an error. */
struct vnode *vfs_parent(struct vnode *dir);

/* The name of a directory from the root on. Errors: -ERANGE, -ENOENT (removed). */
int path_of(struct vnode *dir, char *buf, size_t size);

/* Make what the path has not. Errors: -EROFS, -EEXIST (somebody else did), -ENOSPC, ... */
int vfs_create(const struct path *p, const struct new_node *what, struct vnode **out);

/* The mode of something new, without what the umask takes away. */
mode_t vfs_mode(mode_t mode);

/* ---- open files: vfs_file.c ---- */

/* Open a regular file or a directory. */
int vnode_file_open(struct vnode *node, int flags, struct file **out);

/* The node of an open file, without a reference; NULL where it has none. */
struct vnode *file_vnode(struct file *f);
