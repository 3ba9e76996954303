/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's lists of TCP connections, and the hash by which a segment finds its connection in the same
 * time whatever their number is.
 *
 * Chains are as long as the hash is unfair. Whoever connects chooses his address and port, so a
 * secret key is in it: chosen ones meet in a chain no more often than by chance. It is no
 * cryptographic hash: nobody sees its values, and what one could learn from times is which of his
 * own connections share a chain.
 */
#include "net_tcp_lists.h"

#include <lwip/priv/tcp_priv.h>

#include <pith/heap.h>
#include <pith/random.h>

#define FIRST_CHAINS   64u /* of connections; more when there are more connections */
#define LISTEN_CHAINS  32u /* a program listens at few ports, which nobody else chooses */

/* All under net_lock. */
static struct tcp_pcb *first_chains[FIRST_CHAINS];
static struct tcp_pcb **chains = first_chains;
static uint32_t nchains = FIRST_CHAINS; /* a power of two */
static uint32_t nconnections;           /* in the chains */
static uint64_t key[4];                 /* made with the first connection, not zero then */
static struct tcp_pcb *listen_chains[LISTEN_CHAINS];
static struct tcp_pcb **tw_end = &tcp_tw_pcbs; /* where the next one in TIME_WAIT goes */

/* Both halves of the product: each bit of the result depends on nearly all bits of both. */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t half(const ip_addr_t *ip, unsigned i)
{
    const uint32_t *words = ip_2_ip6(ip)->addr;
    return (uint64_t)words[i] << 32 | words[i + 1];
}

static inline uint32_t hash4(uint32_t local, uint32_t remote, uint64_t ports)
{
    uint64_t h = mix(((uint64_t)remote << 32 | ports) ^ key[0], local ^ key[1]);
    return (uint32_t)mix(h ^ key[2], key[3] ^ ports);
}

static uint32_t hash(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                     uint16_t remote_port)
{
    uint64_t ports = (uint64_t)local_port << 16 | remote_port;

    if (IP_IS_V4(remote)) {
        return hash4(ip_2_ip4(local)->addr, ip_2_ip4(remote)->addr, ports);
    }
    uint64_t h = mix(half(remote, 0) ^ key[0], half(remote, 2) ^ key[1]);
    h ^= mix(half(local, 0) ^ key[2], half(local, 2) ^ ports << 32 ^ key[3]);
    return (uint32_t)mix(h ^ key[2], key[3] ^ ports);
}

/* Not inlined: only a segment's way through net_tcp_find() is taken often. */
static __attribute__((noinline)) struct tcp_pcb **chain_of(const struct tcp_pcb *pcb)
{
    return &chains[hash(&pcb->local_ip, pcb->local_port, &pcb->remote_ip, pcb->remote_port) &
                   (nchains - 1)];
}

/* Twice as many chains; where memory is short they stay as they are, and get longer. */
static void grow(void)
{
    struct tcp_pcb **old = chains;
    uint32_t nold = nchains;
    struct tcp_pcb **more = heap_alloc(2 * nold * sizeof(*more));

    if (more == NULL) {
        return;
    }
    for (uint32_t i = 0; i < 2 * nold; i++) {
        more[i] = NULL;
    }
    chains = more;
    nchains = 2 * nold;
    for (uint32_t i = 0; i < nold; i++) {
        for (struct tcp_pcb *pcb = old[i], *next; pcb != NULL; pcb = next) {
            next = pcb->hash_next;
            struct tcp_pcb **chain = chain_of(pcb);
            pcb->hash_next = *chain;
            *chain = pcb;
        }
    }
    if (old != first_chains) {
        heap_free(old);
    }
}

/* The chain that a block on this list belongs to; NULL: none. */
static struct tcp_pcb **chain_for(struct tcp_pcb **list, const struct tcp_pcb *pcb)
{
    if (list == &tcp_active_pcbs || list == &tcp_tw_pcbs) {
        return chain_of(pcb);
    }
    if (list == &tcp_listen_pcbs.pcbs) {
        return &listen_chains[pcb->local_port % LISTEN_CHAINS];
    }
    return NULL;
}

