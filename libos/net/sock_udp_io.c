/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP sockets: sending and receiving. */
#include "sock_udp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <lwip/ip.h>
#include <lwip/netif.h>

/* ---- sending ---- */

int sock_udp_destination(struct udp_sock *u, const struct sockaddr *to, socklen_t tolen,
                    struct sock_end *out)
{
    if (to == NULL) {
        *out = u->s.remote;
        return u->connected ? 0 : -EDESTADDRREQ;
    }
    int r = sock_addr_peer(&u->s, to, tolen, out);
    return r == 0 && out->port == 0 ? -EINVAL : r;
}

/* The interface that multicast goes out by: the chosen one, else by route, else the loopback. */
static struct netif *multicast_netif(const struct udp_sock *u, const ip_addr_t *to)
{
    struct netif *n = NULL;
    if (u->s.mcast_if != 0) {
        n = netif_get_by_index(u->s.mcast_if);
    }
    if (n == NULL) {
        n = ip_route(&u->pcb->local_ip, to);
    }
    return n;
}

static err_t send_multicast(struct udp_sock *u, struct pbuf *p, const struct sock_end *to)
{
    struct netif *n = multicast_netif(u, &to->ip);
    if (n == NULL) {
        return ERR_RTE;
    }
    /* What goes out by the loopback interface comes back as it is: not once more as a copy. */
    uint8_t flags = u->pcb->flags;
    if (n->linkoutput == NULL) {
        udp_clear_flags(u->pcb, UDP_FLAGS_MULTICAST_LOOP);
    }
    err_t err = udp_sendto_if(u->pcb, p, &to->ip, to->port, n);
    u->pcb->flags = flags;
    return err;
}

int sock_udp_transmit(struct udp_sock *u, struct pbuf *p, const struct sock_end *to)
{
    if (IP_IS_V4_VAL(to->ip) && ip_2_ip4(&to->ip)->addr == IPADDR_BROADCAST &&
        (u->s.so_options & SOF_BROADCAST) == 0) {
        return -EACCES;
    }
    int r = sock_udp_autobind(u);
    if (r < 0) {
        return r;
    }
    err_t err = ip_addr_ismulticast(&to->ip) ? send_multicast(u, p, to)
                                             : udp_sendto(u->pcb, p, &to->ip, to->port);
    switch (err) {
    case ERR_VAL:
        return IP_IS_V4_VAL(to->ip) ? -EACCES : -EINVAL; /* a broadcast without SO_BROADCAST */
    case ERR_MEM:
    case ERR_BUF:
        return -ENOBUFS;
    default:
        return net_errno(err);
    }
}

/* The program's buffers as one pbuf with room for headers. */
static struct pbuf *gather(const struct iovec *iov, size_t n, size_t total)
{
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)total, PBUF_RAM);
    char *at = p != NULL ? p->payload : NULL;
    for (size_t i = 0; i < n && p != NULL; i++) {
        memcpy(at, iov[i].iov_base, iov[i].iov_len);
        at += iov[i].iov_len;
    }
    return p;
}

/* MSG_MORE: keep p for the datagram's rest; takes p over. */
static int hold(struct udp_sock *u, struct pbuf *p, const struct sock_end *to)
{
    if (u->held == NULL) {
        u->held = p;
        u->held_to = *to;
        return 0;
    }
    if (u->held->tot_len + p->tot_len > DATAGRAM_MAX) {
        pbuf_free(p);
        return -EMSGSIZE;
    }
    pbuf_cat(u->held, p);
    return 0;
}

