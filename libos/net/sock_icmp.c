/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP errors on their way to the sockets whose packets caused them, as Linux does it without
 * IP_RECVERR: a connected UDP socket is told that nobody listens; a TCP connection that is being
 * made fails, one that stands goes on.
 */
#include "sock_icmp.h"

#include <poll.h>

#include "net_icmp.h"
#include "sock_tcp.h"
#include "sock_udp.h"

static void on_icmp_error(const struct net_icmp_error *e)
{
    if (e->tcp != NULL && e->tcp->state == SYN_SENT && e->tcp->callback_arg != NULL) {
        sock_tcp_fail_connect(e->tcp->callback_arg, -e->error);
    } else if (e->udp != NULL && e->fatal && sock_udp_is_socket(e->udp)) {
        struct udp_sock *u = e->udp->recv_arg;
        u->s.error = (uint16_t)-e->error;
        sock_udp_update(u, POLLIN | POLLOUT | POLLERR);
    }
}

void sock_icmp_listen(void)
{
    net_icmp_listen(on_icmp_error);
}
