/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding virtio network devices, judging what they say of themselves, and setting them up. */
#include <kvm/virtio_net.h>

#include <errno.h>
#include <string.h>

#include <pith/cmdline.h>
#include <pith/log.h>
#include <pith/machine.h>
#include <pith/page.h>
#include <x86/mem.h>
#include <x86/probe.h>

#define WANTED (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_MTU | \
                VIRTIO_NET_F_MAC | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | \
                VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_STATUS | VIRTIO_F_EVENT_IDX)
#define RECEIVE_LONG (VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6)

#define RX_QUEUE 0
#define TX_QUEUE 1

#define MTU_DEFAULT 1500u
#define MTU_LEAST   68u /* of IPv4, and of VIRTIO_NET_F_MTU (5.1.4.1) */

/*
 * Receive buffers of the least size take a thirtieth of the machine's memory at most, larger ones a
 * sixtieth.
 */
#define BUFFERS_LEAST  16u
#define RAM_PER_BUFFER (64 * 1024)
#define LARGER_PART    60

#define HEADER_PAGES ((VIRTIO_NET_RING * TX_SLOT + PAGE_SIZE - 1) / PAGE_SIZE)

static size_t buffer_pages(const struct virtio_net *net)
{
    return (((size_t)net->nbuffers << net->rx_shift) + PAGE_SIZE - 1) / PAGE_SIZE;
}

