/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP sockets: creation, binding, connecting, and what lwIP hands in. */
#include "sock_udp.h"

#include <errno.h>
#include <poll.h>

#include <lwip/ip.h>
#include <lwip/netif.h>

#include <pith/heap.h>

static const struct file_ops udp_file_ops;

/* What poll() sees, as Linux's datagram_poll() answers; there is always room to send. */
void sock_udp_update(struct udp_sock *u, int news)
{
    const struct sock *s = &u->s;
    int r = POLLOUT | POLLWRNORM | POLLWRBAND;
    if (s->error != 0) {
        r |= POLLERR;
    }
    if ((s->shutdown & SOCK_SHUT_RD) != 0) {
        r |= POLLRDHUP | POLLIN | POLLRDNORM;
    }
    if (s->shutdown == (SOCK_SHUT_RD | SOCK_SHUT_WR)) {
        r |= POLLHUP;
    }
    if (!list_empty(&u->queue)) {
        r |= POLLIN | POLLRDNORM;
    }
    sock_set_ready(&u->s, r, news);
}

void sock_udp_free_datagram(struct udp_sock *u, struct datagram *d)
{
    list_remove(&d->link);
    u->queued -= d->p->tot_len + DATAGRAM_COST;
    pbuf_free(d->p);
    heap_free(d);
}

/*
 * SO_REUSEPORT: of all unconnected sockets of the group, the one that the sender's address and port
 * choose, so that one peer stays with one socket.
 */
static struct udp_sock *choose(struct udp_sock *u, const ip_addr_t *addr, u16_t port)
{
    if ((u->s.so_options & SOCK_OPT_REUSEPORT) == 0 || u->connected) {
        return u;
    }
    unsigned group = 0;
    uint32_t hash = port * 2654435761u ^
                    (IP_IS_V4(addr) ? ip_2_ip4(addr)->addr : ip_2_ip6(addr)->addr[3]) * 2246822519u;
    for (struct udp_pcb *p = udp_pcbs; p != NULL; p = p->next) {
        group += p->local_port == u->pcb->local_port &&
                 (p->so_options & SOCK_OPT_REUSEPORT) != 0 &&
                 (p->flags & UDP_FLAGS_CONNECTED) == 0 &&
                 ip_addr_eq(&p->local_ip, &u->pcb->local_ip);
    }
    /* The list's order changes with traffic; the sockets' addresses give a stable one. */
    unsigned nth = group != 0 ? (hash >> 16) % group : 0;
    for (struct udp_pcb *p = udp_pcbs; p != NULL; p = p->next) {
        unsigned below = 0;
        if (p->local_port != u->pcb->local_port || (p->so_options & SOCK_OPT_REUSEPORT) == 0 ||
            (p->flags & UDP_FLAGS_CONNECTED) != 0 ||
            !ip_addr_eq(&p->local_ip, &u->pcb->local_ip)) {
            continue;
        }
        for (struct udp_pcb *q = udp_pcbs; q != NULL; q = q->next) {
            below += q < p && q->local_port == p->local_port &&
                     (q->so_options & SOCK_OPT_REUSEPORT) != 0 &&
                     (q->flags & UDP_FLAGS_CONNECTED) == 0 &&
                     ip_addr_eq(&q->local_ip, &p->local_ip);
        }
        if (below == nth) {
            return p->recv_arg;
        }
    }
    return u;
}

/* lwIP hands a datagram in; p is ours. */
static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr,
                        u16_t port)
{
    struct udp_sock *u = choose(arg, addr, port);
    struct datagram *d;
    (void)pcb;
    if (u->queued >= u->s.rcvbuf || (d = heap_alloc(sizeof(*d))) == NULL) {
        u->dropped++;
        pbuf_free(p);
        return;
    }
    d->p = p;
    ip_addr_copy(d->from.ip, *addr);
    d->from.port = port;
    ip_addr_copy(d->to, *ip_current_dest_addr());
    d->netif = netif_get_index(ip_current_input_netif());
    if (ip_current_is_v6()) {
        d->ttl = IP6H_HOPLIM(ip6_current_header());
        d->tos = (uint8_t)IP6H_TC(ip6_current_header());
    } else {
        d->ttl = IPH_TTL(ip4_current_header());
        d->tos = IPH_TOS(ip4_current_header());
    }
    list_insert(&u->queue, &d->link);
    u->queued += p->tot_len + DATAGRAM_COST;
    sock_udp_update(u, POLLIN | POLLRDNORM);
}

