/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP sockets: bind, connect, and the names of the two ends. */
#include "sock_tcp.h"

#include <errno.h>
#include <poll.h>

#include <lwip/ip.h>

int sock_tcp_bind(struct file *f, const struct sockaddr *addr, socklen_t len)
{
    struct tcp_sock *t = tcp_of(f);
    struct sock_end end;
    int r = sock_addr_in(&t->s, addr, len, &end);
    if (r < 0) {
        return r;
    }
    net_lock();
    if (t->phase != PHASE_NEW || t->s.bound || (t->pcb != NULL && t->pcb->local_port != 0)) {
        r = -EINVAL;
    } else if (!sock_addr_is_local(&end.ip)) {
        r = -EADDRNOTAVAIL;
    } else if (end.port == 0 && (end.port = sock_port_random_tcp()) == 0) {
        r = -EADDRINUSE;
    } else if ((r = sock_port_check_tcp(&t->s, &end, false)) == 0 &&
               (r = sock_tcp_need_pcb(t)) == 0) {
        r = net_errno(tcp_bind(t->pcb, &end.ip, end.port));
        if (r == 0) {
            t->s.local = end;
            t->s.bound = true;
            t->s.addr_bound = !ip_addr_isany(&end.ip);
        }
    }
    net_unlock();
    return r;
}

void sock_tcp_disconnect(struct tcp_sock *t)
{
    if (t->phase == PHASE_LISTENING) {
        sock_tcp_stop_listening(t);
    }
    sock_tcp_drop_pcb(t);
    sock_tcp_rx_free(t);
    t->phase = PHASE_NEW;
    t->fin = t->user_rd = false;
    t->s.shutdown = 0;
    t->connect_told = true;
    t->s.remote.port = 0;
    if (!t->s.bound) {
        t->s.local.port = 0;
    }
    if (!t->s.addr_bound) {
        ip_addr_set_any(t->s.domain == AF_INET6, &t->s.local.ip);
        if (t->s.bound && t->s.domain == AF_INET6 && !t->s.v6only) {
            IP_SET_TYPE(&t->s.local.ip, IPADDR_TYPE_ANY);
        }
    }
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct tcp_sock *t = arg;
    (void)err;
    (void)pcb;
    t->phase = PHASE_OPEN;
    sock_tcp_update(t, POLLOUT | POLLWRNORM);
    return ERR_OK;
}

/* The wildcard means this machine (Linux's ip_route_connect()). */
static void fix_wildcard(const struct tcp_sock *t, struct sock_end *to)
{
    if (IP_IS_V4_VAL(to->ip)) {
        if (ip_addr_isany_val(to->ip)) {
            IP_ADDR4(&to->ip, 127, 0, 0, 1);
        }
    } else if (IP_IS_ANY_TYPE_VAL(to->ip) || ip_addr_isany_val(to->ip)) {
        (void)t;
        IP_ADDR6(&to->ip, 0, 0, 0, PP_HTONL(1));
    }
}

static int send_syn(struct tcp_sock *t, const struct sock_end *to)
{
    int r = sock_tcp_need_pcb(t);
    if (r < 0) {
        return r;
    }
    ip_addr_t src;
    if (t->s.addr_bound && IP_GET_TYPE(&t->s.local.ip) != IP_GET_TYPE(&to->ip)) {
        return -EINVAL;
    }
    if (ip_addr_ismulticast(&to->ip) || !sock_addr_source(&to->ip, &src)) {
        return -ENETUNREACH;
    }
    if (t->pcb->local_port == 0) {
        uint16_t port = sock_port_connect_tcp(&src, to);
        ip_addr_t any;
        ip_addr_copy(any, t->pcb->local_ip);
        if (port == 0 || tcp_bind(t->pcb, &any, port) != ERR_OK) {
            return -EADDRNOTAVAIL;
        }
    }
    /* First, as the answer of an own address comes while net_unlock() runs, and not earlier. */
    err_t err = tcp_connect(t->pcb, &to->ip, to->port, on_connected);
    if (err != ERR_OK) {
        sock_tcp_drop_pcb(t); /* its addresses have been set */
        return err == ERR_USE || err == ERR_BUF ? -EADDRNOTAVAIL
               : err == ERR_MEM                 ? -ENOBUFS
                                                : net_errno(err);
    }
    ip_addr_copy(t->s.local.ip, t->pcb->local_ip);
    t->s.local.port = t->pcb->local_port;
    t->s.remote = *to;
    t->phase = PHASE_CONNECTING;
    t->connect_told = false;
    t->s.shutdown = 0;
    t->s.error = 0;
    return -EINPROGRESS;
}

