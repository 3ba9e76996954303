/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4 networks by class, for the programs that still ask; all numbers in host order but in_addr. */
#include <arpa/inet.h>
#include <stdint.h>

/* Bits of the host part: class A 24, B 16, C and above 8. */
static unsigned host_bits(uint32_t addr)
{
    if (addr >> 31 == 0) {
        return 24;
    }
    return addr >> 30 == 2 ? 16 : 8;
}

in_addr_t inet_lnaof(struct in_addr in)
{
    uint32_t addr = ntohl(in.s_addr);
    return addr & ((1u << host_bits(addr)) - 1);
}

in_addr_t inet_netof(struct in_addr in)
{
    uint32_t addr = ntohl(in.s_addr);
    return addr >> host_bits(addr);
}

/* A network is as long as its number is: 10 is 10.0.0.0, 0xac10 is 172.16.0.0. */
struct in_addr inet_makeaddr(in_addr_t net, in_addr_t host)
{
    unsigned bits = net < 0x80 ? 24 : net < 0x10000 ? 16 : net < 0x1000000 ? 8 : 0;
    uint32_t addr = net << bits | (bits == 0 ? 0 : host & ((1u << bits) - 1));
    if (bits == 0) {
        addr |= host;
    }
    return (struct in_addr){.s_addr = htonl(addr)};
}
