/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of the network interfaces. Layout as on Linux (getifaddrs(3)). */
#pragma once

#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ifaddrs {
    struct ifaddrs *ifa_next;
    char *ifa_name;
    unsigned int ifa_flags;         /* IFF_... of <net/if.h> */
    struct sockaddr *ifa_addr;      /* of AF_INET or AF_INET6 */
    struct sockaddr *ifa_netmask;   /* of the same family */
    union {
        struct sockaddr *ifu_broadaddr; /* IFF_BROADCAST: IPv4 only, else NULL */
        struct sockaddr *ifu_dstaddr;
    } ifa_ifu;
    void *ifa_data;                 /* NULL */
};
#define ifa_broadaddr ifa_ifu.ifu_broadaddr
#define ifa_dstaddr   ifa_ifu.ifu_dstaddr

/* One entry per address; freed by freeifaddrs(). -1 with errno: ENOMEM. */
int getifaddrs(struct ifaddrs **list);
void freeifaddrs(struct ifaddrs *list);

#ifdef __cplusplus
}
#endif
