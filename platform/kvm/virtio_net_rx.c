/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving (virtio 1.2, 5.1.6.3 and 5.1.6.4): buffers into the ring, frames out of it.
 *
 * What the device says of a frame is read once and checked against the bytes that came; a frame
 * that makes no sense is dropped and counted. The ring itself has checked ids and lengths.
 */
#include <kvm/virtio_net.h>

#include <string.h>

#define REFILL_BATCH 16u /* so many free places in the ring are worth telling the device of */

static paddr_t address_of(const struct virtio_net *net, const struct netbuf *nb)
{
    return net->buffers_pa + ((size_t)(nb - net->pool) << net->rx_shift) + RX_OFFSET;
}

static char *space_of(const struct virtio_net *net, const struct netbuf *nb)
{
    return net->buffers + ((size_t)(nb - net->pool) << net->rx_shift) + RX_OFFSET;
}

/* ---- buffers ---- */

/* Take over what release() has got. */
static void collect(struct virtio_net *net)
{
    struct netbuf *nb = netdev_returned(&net->netdev);
    while (nb != NULL) {
        struct netbuf *next = nb->next;
        nb->next = net->spare;
        net->spare = nb;
        nb = next;
    }
}

static void fill(struct virtio_net *net)
{
    struct virtio_ring *ring = &net->rx.ring;
    collect(net);
    while (net->spare != NULL && virtio_ring_has_room(ring)) {
        struct netbuf *nb = net->spare;
        net->spare = nb->next;
        virtio_ring_add_one(ring, address_of(net, nb), net->rx_space, VIRTIO_DESC_WRITE, nb);
    }
}

void virtio_net_refill(struct virtio_net *net)
{
    struct virtio_ring *ring = &net->rx.ring;
    fill(net);
    if (ring->outstanding < net->low) {
        virtio_net_take_sent(net); /* our buffers may be among it: who answers by the same frame */
        netdev_set_dry(&net->netdev, true);
        fill(net); /* what came back before release() could see that */
    }
    if (net->netdev.shared.dry && ring->outstanding >= net->low) {
        netdev_set_dry(&net->netdev, false);
    }
    if (virtio_ring_publish(ring)) {
        net->netdev.stats.notifies++;
        virtio_notify(&net->rx);
    }
}

void virtio_net_rx_reclaim(struct virtio_net *net)
{
    struct netbuf *nb;
    while ((nb = virtio_ring_reclaim(&net->rx.ring)) != NULL) {
        nb->next = net->spare;
        net->spare = nb;
    }
}

/* ---- frames ---- */

/* Take the header out of shared memory, once: the device may still change it. */
static struct virtio_net_header read_header(const void *at)
{
    struct virtio_net_header h;
    memcpy(&h, at, sizeof h);
    __asm__ volatile("" : "+m"(h));
    return h;
}

/* What is wrong with the header of a frame of `len` bytes, or NULL; *flags is what netbufs say. */
static const char *judge(const struct virtio_net *net, const struct virtio_net_header *h,
                         uint32_t len, uint32_t *flags)
{
    *flags = 0;
    uint32_t limit = net->longest;
    unsigned gso = h->gso_type & ~VIRTIO_NET_GSO_ECN;
    if (gso != VIRTIO_NET_GSO_NONE) {
        uint64_t agreed = gso == VIRTIO_NET_GSO_TCPV4   ? VIRTIO_NET_F_GUEST_TSO4
                          : gso == VIRTIO_NET_GSO_TCPV6 ? VIRTIO_NET_F_GUEST_TSO6
                                                        : 0;
        if (!virtio_has(net->dev, agreed) || h->gso_size == 0) {
            return "a kind of segment that was not agreed on";
        }
        *flags |= gso == VIRTIO_NET_GSO_TCPV4 ? NETBUF_GSO_TCP4 : NETBUF_GSO_TCP6;
        limit = GSO_FRAME_MAX;
    }
    if (len < ETHERNET_HEADER || len > limit) {
        return len < ETHERNET_HEADER ? "too short" : "too long";
    }
    if (h->flags & VIRTIO_NET_HDR_NEEDS_CSUM) {
        if (!net->netdev.rx_csum) {
            return "without checksum, which was not agreed on";
        }
        if ((uint32_t)h->csum_start + h->csum_offset + 2 > len) {
            return "its checksum lies outside";
        }
        *flags |= NETBUF_CSUM_PARTIAL;
    } else if ((h->flags & VIRTIO_NET_HDR_DATA_VALID) && net->netdev.rx_csum) {
        *flags |= NETBUF_CSUM_VALID;
    }
    return NULL;
}

