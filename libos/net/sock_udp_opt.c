/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP sockets: options and ioctl (udp(7)). */
#include "sock_udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include <pith/netinfo.h>

#define UDP_CORK 1

void sock_udp_apply(struct udp_sock *u)
{
    struct udp_pcb *pcb = u->pcb;
    /* SOF_REUSEADDR always: whether a port may be shared is decided in sock_port.c. */
    pcb->so_options = (u8_t)(u->s.so_options | SOF_REUSEADDR);
    pcb->ttl = u->s.ttl;
    pcb->tos = u->s.tos;
    pcb->netif_idx = u->s.netif;
    udp_set_multicast_ttl(pcb, u->s.mcast_ttl);
    udp_set_multicast_netif_index(pcb, u->s.mcast_if);
    if (u->s.mcast_loop) {
        udp_set_flags(pcb, UDP_FLAGS_MULTICAST_LOOP);
    } else {
        udp_clear_flags(pcb, UDP_FLAGS_MULTICAST_LOOP);
    }
    if (pcb->local_port == 0) {
        IP_SET_TYPE(&pcb->local_ip, sock_addr_type(&u->s));
        IP_SET_TYPE(&pcb->remote_ip, sock_addr_type(&u->s));
    }
}

int sock_udp_setsockopt(struct file *f, int level, int name, const void *value, socklen_t len)
{
    struct udp_sock *u = udp_of(f);
    net_lock();
    int r = sock_setsockopt(&u->s, level, name, value, len);
    if (r == 0) {
        sock_udp_apply(u);
    }
    net_unlock();
    return r;
}

int sock_udp_getsockopt(struct file *f, int level, int name, void *value, socklen_t *len)
{
    struct udp_sock *u = udp_of(f);
    net_lock();
    int r = sock_getsockopt(&u->s, level, name, value, len);
    sock_udp_update(u, 0);
    net_unlock();
    return r;
}

int sock_udp_ioctl(struct file *f, unsigned long request, void *arg)
{
    struct udp_sock *u = udp_of(f);
    int value = 0;
    if (request != FIONREAD && request != TIOCOUTQ) {
        return net_if_ioctl(request, arg);
    }
    net_lock();
    if (request == FIONREAD && !list_empty(&u->queue)) {
        value = LIST_ENTRY(u->queue.next, struct datagram, link)->p->tot_len;
    }
    net_unlock();
    *(int *)arg = value;
    return 0;
}