static int send_one(struct udp_sock *u, const struct msghdr *msg, size_t total, int flags)
{
    struct sock_end to;
    int r = u->held != NULL ? 0 : sock_udp_destination(u, msg->msg_name, msg->msg_namelen, &to);
    if (r < 0) {
        return r;
    }
    r = sock_take_error(&u->s);
    if (r < 0) {
        sock_udp_update(u, 0);
        return r;
    }
    if ((u->s.shutdown & SOCK_SHUT_WR) != 0) {
        return -EPIPE;
    }
    if (total > DATAGRAM_MAX) {
        return -EMSGSIZE;
    }
    struct pbuf *p = gather(msg->msg_iov, msg->msg_iovlen, total);
    if (p == NULL) {
        return -ENOBUFS;
    }
    if (u->held != NULL || (flags & MSG_MORE) != 0) {
        r = hold(u, p, &to);
        if (r < 0 || (flags & MSG_MORE) != 0) {
            return r;
        }
        p = u->held;
        to = u->held_to;
        u->held = NULL;
    }
    r = sock_udp_transmit(u, p, &to);
    pbuf_free(p);
    return r;
}

/* Will this be the first word to somebody elsewhere? Then addresses have to be there. */
static void wait_configured(struct udp_sock *u, const struct msghdr *msg)
{
    struct sock_end to;
    if (msg->msg_name != NULL &&
        sock_udp_destination(u, msg->msg_name, msg->msg_namelen, &to) == 0 &&
        !sock_addr_is_loopback(&to.ip)) {
        net_wait_configured();
    }
}

ssize_t sock_udp_sendmsg(struct file *f, const struct msghdr *msg, int flags)
{
    struct udp_sock *u = udp_of(f);
    ssize_t total = sock_iov_bytes(msg->msg_iov, msg->msg_iovlen);
    if (total < 0) {
        return total;
    }
    if (total > 0xffff) {
        return -EMSGSIZE;
    }
    if ((flags & MSG_OOB) != 0) {
        return -EOPNOTSUPP;
    }
    wait_configured(u, msg);
    net_lock();
    int r = send_one(u, msg, (size_t)total, flags);
    net_unlock();
    return r < 0 ? r : total;
}

ssize_t sock_udp_write(struct file *f, const void *buf, size_t len)
{
    struct iovec v = { (void *)(uintptr_t)buf, len };
    return sock_udp_sendmsg(f, &(struct msghdr){ .msg_iov = &v, .msg_iovlen = 1 }, 0);
}

ssize_t sock_udp_writev(struct file *f, const struct iovec *iov, int n)
{
    struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n };
    return sock_udp_sendmsg(f, &msg, 0);
}

/* ---- receiving ---- */

int sock_udp_await(struct udp_sock *u, int flags)
{
    bool blocking = sock_blocking(&u->s.file, flags);
    uint64_t deadline = 0;
    for (;;) {
        int r = sock_take_error(&u->s);
        if (r < 0) {
            sock_udp_update(u, 0);
            return r;
        }
        if (!list_empty(&u->queue)) {
            return 0;
        }
        if (!blocking) {
            return -EAGAIN;
        }
        if ((u->s.shutdown & SOCK_SHUT_RD) != 0) {
            return -ESHUTDOWN; /* the caller's word for "0 bytes" */
        }
        net_unlock();
        deadline = deadline != 0 ? deadline : sock_deadline(u->s.rcvtimeo_ns);
        r = sock_wait(&u->s.file, POLLIN, deadline);
        net_lock();
        if (r < 0) {
            return r;
        }
    }
}

/* Add a control message, or say that there was no room. */
static void put_control(struct msghdr *msg, size_t *used, int level, int type, const void *data,
                        size_t len)
{
    if (msg->msg_control == NULL || *used + CMSG_LEN(len) > msg->msg_controllen) {
        msg->msg_flags |= MSG_CTRUNC;
        return;
    }
    struct cmsghdr c = { .cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type };
    char *at = (char *)msg->msg_control + *used;
    memcpy(at, &c, sizeof(c));
    memcpy(at + CMSG_LEN(0), data, len);
    size_t room = msg->msg_controllen - *used;
    *used += CMSG_SPACE(len) < room ? CMSG_SPACE(len) : room;
}

