/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internet addresses and protocols. Numbers and layouts as on Linux x86-64 (ip(7), ipv6(7),
 * uapi/linux/in.h, uapi/linux/in6.h); which options do something is in docs/network.md.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint16_t in_port_t; /* in network byte order, as all below */
typedef uint32_t in_addr_t;

struct in_addr {
    in_addr_t s_addr;
};

struct sockaddr_in {
    sa_family_t sin_family;
    in_port_t sin_port;
    struct in_addr sin_addr;
    unsigned char sin_zero[8];
};

struct in6_addr {
    union {
        uint8_t __bytes[16];
        uint16_t __words[8];
        uint32_t __longs[4];
    } __in6;
};
#define s6_addr   __in6.__bytes
#define s6_addr16 __in6.__words
#define s6_addr32 __in6.__longs

struct sockaddr_in6 {
    sa_family_t sin6_family;
    in_port_t sin6_port;
    uint32_t sin6_flowinfo;
    struct in6_addr sin6_addr;
    uint32_t sin6_scope_id; /* interface index of a link-local address */
};

/* Of these the byte order is the host's: htonl() is for the program to call. */
#define INADDR_ANY             ((in_addr_t)0x00000000)
#define INADDR_BROADCAST       ((in_addr_t)0xffffffff)
#define INADDR_NONE            ((in_addr_t)0xffffffff)
#define INADDR_LOOPBACK        ((in_addr_t)0x7f000001)
#define INADDR_UNSPEC_GROUP    ((in_addr_t)0xe0000000)
#define INADDR_ALLHOSTS_GROUP  ((in_addr_t)0xe0000001)
#define INADDR_ALLRTRS_GROUP   ((in_addr_t)0xe0000002)
#define INADDR_MAX_LOCAL_GROUP ((in_addr_t)0xe00000ff)

#define IN_CLASSA(a)    (((a) & 0x80000000u) == 0)
#define IN_CLASSB(a)    (((a) & 0xc0000000u) == 0x80000000u)
#define IN_CLASSC(a)    (((a) & 0xe0000000u) == 0xc0000000u)
#define IN_CLASSD(a)    (((a) & 0xf0000000u) == 0xe0000000u)
#define IN_MULTICAST(a) IN_CLASSD(a)
#define IN_LOOPBACKNET  127

#define INET_ADDRSTRLEN  16
#define INET6_ADDRSTRLEN 46

extern const struct in6_addr in6addr_any;
extern const struct in6_addr in6addr_loopback;
#define IN6ADDR_ANY_INIT      { { { 0 } } }
#define IN6ADDR_LOOPBACK_INIT { { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } } }

#define IPPROTO_IP       0
#define IPPROTO_HOPOPTS  0
#define IPPROTO_ICMP     1
#define IPPROTO_IGMP     2
#define IPPROTO_IPIP     4
#define IPPROTO_TCP      6
#define IPPROTO_EGP      8
#define IPPROTO_PUP      12
#define IPPROTO_UDP      17
#define IPPROTO_IDP      22
#define IPPROTO_IPV6     41
#define IPPROTO_ROUTING  43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_GRE      47
#define IPPROTO_ESP      50
#define IPPROTO_AH       51
#define IPPROTO_ICMPV6   58
#define IPPROTO_NONE     59
#define IPPROTO_DSTOPTS  60
#define IPPROTO_SCTP     132
#define IPPROTO_UDPLITE  136
#define IPPROTO_RAW      255
#define IPPROTO_MAX      256

#define IPPORT_RESERVED     1024
#define IPPORT_USERRESERVED 5000

#define SOL_IP     IPPROTO_IP
#define SOL_IPV6   IPPROTO_IPV6
#define SOL_ICMPV6 IPPROTO_ICMPV6

#define IP_TOS                    1
#define IP_TTL                    2
#define IP_HDRINCL                3
#define IP_OPTIONS                4
#define IP_RECVOPTS               6
#define IP_RETOPTS                7
#define IP_PKTINFO                8
#define IP_MTU_DISCOVER           10
#define IP_RECVERR                11
#define IP_RECVTTL                12
#define IP_RECVTOS                13
#define IP_MTU                    14
#define IP_FREEBIND               15
#define IP_TRANSPARENT            19
#define IP_BIND_ADDRESS_NO_PORT   24
#define IP_MULTICAST_IF           32
#define IP_MULTICAST_TTL          33
#define IP_MULTICAST_LOOP         34
#define IP_ADD_MEMBERSHIP         35
#define IP_DROP_MEMBERSHIP        36
#define IP_UNBLOCK_SOURCE         37
#define IP_BLOCK_SOURCE           38
#define IP_ADD_SOURCE_MEMBERSHIP  39
#define IP_DROP_SOURCE_MEMBERSHIP 40
#define IP_MULTICAST_ALL          49
#define MCAST_JOIN_GROUP          42
#define MCAST_LEAVE_GROUP         45

#define IP_PMTUDISC_DONT  0
#define IP_PMTUDISC_WANT  1
#define IP_PMTUDISC_DO    2
#define IP_PMTUDISC_PROBE 3

#define IP_DEFAULT_MULTICAST_TTL  1
#define IP_DEFAULT_MULTICAST_LOOP 1

