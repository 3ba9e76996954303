/* SPDX-License-Identifier: BSD-2-Clause */
/* Network interfaces by name and number. Layouts and numbers as on Linux (uapi/linux/if.h). */
#pragma once

#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IF_NAMESIZE 16
#define IFNAMSIZ    IF_NAMESIZE
#define IFHWADDRLEN 6

#define IFF_UP          0x1
#define IFF_BROADCAST   0x2
#define IFF_DEBUG       0x4
#define IFF_LOOPBACK    0x8
#define IFF_POINTOPOINT 0x10
#define IFF_RUNNING     0x40 /* up, and the link is */
#define IFF_NOARP       0x80
#define IFF_PROMISC     0x100
#define IFF_ALLMULTI    0x200
#define IFF_MULTICAST   0x1000
#define IFF_LOWER_UP    0x10000 /* the link is up */

struct ifmap {
    unsigned long mem_start, mem_end;
    unsigned short base_addr;
    unsigned char irq, dma, port;
};

/* What the SIOCGIF... requests of <sys/ioctl.h> take. */
struct ifreq {
    char ifr_name[IFNAMSIZ];
    union {
        struct sockaddr ifr_addr;
        struct sockaddr ifr_dstaddr;
        struct sockaddr ifr_broadaddr;
        struct sockaddr ifr_netmask;
        struct sockaddr ifr_hwaddr;
        short ifr_flags;
        int ifr_ifindex;
        int ifr_metric;
        int ifr_mtu;
        struct ifmap ifr_map;
        char ifr_slave[IFNAMSIZ];
        char ifr_newname[IFNAMSIZ];
        char *ifr_data;
    };
};

struct ifconf {
    int ifc_len; /* bytes, in and out */
    union {
        char *ifc_buf;
        struct ifreq *ifc_req;
    };
};

struct if_nameindex {
    unsigned int if_index;
    char *if_name;
};

/* 0 or NULL with errno when there is none: ENODEV of a name, ENXIO of a number. */
unsigned int if_nametoindex(const char *name);
char *if_indextoname(unsigned int index, char name[IF_NAMESIZE]);

/* All of them, ended by one with if_index 0; freed by if_freenameindex(). NULL with errno: ENOMEM. */
struct if_nameindex *if_nameindex(void);
void if_freenameindex(struct if_nameindex *list);

#ifdef __cplusplus
}
#endif
