/* SPDX-License-Identifier: BSD-2-Clause */
/* How much memory the stack uses and may use. All under net_lock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_memory_stats {
    size_t used, limit;      /* bytes of lwIP's, with the data that it has queued */
    size_t kept;             /* bytes besides that wait to be used again; the limit counts them, too */
    uint64_t refused;        /* allocations that failed or went beyond a limit */
    unsigned tcp, tcp_limit; /* connections, those in TIME_WAIT included */
    unsigned udp, listeners, segments;
};

/* Set the limits from the machine's memory; before lwip_init(). */
void net_memory_init(void);

/* What was received should be refused rather than stored: answers need memory too. */
bool net_memory_low(void);

void net_memory_stats(struct net_memory_stats *out);
