/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of 9P transports. */
#include <pith/p9dev.h>

#include <pthread.h>
#include <string.h>

#include <pith/log.h>
#include <pith/platform.h>
#include <pith/spinlock.h>

static struct spinlock lock = SPINLOCK_INIT;
static struct p9dev *first; /* newest first; changed under lock, read by anybody */
static pthread_once_t probed = PTHREAD_ONCE_INIT;

void p9dev_attach(struct p9dev *dev)
{
    bool was = spin_lock(&lock);
    dev->next = first;
    __atomic_store_n(&first, dev, __ATOMIC_RELEASE);
    spin_unlock(&lock, was);
    klog(LOG_INFO, "9p: '%s', messages of %u bytes", dev->name, dev->max_message);
}

static void probe(void)
{
    platform_probe_share();
}

struct p9dev *p9dev_find(const char *name)
{
    pthread_once(&probed, probe);
    struct p9dev *dev = __atomic_load_n(&first, __ATOMIC_ACQUIRE);
    while (dev != NULL && strcmp(dev->name, name) != 0) {
        dev = dev->next;
    }
    return dev;
}
