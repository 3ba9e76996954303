/* SPDX-License-Identifier: BSD-2-Clause */
/* The SIOCGIF... requests of netdevice(7), for programs older than getifaddrs(). */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <net/if.h>

#include <pith/netinfo.h>

#define ARPHRD_ETHER    1
#define ARPHRD_LOOPBACK 772
#define TX_QUEUE_LEN    1000 /* what Linux says of an Ethernet device; nothing depends on it */

static bool find(const char *name, struct net_if *out)
{
    for (unsigned index = 0; net_if_next(index, out); index = out->index) {
        if (strncmp(out->name, name, IFNAMSIZ) == 0) {
            return true;
        }
    }
    return false;
}

static const struct net_if_addr *first_v4(const struct net_if *interface)
{
    for (unsigned i = 0; i < interface->count; i++) {
        if (interface->addrs[i].family == AF_INET) {
            return &interface->addrs[i];
        }
    }
    return NULL;
}

/* An IPv4 address, or'd with the host bits (`host`) or replaced by the mask (`mask`). */
static int put_v4(const struct net_if *interface, struct sockaddr *out, bool mask, bool host)
{
    const struct net_if_addr *a = first_v4(interface);
    struct sockaddr_in sa = {.sin_family = AF_INET};
    if (a == NULL) {
        return -EADDRNOTAVAIL;
    }
    uint32_t bits = a->prefix == 0 ? 0 : ~0u << (32 - a->prefix);
    uint32_t net = __builtin_bswap32(bits);
    memcpy(&sa.sin_addr, a->addr, 4);
    if (mask) {
        sa.sin_addr.s_addr = net;
    } else if (host) {
        sa.sin_addr.s_addr = (interface->flags & IFF_BROADCAST) != 0 ? sa.sin_addr.s_addr | ~net : 0;
    }
    memcpy(out, &sa, sizeof(sa));
    return 0;
}

/* All interfaces that have an IPv4 address, as many as fit. */
static int list(struct ifconf *conf)
{
    struct net_if interface;
    int used = 0;
    const int size = (int)sizeof(struct ifreq);
    for (unsigned index = 0; net_if_next(index, &interface); index = interface.index) {
        struct ifreq req = {0};
        memcpy(req.ifr_name, interface.name, IFNAMSIZ);
        if (put_v4(&interface, &req.ifr_addr, false, false) != 0) {
            continue;
        }
        if (conf->ifc_buf != NULL) {
            if (conf->ifc_len - used < size) {
                break;
            }
            memcpy(conf->ifc_buf + used, &req, sizeof(req));
        }
        used += size;
    }
    conf->ifc_len = used;
    return 0;
}

static int name_of(struct ifreq *req)
{
    struct net_if interface;
    for (unsigned index = 0; net_if_next(index, &interface); index = interface.index) {
        if ((int)interface.index == req->ifr_ifindex) {
            memcpy(req->ifr_name, interface.name, IFNAMSIZ);
            return 0;
        }
    }
    return -ENODEV;
}

static int get(unsigned long request, const struct net_if *interface, struct ifreq *req)
{
    switch (request) {
    case SIOCGIFINDEX:
        req->ifr_ifindex = (int)interface->index;
        return 0;
    case SIOCGIFFLAGS:
        req->ifr_flags = (short)interface->flags;
        return 0;
    case SIOCGIFMTU:
        req->ifr_mtu = (int)interface->mtu;
        return 0;
    case SIOCGIFMETRIC:
        req->ifr_metric = 0;
        return 0;
    case SIOCGIFTXQLEN:
        req->ifr_metric = TX_QUEUE_LEN; /* ifr_qlen has the same place */
        return 0;
    case SIOCGIFHWADDR:
        memset(&req->ifr_hwaddr, 0, sizeof(req->ifr_hwaddr));
        req->ifr_hwaddr.sa_family = (interface->flags & IFF_LOOPBACK) != 0 ? ARPHRD_LOOPBACK
                                                                           : ARPHRD_ETHER;
        memcpy(req->ifr_hwaddr.sa_data, interface->mac, sizeof(interface->mac));
        return 0;
    case SIOCGIFNETMASK:
        return put_v4(interface, &req->ifr_netmask, true, false);
    case SIOCGIFBRDADDR:
        return put_v4(interface, &req->ifr_broadaddr, false, true);
    default: /* SIOCGIFADDR; SIOCGIFDSTADDR is the same where there is no peer */
        return put_v4(interface, &req->ifr_addr, false, false);
    }
}

int net_if_ioctl(unsigned long request, void *arg)
{
    struct net_if interface;
    struct ifreq *req = arg;
    switch (request) {
    case SIOCGIFCONF:
        return arg == NULL ? -EFAULT : list(arg);
    case SIOCGIFNAME:
        return arg == NULL ? -EFAULT : name_of(req);
    case SIOCGIFINDEX:
    case SIOCGIFFLAGS:
    case SIOCGIFMTU:
    case SIOCGIFMETRIC:
    case SIOCGIFTXQLEN:
    case SIOCGIFHWADDR:
    case SIOCGIFNETMASK:
    case SIOCGIFBRDADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFADDR:
        if (arg == NULL) {
            return -EFAULT;
        }
        return find(req->ifr_name, &interface) ? get(request, &interface, req) : -ENODEV;
    case SIOCSIFFLAGS:
    case SIOCSIFADDR:
    case SIOCSIFNETMASK:
    case SIOCSIFBRDADDR:
    case SIOCSIFMTU:
    case SIOCSIFHWADDR:
        return -EPERM; /* addresses come from the command line */
    default:
        return -ENOTTY;
    }
}