bool sock_udp_is_socket(const struct udp_pcb *pcb)
{
    return pcb->recv == on_datagram;
}

struct sock *sock_udp_new(int domain, int type, int protocol, int flags)
{
    struct udp_sock *u = heap_alloc(sizeof(*u));
    if (u == NULL) {
        return NULL;
    }
    *u = (struct udp_sock){ .connected = false };
    sock_init(&u->s, &udp_file_ops, domain, type, protocol, flags);
    u->s.rcvbuf = net_tcp_wnd;
    u->s.sndbuf = net_tcp_sndbuf;
    list_init(&u->queue);
    list_init(&u->zc);
    u->pcb = udp_new_ip_type(sock_addr_type(&u->s));
    if (u->pcb == NULL) {
        heap_free(u);
        return NULL;
    }
    udp_recv(u->pcb, on_datagram, u);
    sock_udp_apply(u);
    sock_udp_update(u, 0);
    return &u->s;
}

static int bind_to(struct udp_sock *u, const struct sock_end *end)
{
    int r = net_errno(udp_bind(u->pcb, &end->ip, end->port));
    if (r == 0) {
        u->s.local = *end;
    }
    return r;
}

static int udp_op_bind(struct file *f, const struct sockaddr *addr, socklen_t len)
{
    struct udp_sock *u = udp_of(f);
    struct sock_end end;
    int r = sock_addr_in(&u->s, addr, len, &end);
    if (r < 0) {
        return r;
    }
    net_lock();
    if (u->s.local.port != 0) {
        r = -EINVAL;
    } else if (!sock_addr_is_local(&end.ip) && !ip_addr_ismulticast(&end.ip) &&
               !(IP_IS_V4_VAL(end.ip) && ip_2_ip4(&end.ip)->addr == IPADDR_BROADCAST)) {
        r = -EADDRNOTAVAIL;
    } else if (end.port == 0 && (end.port = sock_port_random_udp()) == 0) {
        r = -EADDRINUSE;
    } else if ((r = sock_port_check_udp(&u->s, &end)) == 0 && (r = bind_to(u, &end)) == 0) {
        u->s.bound = true;
        u->s.addr_bound = !ip_addr_isany(&end.ip);
    }
    net_unlock();
    return r;
}

int sock_udp_autobind(struct udp_sock *u)
{
    if (u->pcb->local_port != 0) {
        return 0;
    }
    struct sock_end end;
    ip_addr_copy(end.ip, u->pcb->local_ip);
    end.port = sock_port_random_udp();
    return end.port == 0 ? -EAGAIN : bind_to(u, &end);
}

/* connect(AF_UNSPEC): what bind() has set stays. */
static void disconnect(struct udp_sock *u)
{
    udp_disconnect(u->pcb);
    u->connected = false;
    u->s.remote.port = 0;
    if (!u->s.addr_bound) {
        ip_addr_copy(u->s.local.ip, u->pcb->local_ip);
    }
    /* lwIP has no way to let go of a port but this; without memory the port stays. */
    struct udp_pcb *fresh = u->s.bound ? NULL : udp_new_ip_type(sock_addr_type(&u->s));
    if (fresh != NULL) {
        udp_remove(u->pcb);
        u->pcb = fresh;
        u->s.local.port = 0;
        udp_recv(fresh, on_datagram, u);
        sock_udp_apply(u);
    }
}

