/* SPDX-License-Identifier: BSD-2-Clause */
/* htonl() and its kin as functions, for who takes their addresses; calls are inline. */
#include <netinet/in.h>

#undef htonl
#undef htons
#undef ntohl
#undef ntohs

uint32_t htonl(uint32_t host)
{
    return __builtin_bswap32(host);
}

uint16_t htons(uint16_t host)
{
    return __builtin_bswap16(host);
}

uint32_t ntohl(uint32_t net)
{
    return __builtin_bswap32(net);
}

uint16_t ntohs(uint16_t net)
{
    return __builtin_bswap16(net);
}
