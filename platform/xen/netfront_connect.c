/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a place in the tree to a backend that is Connected: what both sides can do, rings, event
 * channels (xen public/io/netif.h and xenbus.h; the other side: Linux, drivers/net/xen-netback).
 *
 * Boot option: xen.net=WORD,... leaves features away, for tests and for backends that err: nosg
 * nogso (no long segments to send) nogro (none to receive) nocsum nosplit norxnotify.
 */
#include "netfront.h"

#include <errno.h>
#include <string.h>

#include <pith/cmdline.h>
#include <pith/log.h>
#include <pith/page.h>
#include <xenplat/evtchn.h>
#include <xenplat/grant.h>
#include <xenplat/suspend.h>

#define WAIT_NS 15000000000ULL /* for each step of a backend; a loaded host's scripts take seconds */

#define PART_NS 5000000000ULL

#define MTU_DEFAULT 1500u
#define MTU_LEAST   68u /* of IPv4 */

/* ---- what was agreed on ---- */

static const struct {
    const char *word; /* of the boot option, without "no" */
    unsigned features;
} options[] = {
    { "sg", NETFRONT_SG | NETFRONT_GSO4 | NETFRONT_GSO6 | NETFRONT_GRO4 | NETFRONT_GRO6 },
    { "gso", NETFRONT_GSO4 | NETFRONT_GSO6 },
    { "gro", NETFRONT_GRO4 | NETFRONT_GRO6 },
    { "csum", NETFRONT_CSUM | NETFRONT_CSUM6 | NETFRONT_GSO4 | NETFRONT_GSO6 | NETFRONT_GRO4 |
                  NETFRONT_GRO6 },
    { "split", NETFRONT_SPLIT },
    { "rxnotify", NETFRONT_NOTIFY },
};

/* What the boot options leave. */
static unsigned wanted_features(void)
{
    const char *text = cmdline_get("xen.net");
    unsigned features = ~0u;

    if (cmdline_get_u64("net.gro", 1) == 0) {
        features &= ~(NETFRONT_GRO4 | NETFRONT_GRO6);
    }
    while (text != NULL && *text != '\0') {
        const char *comma = strchr(text, ',');
        size_t len = comma != NULL ? (size_t)(comma - text) : strlen(text);
        unsigned i = 0, n = sizeof(options) / sizeof(options[0]);
        for (; i < n; i++) {
            const char *word = options[i].word;
            if (len == strlen(word) + 2 && memcmp(text, "no", 2) == 0 &&
                memcmp(text + 2, word, len - 2) == 0) {
                features &= ~options[i].features;
                break;
            }
        }
        if (i == n) {
            klog(LOG_WARNING, "xen.net=: '%s' begins with no word that is known", text);
        }
        text += len + (comma != NULL);
    }
    return features;
}

static bool offered(struct netfront *net, const char *key, bool missing)
{
    uint64_t value;
    int err = xenstore_read_u64(XENSTORE_NO_TX, net->bus.backend, key, &value);
    return err == 0 ? value != 0 : missing;
}

static unsigned agree(struct netfront *net)
{
    static const struct {
        const char *key;
        unsigned features;
    } keys[] = {
        { "feature-sg", NETFRONT_SG },
        { "feature-gso-tcpv4", NETFRONT_GSO4 },
        { "feature-gso-tcpv6", NETFRONT_GSO6 },
        { "feature-ipv6-csum-offload", NETFRONT_CSUM6 },
        { "feature-split-event-channels", NETFRONT_SPLIT },
    };
    /* Ours alone to want. */
    unsigned features = NETFRONT_NOTIFY | NETFRONT_GRO4 | NETFRONT_GRO6;

    features |= offered(net, "feature-no-csum-offload", false) ? 0 : NETFRONT_CSUM;
    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        features |= offered(net, keys[i].key, false) ? keys[i].features : 0;
    }
    features &= wanted_features();
    if (!(features & NETFRONT_SG) || !(features & NETFRONT_CSUM)) {
        features &= ~(NETFRONT_GSO4 | NETFRONT_GSO6);
    }
    if (!(features & NETFRONT_CSUM6)) {
        features &= ~NETFRONT_GSO6;
    }
    return features;
}

void netfront_tell(const struct netfront *net)
{
    unsigned f = net->features;

    klog(LOG_INFO, "%s: vif %u:%s%s%s%s%s%s%s%s%s%s", net->netdev.name, net->number,
         f & NETFRONT_SG ? " sg" : "", f & NETFRONT_GSO4 ? " gso-tcpv4" : "",
         f & NETFRONT_GSO6 ? " gso-tcpv6" : "", f & NETFRONT_GRO4 ? " gro-tcpv4" : "",
         f & NETFRONT_GRO6 ? " gro-tcpv6" : "", f & NETFRONT_CSUM ? " csum" : "",
         f & NETFRONT_CSUM6 ? " csum6" : "", f & NETFRONT_SPLIT ? " split" : "",
         f & NETFRONT_NOTIFY ? " rx-notify" : "", net->trusted ? "" : " untrusted");
}

