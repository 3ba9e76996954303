/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of AF_INET and AF_INET6, for the files of this room.
 *
 * A socket sits directly on lwIP's raw API: what lwIP calls back queues and notifies, what the
 * program calls takes from the queues; both hold net_lock. Only `ready` is read without it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <lwip/opt.h>

#include <lwip/ip_addr.h>
#include <lwip/pbuf.h>

#include <pith/file.h>
#include <pith/list.h>
#include <pith/pollq.h>
#include <pith/socket.h>

#include "net.h"

/*
 * The user's SO_REUSEADDR and SO_REUSEPORT, in the so_options of a control block, where lwIP has no
 * bits of its own; they outlive the socket there. lwIP's SOF_REUSEADDR is set on all: the rules are
 * ours (sock_port.c).
 */
#define SOCK_OPT_REUSEADDR 0x01
#define SOCK_OPT_REUSEPORT 0x02

#define SOCK_SHUT_RD 1u
#define SOCK_SHUT_WR 2u

#define SOCK_BUF_MAX (1024u * 1024u) /* of SO_RCVBUF and SO_SNDBUF: what the window scale allows */

struct sock_end {
    ip_addr_t ip;
    uint16_t port; /* host's byte order */
};

struct sock_group;  /* sock_multicast.c */

struct sock {
    struct file file;       /* first: file.data is the socket too */
    struct pollq pollq;
    uint16_t domain, type, protocol;
    uint16_t ready;         /* POLLIN, ...; written under net_lock, atomic */

    /* All under net_lock. */
    uint8_t shutdown;       /* SOCK_SHUT_... */
    bool bound;             /* by bind(): the port stays when a connection fails */
    bool addr_bound;        /* ... to an address */
    uint16_t error;         /* SO_ERROR: positive errno, told once */
    struct sock_end local, remote;
    uint32_t rcvbuf, sndbuf; /* bytes of data; getsockopt() tells twice that, as Linux does */
    uint32_t rcvlowat;
    uint64_t rcvtimeo_ns, sndtimeo_ns; /* 0: none */
    uint8_t so_options;     /* SOF_KEEPALIVE, SOF_BROADCAST, SOCK_OPT_... */
    bool linger;
    bool v6only;
    bool pktinfo, pktinfo6, recvttl, recvttl6, recvtos, recvtos6;
    int linger_seconds;
    uint8_t ttl, tos;       /* IP_TTL, IP_TOS and their twins */
    uint8_t mcast_ttl;
    uint8_t mcast_if;       /* lwIP's index, 0: by route */
    bool mcast_loop;
    uint8_t netif;          /* SO_BINDTODEVICE: lwIP's index, 0: any */
    struct sock_group *groups;
};

static inline struct sock *sock_of(struct file *f)
{
    return f->data;
}

/* ---- sock.c ---- */

/* Make *s ready with defaults. Context: any. */
void sock_init(struct sock *s, const struct file_ops *ops, int domain, int type, int protocol,
               int flags);

/* Set s->ready and tell the watchers of `news` and of what is new in it. Context: net_lock. */
static inline void sock_set_ready(struct sock *s, int ready, int news)
{
    int before = s->ready;

    news |= ready & ~before;
    if (ready != before) {
        __atomic_store_n(&s->ready, (uint16_t)ready, __ATOMIC_RELEASE);
    }
    if (news != 0) {
        pollq_notify(&s->pollq, news);
    }
}

/* file_ops.ready, .pollq, .fstat of all sockets. */
int sock_ready(struct file *f, int events);
struct pollq *sock_pollq(struct file *f);
int sock_fstat(struct file *f, struct stat *st);

/* Take the pending error: -errno or 0. The caller updates `ready`. Context: net_lock. */
int sock_take_error(struct sock *s);

/* The deadline that a timeout of 0 (none) or more ns means from now on. */
uint64_t sock_deadline(uint64_t timeo_ns);

