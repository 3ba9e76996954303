/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP sockets, for the files sock_tcp*.c. */
#pragma once

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include "sock.h"

/* Where a socket is, as its program sees it; lwIP's state says more, as long as there is a pcb. */
enum tcp_phase {
    PHASE_NEW,        /* no connection: Linux's TCP_CLOSE without a shutdown */
    PHASE_CONNECTING,
    PHASE_FAILED,     /* a connect() has failed, and no connect() has told yet */
    PHASE_OPEN,
    PHASE_CLOSED,     /* was open */
    PHASE_LISTENING,
    PHASE_LINGERING   /* in close(), until all is acknowledged */
};

/* All under net_lock. */
struct tcp_sock {
    struct sock s;              /* first */
    struct tcp_pcb *pcb;        /* NULL: none yet, or lwIP has freed it; a listener's is shorter */
    uint8_t phase;
    bool fin;                   /* the peer's has come */
    bool user_rd;               /* shutdown(SHUT_RD) */
    bool connect_told;          /* connect() has returned 0 or there was none */
    bool nodelay, cork;
    bool tx_nomem;              /* no memory to send from: until an ACK or the poll timer */
    bool window_set;            /* SO_RCVBUF was used */

    /* Received: pbufs linked by next, lengths in len alone. */
    struct pbuf *rx_head, *rx_tail;
    uint32_t rx_bytes;
    uint32_t rx_room;           /* bytes free in the tail, which is a collector; 0: it is none */

    uint32_t tx_used;           /* bytes in lwIP's queues */
    uint64_t tx_progress_ns;    /* last ACK of anything, or start; with a user_timeout_ms only */
    uint32_t user_timeout_ms;
    struct list zc;             /* struct zc_buffer */

    uint32_t keep_idle_s, keep_intvl_s, keep_cnt;
    uint32_t defer_s, maxseg, syncnt;

    /* A listener: connections not accepted yet, oldest first. */
    struct list queue;
    unsigned queued, half_open, backlog;
    struct list link;           /* in the listener's queue */
};

static inline struct tcp_sock *tcp_of(struct file *f)
{
    return (struct tcp_sock *)sock_of(f);
}

/* Whether it is connected both ways, and nothing is to be told but what its queues say. */
static inline bool sock_tcp_plain(const struct tcp_sock *t)
{
    return t->phase == PHASE_OPEN && t->s.error == 0 && t->s.shutdown == 0;
}

/* Bytes that may be sent now. */
static inline uint32_t sock_tcp_room(const struct tcp_sock *t)
{
    return t->tx_used < t->s.sndbuf ? t->s.sndbuf - t->tx_used : 0;
}

/* Linux's sk_stream_is_writeable(): a third of the buffer is free. */
static inline bool sock_tcp_writable(const struct tcp_sock *t)
{
    uint32_t room = sock_tcp_room(t);

    return !t->tx_nomem && room > 0 && room >= t->tx_used / 2;
}

extern const struct file_ops sock_tcp_file_ops;

/* ---- sock_tcp.c ---- */

struct tcp_sock *sock_tcp_alloc(int domain, int flags);

/* Make sure of a control block, bound where bind() wanted it. Errors: -ENOBUFS, -EADDRINUSE. */
int sock_tcp_need_pcb(struct tcp_sock *t);

/* Connect the control block with the socket: lwIP's callbacks. */
void sock_tcp_adopt(struct tcp_sock *t, struct tcp_pcb *pcb);

/* The other way: what lwIP does with it from now on is no longer the socket's. */
struct tcp_pcb *sock_tcp_disown(struct tcp_sock *t);

/* Abort: RST to the peer where there is one. */
void sock_tcp_drop_pcb(struct tcp_sock *t);

/* Work out `ready` anew and tell of it; `news` is told in any case. */
void sock_tcp_update(struct tcp_sock *t, int news);

/* A connect() that is under way ends with a positive errno. */
void sock_tcp_fail_connect(struct tcp_sock *t, int error);

/* ---- sock_tcp_rx.c: the queue of received data ---- */

void sock_tcp_rx_append(struct tcp_sock *t, struct pbuf *p);
void sock_tcp_rx_free(struct tcp_sock *t);

/* The reader is done with n bytes: they leave the queue, and the window opens. */
void sock_tcp_rx_consume(struct tcp_sock *t, size_t n);

