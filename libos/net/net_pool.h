/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where lwIP's memory comes from: blocks of the heap, which are kept for the next ones of their size
 * when they are freed, so that a packet costs no call of the heap. All under net_lock.
 *
 * net_mem_alloc() and the like are named in lwipopts.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_pool_stats {
    size_t used;      /* bytes that lwIP has, as the heap counts them */
    size_t kept;      /* bytes that wait to be used again */
    size_t limit;     /* of both together, at most */
    uint64_t refused; /* allocations that failed or went beyond the limit */
};

/* limit: bytes that all blocks may have together; a small part of it may be kept. Before any block. */
void net_pool_init(size_t limit);

void net_pool_stats(struct net_pool_stats *out);

/* Count an allocation that was refused for another reason. */
void net_pool_refuse(void);

/* Give the heap all that is kept; whether there was something. */
bool net_pool_drain(void);
