/* SPDX-License-Identifier: BSD-2-Clause */
/* Console devices: the list of them, and which is the machine's console. */
#include <pith/condev.h>

#include <poll.h>
#include <pthread.h>
#include <string.h>

#include <pith/cmdline.h>
#include <pith/log.h>
#include <pith/platform.h>
#include <pith/spinlock.h>

static struct spinlock lock = SPINLOCK_INIT; /* of the list */
static struct condev *first; /* in the order of attachment, grows at the end */
static unsigned count;
static pthread_once_t probed = PTHREAD_ONCE_INIT;

static void on_event(struct condev *dev)
{
    if (dev->is_machine) {
        console_input();
    }
    pollq_notify(&dev->pollq, POLLIN | POLLOUT);
}

void condev_attach(struct condev *dev)
{
    pollq_init(&dev->pollq);
    bool was = spin_lock(&lock);
    struct condev **end = &first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    log_format(dev->name, sizeof(dev->name), "hvc%u", count++);
    dev->next = NULL;
    __atomic_store_n(&dev->on_event, on_event, __ATOMIC_RELEASE);
    __atomic_store_n(end, dev, __ATOMIC_RELEASE);
    spin_unlock(&lock, was);
}

static void probe(void)
{
    platform_probe_console();
    const char *name = cmdline_get("console");
    for (struct condev *dev = first; dev != NULL && name != NULL; dev = dev->next) {
        if (strcmp(dev->name, name) == 0) {
            dev->is_machine = true;
            platform_console_use(dev);
        }
    }
}

struct condev *condev_at(unsigned i)
{
    pthread_once(&probed, probe);
    struct condev *dev = __atomic_load_n(&first, __ATOMIC_ACQUIRE);
    while (dev != NULL && i-- != 0) {
        dev = __atomic_load_n(&dev->next, __ATOMIC_ACQUIRE);
    }
    return dev;
}

struct condev *condev_find(const char *name)
{
    struct condev *dev = condev_at(0);
    while (dev != NULL && strcmp(dev->name, name) != 0) {
        dev = __atomic_load_n(&dev->next, __ATOMIC_ACQUIRE);
    }
    return dev;
}
