/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio network devices (virtio 1.2, 5.1): events, the link, and the end of a device that breaks
 * the rules.
 */
#include <kvm/virtio_net.h>

#include <pith/log.h>

#define LOAD(p)     __atomic_load_n(p, __ATOMIC_RELAXED)
#define STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)

/*
 * Both queues. Nothing is looked at: an interrupt that was asked for means an event, also when a
 * thread has just taken what it announces.
 */
void virtio_net_interrupt(void *arg)
{
    struct virtio_net *net = arg;
    STORE(&net->netdev.stats.interrupts, net->netdev.stats.interrupts + 1);
    if (!virtio_has(net->dev, VIRTIO_F_EVENT_IDX)) {
        /* An event index is passed once; a flag has to be taken back. */
        virtio_ring_disarm(&net->rx.ring);
        virtio_ring_disarm(&net->tx.ring);
    }
    netdev_event(&net->netdev);
}

bool virtio_net_link(struct virtio_net *net)
{
    uint16_t status;
    if (!virtio_has(net->dev, VIRTIO_NET_F_STATUS)) {
        return true; /* 5.1.5: it is assumed active */
    }
    virtio_config(net->dev, VIRTIO_NET_CONFIG_STATUS, &status, sizeof status);
    return (status & VIRTIO_NET_LINK_UP) != 0;
}

void virtio_net_config(void *arg)
{
    struct virtio_net *net = arg;
    if (LOAD(&net->netdev.failed) || LOAD(&net->doubt) != NULL) {
        return;
    }
    if (virtio_needs_reset(net->dev)) {
        STORE(&net->doubt, "it asks to be reset");
    } else {
        bool up = virtio_net_link(net);
        if (up == LOAD(&net->netdev.link_up)) {
            return;
        }
        STORE(&net->netdev.link_up, up);
    }
    netdev_changed(&net->netdev);
}

static void give_up(struct virtio_net *net, const char *why)
{
    STORE(&net->netdev.failed, true);
    STORE(&net->netdev.link_up, false);
    virtio_fail(net->dev, why); /* from here on it does not touch the buffers */
    virtio_net_tx_reclaim(net);
    virtio_net_rx_reclaim(net);
    netdev_changed(&net->netdev);
}

bool virtio_net_check_all(struct virtio_net *net)
{
    if (net->netdev.failed) {
        return false;
    }
    const char *why = LOAD(&net->doubt);
    if (net->rx.ring.broken) {
        why = net->rx.ring.why;
    } else if (net->tx.ring.broken) {
        why = net->tx.ring.why;
    } else if (net->dev->failed) {
        why = "failed";
    }
    if (why == NULL) {
        return true;
    }
    give_up(net, why);
    return false;
}

static bool net_arm(struct netdev *dev, bool want_tx)
{
    struct virtio_net *net = virtio_net_of(dev);
    if (virtio_net_check(net)) {
        virtio_net_refill(net);
        /*
         * First the wish, then a look at everything that may have happened before it: each of the
         * other sides does its part in the opposite order.
         */
        __atomic_store_n(&dev->shared.armed, true, __ATOMIC_SEQ_CST);
        bool there = virtio_ring_arm(&net->rx.ring);
        if (dev->shared.dry) {
            there |= virtio_ring_arm(&net->tx.ring); /* what was sent may bring buffers back */
        } else if (want_tx) {
            there |= virtio_ring_arm_half(&net->tx.ring);
        }
        if (!there && !LOAD(&dev->shared.changed) && !netdev_can_refill(dev)) {
            return false;
        }
        __atomic_store_n(&dev->shared.armed, false, __ATOMIC_SEQ_CST);
        __atomic_store_n(&dev->shared.changed, false, __ATOMIC_SEQ_CST);
        virtio_ring_disarm(&net->rx.ring);
        return true;
    }
    /* The failure is told once; afterwards nothing will ever happen. */
    return __atomic_exchange_n(&dev->shared.changed, false, __ATOMIC_SEQ_CST);
}

const struct netdev_ops virtio_net_ops = {
    .transmit = virtio_net_transmit,
    .receive = virtio_net_receive,
    .reap = virtio_net_reap,
    .release = netdev_take_back,
    .arm = net_arm,
};
