/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the network is like now: interfaces, their addresses, name servers. For getifaddrs(),
 * if_nametoindex(), the SIOCGIF... requests and the resolver; none of lwIP's types shows here.
 *
 * All calls start the network if that has not happened. Context: thread, net_lock not held.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define NET_IF_NAME  16
#define NET_IF_ADDRS 8 /* at most, of one interface */

struct net_if_addr {
    int family;             /* AF_INET, AF_INET6 */
    uint8_t addr[16];       /* network order; of IPv4 the first 4 bytes */
    unsigned prefix;        /* bits of the network part */
};

struct net_if {
    char name[NET_IF_NAME]; /* "lo", "eth0" */
    unsigned index;         /* from 1 */
    unsigned flags;         /* IFF_... of <net/if.h> */
    unsigned mtu;
    uint8_t mac[6];
    unsigned count;
    struct net_if_addr addrs[NET_IF_ADDRS];
};

/* The interface after number `index` (0: the first one) in *out; false when there is none. */
bool net_if_next(unsigned index, struct net_if *out);

/*
 * Name servers to ask, best first: from the command line, DHCP or router advertisements. Waits until
 * the interfaces have their addresses. Returns how many there are, at most `max`.
 */
unsigned net_dns_servers(struct sockaddr_storage *out, unsigned max);

struct file;

/*
 * The requests SIOCGIFCONF, SIOCGIFNAME, SIOCGIFINDEX, SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFNETMASK,
 * SIOCGIFBRDADDR, SIOCGIFHWADDR, SIOCGIFMTU, SIOCGIFMETRIC, SIOCGIFTXQLEN, SIOCGIFDSTADDR of a
 * socket, for its file_ops.ioctl. Errors: -ENOTTY for any other, -ENODEV, -EADDRNOTAVAIL, -EPERM for
 * those that would change something, -EFAULT.
 */
int net_if_ioctl(unsigned long request, void *arg);
