/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 9P file system's inside: a folder of the host, spoken to in 9P2000.L over a p9dev.
 *
 *   p9_mount.c  the option's words, the mount, the file system as a whole
 *   p9_call.c   one message and its reply: tags, waiting, errors
 *   p9_fid.c    the connection, the server's handles ("fids"), and making both anew
 *   p9_node.c   nodes, and what happens to them when names change
 *   p9_names.c  directories        p9_attr.c  attributes       p9_data.c  contents
 *
 * Nothing is cached but a look-up's attributes until their first use and the directory block that
 * is being read, so each call sees what the host has done before it.
 *
 * Locks, each taken before those below it:
 *   mount.names      see vfs.h
 *   p9_client.append one append at a time
 *   p9_node.lock     opening, and the node's attributes while it has no name
 *   p9_client.renew  making a connection's fids anew
 *   p9_client.live_lock  the list of nodes, their parents and names
 *   p9_client.lock   (spin) tags, fid numbers, what is under way
 */
#pragma once

#include <pthread.h>

#include <pith/libc.h>
#include <pith/list.h>
#include <pith/p9dev.h>
#include <pith/spinlock.h>
#include <pith/waitq.h>

#include "p9_wire.h"
#include "vfs.h"

struct p9_client {
    struct mount mount;
    struct p9dev *dev;
    bool readonly;
    uint64_t timeout_ns;
    uint32_t chunk;         /* bytes of contents in one message; constant */
    pthread_mutex_t append;

    pthread_mutex_t renew;
    unsigned generation;    /* of the device, when the connection was made; atomic, under renew */

    pthread_mutex_t live_lock;
    struct list live;       /* struct p9_node */
    unsigned steps;         /* under mount.names */

    struct spinlock lock;
    uint32_t tags;          /* a bit for each that is in use */
    struct waitq room;      /* for a tag, or for room at the device */
    uint32_t last_fid;      /* the highest number ever given out */
    uint32_t *free_fids;    /* numbers given back */
    uint32_t nfree, cap;

    uint32_t lies;          /* replies that broke the protocol; atomic */
};

enum p9_which { P9_NODE, P9_READ, P9_WRITE, P9_FIDS };

struct p9_dirbuf;

struct p9_node {
    struct vnode v;
    struct p9_client *c;
    struct p9_qid qid;

    struct list live;
    struct p9_node *parent; /* with a reference; NULL: the root. Under live_lock */
    char *name;             /* in the parent, on the heap; under live_lock */

    pthread_mutex_t lock;
    unsigned generation;     /* of fid[]; atomic, changed under c->renew */
    uint32_t fid[P9_FIDS];   /* P9_NOFID: none. The last two are open, and may be the same */
    uint32_t open_flags[P9_FIDS];

    bool sync;         /* each write is one with an fsync() behind it; under lock */
    bool fresh;        /* st is what look-up has just seen: for the first getattr, once; atomic */
    bool removed;      /* by us, while open: the server's path leads nowhere or to something else */
    unsigned step;     /* of p9_will_vanish(), the last one that has seen it */
    struct stat st;    /* of fresh, and of removed */
    struct p9_dirbuf *dirbuf; /* under mount.names */
};

static inline struct p9_node *p9_node(struct vnode *v)
{
    return (struct p9_node *)(void *)v; /* v is its first member */
}

/* ---- one message: p9_call.c ---- */

#define P9_CALL_OUT 640u /* the longest: Trenameat with two names of 255 bytes */
#define P9_CALL_IN  192u /* the longest: Rgetattr, 160 */

/* A message and its reply; lives on its thread's stack until the reply is there. */
struct p9_call {
    struct p9_client *c;
    struct p9_out out;
    struct p9_in in;       /* behind the header, after p9_finish() */
    /* What follows the written part of the message, without a copy; then `tail` bytes of out.buf. */
    const void *more;
    size_t more_len;
    size_t tail;
    /* Where what follows count[4] of the reply goes (Tread, Treaddir); NULL: all is in in_buf. */
    void *data;
    size_t data_len;
    uint8_t *reply;        /* instead of in_buf */
    size_t reply_len;
    uint8_t type;
    bool over;             /* under c->lock */
    struct waitq done;     /* under c->lock */
    struct p9_request req;
    uint8_t out_buf[P9_CALL_OUT];
    uint8_t in_buf[P9_CALL_IN];
};

/* Begin a message; `generation` is that of the fids which will be in it. */
void p9_begin(struct p9_call *call, struct p9_client *c, unsigned generation, uint8_t type);

/* Send it; p9_finish() has to follow after 0. Errors: -EIO, -EPIPE, -ENAMETOOLONG. */
int p9_send(struct p9_call *call);

