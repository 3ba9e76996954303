/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors that ICMP tells: which connection or socket of ours they are about. All under net_lock.
 */
#pragma once

#include <stdbool.h>

struct tcp_pcb;
struct udp_pcb;

/* An error for a TCP connection or for a UDP control block; the other one is NULL. */
struct net_icmp_error {
    struct tcp_pcb *tcp; /* its sequence number has been checked; its state is what it was */
    struct udp_pcb *udp; /* connected to the sender of the error's packet, exactly */
    int error;           /* -ECONNREFUSED, -EHOSTUNREACH, -ENETUNREACH, -EPROTO, -EMSGSIZE */
    bool fatal;          /* nobody listens there: not merely a route that is missing now */
};

/*
 * Who is told: the sockets. May free the control block. RFC 1122, 4.2.3.9: an established TCP
 * connection must not be ended by an error that isn't fatal, and RFC 5927 advises against any;
 * one that is being made may.
 */
void net_icmp_listen(void (*fn)(const struct net_icmp_error *e));
