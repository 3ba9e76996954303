/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP sockets: their control block, what lwIP calls, and what poll() sees. */
#include "sock_tcp.h"

#include <errno.h>
#include <poll.h>

#include <pith/heap.h>
#include <pith/platform.h>
#include <pith/zerocopy.h>

/* lwIP's own limit does not bind: SO_SNDBUF does, in sock_tcp_room(). */
#define SND_BUF_NEVER (64u * 1024 * 1024)

/* What poll() sees, as Linux's tcp_poll() answers. */
static __attribute__((noinline)) int work_out_ready(const struct tcp_sock *t)
{
    const struct sock *s = &t->s;
    int r = s->error != 0 ? POLLERR : 0;
    if (t->phase == PHASE_LISTENING) {
        return r | (t->queued != 0 ? POLLIN | POLLRDNORM : 0);
    }
    if (t->phase == PHASE_LINGERING) {
        bool sent = t->pcb == NULL || (t->pcb->state != FIN_WAIT_1 && t->pcb->state != CLOSING &&
                                       t->pcb->state != LAST_ACK);
        return sent ? POLLOUT : 0;
    }
    bool closed = t->phase == PHASE_NEW || t->phase == PHASE_FAILED || t->phase == PHASE_CLOSED;
    if (closed || s->shutdown == (SOCK_SHUT_RD | SOCK_SHUT_WR)) {
        r |= POLLHUP;
    }
    if ((s->shutdown & SOCK_SHUT_RD) != 0) {
        r |= POLLIN | POLLRDNORM | POLLRDHUP;
    }
    if (t->phase == PHASE_CONNECTING) {
        return r;
    }
    if (t->rx_bytes >= s->rcvlowat) {
        r |= POLLIN | POLLRDNORM;
    }
    if ((s->shutdown & SOCK_SHUT_WR) != 0 || closed || sock_tcp_writable(t)) {
        r |= POLLOUT | POLLWRNORM;
    }
    return r;
}

void sock_tcp_update(struct tcp_sock *t, int news)
{
    int ready;

    if (__builtin_expect(sock_tcp_plain(t), 1)) {
        ready = (t->rx_bytes >= t->s.rcvlowat ? POLLIN | POLLRDNORM : 0) |
                (sock_tcp_writable(t) ? POLLOUT | POLLWRNORM : 0);
    } else {
        ready = work_out_ready(t);
    }
    sock_set_ready(&t->s, ready, news);
}

/* ---- what lwIP calls; all under net_lock ---- */

/* lwIP has freed the control block: by errf(), or silently at the end of TIME_WAIT. */
static void on_destroyed(u8_t id, void *data)
{
    struct tcp_sock *t = data;
    (void)id;
    if (t == NULL) {
        return;
    }
    t->pcb = NULL;
    if (t->phase == PHASE_OPEN && t->s.shutdown == (SOCK_SHUT_RD | SOCK_SHUT_WR)) {
        t->phase = PHASE_CLOSED;
    }
    sock_tcp_update(t, 0);
}

static const struct tcp_ext_arg_callbacks connection_callbacks = { .destroy = on_destroyed };

/* What Linux's tcp_reset() says of an RST, and its tcp_write_err() of timers that ran out. */
static int error_of(const struct tcp_sock *t, err_t err)
{
    if (err != ERR_RST) {
        return ETIMEDOUT;
    }
    return t->phase == PHASE_CONNECTING ? ECONNREFUSED : t->fin ? EPIPE : ECONNRESET;
}

static void on_error(void *arg, err_t err)
{
    struct tcp_sock *t = arg;
    if (t == NULL) {
        return;
    }
    t->pcb = NULL;
    if (t->phase == PHASE_LINGERING) {
        sock_tcp_update(t, POLLOUT);
        return;
    }
    if (err != ERR_CLSD && t->phase != PHASE_CLOSED) {
        t->s.error = (uint16_t)error_of(t, err);
    }
    t->phase = t->phase == PHASE_CONNECTING ? PHASE_FAILED : PHASE_CLOSED;
    t->s.shutdown = SOCK_SHUT_RD | SOCK_SHUT_WR;
    t->tx_used = 0;
    sock_tcp_update(t, POLLIN | POLLOUT | POLLHUP);
}

