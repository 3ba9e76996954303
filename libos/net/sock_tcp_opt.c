/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP sockets: options and ioctl (tcp(7)). */
#include "sock_tcp.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <pith/netinfo.h>

#include <pith/platform.h>

/* lwIP's headers have macros of some of these names' values only; the options come from here. */
#include <netinet/tcp.h>

#define MAXSEG_MIN 88
#define MAXSEG_MAX 32767
#define MS_PER_TICK TCP_SLOW_INTERVAL

void sock_tcp_apply(struct tcp_sock *t)
{
    struct tcp_pcb *pcb = t->pcb;
    if (pcb == NULL) {
        return;
    }
    /* SOF_REUSEADDR always: whether a port may be shared is decided in sock_port.c. */
    pcb->so_options = (u8_t)(t->s.so_options | SOF_REUSEADDR);
    pcb->ttl = t->s.ttl;
    pcb->tos = t->s.tos;
    pcb->netif_idx = t->s.netif;
    if (t->window_set && (pcb->state == CLOSED || pcb->state == LISTEN)) {
        pcb->rcv_wnd_max = t->s.rcvbuf;
        if (pcb->state == CLOSED) {
            pcb->rcv_wnd = pcb->rcv_ann_wnd = TCPWND_MIN16(t->s.rcvbuf);
        }
    }
    if (pcb->state == CLOSED && pcb->local_port == 0) {
        IP_SET_TYPE(&pcb->local_ip, sock_addr_type(&t->s));
        IP_SET_TYPE(&pcb->remote_ip, sock_addr_type(&t->s));
    }
    if (pcb->state == LISTEN) {
        return;
    }
    pcb->seg_max = t->s.sndbuf / 4; /* what is acknowledged makes room long before all is */
    pcb->keep_idle = t->keep_idle_s * 1000;
    pcb->keep_intvl = t->keep_intvl_s * 1000;
    pcb->keep_cnt = t->keep_cnt;
    if (t->nodelay) {
        tcp_nagle_disable(pcb);
    } else {
        tcp_nagle_enable(pcb);
    }
    net_tcp_tick(pcb); /* SO_KEEPALIVE */
}

void sock_tcp_inherit(struct tcp_sock *child, const struct tcp_sock *listener)
{
    child->s.rcvbuf = listener->s.rcvbuf;
    child->s.sndbuf = listener->s.sndbuf;
    child->s.rcvlowat = listener->s.rcvlowat;
    child->s.rcvtimeo_ns = listener->s.rcvtimeo_ns;
    child->s.sndtimeo_ns = listener->s.sndtimeo_ns;
    child->s.so_options = listener->s.so_options;
    child->s.linger = listener->s.linger;
    child->s.linger_seconds = listener->s.linger_seconds;
    child->s.ttl = listener->s.ttl;
    child->s.tos = listener->s.tos;
    child->s.v6only = listener->s.v6only;
    child->s.netif = listener->s.netif;
    child->nodelay = listener->nodelay;
    child->window_set = listener->window_set;
    child->keep_idle_s = listener->keep_idle_s;
    child->keep_intvl_s = listener->keep_intvl_s;
    child->keep_cnt = listener->keep_cnt;
    child->user_timeout_ms = listener->user_timeout_ms;
}

/* The states of lwIP as Linux numbers them; what has no control block any more is closed. */
static uint8_t linux_state(const struct tcp_sock *t)
{
    static const uint8_t states[] = {
        [CLOSED] = TCP_CLOSE, [LISTEN] = TCP_LISTEN, [SYN_SENT] = TCP_SYN_SENT,
        [SYN_RCVD] = TCP_SYN_RECV, [ESTABLISHED] = TCP_ESTABLISHED, [FIN_WAIT_1] = TCP_FIN_WAIT1,
        [FIN_WAIT_2] = TCP_FIN_WAIT2, [CLOSE_WAIT] = TCP_CLOSE_WAIT, [CLOSING] = TCP_CLOSING,
        [LAST_ACK] = TCP_LAST_ACK, [TIME_WAIT] = TCP_TIME_WAIT,
    };
    return t->pcb != NULL ? states[t->pcb->state] : TCP_CLOSE;
}

