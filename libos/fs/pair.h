/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of socket pairs share. */
#pragma once

#include <pthread.h>

#include <pith/libc.h>
#include <pith/pollq.h>
#include <pith/socket.h>

#define PAIR_BUFFER 212992u /* Linux net.core.wmem_default */

/* One send, or a piece of a long one on a stream. */
struct pair_message {
    struct pair_message *next;
    size_t len, at; /* bytes, and how many of them have been read */
    struct pair_rights *rights; /* that came with it, or NULL */
    char bytes[];
};

/* Open files under way from one descriptor table to itself: SCM_RIGHTS. */
struct pair_rights {
    unsigned n;
    struct file *files[];
};

/* Bits of pair_end.shut. */
#define PAIR_SHUT_READ  1
#define PAIR_SHUT_WRITE 2

struct pair_end {
    struct file file;
    struct pair *pair;
    struct pollq q;
    struct pair_message *first, *last; /* received */
    size_t charge;     /* what they are counted as against the sender's buffer */
    int shut;
    int error;         /* positive; told once */
    bool disconnected; /* a datagram socket has found its peer gone */
    unsigned sndbuf, rcvbuf;
    uint64_t timeout_ns[2]; /* of receiving, of sending; 0: none */
    bool passcred;
    struct pollq *outer; /* of a socket with a name that this is the end of; guarded by pair.lock */
};

struct pair {
    struct pair_end end[2];
    pthread_mutex_t lock; /* guards both ends' fields */
    int type;
    bool closed[2];
    unsigned refs;        /* ends that are open; atomic */
};

static inline struct pair_end *pair_of(struct file *f)
{
    return f->data;
}

static inline struct pair_end *pair_peer(struct pair_end *e)
{
    return &e->pair->end[e == &e->pair->end[0]];
}

/* Whether the ends know of each other's state, as streams do. */
static inline bool pair_connected(const struct pair *p)
{
    return p->type != SOCK_DGRAM;
}

/* The error that is to be told, as -errno, and no longer then. Context: lock held. */
static inline int pair_take_error(struct pair_end *e)
{
    int r = -e->error;
    e->error = 0;
    return r;
}

/* Tell who watches an end, or the socket that it is the end of. Context: pair.lock not held. */
void pair_notify(struct pair_end *e, int events);

/*
 * What the control data of a message hand over, NULL where that is nothing. Errors: -EBADF,
 * -EINVAL (no SCM_RIGHTS or SCM_CREDENTIALS of ours, or more than Linux takes), -ENOMEM.
 */
int rights_take(const struct msghdr *msg, struct pair_rights **out);

/* Make descriptors of them in the msg_controllen bytes of control data; what has no room is closed. */
void rights_give(struct pair_rights *rights, struct msghdr *msg, int flags);

/* Close them; NULL is allowed. */
void rights_free(struct pair_rights *rights);

ssize_t pair_sendmsg(struct file *f, const struct msghdr *msg, int flags);
ssize_t pair_recvmsg(struct file *f, struct msghdr *msg, int flags);

extern const struct socket_ops pair_socket_ops;
