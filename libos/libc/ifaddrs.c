/* SPDX-License-Identifier: BSD-2-Clause */
/* getifaddrs, if_nametoindex and their kin, over what pith/netinfo.h tells. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pith/netinfo.h>

union any_addr {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* An entry and all that it points to. */
struct entry {
    struct ifaddrs ifa;
    char name[NET_IF_NAME];
    union any_addr addr, mask, broadcast;
};

/* The first `bits` of n bytes set. */
static void prefix_mask(uint8_t *out, unsigned n, unsigned bits)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned here = bits > 8 ? 8 : bits;
        out[i] = (uint8_t)(0xff00u >> here);
        bits -= here;
    }
}

static void fill_v4(struct entry *e, const struct net_if_addr *a)
{
    e->addr.v4.sin_family = e->mask.v4.sin_family = AF_INET;
    memcpy(&e->addr.v4.sin_addr, a->addr, 4);
    prefix_mask((uint8_t *)&e->mask.v4.sin_addr, 4, a->prefix);
    if ((e->ifa.ifa_flags & IFF_BROADCAST) != 0) {
        e->broadcast.v4.sin_family = AF_INET;
        e->broadcast.v4.sin_addr.s_addr = e->addr.v4.sin_addr.s_addr | ~e->mask.v4.sin_addr.s_addr;
        e->ifa.ifa_broadaddr = &e->broadcast.sa;
    }
}

static void fill_v6(struct entry *e, const struct net_if_addr *a, unsigned index)
{
    e->addr.v6.sin6_family = e->mask.v6.sin6_family = AF_INET6;
    memcpy(&e->addr.v6.sin6_addr, a->addr, 16);
    prefix_mask((uint8_t *)&e->mask.v6.sin6_addr, 16, a->prefix);
    if (a->addr[0] == 0xfe && (a->addr[1] & 0xc0) == 0x80) {
        e->addr.v6.sin6_scope_id = index;
    }
}

int getifaddrs(struct ifaddrs **list)
{
    struct ifaddrs *first = NULL, **tail = &first;
    struct net_if interface;
    for (unsigned index = 0; net_if_next(index, &interface); index = interface.index) {
        for (unsigned i = 0; i < interface.count; i++) {
            struct entry *e = calloc(1, sizeof(*e));
            if (e == NULL) {
                freeifaddrs(first);
                errno = ENOMEM;
                return -1;
            }
            memcpy(e->name, interface.name, sizeof(e->name));
            e->ifa.ifa_name = e->name;
            e->ifa.ifa_flags = interface.flags;
            e->ifa.ifa_addr = &e->addr.sa;
            e->ifa.ifa_netmask = &e->mask.sa;
            if (interface.addrs[i].family == AF_INET) {
                fill_v4(e, &interface.addrs[i]);
            } else {
                fill_v6(e, &interface.addrs[i], interface.index);
            }
            *tail = &e->ifa;
            tail = &e->ifa.ifa_next;
        }
    }
    *list = first;
    return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
    while (list != NULL) {
        struct ifaddrs *next = list->ifa_next;
        free(list);
        list = next;
    }
}

unsigned int if_nametoindex(const char *name)
{
    struct net_if interface;
    for (unsigned index = 0; net_if_next(index, &interface); index = interface.index) {
        if (strcmp(interface.name, name) == 0) {
            return interface.index;
        }
    }
    errno = ENODEV;
    return 0;
}

char *if_indextoname(unsigned int number, char name[IF_NAMESIZE])
{
    struct net_if interface;
    for (unsigned index = 0; net_if_next(index, &interface); index = interface.index) {
        if (interface.index == number) {
            return memcpy(name, interface.name, NET_IF_NAME);
        }
    }
    errno = ENXIO;
    return NULL;
}

struct if_nameindex *if_nameindex(void)
{
    struct net_if interface;
    size_t n = 0;
    for (unsigned index = 0; net_if_next(index, &interface); index = interface.index) {
        n++;
    }
    /* The names lie behind the list; interfaces do not go away, and one that comes now is left out. */
    struct if_nameindex *list = calloc(n + 1, sizeof(*list) + NET_IF_NAME);
    if (list == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    char *names = (char *)(list + n + 1);
    unsigned index = 0;
    for (size_t i = 0; i < n && net_if_next(index, &interface); i++) {
        index = interface.index;
        list[i].if_index = index;
        list[i].if_name = memcpy(names + i * NET_IF_NAME, interface.name, NET_IF_NAME);
    }
    return list;
}

void if_freenameindex(struct if_nameindex *list)
{
    free(list);
}
