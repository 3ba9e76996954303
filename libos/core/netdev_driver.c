/* SPDX-License-Identifier: BSD-2-Clause */
/* What drivers of network devices have in common: events, buffers that come back, drops. */
#include <pith/netdev_driver.h>

#include <pith/cmdline.h>
#include <pith/irq.h>
#include <pith/log.h>
#include <pith/machine.h>
#include <pith/panic.h>
#include <pith/platform.h>

/* How many receive buffers, unless it is given. */
#define BUFFERS_MIN  64u
#define BUFFERS_MAX  512u
#define BUFFERS_MOST 65536u /* that may be asked for */

/* When nothing goes out of a full ring for so long, frames are dropped, so that nobody waits. */
#define STUCK_NS 5000000000ULL

void netdev_event(struct netdev *dev)
{
    /* Whoever takes the flag makes the call: never twice for one arming, never without one. */
    if (!__atomic_exchange_n(&dev->shared.armed, false, __ATOMIC_SEQ_CST)) {
        return;
    }
    void (*on_event)(struct netdev *) = __atomic_load_n(&dev->on_event, __ATOMIC_ACQUIRE);
    if (on_event != NULL) {
        bool was = irq_save();
        on_event(dev);
        irq_restore(was);
    }
}

void netdev_changed(struct netdev *dev)
{
    __atomic_store_n(&dev->shared.changed, true, __ATOMIC_SEQ_CST);
    netdev_event(dev);
}

/* ---- buffers ---- */

void netdev_take_back(struct netdev *dev, struct netbuf *frame)
{
    struct netbuf *last = frame;

    for (struct netbuf *nb = frame; nb != NULL; nb = nb->next) {
        if (nb->driver != dev) {
            PANIC("%s: a buffer was given back that was not lent", dev->name);
        }
        nb->driver = NULL;
        last = nb;
    }
    struct netbuf *head = __atomic_load_n(&dev->shared.returned, __ATOMIC_RELAXED);
    do {
        last->next = head;
    } while (!__atomic_compare_exchange_n(&dev->shared.returned, &head, frame, true,
                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    /* After the push: who refills says that it is dry first and looks for buffers second. */
    if (__atomic_load_n(&dev->shared.dry, __ATOMIC_SEQ_CST)) {
        netdev_event(dev);
    }
}

struct netbuf *netdev_returned(struct netdev *dev)
{
    if (__atomic_load_n(&dev->shared.returned, __ATOMIC_RELAXED) == NULL) {
        return NULL;
    }
    struct netbuf *list = __atomic_exchange_n(&dev->shared.returned, NULL, __ATOMIC_ACQUIRE);
    for (const struct netbuf *nb = list; nb != NULL; nb = nb->next) {
        dev->rx_lent--;
    }
    return list;
}

void netdev_set_dry(struct netdev *dev, bool dry)
{
    dev->stats.rx_nobuf += dry && !dev->shared.dry;
    __atomic_store_n(&dev->shared.dry, dry, __ATOMIC_SEQ_CST);
}

bool netdev_can_refill(const struct netdev *dev)
{
    return dev->shared.dry && __atomic_load_n(&dev->shared.returned, __ATOMIC_RELAXED) != NULL;
}

unsigned netdev_buffers(unsigned least, size_t ram_per_buffer)
{
    size_t fit = machine_boot_info()->ram_total / ram_per_buffer;
    unsigned n = BUFFERS_MIN;

    while (n * 2 <= fit && n < BUFFERS_MAX) {
        n *= 2;
    }
    uint64_t told = cmdline_get_u64("net.buffers", n);
    return told < least || told > BUFFERS_MOST ? n : (unsigned)told;
}

/* ---- drops ---- */

void netdev_rx_dropped(struct netdev *dev, const char *why)
{
    dev->stats.rx_dropped++;
    if (!dev->shared.told_bad_frame) {
        dev->shared.told_bad_frame = true;
        klog(LOG_WARNING, "%s: frame dropped: %s", dev->name, why);
    }
}

void netdev_tx_drop(struct netdev *dev, struct netbuf *frame)
{
    dev->stats.tx_dropped++;
    bool was = irq_save(); /* done() may rely on it */
    frame->done(frame);
    irq_restore(was);
}

bool netdev_tx_stuck(struct netdev *dev)
{
    uint64_t now = platform_clock_ns();

    if (dev->shared.full_since == 0) {
        dev->shared.full_since = now;
        return false;
    }
    if (now - dev->shared.full_since < STUCK_NS) {
        return false;
    }
    if (!dev->shared.told_stuck) {
        dev->shared.told_stuck = true;
        klog(LOG_WARNING, "%s: nothing is sent any more, frames are dropped", dev->name);
    }
    return true;
}