#define IPV6_ADDRFORM        1
#define IPV6_UNICAST_HOPS    16
#define IPV6_MULTICAST_IF    17
#define IPV6_MULTICAST_HOPS  18
#define IPV6_MULTICAST_LOOP  19
#define IPV6_ADD_MEMBERSHIP  20
#define IPV6_DROP_MEMBERSHIP 21
#define IPV6_JOIN_GROUP      IPV6_ADD_MEMBERSHIP
#define IPV6_LEAVE_GROUP     IPV6_DROP_MEMBERSHIP
#define IPV6_MTU_DISCOVER    23
#define IPV6_MTU             24
#define IPV6_RECVERR         25
#define IPV6_V6ONLY          26
#define IPV6_RECVPKTINFO     49
#define IPV6_PKTINFO         50
#define IPV6_RECVHOPLIMIT    51
#define IPV6_HOPLIMIT        52
#define IPV6_RECVTCLASS      66
#define IPV6_TCLASS          67
#define IPV6_DONTFRAG        62

struct ip_mreq {
    struct in_addr imr_multiaddr;
    struct in_addr imr_interface;
};

struct ip_mreqn {
    struct in_addr imr_multiaddr;
    struct in_addr imr_address;
    int imr_ifindex;
};

struct ip_mreq_source {
    struct in_addr imr_multiaddr;
    struct in_addr imr_interface;
    struct in_addr imr_sourceaddr;
};

struct ipv6_mreq {
    struct in6_addr ipv6mr_multiaddr;
    unsigned int ipv6mr_interface;
};

struct group_req {
    uint32_t gr_interface;
    struct sockaddr_storage gr_group;
};

/* Control messages of IP_PKTINFO and IPV6_PKTINFO. */
struct in_pktinfo {
    int ipi_ifindex;
    struct in_addr ipi_spec_dst; /* our address on that interface */
    struct in_addr ipi_addr;     /* the destination in the header */
};

struct in6_pktinfo {
    struct in6_addr ipi6_addr;
    unsigned int ipi6_ifindex;
};

/* Also functions of <arpa/inet.h>, so that programs may take their addresses. */
uint32_t htonl(uint32_t host);
uint16_t htons(uint16_t host);
uint32_t ntohl(uint32_t net);
uint16_t ntohs(uint16_t net);
#define htonl(x) __builtin_bswap32(x)
#define htons(x) __builtin_bswap16(x)
#define ntohl(x) __builtin_bswap32(x)
#define ntohs(x) __builtin_bswap16(x)

#define __in6_long(a, i) (((const struct in6_addr *)(a))->s6_addr32[i])
#define __in6_byte(a, i) (((const struct in6_addr *)(a))->s6_addr[i])
#define IN6_IS_ADDR_UNSPECIFIED(a) \
    ((__in6_long(a, 0) | __in6_long(a, 1) | __in6_long(a, 2) | __in6_long(a, 3)) == 0)
#define IN6_IS_ADDR_LOOPBACK(a) \
    ((__in6_long(a, 0) | __in6_long(a, 1) | __in6_long(a, 2)) == 0 && \
     __in6_long(a, 3) == htonl(1))
#define IN6_IS_ADDR_MULTICAST(a) (__in6_byte(a, 0) == 0xff)
#define IN6_IS_ADDR_LINKLOCAL(a) (__in6_byte(a, 0) == 0xfe && (__in6_byte(a, 1) & 0xc0) == 0x80)
#define IN6_IS_ADDR_SITELOCAL(a) (__in6_byte(a, 0) == 0xfe && (__in6_byte(a, 1) & 0xc0) == 0xc0)
#define IN6_IS_ADDR_V4MAPPED(a) \
    ((__in6_long(a, 0) | __in6_long(a, 1)) == 0 && __in6_long(a, 2) == htonl(0xffff))
#define IN6_IS_ADDR_V4COMPAT(a) \
    ((__in6_long(a, 0) | __in6_long(a, 1) | __in6_long(a, 2)) == 0 && \
     ntohl(__in6_long(a, 3)) > 1)
#define IN6_ARE_ADDR_EQUAL(a, b) \
    (__in6_long(a, 0) == __in6_long(b, 0) && __in6_long(a, 1) == __in6_long(b, 1) && \
     __in6_long(a, 2) == __in6_long(b, 2) && __in6_long(a, 3) == __in6_long(b, 3))
#define IN6_IS_ADDR_MC_NODELOCAL(a) \
    (IN6_IS_ADDR_MULTICAST(a) && (__in6_byte(a, 1) & 0x0f) == 0x1)
#define IN6_IS_ADDR_MC_LINKLOCAL(a) \
    (IN6_IS_ADDR_MULTICAST(a) && (__in6_byte(a, 1) & 0x0f) == 0x2)
#define IN6_IS_ADDR_MC_SITELOCAL(a) \
    (IN6_IS_ADDR_MULTICAST(a) && (__in6_byte(a, 1) & 0x0f) == 0x5)
#define IN6_IS_ADDR_MC_ORGLOCAL(a) \
    (IN6_IS_ADDR_MULTICAST(a) && (__in6_byte(a, 1) & 0x0f) == 0x8)
#define IN6_IS_ADDR_MC_GLOBAL(a) \
    (IN6_IS_ADDR_MULTICAST(a) && (__in6_byte(a, 1) & 0x0f) == 0xe)

#ifdef __cplusplus
}
#endif