static size_t pool_pages(unsigned n)
{
    return (n * sizeof(struct netbuf) + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* What one buffer is to have: more than the least only where frames may fill several. */
static unsigned choose_shift(const struct virtio_net *net)
{
    size_t most = machine_boot_info()->ram_total / LARGER_PART / net->nbuffers;
    unsigned shift = RX_SHIFT_LEAST;
    if (virtio_has(net->dev, VIRTIO_NET_F_MRG_RXBUF) && virtio_has(net->dev, RECEIVE_LONG)) {
        while (shift < RX_SHIFT_MOST && (2UL << shift) <= most) {
            shift++;
        }
    }
    return shift;
}

/* Buffers in one piece; where memory is short, smaller ones, then fewer. Errors: -ENOMEM, -EIO. */
static int alloc_buffers(struct virtio_net *net)
{
    size_t contiguous;
    net->nbuffers = netdev_buffers(BUFFERS_LEAST, RAM_PER_BUFFER);
    net->rx_shift = choose_shift(net);
    while ((net->buffers = page_alloc_n(buffer_pages(net))) == NULL) {
        if (net->rx_shift > RX_SHIFT_LEAST) {
            net->rx_shift--;
        } else if (net->nbuffers / 2 >= BUFFERS_LEAST) {
            net->nbuffers /= 2;
        } else {
            break;
        }
    }
    unsigned n = net->nbuffers;
    net->rx_space = (1u << net->rx_shift) - RX_OFFSET;
    net->pool = net->buffers == NULL ? NULL : page_alloc_n(pool_pages(n));
    net->headers = page_alloc_n(HEADER_PAGES);
    if (net->pool == NULL || net->headers == NULL) {
        return -ENOMEM;
    }
    memset(net->pool, 0, pool_pages(n) * PAGE_SIZE);
    memset(net->headers, 0, HEADER_PAGES * PAGE_SIZE);
    for (unsigned i = n; i-- > 0;) {
        net->pool[i].next = net->spare;
        net->spare = &net->pool[i];
    }
    size_t bytes = buffer_pages(net) * PAGE_SIZE;
    net->buffers_pa = mem_to_paddr(net->buffers, bytes, &contiguous);
    if (net->buffers_pa == PADDR_NONE || contiguous < bytes) {
        return -EIO;
    }
    bytes = HEADER_PAGES * PAGE_SIZE;
    net->headers_pa = mem_to_paddr(net->headers, bytes, &contiguous);
    return net->headers_pa == PADDR_NONE || contiguous < bytes ? -EIO : 0;
}

static void free_all(struct virtio_net *net)
{
    virtio_close(net->dev);
    if (net->buffers != NULL) {
        page_free_n(net->buffers, buffer_pages(net));
    }
    if (net->pool != NULL) {
        page_free_n(net->pool, pool_pages(net->nbuffers));
    }
    if (net->headers != NULL) {
        page_free_n(net->headers, HEADER_PAGES);
    }
    page_free(net, 0);
}

/* The largest payload of a frame: the host's word, as far as our buffers go. */
static uint16_t read_mtu(struct virtio_net *net)
{
    uint16_t mtu = MTU_DEFAULT;
    if (virtio_has(net->dev, VIRTIO_NET_F_MTU)) {
        virtio_config(net->dev, VIRTIO_NET_CONFIG_MTU, &mtu, sizeof mtu);
    }
    if (mtu < MTU_LEAST) {
        klog(LOG_WARNING, "%s: an MTU of %u can't be, taken for %u", net->dev->name, mtu,
             MTU_DEFAULT);
        mtu = MTU_DEFAULT;
    }
    uint32_t room = net->rx_space - (uint32_t)sizeof(struct virtio_net_header);
    if (net->mergeable) {
        /* A few frames of that size have to fit into the buffers at the same time. */
        room = net->nbuffers / 4 * net->rx_space;
        room = room < GSO_FRAME_MAX ? room : GSO_FRAME_MAX;
    }
    room -= ETHERNET_HEADER + ETHERNET_TAG;
    return mtu < room ? mtu : (uint16_t)room;
}

static void read_config(struct virtio_net *net)
{
    struct netdev *dev = &net->netdev;
    net->mergeable = virtio_has(net->dev, VIRTIO_NET_F_MRG_RXBUF);
    if (virtio_has(net->dev, VIRTIO_NET_F_MAC)) {
        for (unsigned i = 0; i < sizeof dev->mac; i++) {
            virtio_config(net->dev, VIRTIO_NET_CONFIG_MAC + i, &dev->mac[i], 1);
        }
    }
    dev->mtu = read_mtu(net);
    dev->tx_csum = virtio_has(net->dev, VIRTIO_NET_F_CSUM);
    dev->rx_csum = virtio_has(net->dev, VIRTIO_NET_F_GUEST_CSUM);
    /* 5.1.3.1: segmentation needs checksums, which a device may forget to offer. */
    bool both = virtio_has(net->dev, VIRTIO_NET_F_HOST_TSO4) &&
                virtio_has(net->dev, VIRTIO_NET_F_HOST_TSO6);
    dev->tso_max = both && dev->tx_csum ? GSO_FRAME_MAX : 0;
    dev->rx_buffers = net->nbuffers;
    dev->tx_slots = net->tx.ring.size;
    dev->link_up = virtio_net_link(net);
    net->longest = dev->mtu + ETHERNET_HEADER + ETHERNET_TAG;
    uint32_t most = virtio_has(net->dev, RECEIVE_LONG) ? GSO_FRAME_MAX : net->longest;
    net->low = (most + (uint32_t)sizeof(struct virtio_net_header)) / net->rx_space + 1;
}

/* Everything up to a running device. */
static int set_up(struct virtio_net *net)
{
    uint64_t wanted = WANTED;
    if (cmdline_get_u64("net.gro", 1) != 0) {
        wanted |= RECEIVE_LONG;
    }
    int err = virtio_open(net->dev, wanted);
    const uint64_t needed = VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_GUEST_CSUM;
    if (err == 0 && virtio_has(net->dev, RECEIVE_LONG) && (net->dev->features & needed) != needed) {
        /* 5.1.6.3.1: without merging each of our buffers would have to hold 64 KiB. */
        err = virtio_open(net->dev, WANTED);
    }
    if (err == 0) {
        err = alloc_buffers(net);
    }
    if (err == 0) {
        unsigned entries = net->nbuffers < VIRTIO_NET_RING ? net->nbuffers : VIRTIO_NET_RING;
        err = virtio_queue_open(net->dev, &net->rx, RX_QUEUE, entries, virtio_net_interrupt, net);
    }
    if (err == 0) {
        err = virtio_queue_open(net->dev, &net->tx, TX_QUEUE, VIRTIO_NET_RING, virtio_net_interrupt,
                                net);
    }
    if (err == 0) {
        net->dev->on_config = virtio_net_config;
        net->dev->arg = net;
        err = virtio_start(net->dev);
    }
    return err;
}

_Static_assert(sizeof(struct virtio_net) <= PAGE_SIZE, "one page");

static int attach(struct virtio_device *dev)
{
    struct virtio_net *net = page_alloc(0);
    if (net == NULL) {
        return -ENOMEM;
    }
    memset(net, 0, PAGE_SIZE);
    net->dev = dev;
    net->netdev.ops = &virtio_net_ops;
    int err = set_up(net);
    if (err < 0) {
        klog(LOG_ERROR, "%s: network device not driven, error %d", dev->name, -err);
        free_all(net);
        return err;
    }
    read_config(net);
    virtio_net_refill(net);
    netdev_attach(&net->netdev);
    return 0;
}

int virtio_net_probe(void)
{
    return virtio_probe(VIRTIO_ID_NET, attach);
}