/* ---- what the tree says of the card ---- */

static unsigned hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
           : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                  : 16;
}

/* "00:16:3e:01:02:03". What is no address leaves zeroes, and libos makes one up. */
static void read_mac(struct netfront *net)
{
    char text[32];
    uint8_t mac[6];
    ssize_t len = xenstore_read(XENSTORE_NO_TX, net->bus.path, "mac", text, sizeof(text));

    for (unsigned i = 0; i < 6; i++) {
        unsigned high = len == 17 ? hex_digit(text[i * 3]) : 16;
        unsigned low = len == 17 ? hex_digit(text[i * 3 + 1]) : 16;
        if (high > 15 || low > 15) {
            klog(LOG_WARNING, "xen: %s/mac is no address", net->bus.path);
            return;
        }
        mac[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(net->netdev.mac, mac, sizeof(mac));
}

static uint16_t read_mtu(struct netfront *net)
{
    /* A frame without pieces is a page at most. */
    uint64_t mtu, most = net->features & NETFRONT_SG ? GSO_FRAME_MAX : PAGE_SIZE;

    most -= ETHERNET_HEADER + ETHERNET_TAG;
    int err = xenstore_read_u64(XENSTORE_NO_TX, net->bus.path, "mtu", &mtu);
    if (err == -EINVAL || (err == 0 && mtu < MTU_LEAST)) {
        klog(LOG_WARNING, "xen: %s/mtu can't be, taken for %u", net->bus.path, MTU_DEFAULT);
        err = -EINVAL;
    }
    if (err != 0) {
        return MTU_DEFAULT;
    }
    return (uint16_t)(mtu < most ? mtu : most);
}

static void read_card(struct netfront *net)
{
    struct netdev *dev = &net->netdev;
    uint64_t trusted;

    net->trusted = xenstore_read_u64(XENSTORE_NO_TX, net->bus.path, "trusted", &trusted) != 0 ||
                   trusted != 0;
    net->features = agree(net);
    if (dev->name[0] == '\0') {
        read_mac(net); /* stays the same when connected again */
    }
    dev->mtu = read_mtu(net);
    dev->tx_csum = (net->features & NETFRONT_CSUM) && (net->features & NETFRONT_CSUM6);
    dev->rx_csum = (net->features & NETFRONT_CSUM) != 0;
    bool both = (net->features & NETFRONT_GSO4) && (net->features & NETFRONT_GSO6);
    dev->tso_max = both ? GSO_FRAME_MAX : 0;
    net->rx.longest = dev->mtu + ETHERNET_HEADER + ETHERNET_TAG;
    uint32_t most = net->features & (NETFRONT_GRO4 | NETFRONT_GRO6) ? GSO_FRAME_MAX
                                                                    : net->rx.longest;
    /* The last piece, and the place of an extra. */
    net->rx.low = most / (uint32_t)PAGE_SIZE + 2;
}

/* ---- rings ---- */

static void ring_close(uint32_t *ref, uint32_t *port, void *page, bool moved)
{
    if (*port != 0 && !moved) {
        evtchn_close(*port);
    }
    *port = 0;
    if (*ref != 0 && grant_revoke(*ref) == -EBUSY) {
        grant_abandon(*ref, page);
    } else {
        if (*ref != 0) {
            grant_free(ref, 1);
        }
        if (page != NULL) {
            page_free(page, 0);
        }
    }
    *ref = 0;
}

/* A page that the backend may map. The event indices begin at 1 (public/io/ring.h). */
static int ring_open(struct netfront *net, uint32_t *ref, void **page)
{
    netif_tx_sring_t *ring = page_alloc(0);
    int err = ring == NULL ? -ENOMEM : grant_alloc(ref, 1);

    if (err == 0) {
        memset(ring, 0, PAGE_SIZE);
        ring->req_event = ring->rsp_event = 1;
        err = grant_access(*ref, net->domain, ring, false);
        if (err != 0) {
            grant_free(ref, 1);
        }
    }
    if (err != 0) {
        *ref = 0;
        if (ring != NULL) {
            page_free(ring, 0);
        }
        return err;
    }
    *page = ring;
    return 0;
}

static int port_open(struct netfront *net, uint32_t *port)
{
    int n = evtchn_alloc_unbound(net->domain, netfront_interrupt, net);

    if (n < 0) {
        return n;
    }
    *port = (uint32_t)n;
    evtchn_unmask(*port);
    return 0;
}

static int rings_open(struct netfront *net)
{
    struct netfront_tx *tx = &net->tx;
    struct netfront_rx *rx = &net->rx;
    void *page = NULL;
    int err = ring_open(net, &tx->ref, &page);

    tx->shared = page;
    if (err == 0) {
        err = ring_open(net, &rx->ref, &page);
        rx->shared = err == 0 ? page : NULL;
    }
    if (err == 0) {
        err = port_open(net, &tx->port);
    }
    if (err == 0 && (net->features & NETFRONT_SPLIT)) {
        err = port_open(net, &rx->port);
    } else {
        rx->port = tx->port;
    }
    tx->prod = tx->published = tx->cons = 0;
    rx->prod = rx->published = rx->cons = 0;
    net->netdev.shared.full_since = 0;
    net->generation = xen_generation();
    return err;
}

void netfront_disconnect(struct netfront *net, bool moved)
{
    struct netfront_rx *rx = &net->rx;
    struct netfront_tx *tx = &net->tx;

    if (rx->port == tx->port) {
        rx->port = 0;
    }
    ring_close(&rx->ref, &rx->port, rx->shared, moved);
    ring_close(&tx->ref, &tx->port, tx->shared, moved);
    rx->shared = NULL;
    tx->shared = NULL;
    if (net->bus.path[0] != '\0') {
        xenbus_close(&net->bus);
        net->bus.path[0] = '\0';
    }
}

/* ---- the handshake ---- */

static int publish(uint32_t tx, struct xenbus_device *bus)
{
    const struct netfront *net = bus->arg;
    unsigned f = net->features;
    bool split = (f & NETFRONT_SPLIT) != 0;
    const struct {
        const char *key;
        uint64_t value;
        bool left_out;
    } keys[] = {
        { "tx-ring-ref", net->tx.ref, false },
        { "rx-ring-ref", net->rx.ref, false },
        { "event-channel", net->tx.port, split },
        { "event-channel-tx", net->tx.port, !split },
        { "event-channel-rx", net->rx.port, !split },
        { "request-rx-copy", 1, false },
        { "feature-rx-notify", (f & NETFRONT_NOTIFY) != 0, false },
        { "feature-sg", (f & NETFRONT_SG) != 0, false },
        { "feature-gso-tcpv4", (f & NETFRONT_GRO4) != 0, false },
        { "feature-gso-tcpv6", (f & NETFRONT_GRO6) != 0, false },
        { "feature-no-csum-offload", (f & NETFRONT_CSUM) == 0, false },
        { "feature-ipv6-csum-offload", (f & NETFRONT_CSUM) != 0, false },
    };

    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        int err = keys[i].left_out
                      ? 0
                      : xenstore_write_u64(tx, bus->path, keys[i].key, keys[i].value);
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

static int wait_for(struct netfront *net, unsigned states)
{
    int state = xenbus_wait(&net->bus, states, platform_clock_ns() + WAIT_NS);

    return state < 0 ? state : states & XENBUS_STATES(state) ? 0 : -ECONNREFUSED;
}

static int fail(struct netfront *net, int err, const char *what)
{
    xenbus_report(&net->bus, err, what);
    xenbus_part(&net->bus, platform_clock_ns() + PART_NS); /* it may have mapped the rings */
    bool was = spin_lock(&net->lock);
    net->connected = false;
    netfront_rx_reclaim(net);
    spin_unlock(&net->lock, was);
    netfront_disconnect(net, false);
    return err;
}

int netfront_connect(struct netfront *net, const char *path)
{
    const unsigned ready = XENBUS_STATES(XenbusStateInitWait) | XENBUS_STATES(XenbusStateConnected);

    net->bus.arg = net;
    int err = xenbus_open(&net->bus, path);
    if (err != 0) {
        klog(LOG_ERROR, "xen: %s: its backend can't be found (%d)", path, err);
        net->bus.path[0] = '\0';
        return err;
    }
    net->domain = net->bus.domain;
    if ((err = wait_for(net, ready)) != 0) {
        return fail(net, err, "the backend is not ready");
    }
    if (!offered(net, "feature-rx-copy", false)) {
        return fail(net, -EOPNOTSUPP, "the backend does not copy (feature-rx-copy)");
    }
    read_card(net);
    if ((err = rings_open(net)) != 0) {
        return fail(net, err, "no memory, grants or event channels");
    }
    bool was = spin_lock(&net->lock);
    netfront_refill(net); /* nobody hears of it yet */
    spin_unlock(&net->lock, was);
    if ((err = xenbus_publish(&net->bus, publish, XenbusStateConnected)) != 0) {
        return fail(net, err, "the tree can't be written");
    }
    if ((err = wait_for(net, XENBUS_STATES(XenbusStateConnected))) != 0) {
        return fail(net, err, "the backend does not connect");
    }
    evtchn_notify(net->tx.port);
    if (net->features & NETFRONT_SPLIT) {
        evtchn_notify(net->rx.port);
    }
    return 0;
}
