/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers that a peer must not guess: random ones for ports and ids, and the first sequence numbers
 * of connections.
 */
#include "net_random.h"

#include <string.h>

#include <lwip/opt.h>

#include <lwip/ip_addr.h>
#include <lwip_hooks.h>

#include <pith/platform.h>
#include <pith/random.h>

#include "siphash.h"

/* All under net_lock. */
static uint32_t pool[16];
static unsigned left;
static uint64_t isn_key[2];

void net_random_init(void)
{
    random_gather(); /* a machine without a source has said so in the log */
    random_bytes(isn_key, sizeof(isn_key));
}

uint32_t net_rand32(void)
{
    if (left == 0) {
        random_bytes(pool, sizeof(pool));
        left = sizeof(pool) / sizeof(pool[0]);
    }
    uint32_t v = pool[--left];
    pool[left] = 0;
    return v;
}

/*
 * RFC 6528, 3: a clock of 4 us plus a keyed hash of the connection's ends, so that a later
 * connection of the same ends starts above the earlier one and no other tells anything about it.
 */
uint32_t net_tcp_isn(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                     uint16_t remote_port)
{
    struct {
        uint32_t local[4], remote[4];
        uint16_t local_port, remote_port;
    } ends = { .local_port = local_port, .remote_port = remote_port };

    if (IP_IS_V4(remote_ip)) {
        ends.local[0] = ip_2_ip4(local_ip)->addr;
        ends.remote[0] = ip_2_ip4(remote_ip)->addr;
    } else {
        memcpy(ends.local, ip_2_ip6(local_ip)->addr, sizeof(ends.local));
        memcpy(ends.remote, ip_2_ip6(remote_ip)->addr, sizeof(ends.remote));
    }
    return (uint32_t)(platform_clock_ns() / 4000 + siphash24(isn_key, &ends, sizeof(ends)));
}
