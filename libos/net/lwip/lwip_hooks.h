/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions of libos/net that lwIP calls, at places where it offers a hook or where a patch of ours
 * (toolchain/patches/lwip) makes one. Context of all: net_lock held.
 */
#pragma once

#include <stdint.h>

#include <lwip/ip_addr.h>

struct netif;
struct pbuf;

/* The first sequence number of a connection (RFC 6528). */
uint32_t net_tcp_isn(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                     uint16_t remote_port);
#define LWIP_HOOK_TCP_ISN net_tcp_isn

/*
 * An ICMP message has arrived that tells of an error; p begins with its ICMP header and stays the
 * caller's.
 */
void net_icmp4_error(struct pbuf *p);
void net_icmp6_error(struct pbuf *p);

/*
 * p begins with its IP header and is to be cut into fragments for `netif`: where that one's device
 * would have finished the UDP or TCP checksum, do it now.
 */
void net_finish_checksum4(struct pbuf *p, const struct netif *netif);
void net_finish_checksum6(struct pbuf *p, const struct netif *netif);

/* The i-th name server that a source tells, or (valid 0) that it takes back. */
enum net_dns_source { NET_DNS_DHCP, NET_DNS_ROUTER };
void net_dns_learned(enum net_dns_source source, unsigned i, const ip_addr_t *server, int valid);

/*
 * An option of a DHCP server's message that lwIP doesn't know, `len` bytes at `offset` of p. lwIP
 * itself names as interface one that has an address, which is not the one that asks for one.
 */
void net_dhcp_option(struct netif *netif, unsigned option, unsigned len, const struct pbuf *p,
                     unsigned offset);
#define LWIP_HOOK_DHCP_PARSE_OPTION(netif, dhcp, state, msg, msg_type, option, len, pbuf, offset) \
    do {                                                                                        \
        (void)(msg);                                                                            \
        net_dhcp_option(ip_current_input_netif(), option, len, pbuf, offset);                   \
    } while (0)

/* The next hop for IPv6 destinations outside of the prefixes; NULL: a router's choice. */
const ip6_addr_t *net_ip6_gateway(const struct netif *netif);
#define LWIP_HOOK_ND6_GET_GW(netif, dest) net_ip6_gateway(netif)

/* Pbufs for memory that tcp_write() does not copy, and whether one may be made longer. */
struct pbuf *sock_zc_pbuf(uint16_t len);
_Bool sock_zc_pbuf_is_current(const struct pbuf *p);
#define TCP_REF_ALLOC(layer, len) sock_zc_pbuf(len)
#define TCP_REF_EXTENDS(p)        sock_zc_pbuf_is_current(p)