static bool has_connections(struct tcp_pcb *const *list)
{
    return list == &tcp_active_pcbs || list == &tcp_tw_pcbs;
}

void net_tcp_list_add(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
    struct tcp_pcb **at = list == &tcp_tw_pcbs ? tw_end : list;

    pcb->next = *at;
    pcb->pprev = at;
    if (pcb->next != NULL) {
        pcb->next->pprev = &pcb->next;
    }
    *at = pcb;
    if (list == &tcp_tw_pcbs) {
        tw_end = &pcb->next;
    }
    if (has_connections(list)) {
        while (key[0] == 0) {
            random_bytes(key, sizeof(key));
        }
        if (++nconnections > nchains) {
            grow();
        }
    }
    struct tcp_pcb **chain = chain_for(list, pcb);
    if (chain != NULL) {
        pcb->hash_next = *chain;
        *chain = pcb;
    }
    if (list == &tcp_active_pcbs) {
        net_tcp_tick(pcb);
        pcb->tmr = tcp_ticks; /* lwIP's clock may have stood still when the block was made */
    } else if (list == &tcp_tw_pcbs) {
        tcp_timer_needed();
    }
}

void net_tcp_list_remove(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
    if (pcb->pprev == NULL) {
        return;
    }
    *pcb->pprev = pcb->next;
    if (pcb->next != NULL) {
        pcb->next->pprev = pcb->pprev;
    }
    if (tw_end == &pcb->next) {
        tw_end = pcb->pprev;
    }
    pcb->next = NULL;
    pcb->pprev = NULL;
    if (list == &tcp_active_pcbs) {
        net_tcp_tick_stop(pcb);
    }
    struct tcp_pcb **link = chain_for(list, pcb);
    if (link != NULL) {
        while (*link != pcb) {
            link = &(*link)->hash_next;
        }
        *link = pcb->hash_next;
        nconnections -= has_connections(list);
    }
}

struct tcp_pcb *net_tcp_find(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                             uint16_t remote_port, unsigned netif_idx)
{
    struct tcp_pcb *pcb = chains[hash(local, local_port, remote, remote_port) & (nchains - 1)];

    for (; pcb != NULL; pcb = pcb->hash_next) {
        if (pcb->remote_port == remote_port && pcb->local_port == local_port &&
            (pcb->netif_idx == NETIF_NO_INDEX || pcb->netif_idx == netif_idx) &&
            ip_addr_eq(&pcb->remote_ip, remote) && ip_addr_eq(&pcb->local_ip, local)) {
            return pcb;
        }
    }
    return NULL;
}

struct tcp_pcb *net_tcp_find4(uint32_t local, uint16_t local_port, uint32_t remote,
                              uint16_t remote_port, unsigned netif_idx)
{
    uint64_t ports = (uint64_t)local_port << 16 | remote_port;
    struct tcp_pcb *pcb = chains[hash4(local, remote, ports) & (nchains - 1)];

    for (; pcb != NULL; pcb = pcb->hash_next) {
        if (pcb->remote_port == remote_port && ip_2_ip4(&pcb->remote_ip)->addr == remote &&
            pcb->local_port == local_port && ip_2_ip4(&pcb->local_ip)->addr == local &&
            IP_IS_V4_VAL(pcb->remote_ip) && IP_IS_V4_VAL(pcb->local_ip) &&
            (pcb->netif_idx == NETIF_NO_INDEX || pcb->netif_idx == netif_idx)) {
            return pcb;
        }
    }
    return NULL;
}

bool net_tcp_taken(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                   uint16_t remote_port)
{
    const struct tcp_pcb *pcb =
        chains[hash(local, local_port, remote, remote_port) & (nchains - 1)];

    for (; pcb != NULL; pcb = pcb->hash_next) {
        if (pcb->remote_port == remote_port && pcb->local_port == local_port &&
            ip_addr_zoneless_eq(&pcb->remote_ip, remote) &&
            ip_addr_zoneless_eq(&pcb->local_ip, local)) {
            return true;
        }
    }
    return false;
}

struct tcp_pcb *net_tcp_listeners(uint16_t port)
{
    return listen_chains[port % LISTEN_CHAINS];
}