static int connect_to(struct udp_sock *u, const struct sock_end *to)
{
    ip_addr_t src;
    if (!ip_addr_ismulticast(&to->ip) && !sock_addr_source(&to->ip, &src)) {
        return -ENETUNREACH;
    }
    int r = sock_udp_autobind(u);
    if (r < 0) {
        return r;
    }
    r = net_errno(udp_connect(u->pcb, &to->ip, to->port));
    if (r == 0) {
        u->connected = true;
        u->s.remote = *to;
        if (!u->s.addr_bound && !ip_addr_ismulticast(&to->ip)) {
            u->s.local.ip = src;
        }
    }
    return r;
}

static int udp_op_connect(struct file *f, const struct sockaddr *addr, socklen_t len)
{
    struct udp_sock *u = udp_of(f);
    struct sock_end to;
    if (addr == NULL) {
        return -EFAULT;
    }
    if (len < sizeof(sa_family_t)) {
        return -EINVAL;
    }
    if (addr->sa_family == AF_UNSPEC) {
        net_lock();
        disconnect(u);
        net_unlock();
        return 0;
    }
    int r = sock_addr_peer(&u->s, addr, len, &to);
    if (r < 0) {
        return r;
    }
    if (!sock_addr_is_loopback(&to.ip)) {
        net_wait_configured();
    }
    net_lock();
    r = connect_to(u, &to);
    net_unlock();
    return r;
}

static int udp_op_getsockname(struct file *f, struct sockaddr *addr, socklen_t *len)
{
    net_lock();
    sock_addr_out(sock_of(f), &sock_of(f)->local, addr, len);
    net_unlock();
    return 0;
}

static int udp_op_getpeername(struct file *f, struct sockaddr *addr, socklen_t *len)
{
    struct udp_sock *u = udp_of(f);
    int r = -ENOTCONN;
    net_lock();
    if (u->connected && u->s.remote.port != 0) {
        sock_addr_out(&u->s, &u->s.remote, addr, len);
        r = 0;
    }
    net_unlock();
    return r;
}

static int udp_op_shutdown(struct file *f, int how)
{
    struct udp_sock *u = udp_of(f);
    if (how < SHUT_RD || how > SHUT_RDWR) {
        return -EINVAL;
    }
    net_lock();
    u->s.shutdown |= (uint8_t)(how + 1); /* SHUT_RD 0, SHUT_WR 1, both 2 */
    sock_udp_update(u, POLLIN | POLLOUT);
    int r = u->connected ? 0 : -ENOTCONN;
    net_unlock();
    return r;
}

static void udp_op_close(struct file *f)
{
    struct udp_sock *u = udp_of(f);
    net_lock();
    sock_leave_groups(&u->s);
    udp_remove(u->pcb);
    while (!list_empty(&u->queue)) {
        sock_udp_free_datagram(u, LIST_ENTRY(u->queue.next, struct datagram, link));
    }
    if (u->held != NULL) {
        pbuf_free(u->held);
    }
    sock_udp_zc_disown(u);
    pollq_close(&u->s.pollq);
    heap_free(u);
    net_unlock();
}

static const struct socket_ops udp_socket_ops = {
    .bind = udp_op_bind,
    .connect = udp_op_connect,
    .getsockname = udp_op_getsockname,
    .getpeername = udp_op_getpeername,
    .sendmsg = sock_udp_sendmsg,
    .recvmsg = sock_udp_recvmsg,
    .setsockopt = sock_udp_setsockopt,
    .getsockopt = sock_udp_getsockopt,
    .shutdown = udp_op_shutdown,
    .zc_recv = sock_udp_zc_recv,
    .zc_return = sock_udp_zc_return,
    .zc_send = sock_udp_zc_send,
};

static const struct file_ops udp_file_ops = {
    .read = sock_udp_read,
    .write = sock_udp_write,
    .readv = sock_udp_readv,
    .writev = sock_udp_writev,
    .fstat = sock_fstat,
    .ioctl = sock_udp_ioctl,
    .ready = sock_ready,
    .ready_reads = true,
    .pollq = sock_pollq,
    .socket = &udp_socket_ops,
    .close = udp_op_close,
};
