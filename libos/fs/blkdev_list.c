/* SPDX-License-Identifier: BSD-2-Clause */
/* Which block devices there are: names, coming and going, references. */
#include <pith/blkdev.h>

#include <pthread.h>
#include <string.h>

#include <pith/log.h>
#include <pith/platform.h>
#include <pith/spinlock.h>

/* Guards the list and what devices have of it: name, number, refs, gone, next. */
static struct spinlock lock = SPINLOCK_INIT;
static struct blkdev *first; /* in the order of attachment */
static pthread_once_t probed = PTHREAD_ONCE_INIT;

static void probe(void)
{
    platform_probe_block();
}

/* "vda" .. "vdz", "vdaa" .. "vdzz". */
static void give_name(char *name, unsigned i)
{
    *name++ = 'v';
    *name++ = 'd';
    if (i >= 26) {
        *name++ = (char)('a' + (i / 26 - 1) % 26);
    }
    *name++ = (char)('a' + i % 26);
    *name = '\0';
}

static struct blkdev *named(const char *name)
{
    struct blkdev *dev = first;
    while (dev != NULL && strcmp(dev->name, name) != 0 &&
           (dev->alias[0] == '\0' || strcmp(dev->alias, name) != 0)) {
        dev = dev->next;
    }
    return dev;
}

static bool number_taken(unsigned number)
{
    const struct blkdev *dev = first;
    while (dev != NULL && dev->number != number) {
        dev = dev->next;
    }
    return dev != NULL;
}

void blkdev_attach(struct blkdev *dev)
{
    bool was = spin_lock(&lock);
    if (dev->name[0] == '\0' || named(dev->name) != NULL) {
        unsigned i = 0;
        do {
            give_name(dev->name, i++);
        } while (named(dev->name) != NULL);
    }
    if (dev->alias[0] != '\0' && named(dev->alias) != NULL) {
        dev->alias[0] = '\0';
    }
    dev->number = 0;
    while (number_taken(dev->number)) {
        dev->number++;
    }
    struct blkdev **end = &first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    dev->gone = false;
    dev->refs = 1;
    dev->next = NULL;
    *end = dev;
    spin_unlock(&lock, was);
    klog(LOG_INFO, "%s: %lu sectors, blocks of %u bytes%s%s%s", dev->name, dev->nsectors,
         dev->block_size, dev->readonly ? ", read-only" : "", dev->serial[0] != '\0' ? ", " : "",
         dev->serial);
}

void blkdev_detach(struct blkdev *dev)
{
    bool was = spin_lock(&lock);
    struct blkdev **at = &first;
    while (*at != NULL && *at != dev) {
        at = &(*at)->next;
    }
    if (*at == dev) {
        *at = dev->next;
    }
    __atomic_store_n(&dev->gone, true, __ATOMIC_RELAXED);
    spin_unlock(&lock, was);
    klog(LOG_INFO, "%s: taken away", dev->name);
}

struct blkdev *blkdev_get(const char *name)
{
    pthread_once(&probed, probe);
    bool was = spin_lock(&lock);
    struct blkdev *dev = named(name);
    if (dev != NULL) {
        dev->refs++;
    }
    spin_unlock(&lock, was);
    return dev;
}

void blkdev_put(struct blkdev *dev)
{
    bool was = spin_lock(&lock);
    bool last = --dev->refs == 0;
    spin_unlock(&lock, was);
    if (last && dev->ops->release != NULL) {
        dev->ops->release(dev);
    }
}

struct blkdev *blkdev_find(const char *name)
{
    pthread_once(&probed, probe);
    bool was = spin_lock(&lock);
    struct blkdev *dev = named(name);
    spin_unlock(&lock, was);
    return dev;
}

struct blkdev *blkdev_at(unsigned i)
{
    pthread_once(&probed, probe);
    bool was = spin_lock(&lock);
    struct blkdev *dev = first;
    while (dev != NULL && i-- != 0) {
        dev = dev->next;
    }
    spin_unlock(&lock, was);
    return dev;
}

bool blkdev_name_at(unsigned i, char name[BLKDEV_NAME_MAX])
{
    pthread_once(&probed, probe);
    bool was = spin_lock(&lock);
    const struct blkdev *dev = first;
    while (dev != NULL && i-- != 0) {
        dev = dev->next;
    }
    if (dev != NULL) {
        memcpy(name, dev->name, BLKDEV_NAME_MAX);
    }
    spin_unlock(&lock, was);
    return dev != NULL;
}
