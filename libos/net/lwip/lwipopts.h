/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's options, where they differ from the defaults of its lwip/opt.h.
 *
 * The order is that of opt.h. Sizes that depend on the machine's memory are variables, set once by
 * net_limits_init().
 */
#pragma once

#include <stdint.h>

#include "lwip_names.h" /* generated: each global of lwIP gets the prefix lwip_ */

/* Files of lwIP that we replace, and what it calls of us: libos/net defines these. */
#define memp_init            net_memp_init
#define memp_malloc          net_memp_alloc
#define memp_free            net_memp_free
#define sys_now              net_now_ms
#define sys_timeouts_init    net_timers_init
#define tcp_timer_needed     net_tcp_timer_needed

#define LWIP_HOOK_FILENAME "lwip_hooks.h"

/* ---- no threads of its own: everything under net_lock(), called by whoever has work ---- */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_TIMERS          1
#define LWIP_TIMERS_CUSTOM   1 /* libos/net/net_timers.c: no tick where nothing waits for one */

/* ---- memory: our heap, with limits in libos/net/net_memory.c ---- */
#define MEM_CUSTOM_ALLOCATOR 1
#define MEM_CUSTOM_MALLOC    net_mem_alloc
#define MEM_CUSTOM_CALLOC    net_mem_calloc
#define MEM_CUSTOM_FREE      net_mem_free
void *net_mem_alloc(__SIZE_TYPE__ size);
void *net_mem_calloc(__SIZE_TYPE__ n, __SIZE_TYPE__ size);
void net_mem_free(void *p);
#define MEM_ALIGNMENT        8
#define MEMP_MEM_MALLOC      1
#define MEMP_NUM_REASSDATA   16
#define PBUF_POOL_SIZE       0
#define PBUF_LINK_ENCAPSULATION_HLEN 16 /* for a virtio card's header (struct netbuf, headroom) */

#define LWIP_DISABLE_TCP_SANITY_CHECKS 1 /* they compare constants */

/*
 * Of a packet, in its first pbuf: bytes of TCP's data in each piece that the device is to make of it;
 * and whether it is TCP in IPv4 by net_tcp_short_output(), with TCP's checksum still to be made.
 */
#define LWIP_PBUF_CUSTOM_DATA         uint16_t gso_size; uint8_t short_tcp;
#define LWIP_PBUF_CUSTOM_DATA_INIT(p) ((p)->gso_size = 0, (p)->short_tcp = 0)

/* ---- Ethernet and ARP ---- */
#define LWIP_ARP                     1
#define ARP_TABLE_SIZE               32
#define ARP_QUEUEING                 1
#define ARP_QUEUE_LEN                8
#define ETHARP_TABLE_MATCH_NETIF     1
#define ETHARP_SUPPORT_STATIC_ENTRIES 0

/* ---- IPv4 ---- */
#define LWIP_IPV4                    1
#define IP_FORWARD                   0
#define IP_REASSEMBLY                1
#define IP_FRAG                      1
#define IP_REASS_MAX_PBUFS           128 /* a datagram of 64 KiB comes in 45 */
#define IP_SOF_BROADCAST             1
#define IP_SOF_BROADCAST_RECV        0   /* SO_BROADCAST is about sending (socket(7)) */
#define LWIP_ICMP                    1
#define LWIP_BROADCAST_PING          0
#define LWIP_MULTICAST_PING          0
#define LWIP_RAW                     0   /* nobody has raw sockets */
#define LWIP_IGMP                    1
#define LWIP_MULTICAST_TX_OPTIONS    1

#define LWIP_DHCP                    1
#define LWIP_ACD                     0
#define LWIP_DHCP_DOES_ACD_CHECK     0   /* it would cost seconds at each boot */
#define LWIP_DHCP_BOOTP_FILE         0
#define LWIP_DHCP_GET_NTP_SRV        0
#define LWIP_DHCP_MAX_DNS_SERVERS    2
#define LWIP_AUTOIP                  0
#define DHCP_ADD_EXTRA_REQUEST_OPTIONS , 26 /* interface MTU (RFC 2132, 5.1) */

#define LWIP_DNS                     1
#define DNS_MAX_SERVERS              4
#define DNS_TABLE_SIZE               8
#define DNS_MAX_NAME_LENGTH          256
#define LWIP_DNS_SUPPORT_MDNS_QUERIES 0
#define DNS_LOCAL_HOSTLIST           0

/* ---- ports that are given out: IANA's range is too small for many connections ---- */
#define TCP_LOCAL_PORT_RANGE_START   32768
#define TCP_LOCAL_PORT_RANGE_END     60999
#define TCP_ENSURE_LOCAL_PORT_RANGE(port) ((uint16_t)(32768 + (port) % (61000 - 32768)))
#define UDP_LOCAL_PORT_RANGE_START   TCP_LOCAL_PORT_RANGE_START
#define UDP_LOCAL_PORT_RANGE_END     TCP_LOCAL_PORT_RANGE_END
#define UDP_ENSURE_LOCAL_PORT_RANGE  TCP_ENSURE_LOCAL_PORT_RANGE

/* ---- UDP ---- */
#define LWIP_UDP                     1
#define LWIP_UDPLITE                 0
#define LWIP_NETBUF_RECVINFO         0