/* n bytes are no longer held: open the window. */
void sock_tcp_rx_open_window(struct tcp_sock *t, size_t n);

/*
 * Whether there is something to tell a reader who got nothing yet: 0 for end of file, -errno, or 1
 * when data is there. -EAGAIN: he has to wait.
 */
int sock_tcp_rx_state(struct tcp_sock *t, size_t wanted);

ssize_t sock_tcp_recvmsg(struct file *f, struct msghdr *msg, int flags);
ssize_t sock_tcp_recv(struct file *f, void *buf, size_t len, int flags);
ssize_t sock_tcp_read(struct file *f, void *buf, size_t len);
ssize_t sock_tcp_readv(struct file *f, const struct iovec *iov, int n);

/* ---- sock_tcp_tx.c ---- */

/* May it send? 0, -EAGAIN (connecting), or the error. */
int sock_tcp_tx_state(struct tcp_sock *t);

/* What a call answers that has queued `done` bytes and ended by r; an error it tells is taken. */
ssize_t sock_tcp_tx_end(struct tcp_sock *t, size_t done, ssize_t r);

/* Hand over what has been queued, unless `more` is to come and no segment is full. */
void sock_tcp_tx_push(struct tcp_sock *t, bool more);

/*
 * Queue at most len bytes with lwIP's flags; returns how many, or -EAGAIN, -ENOBUFS and the like.
 */
ssize_t sock_tcp_tx_queue(struct tcp_sock *t, const void *data, size_t len, uint8_t apiflags);

ssize_t sock_tcp_sendmsg(struct file *f, const struct msghdr *msg, int flags);
ssize_t sock_tcp_send(struct file *f, const void *buf, size_t len, int flags);
ssize_t sock_tcp_write(struct file *f, const void *buf, size_t len);
ssize_t sock_tcp_writev(struct file *f, const struct iovec *iov, int n);

/* ---- sock_tcp_listen.c ---- */

int sock_tcp_listen(struct file *f, int backlog);
int sock_tcp_accept(struct file *f, int flags, struct sockaddr *addr, socklen_t *len,
                  struct file **out);

/* Reset what nobody has accepted, and stop listening. */
void sock_tcp_stop_listening(struct tcp_sock *t);

/* ---- sock_tcp_connect.c, sock_tcp_close.c ---- */

int sock_tcp_bind(struct file *f, const struct sockaddr *addr, socklen_t len);
int sock_tcp_connect(struct file *f, const struct sockaddr *addr, socklen_t len);
int sock_tcp_getsockname(struct file *f, struct sockaddr *addr, socklen_t *len);
int sock_tcp_getpeername(struct file *f, struct sockaddr *addr, socklen_t *len);
int sock_tcp_shutdown(struct file *f, int how);
void sock_tcp_close(struct file *f);

/* Back to PHASE_NEW, as connect(AF_UNSPEC) and a failed connect() leave it. */
void sock_tcp_disconnect(struct tcp_sock *t);

/* Free a socket whose file nobody has: an unaccepted connection. */
void sock_tcp_free(struct tcp_sock *t);

/* ---- sock_tcp_opt.c ---- */

int sock_tcp_setsockopt(struct file *f, int level, int name, const void *value, socklen_t len);
int sock_tcp_getsockopt(struct file *f, int level, int name, void *value, socklen_t *len);
int sock_tcp_ioctl(struct file *f, unsigned long request, void *arg);

/* Options from the socket to its control block; a child takes the listener's by copying first. */
void sock_tcp_apply(struct tcp_sock *t);
void sock_tcp_inherit(struct tcp_sock *child, const struct tcp_sock *listener);

/* ---- sock_zerocopy_tcp.c ---- */

ssize_t sock_tcp_zc_recv(struct file *f, struct zc_loan *loan, int flags, struct sockaddr *from,
                       socklen_t *fromlen);
ssize_t sock_tcp_zc_send(struct file *f, struct zc_buffer *b, const void *data, size_t len,
                       int flags, const struct sockaddr *to, socklen_t tolen);
void sock_tcp_zc_return(struct zc_loan *loan);
void sock_tcp_zc_acked(struct tcp_sock *t, uint32_t ack);
void sock_tcp_zc_disown(struct tcp_sock *t);
