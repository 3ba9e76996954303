/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP sockets, for the files sock_udp*.c. */
#pragma once

#include <lwip/udp.h>

#include "sock.h"

/* A received datagram. */
struct datagram {
    struct list link;
    struct pbuf *p;
    struct sock_end from;
    ip_addr_t to;
    uint8_t netif; /* lwIP's index */
    uint8_t ttl, tos;
};

/* All under net_lock. */
struct udp_sock {
    struct sock s;          /* first */
    struct udp_pcb *pcb;
    bool connected;
    struct list queue;      /* struct datagram, oldest first */
    uint32_t queued;        /* what they hold, with DATAGRAM_COST each */
    uint64_t dropped;       /* for want of room or memory */
    struct pbuf *held;      /* MSG_MORE, UDP_CORK: what the datagram has so far */
    struct sock_end held_to;
    struct list zc;         /* struct zc_buffer */
};

/* What a datagram counts besides its data: its buffer is larger than that. */
#define DATAGRAM_COST 512u
#define DATAGRAM_MAX  65507u /* bytes of data: IPv4's limit; IPv6's is 20 more */

static inline struct udp_sock *udp_of(struct file *f)
{
    return (struct udp_sock *)sock_of(f);
}

/* ---- sock_udp.c ---- */
void sock_udp_update(struct udp_sock *u, int news);
/* Is it a socket's? The stack has some of its own. */
bool sock_udp_is_socket(const struct udp_pcb *pcb);

/* Bind to a random port where there is none yet. */
int sock_udp_autobind(struct udp_sock *u);
void sock_udp_free_datagram(struct udp_sock *u, struct datagram *d);

/* ---- sock_udp_io.c ---- */

/* Where a call sends to: `to` or the connected peer. Errors: -EDESTADDRREQ and the like. */
int sock_udp_destination(struct udp_sock *u, const struct sockaddr *to, socklen_t tolen,
                    struct sock_end *out);

/* Send p, which stays the caller's. Context: net_lock. */
int sock_udp_transmit(struct udp_sock *u, struct pbuf *p, const struct sock_end *to);

/* Wait for a datagram at the queue's head; with net_lock held also on return. */
int sock_udp_await(struct udp_sock *u, int flags);

ssize_t sock_udp_sendmsg(struct file *f, const struct msghdr *msg, int flags);
ssize_t sock_udp_recvmsg(struct file *f, struct msghdr *msg, int flags);
ssize_t sock_udp_read(struct file *f, void *buf, size_t len);
ssize_t sock_udp_write(struct file *f, const void *buf, size_t len);
ssize_t sock_udp_readv(struct file *f, const struct iovec *iov, int n);
ssize_t sock_udp_writev(struct file *f, const struct iovec *iov, int n);

/* ---- sock_udp_opt.c ---- */
int sock_udp_setsockopt(struct file *f, int level, int name, const void *value, socklen_t len);
int sock_udp_getsockopt(struct file *f, int level, int name, void *value, socklen_t *len);
int sock_udp_ioctl(struct file *f, unsigned long request, void *arg);
void sock_udp_apply(struct udp_sock *u);

/* ---- sock_zerocopy_udp.c ---- */
ssize_t sock_udp_zc_recv(struct file *f, struct zc_loan *loan, int flags, struct sockaddr *from,
                       socklen_t *fromlen);
ssize_t sock_udp_zc_send(struct file *f, struct zc_buffer *b, const void *data, size_t len,
                       int flags, const struct sockaddr *to, socklen_t tolen);
void sock_udp_zc_return(struct zc_loan *loan);
void sock_udp_zc_disown(struct udp_sock *u);
