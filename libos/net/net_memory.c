/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's memory: the limits of all of it together and of each kind that a peer could have made
 * without end, and the sizes of buffers.
 *
 * Takes the place of lwIP's memp.c: its pools are arrays of fixed size, which would be too large
 * for a machine of 6 MiB and too small for 10,000 connections.
 */
#include "net_memory.h"

#include <lwip/opt.h>

#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/memp.h>
#include <lwip/mld6.h>
#include <lwip/pbuf.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

#include <pith/cmdline.h>
#include <pith/page.h>

#include "net_pool.h"

#define KIB 1024u
#define MIB (1024u * KIB)

uint32_t net_tcp_wnd;
uint32_t net_tcp_sndbuf;
uint32_t net_tcp_msl = 30000;

/* All under net_lock. */
static unsigned pool_used[MEMP_MAX];
static unsigned pool_limit[MEMP_MAX]; /* 0: the common limit only */

static const size_t pool_size[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, num, size, desc) [MEMP_##name] = size,
#include <lwip/priv/memp_std.h>
};

static uint32_t clamp(uint64_t v, uint32_t low, uint32_t high)
{
    return v < low ? low : v > high ? high : (uint32_t)v;
}

void net_memory_init(void)
{
    struct page_stats pages;

    page_stats(&pages);
    uint64_t ram = (uint64_t)pages.total * PAGE_SIZE;
    net_pool_init((size_t)pages.free * PAGE_SIZE / 4 * 3);
    net_tcp_wnd = clamp(ram / 128, 16 * KIB, 256 * KIB) & ~0xfffu;
    net_tcp_sndbuf = clamp(ram / 128, 16 * KIB, 256 * KIB) & ~0xfffu;
    net_tcp_msl = clamp(cmdline_get_u64("net.msl", 30), 1, 120) * 1000;
    /*
     * A quarter of RAM may be control blocks, those in TIME_WAIT included: when no more may be had,
     * tcp_alloc() ends the oldest of these. Fragments wait for the rest of their datagram for 15 s.
     */
    pool_limit[MEMP_TCP_PCB] = clamp(ram / 4 / sizeof(struct tcp_pcb), 64, 1u << 20);
    pool_limit[MEMP_REASSDATA] = 16;
    pool_limit[MEMP_IP6_REASSDATA] = 16;
    pool_limit[MEMP_ARP_QUEUE] = 64;
    pool_limit[MEMP_ND6_QUEUE] = 64;
}

bool net_memory_low(void)
{
    struct net_pool_stats m;

    net_pool_stats(&m);
    return m.used > m.limit / 4 * 3;
}

void net_memory_stats(struct net_memory_stats *out)
{
    struct net_pool_stats m;

    net_pool_stats(&m);
    *out = (struct net_memory_stats){
        .used = m.used,
        .kept = m.kept,
        .limit = m.limit,
        .refused = m.refused,
        .tcp = pool_used[MEMP_TCP_PCB],
        .tcp_limit = pool_limit[MEMP_TCP_PCB],
        .udp = pool_used[MEMP_UDP_PCB],
        .listeners = pool_used[MEMP_TCP_PCB_LISTEN],
        .segments = pool_used[MEMP_TCP_SEG],
    };
}

/* ---- what lwIP calls memp_init(), memp_malloc() and memp_free() ---- */

void net_memp_init(void)
{
}

void *net_memp_alloc(memp_t type)
{
    if (pool_limit[type] != 0 && pool_used[type] >= pool_limit[type]) {
        net_pool_refuse();
        return NULL;
    }
    void *p = net_mem_alloc(pool_size[type]);
    if (p != NULL) {
        pool_used[type]++;
    }
    return p;
}

void net_memp_free(memp_t type, void *p)
{
    if (p != NULL) {
        pool_used[type]--;
        net_mem_free(p);
    }
}