void sock_tcp_fail_connect(struct tcp_sock *t, int error)
{
    if (t->phase != PHASE_CONNECTING) {
        return;
    }
    sock_tcp_drop_pcb(t);
    t->s.error = (uint16_t)error;
    t->phase = PHASE_FAILED;
    sock_tcp_update(t, POLLOUT | POLLERR | POLLHUP);
}

static err_t on_fin(struct tcp_sock *t, struct tcp_pcb *pcb)
{
    t->fin = true;
    t->s.shutdown |= SOCK_SHUT_RD;
    if (pcb->state == TIME_WAIT) {
        sock_tcp_disown(t);
        t->phase = PHASE_CLOSED;
    }
    sock_tcp_update(t, POLLIN | POLLRDNORM | POLLRDHUP);
    return ERR_OK;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct tcp_sock *t = arg;
    (void)err;
    if (p == NULL) {
        return on_fin(t, pcb);
    }
    if (t->user_rd && (t->s.shutdown & SOCK_SHUT_WR) != 0) {
        /* Nobody will read it: RFC 1122, 4.2.2.13 asks for a reset. */
        pbuf_free(p);
        t->s.error = ECONNRESET;
        t->phase = PHASE_CLOSED;
        sock_tcp_drop_pcb(t);
        sock_tcp_update(t, POLLIN | POLLOUT);
        return ERR_ABRT;
    }
    sock_tcp_rx_append(t, p);
    int news = t->rx_bytes >= t->s.rcvlowat ? POLLIN | POLLRDNORM : 0;
    if (sock_tcp_plain(t)) {
        sock_set_ready(&t->s, t->s.ready | news, news); /* nothing else has changed */
    } else {
        sock_tcp_update(t, news);
    }
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct tcp_sock *t = arg;
    t->tx_used -= len < t->tx_used ? len : t->tx_used; /* the FIN counts in len */
    t->tx_nomem = false;
    if (t->user_timeout_ms != 0) {
        t->tx_progress_ns = platform_clock_ns();
    }
    if (!list_empty(&t->zc)) {
        sock_tcp_zc_acked(t, pcb->lastack);
    }
    if ((t->s.ready & POLLOUT) == 0) {
        sock_tcp_update(t, 0); /* what can have come of it is POLLOUT */
    }
    return ERR_OK;
}

/* Each 500 ms. */
static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
    struct tcp_sock *t = arg;
    (void)pcb;
    if (t == NULL) {
        return ERR_OK;
    }
    if (t->tx_nomem) {
        t->tx_nomem = false;
        sock_tcp_update(t, 0);
    }
    if (t->user_timeout_ms != 0 && t->tx_used != 0 &&
        platform_clock_ns() - t->tx_progress_ns > t->user_timeout_ms * 1000000ull) {
        struct tcp_pcb *dead = sock_tcp_disown(t);
        tcp_abort(dead);
        on_error(t, ERR_ABRT);
        return ERR_ABRT;
    }
    return ERR_OK;
}

void sock_tcp_adopt(struct tcp_sock *t, struct tcp_pcb *pcb)
{
    t->pcb = pcb;
    tcp_arg(pcb, t);
    pcb->ext_args[0].callbacks = &connection_callbacks;
    pcb->ext_args[0].data = t;
    pcb->snd_buf = SND_BUF_NEVER;
    tcp_recv(pcb, on_recv);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    tcp_poll(pcb, on_poll, 1);
}

