/* SPDX-License-Identifier: BSD-2-Clause */
/* The network's counters, for a program that shows them (httpd's /metrics). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct net_stat {
    const char *name;   /* "tcp_segments_received": lower case, words joined by _ */
    const char *help;   /* one line */
    bool counter;       /* grows from 0 since the start; else a gauge, which goes up and down */
    uint64_t value;
};

#define NET_STATS_MAX 64

/*
 * All of them at one moment; returns how many, at most NET_STATS_MAX. Does not start the network: 0
 * before the first socket. Context: thread.
 */
unsigned net_stats(struct net_stat out[NET_STATS_MAX]);
