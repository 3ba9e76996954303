/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's network devices come, are moved to other hosts, and go (xenplat/frontend.h). All but the
 * last step, when the last user lets go, is on the bus's thread.
 */
#include "netfront.h"

#include <errno.h>
#include <string.h>

#include <pith/log.h>
#include <pith/page.h>
#include <x86/probe.h>
#include <xenplat/evtchn.h>
#include <xenplat/frontend.h>
#include <xenplat/grant.h>

#define PART_NS 5000000000ULL

/* Receive buffers, a page each, take a thirtieth of the machine's memory at most. */
#define BUFFERS_LEAST  32u
#define RAM_PER_BUFFER (128 * 1024)

static size_t pages_for(size_t bytes)
{
    return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

static size_t pool_pages(unsigned n)
{
    return pages_for(n * (sizeof(struct netbuf) + sizeof(char *)));
}

static struct netfront *device_of(struct xenbus_device *bus)
{
    return (struct netfront *)(void *)((char *)bus - offsetof(struct netfront, bus));
}

/* ---- memory and references ---- */

static int make_buffers(struct netfront *net)
{
    struct netfront_rx *rx = &net->rx;
    unsigned n = netdev_buffers(BUFFERS_LEAST, RAM_PER_BUFFER);

    rx->pool = page_alloc_n(pool_pages(n));
    if (rx->pool == NULL) {
        return -ENOMEM;
    }
    memset(rx->pool, 0, pool_pages(n) * PAGE_SIZE);
    rx->pages = (char **)(void *)(rx->pool + n);
    rx->nbuffers = n;
    for (unsigned i = 0; i < n; i++) {
        rx->pages[i] = page_alloc(0);
        if (rx->pages[i] == NULL) {
            return -ENOMEM;
        }
        rx->pool[i].next = rx->spare;
        rx->spare = &rx->pool[i];
    }
    rx->entries = n < NETFRONT_RING ? n : NETFRONT_RING;
    return 0;
}

static int make_references(struct netfront *net)
{
    int err = grant_alloc(net->spare_refs, NETFRONT_SPARE_REFS);

    net->nspare_refs = err == 0 ? NETFRONT_SPARE_REFS : 0;
    if (err == 0) {
        err = grant_alloc(net->rx.refs, net->rx.entries);
        net->rx.nrefs = err == 0 ? net->rx.entries : 0;
    }
    for (unsigned id = NETFRONT_RING; id-- > 0 && err == 0;) {
        struct netfront_tx_slot *slot = &net->tx.slot[id];
        err = grant_alloc(&slot->ref, 1);
        if (err == 0) {
            slot->next = net->tx.free;
            net->tx.free = (uint16_t)id;
            net->tx.nfree++;
        }
    }
    return err;
}

/* Everything that is not lent; rings are closed. */
static void free_references(struct netfront *net)
{
    grant_free(net->spare_refs, net->nspare_refs);
    net->nspare_refs = 0;
    grant_free(net->rx.refs, net->rx.nrefs);
    net->rx.nrefs = 0;
    for (unsigned id = 0; id < NETFRONT_RING; id++) {
        struct netfront_tx_slot *slot = &net->tx.slot[id];
        if (slot->used) {
            continue; /* its page is still mapped by the backend, for ever as it seems */
        }
        if (slot->ref != 0) {
            grant_free(&slot->ref, 1);
        }
        if (slot->bounce != NULL) {
            page_free(slot->bounce, 0);
        }
    }
}

void netfront_free(struct netdev *dev)
{
    struct netfront *net = netfront_of(dev);

    for (unsigned i = 0; i < net->rx.nbuffers; i++) {
        if (net->rx.pages[i] != NULL) {
            page_free(net->rx.pages[i], 0);
        }
    }
    if (net->rx.pool != NULL) {
        page_free_n(net->rx.pool, pool_pages(net->rx.nbuffers));
    }
    page_free_n(net, pages_for(sizeof(*net)));
}

/* ---- the bus ---- */

static int attach(const char *path, unsigned number, struct xenbus_device **device)
{
    struct netfront *net = page_alloc_n(pages_for(sizeof(*net)));

    if (net == NULL) {
        klog(LOG_ERROR, "xen: %s: no memory", path);
        return -ENOMEM;
    }
    memset(net, 0, sizeof(*net));
    net->number = number;
    net->netdev.ops = &netfront_ops;
    net->tx.free = NETFRONT_RING;
    int err = make_buffers(net);
    if (err == 0) {
        err = make_references(net);
    }
    if (err != 0) {
        klog(LOG_ERROR, "xen: %s: no memory or no grants for it (%d)", path, err);
    } else {
        err = netfront_connect(net, path);
    }
    if (err != 0) {
        free_references(net);
        netfront_free(&net->netdev);
        return err;
    }
    net->netdev.rx_buffers = net->rx.nbuffers;
    net->netdev.tx_slots = NETFRONT_RING;
    net->netdev.link_up = true;
    net->netdev.announce = 1;
    net->connected = true;
    *device = &net->bus;
    netdev_attach(&net->netdev);
    netfront_tell(net);
    return 0;
}

/* Afterwards the backend has nothing of ours any more; if it does not answer, we go all the same. */
static void part(struct netfront *net)
{
    if (net->bus.path[0] == '\0') {
        return;
    }
    int err = xenbus_part(&net->bus, platform_clock_ns() + PART_NS);
    if (err != 0) {
        klog(LOG_WARNING, "xen: %s: its backend does not close (%d)", net->bus.path, err);
    }
}

static void lost(struct xenbus_device *bus)
{
    struct netfront *net = device_of(bus);

    part(net);
    bool was = spin_lock(&net->lock);
    if (!net->netdev.failed) {
        netfront_give_up(net, "it has closed");
    }
    spin_unlock(&net->lock, was);
}

static void detach(struct xenbus_device *bus)
{
    struct netfront *net = device_of(bus);

    part(net);
    bool was = spin_lock(&net->lock);
    netfront_give_up(net, NULL);
    spin_unlock(&net->lock, was);
    netfront_disconnect(net, false);
    free_references(net);
    netdev_detach(&net->netdev); /* calls netfront_free(), now or when its user has let go */
}

/* The rings are as they were written, and nobody is at the other end. */
static void resume(struct xenbus_device *bus)
{
    struct netfront *net = device_of(bus);
    char path[XENSTORE_PATH_MAX];

    log_format(path, sizeof(path), "device/vif/%u", net->number);
    bool was = spin_lock(&net->lock);
    bool failed = net->netdev.failed;
    net->connected = false;
    if (!failed) {
        netfront_tx_reclaim(net, true);
        netfront_rx_reclaim(net);
    }
    spin_unlock(&net->lock, was);
    netfront_disconnect(net, true);
    int err = failed ? -EIO : netfront_connect(net, path);
    was = spin_lock(&net->lock);
    if (err != 0 && !failed) {
        netfront_give_up(net, "it could not be connected again");
    } else if (err == 0) {
        net->connected = true;
        net->netdev.link_up = true;
        netfront_tx_again(net);
        __atomic_fetch_add(&net->netdev.announce, 1, __ATOMIC_RELEASE);
        netdev_changed(&net->netdev);
    }
    spin_unlock(&net->lock, was);
    if (err == 0) {
        netfront_tell(net);
    }
}

/* Its state has been written again: public/io/netif.h, "Link state". */
static void changed(struct xenbus_device *bus, int state)
{
    struct netfront *net = device_of(bus);
    uint64_t carrier;

    if (net->bus.path[0] == '\0') {
        return;
    }
    bool up = state == XenbusStateConnected &&
              (xenstore_read_u64(XENSTORE_NO_TX, bus->backend, "carrier", &carrier) != 0 ||
               carrier != 0);
    bool was = spin_lock(&net->lock);
    if (net->connected && net->netdev.link_up != up) {
        __atomic_store_n(&net->netdev.link_up, up, __ATOMIC_RELAXED);
        netdev_changed(&net->netdev);
    }
    spin_unlock(&net->lock, was);
}

int xen_netfront_probe(void)
{
    static struct xen_frontend kind = {
        .kind = "vif", .attach = attach, .detach = detach, .lost = lost, .resume = resume,
        .changed = changed,
    };
    int n = xen_frontend_start(&kind);
    return n > 0 ? n : 0;
}