/*
 * Wait for the reply. Errors: the server's; -EIO the device failed or the reply is none; -EPIPE the
 * connection is gone and nobody knows what was done.
 */
int p9_finish(struct p9_call *call);

/* Both. */
int p9_do(struct p9_call *call);

/* Has the reply all the fields that were read? Errors: -EIO, counted and told once. */
int p9_check(struct p9_call *call);

/* The server has said what can't be; -EIO. */
int p9_lie(struct p9_client *c, const char *what);

/* ---- fids: p9_fid.c ---- */

/* Agree on the version and attach to the root as `fid`. Errors: -EIO, -EPROTO, the server's. */
int p9_connect(struct p9_client *c, uint32_t root_fid, struct p9_qid *root);

int p9_fid_alloc(struct p9_client *c, uint32_t *fid);
/* Tell the server that a fid is over, where it is of this connection, and give its number back. */
void p9_clunk(struct p9_client *c, uint32_t fid, unsigned generation);
/* Give a number back that the server does not know. */
void p9_fid_free(struct p9_client *c, uint32_t fid);

/*
 * Make `to` stand for what `name` is in the directory of `from`, or with a length of 0 for the same
 * as `from`. *qid (may be NULL) is set where there is a name.
 */
int p9_walk(struct p9_client *c, unsigned generation, uint32_t from, uint32_t to, struct name name,
            struct p9_qid *qid);

/* Tlopen. */
int p9_lopen(struct p9_client *c, unsigned generation, uint32_t fid, uint32_t flags);

/*
 * Begin a message about a node's fid, which is made anew if the connection is a new one.
 * Errors: -EIO, -EBADF it has no such fid, -ESTALE it can't be found again.
 */
int p9_start(struct p9_call *call, struct p9_node *n, enum p9_which which, uint8_t type);

/* Whether a call that does the same when done twice has to be done again. At most P9_TRIES times. */
bool p9_again(int r, unsigned *tries);

/* For what would not be the same twice: -EPIPE is -EIO. */
static inline int p9_once(int r)
{
    return r == -EPIPE ? -EIO : r;
}

/* ---- nodes: p9_node.c ---- */

/*
 * A node for `fid`, which it takes over (also on an error, then it is given back).
 * parent NULL: the root. Errors: -ENOMEM.
 */
int p9_node_new(struct p9_client *c, struct p9_node *parent, struct name name, uint32_t fid,
                unsigned generation, struct p9_qid qid, mode_t type, struct p9_node **out);
void p9_release(struct vnode *v);

/* Names change; all with mount.names held. */
int p9_will_vanish(struct p9_node *dir, struct name name); /* remember what is open under it */
void p9_vanished(struct p9_node *dir, struct name name);
void p9_moved(struct p9_node *from_dir, struct name from, struct p9_node *to_dir, struct name to);

/* A copy of its name and its parent with a reference; false: the root. Errors: -ENOMEM. */
int p9_place(struct p9_node *n, struct p9_node **parent, char *name);

extern const struct vnode_ops p9_ops;

/* struct mount_type.mount of libos/fs/mounts.h. */
int p9_mount(const char *source, const char *options, struct mount **out);

/* ---- the operations ---- */

int p9_lookup(struct vnode *dir, struct name name, struct vnode **out);
int p9_create(struct vnode *dir, struct name name, const struct new_node *what,
              struct vnode **out);
int p9_link(struct vnode *dir, struct name name, struct vnode *node);
int p9_unlink(struct vnode *dir, struct name name, bool directory, struct vnode **gone);
int p9_rename(struct vnode *from_dir, struct name from, struct vnode *to_dir, struct name to,
              bool replace, struct vnode **gone);
int p9_parent(struct vnode *dir, struct vnode **out, char *name);
int p9_readdir(struct vnode *dir, off_t *cookie, struct fs_entry *out);
void p9_dirbuf_free(struct p9_dirbuf *b);

/* What the server says, into *st; also of nodes that have lost their name. */
int p9_getattr(struct vnode *v, struct stat *st);
int p9_fetch_attr(struct p9_node *n, struct stat *st); /* never answers from memory */
int p9_setattr(struct vnode *v, const struct attr *attr);
int p9_set_size(struct p9_node *n, off_t size);
ssize_t p9_readlink(struct vnode *v, char *buf, size_t size);
int p9_statvfs(struct mount *m, struct statvfs *out);

int p9_open(struct vnode *v, int flags, struct file **out);
ssize_t p9_read(struct vnode *v, void *buf, size_t len, off_t pos);
ssize_t p9_write(struct vnode *v, const struct iovec *iov, int n, off_t pos, off_t *end);
off_t p9_size(struct vnode *v);
int p9_truncate(struct vnode *v, off_t size);
int p9_allocate(struct vnode *v, off_t pos, off_t len);
int p9_sync(struct vnode *v);