/* May the call sleep? */
bool sock_blocking(const struct file *f, int flags);

/* Wait for events; what a timeout means for sockets is -EAGAIN. net_lock not held. */
int sock_wait(struct file *f, int events, uint64_t deadline_ns);

/* -EPIPE with SIGPIPE unless MSG_NOSIGNAL; other results pass. net_lock not held. */
ssize_t sock_pipe_signal(ssize_t r, int flags);

/* The bytes of an iovec; -EINVAL when it is malformed, -EFAULT for NULL. */
ssize_t sock_iov_bytes(const struct iovec *iov, size_t n);

/* ---- sock_addr.c ---- */

/*
 * A sockaddr of the socket's family as lwIP's address: v4-mapped becomes IPv4, and the IPv6
 * wildcard of a socket that takes both becomes IPADDR_TYPE_ANY. Errors: -EINVAL (length),
 * -EAFNOSUPPORT, -ENETUNREACH (a mapped address on an IPV6_V6ONLY socket), -EFAULT.
 */
int sock_addr_in(const struct sock *s, const struct sockaddr *addr, socklen_t len,
                 struct sock_end *out);

/*
 * The same for who is sent to by UDP: a sockaddr_in on an IPv6 socket is taken too, as on Linux,
 * and the wildcard means this machine.
 */
int sock_addr_peer(const struct sock *s, const struct sockaddr *addr, socklen_t len,
                   struct sock_end *out);

/* The other way, cut to *len as POSIX says; *len becomes the whole length. NULL addr: nothing. */
void sock_addr_out(const struct sock *s, const struct sock_end *end, struct sockaddr *addr,
                   socklen_t *len);

/* Is it an address of this machine, or a wildcard? Context: net_lock. */
bool sock_addr_is_local(const ip_addr_t *ip);
bool sock_addr_is_loopback(const ip_addr_t *ip);

/* The source address for a destination; false: no route. Context: net_lock. */
bool sock_addr_source(const ip_addr_t *dest, ip_addr_t *src);

/* The address type of a new control block. */
uint8_t sock_addr_type(const struct sock *s);

/* ---- sock_port.c ---- */

/* May s be bound there? 0 or -EADDRINUSE, by Linux's rules. Context: net_lock. */
int sock_port_check_tcp(const struct sock *s, const struct sock_end *end, bool listening);
int sock_port_check_udp(const struct sock *s, const struct sock_end *end);

/* A random port that nobody has, 0: none. Context: net_lock. */
uint16_t sock_port_random_tcp(void);
uint16_t sock_port_random_udp(void);

/*
 * A port for a connection from the address `src`, 0: none. The same destination is not given the
 * same port again before it has been given nearly all others. Context: net_lock.
 */
uint16_t sock_port_connect_tcp(const ip_addr_t *src, const struct sock_end *to);

/* ---- sock_opt.c, sock_opt_ip.c, sock_multicast.c: options of all kinds ---- */

/* -ENOPROTOOPT for what they do not know. Context: net_lock. */
int sock_setsockopt(struct sock *s, int level, int name, const void *value, socklen_t len);
int sock_getsockopt(struct sock *s, int level, int name, void *value, socklen_t *len);
int sock_set_ip_option(struct sock *s, int level, int name, const void *value, socklen_t len);
int sock_get_ip_option(struct sock *s, int level, int name, int *value);
int sock_set_multicast(struct sock *s, int level, int name, const void *value, socklen_t len);
void sock_leave_groups(struct sock *s);

/* Take an int option; -EINVAL when it is too short. */
int sock_opt_int(const void *value, socklen_t len, int *out);
/* Give `size` bytes out, cut to *len. */
int sock_opt_give(const void *from, size_t size, void *value, socklen_t *len);

/* ---- kinds ---- */

struct sock *sock_tcp_new(int domain, int flags);
struct sock *sock_udp_new(int domain, int type, int protocol, int flags);

bool sock_is_tcp(const struct sock *s);
