/* SPDX-License-Identifier: BSD-2-Clause */
/* Network devices: the list of them, their names, and who uses which. Needs no TCP/IP stack. */
#include <pith/netdev.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <pith/log.h>
#include <pith/platform.h>
#include <pith/random.h>
#include <pith/spinlock.h>

/* Of the list and of who has claimed what. Drivers' interrupts take no lock of ours. */
static struct spinlock lock = SPINLOCK_INIT;
static struct netdev *first; /* in the order of attachment, grows at the end */
static unsigned count;
static pthread_once_t probed = PTHREAD_ONCE_INIT;

/* The first byte's two lowest bits (IEEE 802, 8.2): a group; not given by a manufacturer. */
#define MAC_GROUP 0x01
#define MAC_LOCAL 0x02

static bool mac_is_usable(const uint8_t *mac)
{
    static const uint8_t none[6];
    return (mac[0] & MAC_GROUP) == 0 && memcmp(mac, none, sizeof(none)) != 0;
}

void netdev_attach(struct netdev *dev)
{
    if (!mac_is_usable(dev->mac)) {
        random_bytes(dev->mac, sizeof(dev->mac));
        dev->mac[0] = (uint8_t)((dev->mac[0] & ~MAC_GROUP) | MAC_LOCAL);
    }
    bool was = spin_lock(&lock);
    struct netdev **end = &first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    log_format(dev->name, sizeof(dev->name), "eth%u", count++);
    dev->next = NULL;
    __atomic_store_n(end, dev, __ATOMIC_RELEASE);
    spin_unlock(&lock, was);
    const uint8_t *m = dev->mac;
    klog(LOG_INFO, "%s: %02x:%02x:%02x:%02x:%02x:%02x, MTU %u, link %s", dev->name, m[0], m[1],
         m[2], m[3], m[4], m[5], dev->mtu, dev->link_up ? "up" : "down");
}

static void probe(void)
{
    platform_probe_net();
}

struct netdev *netdev_at(unsigned i)
{
    pthread_once(&probed, probe);
    struct netdev *dev = __atomic_load_n(&first, __ATOMIC_ACQUIRE);
    while (dev != NULL && i-- != 0) {
        dev = __atomic_load_n(&dev->next, __ATOMIC_ACQUIRE);
    }
    return dev;
}

struct netdev *netdev_find(const char *name)
{
    struct netdev *dev = netdev_at(0);
    while (dev != NULL && strcmp(dev->name, name) != 0) {
        dev = __atomic_load_n(&dev->next, __ATOMIC_ACQUIRE);
    }
    return dev;
}

int netdev_claim(struct netdev *dev, const void *who, void (*on_event)(struct netdev *), void *arg)
{
    int r = -EBUSY;
    bool was = spin_lock(&lock);
    if (dev->claimed_by == NULL) {
        dev->claimed_by = who;
        dev->arg = arg;
        __atomic_store_n(&dev->on_event, on_event, __ATOMIC_RELEASE); /* an interrupt may look */
        r = 0;
    }
    spin_unlock(&lock, was);
    return r;
}

void netdev_unclaim(struct netdev *dev)
{
    bool was = spin_lock(&lock);
    __atomic_store_n(&dev->on_event, NULL, __ATOMIC_RELEASE);
    dev->claimed_by = NULL;
    spin_unlock(&lock, was);
}