static void put_controls(const struct sock *s, const struct datagram *d, struct msghdr *msg)
{
    size_t used = 0;
    int ttl = d->ttl, tos = d->tos;
    uint8_t tos_byte = d->tos;
    if (IP_IS_V4_VAL(d->to)) {
        if (s->pktinfo) {
            struct in_pktinfo info = { .ipi_ifindex = d->netif };
            info.ipi_addr.s_addr = info.ipi_spec_dst.s_addr = ip_2_ip4(&d->to)->addr;
            put_control(msg, &used, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
        }
        if (s->recvttl) {
            put_control(msg, &used, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
        }
        if (s->recvtos) {
            put_control(msg, &used, IPPROTO_IP, IP_TOS, &tos_byte, sizeof(tos_byte));
        }
    }
    if (s->domain == AF_INET6) {
        if (s->pktinfo6) {
            struct sockaddr_in6 sin6 = { .sin6_family = 0 };
            socklen_t len = sizeof(sin6);
            struct sock_end end = { .ip = d->to };
            sock_addr_out(s, &end, (struct sockaddr *)&sin6, &len);
            struct in6_pktinfo info = { .ipi6_addr = sin6.sin6_addr, .ipi6_ifindex = d->netif };
            put_control(msg, &used, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
        }
        if (s->recvttl6 && IP_IS_V6_VAL(d->to)) {
            put_control(msg, &used, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof(ttl));
        }
        if (s->recvtos6 && IP_IS_V6_VAL(d->to)) {
            put_control(msg, &used, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
        }
    }
    msg->msg_controllen = used;
}

static size_t scatter(struct pbuf *p, const struct iovec *iov, size_t n)
{
    size_t done = 0;
    for (size_t i = 0; i < n && done < p->tot_len; i++) {
        size_t part = p->tot_len - done;
        part = iov[i].iov_len < part ? iov[i].iov_len : part;
        pbuf_copy_partial(p, iov[i].iov_base, (u16_t)part, (u16_t)done);
        done += part;
    }
    return done;
}

ssize_t sock_udp_recvmsg(struct file *f, struct msghdr *msg, int flags)
{
    struct udp_sock *u = udp_of(f);
    ssize_t total = sock_iov_bytes(msg->msg_iov, msg->msg_iovlen);
    if (total < 0) {
        return total;
    }
    if ((flags & MSG_ERRQUEUE) != 0) {
        return -EAGAIN;
    }
    net_lock();
    ssize_t r = sock_udp_await(u, flags);
    if (r == 0) {
        struct datagram *d = LIST_ENTRY(u->queue.next, struct datagram, link);
        msg->msg_flags = 0;
        if (msg->msg_name != NULL) {
            sock_addr_out(&u->s, &d->from, msg->msg_name, &msg->msg_namelen);
        }
        put_controls(&u->s, d, msg);
        r = (ssize_t)scatter(d->p, msg->msg_iov, msg->msg_iovlen);
        if (r < d->p->tot_len) {
            msg->msg_flags |= MSG_TRUNC;
            r = (flags & MSG_TRUNC) != 0 ? d->p->tot_len : r;
        }
        if ((flags & MSG_PEEK) == 0) {
            sock_udp_free_datagram(u, d);
            sock_udp_update(u, 0);
        }
    } else if (r == -ESHUTDOWN) {
        msg->msg_namelen = 0;
        msg->msg_controllen = 0;
        msg->msg_flags = 0;
        r = 0;
    }
    net_unlock();
    return r;
}

ssize_t sock_udp_read(struct file *f, void *buf, size_t len)
{
    struct iovec v = { buf, len };
    struct msghdr msg = { .msg_iov = &v, .msg_iovlen = 1 };
    return len == 0 ? 0 : sock_udp_recvmsg(f, &msg, 0);
}

ssize_t sock_udp_readv(struct file *f, const struct iovec *iov, int n)
{
    ssize_t total = sock_iov_bytes(iov, (size_t)n);
    struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n };
    return total <= 0 ? total : sock_udp_recvmsg(f, &msg, 0);
}