static void get_info(const struct tcp_sock *t, struct tcp_info *i)
{
    const struct tcp_pcb *pcb = t->pcb;
    memset(i, 0, sizeof(*i));
    i->tcpi_state = linux_state(t);
    if (pcb == NULL || t->phase == PHASE_LISTENING) {
        i->tcpi_unacked = t->queued;  /* as on Linux: a listener's queue and its backlog */
        i->tcpi_sacked = t->backlog;
        return;
    }
    i->tcpi_retransmits = pcb->nrtx;
    i->tcpi_probes = pcb->persist_probe;
    i->tcpi_backoff = pcb->persist_backoff;
    i->tcpi_options = (uint8_t)(((pcb->flags & TF_SACK) != 0 ? TCPI_OPT_SACK : 0) |
                                ((pcb->flags & TF_WND_SCALE) != 0 ? TCPI_OPT_WSCALE : 0));
    i->tcpi_snd_wscale = pcb->snd_scale & 0xf;
    i->tcpi_rcv_wscale = pcb->rcv_scale & 0xf;
    i->tcpi_rto = (uint32_t)pcb->rto * MS_PER_TICK * 1000;
    i->tcpi_snd_mss = i->tcpi_rcv_mss = i->tcpi_advmss = pcb->mss;
    i->tcpi_unacked = (pcb->snd_nxt - pcb->lastack + pcb->mss - 1) / pcb->mss;
    i->tcpi_pmtu = pcb->mss + 40u;
    i->tcpi_rtt = (uint32_t)(pcb->sa >> 3) * MS_PER_TICK * 1000;
    i->tcpi_rttvar = (uint32_t)(pcb->sv >> 2) * MS_PER_TICK * 1000;
    i->tcpi_snd_ssthresh = pcb->ssthresh / pcb->mss;
    i->tcpi_snd_cwnd = pcb->cwnd / pcb->mss;
    i->tcpi_rcv_space = pcb->rcv_wnd;
}

/* An int in a range, with `max` for what is larger than a socket can hold. */
static int set_range(uint32_t *to, int v, int low, int high)
{
    if (v < low || v > high) {
        return -EINVAL;
    }
    *to = (uint32_t)v;
    return 0;
}

