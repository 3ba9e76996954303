/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's network front end (public/io/netif.h): events, what is common to both rings, and the end of
 * a device whose backend breaks the rules.
 */
#include "netfront.h"

#include <errno.h>

#include <pith/log.h>
#include <xenplat/grant.h>

#define LOAD(p)     __atomic_load_n(p, __ATOMIC_RELAXED)
#define STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)

void netfront_interrupt(uint32_t port, void *arg)
{
    struct netfront *net = arg;

    (void)port;
    STORE(&net->netdev.stats.interrupts, net->netdev.stats.interrupts + 1);
    netdev_event(&net->netdev);
}

bool netfront_publish(uint32_t *req_prod, const uint32_t *req_event, uint32_t prod,
                      uint32_t *published)
{
    uint32_t old = *published;

    if (old == prod) {
        return false;
    }
    __atomic_store_n(req_prod, prod, __ATOMIC_RELEASE);
    *published = prod;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* it sees the requests before we see its wish */
    return prod - __atomic_load_n(req_event, __ATOMIC_RELAXED) < prod - old;
}

uint32_t netfront_spare_ref(struct netfront *net)
{
    if (net->nspare_refs == 0) {
        net->doubt = "it does not let go of pages";
        return 0;
    }
    return net->spare_refs[--net->nspare_refs];
}

void netfront_give_up(struct netfront *net, const char *why)
{
    if (why != NULL) {
        klog(LOG_ERROR, "%s: the backend (domain %u) is given up: %s", net->netdev.name,
             net->domain, why);
    }
    STORE(&net->netdev.link_up, false);
    net->connected = false;
    net->doubt = NULL;
    netfront_tx_reclaim(net, false);
    netfront_rx_reclaim(net);
    if (why != NULL) {
        STORE(&net->netdev.failed, true);
        netdev_changed(&net->netdev);
    }
}

bool netfront_check(struct netfront *net)
{
    if (net->doubt != NULL && !net->netdev.failed) {
        netfront_give_up(net, net->doubt);
    }
    return net->connected;
}

/* ---- the netdev's calls ---- */

static int op_transmit(struct netdev *dev, struct netbuf **frames, unsigned n)
{
    struct netfront *net = netfront_of(dev);
    bool was = spin_lock(&net->lock);
    /* Between two backends everything waits, as when the ring is full. */
    int r = netfront_check(net) ? netfront_transmit(net, frames, n) : dev->failed ? -EIO : 0;
    spin_unlock(&net->lock, was);
    return r;
}

static int op_receive(struct netdev *dev, struct netbuf **frames, unsigned n)
{
    struct netfront *net = netfront_of(dev);
    bool was = spin_lock(&net->lock);
    int r = netfront_check(net) ? netfront_receive(net, frames, n) : 0;
    spin_unlock(&net->lock, was);
    return r;
}

static int op_reap(struct netdev *dev)
{
    struct netfront *net = netfront_of(dev);
    bool was = spin_lock(&net->lock);
    int r = netfront_check(net) ? netfront_take_sent(net) : 0;
    netfront_check(net);
    spin_unlock(&net->lock, was);
    return r;
}

/*
 * First the wish, then a look at everything that may have happened before it: each of the other
 * sides does its part in the opposite order.
 */
static bool arm(struct netfront *net, bool want_tx)
{
    bool there = false;

    if (netfront_check(net)) {
        netfront_refill(net);
        netfront_check(net);
    }
    __atomic_store_n(&net->netdev.shared.armed, true, __ATOMIC_SEQ_CST);
    if (net->connected) {
        there = netfront_rx_arm(net);
        if (net->netdev.shared.dry) {
            there |= netfront_tx_arm(net, true); /* what was sent may bring buffers back */
        } else if (want_tx) {
            there |= netfront_tx_arm(net, false);
        }
        there |= netdev_can_refill(&net->netdev);
    }
    if (!there && !__atomic_load_n(&net->netdev.shared.changed, __ATOMIC_SEQ_CST)) {
        return false;
    }
    __atomic_store_n(&net->netdev.shared.armed, false, __ATOMIC_SEQ_CST);
    __atomic_store_n(&net->netdev.shared.changed, false, __ATOMIC_SEQ_CST);
    if (net->connected) {
        netfront_rx_disarm(net);
    }
    return true;
}

static bool op_arm(struct netdev *dev, bool want_tx)
{
    struct netfront *net = netfront_of(dev);
    bool was = spin_lock(&net->lock);
    bool there = arm(net, want_tx);
    spin_unlock(&net->lock, was);
    return there;
}

const struct netdev_ops netfront_ops = {
    .transmit = op_transmit,
    .receive = op_receive,
    .reap = op_reap,
    .release = netdev_take_back,
    .arm = op_arm,
    .free = netfront_free,
};