/* What a connection in this phase answers to connect(), as inet_stream_connect() of Linux. */
static int connect_result(struct tcp_sock *t, int pending)
{
    if (t->phase == PHASE_CONNECTING) {
        return pending;
    }
    if (t->phase == PHASE_NEW || t->phase == PHASE_FAILED ||
        (t->phase == PHASE_CLOSED && !t->connect_told)) {
        int error = sock_take_error(&t->s);
        sock_tcp_disconnect(t);
        return error != 0 ? error : -ECONNABORTED;
    }
    if (t->connect_told) {
        return -EISCONN;
    }
    t->connect_told = true;
    return 0;
}

static int start_connect(struct tcp_sock *t, const struct sock_end *to)
{
    if (t->phase == PHASE_LISTENING) {
        return -EISCONN;
    }
    return t->phase == PHASE_NEW ? send_syn(t, to) : connect_result(t, -EALREADY);
}

int sock_tcp_connect(struct file *f, const struct sockaddr *addr, socklen_t len)
{
    struct tcp_sock *t = tcp_of(f);
    struct sock_end to;
    if (addr == NULL) {
        return -EFAULT;
    }
    if (len >= sizeof(sa_family_t) && addr->sa_family == AF_UNSPEC) {
        net_lock();
        sock_tcp_disconnect(t);
        sock_tcp_update(t, 0);
        net_unlock();
        return 0;
    }
    int r = sock_addr_in(&t->s, addr, len, &to);
    if (r < 0) {
        return len < sizeof(sa_family_t) ? -EINVAL : r;
    }
    fix_wildcard(t, &to);
    if (!sock_addr_is_loopback(&to.ip)) {
        net_wait_configured();
    }
    net_lock();
    r = start_connect(t, &to);
    sock_tcp_update(t, 0);
    bool wait = (r == -EINPROGRESS || r == -EALREADY) && sock_blocking(f, 0);
    net_unlock();
    uint64_t deadline = sock_deadline(t->s.sndtimeo_ns);
    while (wait) {
        int waited = sock_wait(f, POLLOUT | POLLIN, deadline);
        net_lock();
        int now = connect_result(t, -EINPROGRESS);
        wait = now == -EINPROGRESS && waited >= 0;
        if (now != -EINPROGRESS) {
            r = now;
        } else if (waited == -EINTR) {
            r = -EINTR;
        }
        sock_tcp_update(t, 0);
        net_unlock();
    }
    return r;
}

int sock_tcp_getsockname(struct file *f, struct sockaddr *addr, socklen_t *len)
{
    struct tcp_sock *t = tcp_of(f);
    net_lock();
    sock_addr_out(&t->s, &t->s.local, addr, len);
    net_unlock();
    return 0;
}

int sock_tcp_getpeername(struct file *f, struct sockaddr *addr, socklen_t *len)
{
    struct tcp_sock *t = tcp_of(f);
    int r = -ENOTCONN;
    net_lock();
    if (t->phase == PHASE_OPEN) {
        sock_addr_out(&t->s, &t->s.remote, addr, len);
        r = 0;
    }
    net_unlock();
    return r;
}