static int set_tcp_option(struct tcp_sock *t, int name, int v)
{
    switch (name) {
    case TCP_NODELAY:
        t->nodelay = v != 0;
        sock_tcp_apply(t);
        if (t->nodelay && t->phase == PHASE_OPEN) {
            sock_tcp_tx_push(t, false);
        }
        return 0;
    case TCP_CORK:
        t->cork = v != 0;
        if (!t->cork && t->phase == PHASE_OPEN) {
            sock_tcp_tx_push(t, false);
        }
        return 0;
    case TCP_KEEPIDLE:
        return set_range(&t->keep_idle_s, v, 1, 32767);
    case TCP_KEEPINTVL:
        return set_range(&t->keep_intvl_s, v, 1, 32767);
    case TCP_KEEPCNT:
        return set_range(&t->keep_cnt, v, 1, 127);
    case TCP_USER_TIMEOUT:
        t->tx_progress_ns = platform_clock_ns(); /* nobody has looked at it before */
        return set_range(&t->user_timeout_ms, v, 0, 0x7fffffff);
    case TCP_MAXSEG:
        return v == 0 ? 0 : set_range(&t->maxseg, v, MAXSEG_MIN, MAXSEG_MAX);
    case TCP_SYNCNT:
        return set_range(&t->syncnt, v, 1, 127);
    case TCP_DEFER_ACCEPT:
        return set_range(&t->defer_s, v < 0 ? 0 : v, 0, 0x7fffffff);
    case TCP_QUICKACK:      /* without an effect here */
    case TCP_LINGER2:
    case TCP_FASTOPEN:
    case TCP_FASTOPEN_CONNECT:
    case TCP_WINDOW_CLAMP:
    case TCP_NOTSENT_LOWAT:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_tcp_setsockopt(struct file *f, int level, int name, const void *value, socklen_t len)
{
    struct tcp_sock *t = tcp_of(f);
    int r, v;
    net_lock();
    if (level != IPPROTO_TCP) {
        r = sock_setsockopt(&t->s, level, name, value, len);
        t->window_set |= r == 0 && level == SOL_SOCKET && name == SO_RCVBUF;
    } else {
        r = sock_opt_int(value, len, &v);
        r = r < 0 ? r : set_tcp_option(t, name, v);
    }
    if (r == 0) {
        sock_tcp_apply(t);
        sock_tcp_update(t, 0);
    }
    net_unlock();
    return r;
}

static int get_tcp_int(const struct tcp_sock *t, int name, int *v)
{
    switch (name) {
    case TCP_NODELAY:
        *v = t->nodelay;
        return 0;
    case TCP_CORK:
        *v = t->cork;
        return 0;
    case TCP_MAXSEG:
        *v = t->phase == PHASE_OPEN && t->pcb != NULL ? t->pcb->mss : 536;
        return 0;
    case TCP_KEEPIDLE:
        *v = (int)t->keep_idle_s;
        return 0;
    case TCP_KEEPINTVL:
        *v = (int)t->keep_intvl_s;
        return 0;
    case TCP_KEEPCNT:
        *v = (int)t->keep_cnt;
        return 0;
    case TCP_USER_TIMEOUT:
        *v = (int)t->user_timeout_ms;
        return 0;
    case TCP_SYNCNT:
        *v = t->syncnt != 0 ? (int)t->syncnt : TCP_SYNMAXRTX;
        return 0;
    case TCP_DEFER_ACCEPT:
        *v = (int)t->defer_s;
        return 0;
    case TCP_QUICKACK:
        *v = 1;
        return 0;
    case TCP_LINGER2:
        *v = 60;
        return 0;
    case TCP_FASTOPEN:
    case TCP_FASTOPEN_CONNECT:
    case TCP_WINDOW_CLAMP:
    case TCP_NOTSENT_LOWAT:
        *v = 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_option(struct tcp_sock *t, int level, int name, void *value, socklen_t *len)
{
    int v;
    if (level == SOL_SOCKET && name == SO_ACCEPTCONN) {
        v = t->phase == PHASE_LISTENING;
    } else if (level != IPPROTO_TCP) {
        return sock_getsockopt(&t->s, level, name, value, len);
    } else if (name == TCP_INFO) {
        struct tcp_info info;
        get_info(t, &info);
        return sock_opt_give(&info, sizeof(info), value, len);
    } else if (name == TCP_CONGESTION) {
        return sock_opt_give("reno", 5, value, len);
    } else {
        int r = get_tcp_int(t, name, &v);
        if (r < 0) {
            return r;
        }
    }
    return sock_opt_give(&v, sizeof(v), value, len);
}

int sock_tcp_getsockopt(struct file *f, int level, int name, void *value, socklen_t *len)
{
    struct tcp_sock *t = tcp_of(f);
    net_lock();
    int r = get_option(t, level, name, value, len);
    sock_tcp_update(t, 0); /* SO_ERROR takes the error away */
    net_unlock();
    return r;
}

int sock_tcp_ioctl(struct file *f, unsigned long request, void *arg)
{
    struct tcp_sock *t = tcp_of(f);
    if (request != FIONREAD && request != TIOCOUTQ && request != SIOCATMARK) {
        return net_if_ioctl(request, arg);
    }
    net_lock();
    int value = request == FIONREAD   ? (int)t->rx_bytes
                : request == TIOCOUTQ ? (int)t->tx_used
                                      : 0;
    int r = t->phase == PHASE_LISTENING ? -EINVAL : 0;
    net_unlock();
    if (r == 0) {
        *(int *)arg = value;
    }
    return r;
}
