/* SPDX-License-Identifier: BSD-2-Clause */
/* Entropy devices, and the strong seed that is read from them where the CPU has no generator. */
#include <pith/rngdev.h>

#include <errno.h>

#include <pith/log.h>
#include <pith/platform.h>
#include <pith/random.h>
#include <pith/spinlock.h>

#define SEED_BYTES 32

static struct spinlock lock = SPINLOCK_INIT;
static struct rngdev *devices; /* grows at the head only; under lock */
static bool probed;

void rngdev_attach(struct rngdev *dev)
{
    bool was = spin_lock(&lock);
    dev->next = devices;
    devices = dev;
    spin_unlock(&lock, was);
}

struct rngdev *rngdev_at(unsigned i)
{
    bool was = spin_lock(&lock);
    struct rngdev *dev = devices;
    while (dev != NULL && i-- > 0) {
        dev = dev->next;
    }
    spin_unlock(&lock, was);
    return dev;
}

int random_gather(void)
{
    unsigned char seed[SEED_BYTES];

    if (random_strong()) {
        return 0;
    }
    bool was = spin_lock(&lock);
    bool first = !probed;
    probed = true;
    spin_unlock(&lock, was);
    if (first) {
        platform_probe_entropy();
    }
    for (struct rngdev *dev = devices; dev != NULL; dev = dev->next) {
        int got = dev->read(dev, seed, sizeof(seed));
        if (got < 0 || got > SEED_BYTES) {
            klog(LOG_WARNING, "%s: no random bytes (%d)", dev->name, got);
            continue;
        }
        random_add(seed, (size_t)got, got >= SEED_BYTES / 2);
    }
    return random_strong() ? 0 : -EAGAIN;
}