static struct netbuf *lend(struct virtio_net *net, struct netbuf *nb, uint32_t skip, uint32_t len)
{
    nb->next = NULL;
    nb->data = space_of(net, nb) + skip;
    nb->len = len;
    nb->capacity = net->rx_space - skip;
    nb->headroom = RX_OFFSET + skip;
    nb->driver = net;
    return nb;
}

/* Back to the spare ones: a chain that nobody has seen. */
static void drop(struct virtio_net *net, struct netbuf *frame, const char *why)
{
    while (frame != NULL) {
        struct netbuf *next = frame->next;
        frame->driver = NULL;
        frame->next = net->spare;
        net->spare = frame;
        net->netdev.rx_lent--;
        frame = next;
    }
    netdev_rx_dropped(&net->netdev, why);
}

/*
 * Gather the other buffers of a frame, which the device has finished together with the first
 * (5.1.6.4). Returns what is wrong, or NULL.
 */
static const char *gather(struct virtio_net *net, struct netbuf *nb, unsigned count,
                          uint32_t *total)
{
    const char *why = count == 0 ? "of no buffers" : NULL;
    for (; count > 1; count--) {
        uint32_t len;
        struct netbuf *more = virtio_ring_take(&net->rx.ring, &len);
        if (more == NULL) {
            return "of more buffers than came";
        }
        net->netdev.rx_lent++;
        nb->next = lend(net, more, 0, len);
        nb = more;
        *total += len;
        if (len == 0) {
            why = "with an empty buffer";
        }
    }
    return why;
}

/* The next frame that can be used, or NULL. */
static struct netbuf *take_frame(struct virtio_net *net)
{
    uint32_t len;
    struct netbuf *nb;
    while ((nb = virtio_ring_take(&net->rx.ring, &len)) != NULL) {
        const uint32_t skip = sizeof(struct virtio_net_header);
        struct virtio_net_header h = read_header(space_of(net, nb));
        const char *why = "shorter than its header";
        uint32_t total = len - skip;
        uint32_t flags = 0;
        net->netdev.rx_lent++;
        lend(net, nb, skip, total);
        if (len >= skip) {
            unsigned count = net->mergeable ? h.num_buffers : 1;
            why = count != 1 ? gather(net, nb, count, &total) : NULL;
            why = why == NULL ? judge(net, &h, total, &flags) : why;
        }
        if (why == NULL) {
            nb->flags = flags;
            nb->csum_start = h.csum_start;
            nb->csum_offset = h.csum_offset;
            nb->gso_size = h.gso_size;
            nb->header_len = h.header_len;
            net->netdev.stats.rx_frames++;
            net->netdev.stats.rx_bytes += total;
            return nb;
        }
        drop(net, nb, why);
    }
    return NULL;
}

int virtio_net_receive(struct netdev *dev, struct netbuf **frames, unsigned n)
{
    struct virtio_net *net = virtio_net_of(dev);
    unsigned got = 0;
    if (!virtio_net_check(net)) {
        return 0;
    }
    struct netbuf *nb;
    while (got < n && (nb = take_frame(net)) != NULL) {
        frames[got++] = nb;
    }
    struct virtio_ring *ring = &net->rx.ring;
    if (ring->nfree >= REFILL_BATCH || ring->outstanding < net->low || dev->shared.dry) {
        virtio_net_refill(net);
    }
    virtio_net_check(net);
    return (int)got;
}
