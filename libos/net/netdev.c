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
static struct netdev *first; /* by number */
static uint32_t serials;     /* how many were ever attached */
static void (*watcher)(void);
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
    struct netdev **place = &first;
    dev->number = 0;
    while (*place != NULL && (*place)->number == dev->number) {
        dev->number++;
        place = &(*place)->next;
    }
    log_format(dev->name, sizeof(dev->name), "eth%u", dev->number);
    dev->serial = ++serials;
    dev->next = *place;
    *place = dev;
    void (*tell)(void) = watcher;
    spin_unlock(&lock, was);
    const uint8_t *m = dev->mac;
    klog(LOG_INFO, "%s: %02x:%02x:%02x:%02x:%02x:%02x, MTU %u, link %s", dev->name, m[0], m[1],
         m[2], m[3], m[4], m[5], dev->mtu, dev->link_up ? "up" : "down");
    if (tell != NULL) {
        tell();
    }
}

void netdev_detach(struct netdev *dev)
{
    klog(LOG_INFO, "%s: removed", dev->name);
    bool was = spin_lock(&lock);
    struct netdev **place = &first;
    while (*place != dev) {
        place = &(*place)->next;
    }
    *place = dev->next;
    bool claimed = dev->claimed_by != NULL;
    __atomic_store_n(&dev->gone, true, __ATOMIC_RELEASE);
    __atomic_store_n(&dev->failed, true, __ATOMIC_RELEASE); /* who sees this can see the former */
    dev->link_up = false;
    if (claimed && dev->on_event != NULL) {
        dev->on_event(dev); /* under the lock: its user can't let go meanwhile */
    }
    spin_unlock(&lock, was);
    if (!claimed) {
        dev->ops->free(dev);
    }
}

static void probe(void)
{
    platform_probe_net();
}

/* Under the lock. */
static struct netdev *find_at(unsigned i)
{
    struct netdev *dev = first;
    while (dev != NULL && i-- != 0) {
        dev = dev->next;
    }
    return dev;
}

struct netdev *netdev_at(unsigned i)
{
    pthread_once(&probed, probe);
    bool was = spin_lock(&lock);
    struct netdev *dev = find_at(i);
    spin_unlock(&lock, was);
    return dev;
}

bool netdev_copy(unsigned i, struct netdev *copy)
{
    pthread_once(&probed, probe);
    bool was = spin_lock(&lock);
    const struct netdev *dev = find_at(i);
    if (dev != NULL) {
        *copy = *dev;
    }
    spin_unlock(&lock, was);
    return dev != NULL;
}

struct netdev *netdev_find(const char *name)
{
    pthread_once(&probed, probe);
    bool was = spin_lock(&lock);
    struct netdev *dev = first;
    while (dev != NULL && strcmp(dev->name, name) != 0) {
        dev = dev->next;
    }
    spin_unlock(&lock, was);
    return dev;
}

/* Under the lock. */
static void take(struct netdev *dev, const void *who, void (*on_event)(struct netdev *), void *arg)
{
    dev->claimed_by = who;
    dev->arg = arg;
    __atomic_store_n(&dev->on_event, on_event, __ATOMIC_RELEASE); /* an interrupt may look */
}

int netdev_claim(struct netdev *dev, const void *who, void (*on_event)(struct netdev *), void *arg)
{
    int r = -EBUSY;
    bool was = spin_lock(&lock);
    const struct netdev *there = first;
    while (there != NULL && there != dev) {
        there = there->next;
    }
    if (there == NULL) {
        r = -ENODEV; /* dev may be no memory of a device any more */
    } else if (dev->claimed_by == NULL) {
        take(dev, who, on_event, arg);
        r = 0;
    }
    spin_unlock(&lock, was);
    return r;
}

struct netdev *netdev_claim_next(uint32_t *serial, const void *who,
                                 void (*on_event)(struct netdev *), void *arg)
{
    struct netdev *next = NULL;
    bool was = spin_lock(&lock);
    for (struct netdev *dev = first; dev != NULL; dev = dev->next) {
        if (dev->claimed_by == NULL && dev->serial > *serial &&
            (next == NULL || dev->serial < next->serial)) {
            next = dev;
        }
    }
    if (next != NULL) {
        *serial = next->serial;
        take(next, who, on_event, arg);
    }
    spin_unlock(&lock, was);
    return next;
}

void netdev_unclaim(struct netdev *dev)
{
    bool was = spin_lock(&lock);
    __atomic_store_n(&dev->on_event, NULL, __ATOMIC_RELEASE);
    dev->claimed_by = NULL;
    bool gone = dev->gone;
    spin_unlock(&lock, was);
    if (gone) {
        dev->ops->free(dev);
    }
}

void netdev_watch(void (*fn)(void))
{
    bool was = spin_lock(&lock);
    watcher = fn;
    spin_unlock(&lock, was);
}