/* ---- TCP ---- */
#define LWIP_TCP                     1
extern uint32_t net_tcp_wnd;    /* bytes: what a connection receives ahead of its reader */
extern uint32_t net_tcp_sndbuf; /* bytes: what a connection keeps to send */
#define TCP_MSS                      1460 /* for IPv6 lwIP subtracts the longer header itself */
/* init.c compares it in #if, where a variable counts as 0. */
#define TCP_WND                      (net_tcp_wnd ? net_tcp_wnd : 65536U)
#define TCP_SND_BUF                  net_tcp_sndbuf
#define TCP_SND_QUEUELEN             8192
#define TCP_SNDLOWAT                 1
#define TCP_SNDQUEUELOWAT            1
/* Used where `pcb` is in scope. A small window is told of early, else its peer would wait for a probe. */
#define TCP_WND_UPDATE_THRESHOLD     LWIP_MIN(pcb->rcv_wnd_max / 4, 4 * TCP_MSS)
#define LWIP_WND_SCALE               1
#define TCP_RCV_SCALE                4    /* up to 1 MiB */
#define TCP_QUEUE_OOSEQ              1
#define TCP_OOSEQ_MAX_PBUFS          512
#define TCP_OOSEQ_MAX_BYTES          net_tcp_wnd
#define LWIP_TCP_SACK_OUT            1
#define LWIP_TCP_MAX_SACK_NUM        4
#define LWIP_TCP_TIMESTAMPS          0    /* 100 to 200 instructions per packet for nothing here */
#define TCP_LISTEN_BACKLOG           0    /* sock_tcp_listen.c counts */
#define LWIP_TCP_PCB_NUM_EXT_ARGS    1    /* the socket, to know when lwIP frees a pcb */
#define LWIP_TCP_KEEPALIVE           1
#define TCP_TMR_INTERVAL             100  /* ms; delayed ACKs, and half the unit of timeouts */
#define LWIP_TCP_RTO_TIME            1000 /* RFC 6298, 2.1 */
extern uint32_t net_tcp_msl;
#define TCP_MSL                      net_tcp_msl /* ms; 30 s: TIME_WAIT of 60 s, as Linux has it */
#define TCP_SYNMAXRTX                6

/* ---- interfaces ---- */
/*
 * Changes with each change of an interface's addresses, routes or flags, or of a neighbour: what has
 * been learnt of a packet's way holds as long as it has the same value. It is odd, never 0.
 */
extern uint32_t net_paths;
#define NET_PATHS_CHANGED()          ((void)(net_paths += 2))
#define LWIP_SINGLE_NETIF            0
#define LWIP_NETIF_HOSTNAME          1
#define LWIP_NETIF_API               0
#define LWIP_NETIF_STATUS_CALLBACK   1
#define LWIP_NETIF_EXT_STATUS_CALLBACK 0
#define LWIP_NETIF_LINK_CALLBACK     1
#define LWIP_NETIF_REMOVE_CALLBACK   0
#define LWIP_NETIF_HWADDRHINT        1
#define LWIP_NETIF_TX_SINGLE_PBUF    0
#define LWIP_HAVE_LOOPIF             1
#define LWIP_NETIF_LOOPBACK          1
#define LWIP_LOOPIF_MULTICAST        1
#define LWIP_LOOPBACK_MAX_PBUFS      1024
#define LWIP_NUM_NETIF_CLIENT_DATA   0
#define LWIP_SUPPORT_CUSTOM_PBUF     1    /* frames stay in the driver's buffers */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define SO_REUSE                     1
#define SO_REUSE_RXTOALL             1

/* ---- IPv6 ---- */
#define LWIP_IPV6                    1
#define LWIP_IPV6_NUM_ADDRESSES      4
#define IPV6_FRAG_COPYHEADER         1    /* a fragment has no room for pointers */
#define LWIP_IPV6_FRAG               1
#define LWIP_IPV6_REASS              1
#define LWIP_IPV6_AUTOCONFIG         1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 1
#define LWIP_IPV6_FORWARD            0
#define LWIP_IPV6_MLD                1
#define LWIP_IPV6_DHCP6              0
#define LWIP_ICMP6                   1
#define LWIP_ND6_QUEUEING            1
#define MEMP_NUM_ND6_QUEUE           64
#define LWIP_ND6_NUM_NEIGHBORS       32
#define LWIP_ND6_NUM_DESTINATIONS    64
#define LWIP_ND6_NUM_PREFIXES        4
#define LWIP_ND6_NUM_ROUTERS         3
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 2

/* ---- counters, for net_stats() ---- */
#define LWIP_STATS                   1
#define LWIP_STATS_LARGE             1
#define LWIP_STATS_DISPLAY           0
#define MEM_STATS                    0
#define MEMP_STATS                   0
#define SYS_STATS                    0
#define MIB2_STATS                   1
#define LWIP_MIB2_CALLBACKS          0
#define IP6_STATS                    1
#define ICMP6_STATS                  1
#define IP6_FRAG_STATS               1
#define MLD6_STATS                   1
#define ND6_STATS                    1

/* The C library has htons() and the like; lwIP's own are used under its own names. */
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 1
#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)
