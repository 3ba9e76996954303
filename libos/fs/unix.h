/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of AF_UNIX with names, within the image: what their files share.
 *
 * A socket of a connection is made with a whole pair (pair.h). It is one end of it from the start,
 * so that options have their place; connect() makes the other end a socket in the listener's queue.
 * Locks: unix_sock.lock of the one that connects, then that of the listener, then pair.lock; the
 * lock of the names is taken alone.
 */
#pragma once

#include <pthread.h>
#include <sys/socket.h>

#include <pith/file.h>
#include <pith/libc.h>
#include <pith/pollq.h>

#include "pair.h"

#define UNIX_PATH_MAX 108u

struct vnode;

/* An address. Counted: a socket that was accepted has its listener's. Constant. */
struct unix_name {
    unsigned refs;      /* atomic */
    socklen_t len;      /* of the address as getsockname() tells it */
    sa_family_t family;
    char path[UNIX_PATH_MAX + 1];
};

struct unix_sock {
    struct file file;
    int type;
    struct pollq q;
    pthread_mutex_t lock;      /* guards what follows up to `next` */
    struct file *end;          /* ours of the pair; constant */
    struct file *other;        /* the peer's, until somebody is connected to */
    bool connected, listening;
    unsigned backlog, nwaiting;
    struct unix_sock *first, *last; /* connected and not accepted */
    pthread_cond_t room;       /* in that queue, or it is no more */
    struct unix_name *peer;
    struct unix_sock *next;    /* in the listener's queue, under its lock */

    /* Under the lock of the names: unix_names.c. */
    struct unix_name *name;    /* set once */
    struct vnode *node;        /* of a name in the file system */
    struct unix_sock *next_bound;
};

static inline struct unix_sock *unix_sock(struct file *f)
{
    return f->data;
}

/*
 * Give a socket a name. Errors: -EINVAL (bound already, or no address), -EADDRINUSE, -EPERM (a file
 * system that has no sockets), what making a file answers.
 */
int unix_bind(struct unix_sock *s, const struct sockaddr *addr, socklen_t len);

/* The socket of that name, with a reference to its file. -ECONNREFUSED: nobody has it. */
int unix_find(const struct sockaddr *addr, socklen_t len, struct unix_sock **out);

/* The name is nobody's from now on; a node in the file system stays. */
void unix_unbind(struct unix_sock *s);

/* A socket's name with a reference, or NULL. */
struct unix_name *unix_name_of(struct unix_sock *s);
void unix_name_unref(struct unix_name *name);

/* A name, NULL: none, as getsockname() gives it. */
void unix_name_give(const struct unix_name *name, struct sockaddr *addr, socklen_t *len);

extern const struct socket_ops unix_socket_ops;

/* A socket that is one end of `pair`; takes over both ends (the other may be NULL). NULL: no memory. */
struct unix_sock *unix_new(int type, int flags, struct file *end, struct file *other);