struct tcp_pcb *sock_tcp_disown(struct tcp_sock *t)
{
    struct tcp_pcb *pcb = t->pcb;
    if (pcb == NULL) {
        return NULL;
    }
    t->pcb = NULL;
    pcb->callback_arg = NULL;
    pcb->ext_args[0].data = NULL;
    if (pcb->state != LISTEN) {
        /* With recv NULL lwIP takes and drops; a FIN then ends in TIME_WAIT by itself. */
        tcp_recv(pcb, NULL);
        tcp_sent(pcb, NULL);
        tcp_err(pcb, NULL);
        tcp_poll(pcb, NULL, 1);
        pcb->connected = NULL;
    }
    return pcb;
}

void sock_tcp_drop_pcb(struct tcp_sock *t)
{
    struct tcp_pcb *pcb = sock_tcp_disown(t);
    t->tx_used = 0;
    if (pcb != NULL) {
        tcp_abort(pcb);
    }
}

/* ---- creation ---- */

struct tcp_sock *sock_tcp_alloc(int domain, int flags)
{
    struct tcp_sock *t = heap_alloc(sizeof(*t));
    if (t == NULL) {
        return NULL;
    }
    *t = (struct tcp_sock){ .phase = PHASE_NEW };
    sock_init(&t->s, &sock_tcp_file_ops, domain, SOCK_STREAM, IPPROTO_TCP, flags);
    t->s.rcvbuf = net_tcp_wnd;
    t->s.sndbuf = net_tcp_sndbuf;
    t->connect_told = true;
    t->keep_idle_s = TCP_KEEPIDLE_DEFAULT / 1000;
    t->keep_intvl_s = TCP_KEEPINTVL_DEFAULT / 1000;
    t->keep_cnt = TCP_KEEPCNT_DEFAULT;
    list_init(&t->zc);
    list_init(&t->queue);
    sock_tcp_update(t, 0);
    return t;
}

struct sock *sock_tcp_new(int domain, int flags)
{
    struct tcp_sock *t = sock_tcp_alloc(domain, flags);
    return t != NULL ? &t->s : NULL;
}

int sock_tcp_need_pcb(struct tcp_sock *t)
{
    if (t->pcb != NULL) {
        return 0;
    }
    struct tcp_pcb *pcb = tcp_new_ip_type(sock_addr_type(&t->s));
    if (pcb == NULL) {
        return -ENOBUFS;
    }
    sock_tcp_adopt(t, pcb);
    sock_tcp_apply(t);
    if (t->s.bound && tcp_bind(pcb, &t->s.local.ip, t->s.local.port) != ERR_OK) {
        sock_tcp_drop_pcb(t);
        return -EADDRINUSE;
    }
    return 0;
}

static const struct socket_ops tcp_socket_ops = {
    .bind = sock_tcp_bind,
    .connect = sock_tcp_connect,
    .listen = sock_tcp_listen,
    .accept = sock_tcp_accept,
    .getsockname = sock_tcp_getsockname,
    .getpeername = sock_tcp_getpeername,
    .sendmsg = sock_tcp_sendmsg,
    .recvmsg = sock_tcp_recvmsg,
    .send = sock_tcp_send,
    .recv = sock_tcp_recv,
    .setsockopt = sock_tcp_setsockopt,
    .getsockopt = sock_tcp_getsockopt,
    .shutdown = sock_tcp_shutdown,
    .zc_recv = sock_tcp_zc_recv,
    .zc_return = sock_tcp_zc_return,
    .zc_send = sock_tcp_zc_send,
};

const struct file_ops sock_tcp_file_ops = {
    .read = sock_tcp_read,
    .write = sock_tcp_write,
    .readv = sock_tcp_readv,
    .writev = sock_tcp_writev,
    .fstat = sock_fstat,
    .ioctl = sock_tcp_ioctl,
    .ready = sock_ready,
    .ready_reads = true,
    .pollq = sock_pollq,
    .socket = &tcp_socket_ops,
    .close = sock_tcp_close,
};
