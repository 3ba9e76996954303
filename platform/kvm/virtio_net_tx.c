/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending (virtio 1.2, 5.1.6.2): a header and the frame's pieces as one chain of descriptors. Where
 * the frame has room in front, the header is written there and the first piece has both (2.7.4.1:
 * how a request is cut is the driver's choice); else it lies in a page of ours.
 *
 * The device's completions are taken when the next frames are sent, or by reap(): no interrupt
 * unless somebody waits for room.
 */
#include <kvm/virtio_net.h>

#include <errno.h>
#include <string.h>

#include <pith/irq.h>
#include <x86/mem.h>

int virtio_net_take_sent(struct virtio_net *net)
{
    uint32_t len;
    struct netbuf *frame;
    int n = 0;
    if (!virtio_ring_pending(&net->tx.ring)) {
        return 0;
    }
    bool was = irq_save(); /* done() may rely on it */
    while ((frame = virtio_ring_take(&net->tx.ring, &len)) != NULL) {
        frame->done(frame);
        n++;
    }
    irq_restore(was);
    if (n > 0) {
        net->netdev.shared.full_since = 0;
    }
    return n;
}

int virtio_net_reap(struct netdev *dev)
{
    struct virtio_net *net = virtio_net_of(dev);
    if (!virtio_net_check(net)) {
        return 0;
    }
    int n = virtio_net_take_sent(net);
    virtio_net_check(net);
    return n;
}

void virtio_net_tx_reclaim(struct virtio_net *net)
{
    struct netbuf *frame;
    while ((frame = virtio_ring_reclaim(&net->tx.ring)) != NULL) {
        netdev_tx_drop(&net->netdev, frame);
    }
}

/* What the windows don't know; the one that was asked longer ago goes. */
static __attribute__((noinline)) paddr_t learn(struct virtio_net *net, const char *p, size_t want,
                                               size_t *len)
{
    struct virtio_net_window w = { .va = (uintptr_t)p };

    w.pa = mem_to_paddr(p, SIZE_MAX, &w.len);
    if (w.pa == PADDR_NONE) {
        *len = 0;
        return w.pa;
    }
    net->window[1] = net->window[0];
    net->window[0] = w;
    *len = want < w.len ? want : w.len;
    return w.pa;
}

/*
 * mem_to_paddr(), which is asked once for a range of memory: frames come from the heap, and seldom
 * from the image.
 */
static inline paddr_t to_paddr(struct virtio_net *net, const char *p, size_t want, size_t *len)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct virtio_net_window *w = &net->window[i];
        size_t at = (uintptr_t)p - w->va;
        if (at < w->len && want <= w->len - at) {
            *len = want;
            return w->pa + at;
        }
    }
    return learn(net, p, want, len);
}

/*
 * Cut the frame where its physical addresses jump, with `before` bytes in front of it. Returns its
 * length, without those; *n counts the pieces.
 */
static int describe(struct virtio_net *net, const struct netbuf *frame, uint32_t before,
                    struct virtio_buf *bufs, unsigned *n)
{
    uint32_t total = 0;
    for (const struct netbuf *nb = frame; nb != NULL; nb = nb->next) {
        const char *p = (const char *)nb->data - before;
        if (nb->len > GSO_FRAME_MAX - total) {
            return -EMSGSIZE;
        }
        total += nb->len;
        uint32_t left = nb->len + before;
        before = 0;
        while (left != 0) {
            size_t len;
            paddr_t pa = to_paddr(net, p, left, &len);
            if (pa == PADDR_NONE || len == 0) {
                return -EFAULT;
            }
            if (*n > TX_MAX_PIECES) {
                return -E2BIG;
            }
            bufs[(*n)++] = (struct virtio_buf){ pa, (uint32_t)len };
            p += len;
            left -= (uint32_t)len;
        }
    }
    return (int)total;
}

/* Write the header of a frame of `len` bytes. Errors: -EINVAL it can't be sent so. */
static __attribute__((noinline)) int write_header(const struct virtio_net *net,
                                                  const struct netbuf *frame, uint32_t len,
                                                  struct virtio_net_header *h)
{
    uint32_t limit = net->netdev.mtu + ETHERNET_HEADER + ETHERNET_TAG;
    *h = (struct virtio_net_header){ 0 };
    if (frame->flags & NETBUF_CSUM_PARTIAL) {
        if (!net->netdev.tx_csum || (uint32_t)frame->csum_start + frame->csum_offset + 2 > len) {
            return -EINVAL;
        }
        h->flags = VIRTIO_NET_HDR_NEEDS_CSUM;
        h->csum_start = frame->csum_start;
        h->csum_offset = frame->csum_offset;
    }
    if (frame->flags & (NETBUF_GSO_TCP4 | NETBUF_GSO_TCP6)) {
        bool v4 = (frame->flags & NETBUF_GSO_TCP4) != 0;
        if (!virtio_has(net->dev, v4 ? VIRTIO_NET_F_HOST_TSO4 : VIRTIO_NET_F_HOST_TSO6) ||
            h->flags == 0 || frame->gso_size == 0 || frame->header_len > len) {
            return -EINVAL; /* 5.1.6.2.1: a segment's checksums are the device's work */
        }
        h->gso_type = v4 ? VIRTIO_NET_GSO_TCPV4 : VIRTIO_NET_GSO_TCPV6;
        h->gso_size = frame->gso_size;
        h->header_len = frame->header_len;
        limit = GSO_FRAME_MAX;
    }
    return len < ETHERNET_HEADER || len > limit ? -EMSGSIZE : 0;
}

/* A frame of several pieces, or without room in front. Errors: as send_one(). */
static __attribute__((noinline)) int send_pieces(struct virtio_net *net, struct netbuf *frame)
{
    struct virtio_buf bufs[1 + TX_MAX_PIECES];
    struct virtio_ring *ring = &net->tx.ring;
    bool inside = frame->headroom >= sizeof(struct virtio_net_header);
    unsigned n = inside ? 0 : 1;
    if (ring->nfree <= n) {
        return -ENOSPC;
    }
    uint32_t before = inside ? (uint32_t)sizeof(struct virtio_net_header) : 0;
    int len = describe(net, frame, before, bufs, &n);
    if (len < 0 || n > ring->size) {
        return len < 0 ? len : -E2BIG;
    }
    if (n > ring->nfree) {
        return -ENOSPC;
    }
    struct virtio_net_header h;
    int err = write_header(net, frame, (uint32_t)len, &h);
    if (err < 0) {
        return err;
    }
    if (inside) {
        memcpy((char *)frame->data - sizeof(h), &h, sizeof(h));
    } else {
        size_t slot = (size_t)virtio_ring_next(ring) * TX_SLOT;
        memcpy(net->headers + slot, &h, sizeof(h));
        bufs[0] = (struct virtio_buf){ net->headers_pa + slot, sizeof(h) };
    }
    err = virtio_ring_add(ring, bufs, n, 0, frame);
    if (err == 0) {
        net->netdev.stats.tx_frames++;
        net->netdev.stats.tx_bytes += (uint32_t)len;
    }
    return err;
}

/*
 * Put a frame on the ring, unpublished: straight on for one piece with room in front. Errors:
 * -ENOSPC no room now, else the frame's own fault.
 */
static inline int send_one(struct virtio_net *net, struct netbuf *frame)
{
    const uint32_t before = sizeof(struct virtio_net_header);
    struct virtio_ring *ring = &net->tx.ring;
    struct virtio_net_header h;
    size_t len;
    if (frame->next != NULL || frame->headroom < before || frame->len > GSO_FRAME_MAX ||
        !virtio_ring_has_room(ring)) {
        return send_pieces(net, frame);
    }
    char *start = (char *)frame->data - before;
    paddr_t pa = to_paddr(net, start, frame->len + before, &len);
    if (pa == PADDR_NONE || len != frame->len + before) {
        return send_pieces(net, frame);
    }
    int err = write_header(net, frame, frame->len, &h);
    if (err == 0) {
        memcpy(start, &h, sizeof(h));
        virtio_ring_add_one(ring, pa, (uint32_t)len, 0, frame);
        net->netdev.stats.tx_frames++;
        net->netdev.stats.tx_bytes += frame->len;
    }
    return err;
}

int virtio_net_transmit(struct netdev *dev, struct netbuf **frames, unsigned n)
{
    struct virtio_net *net = virtio_net_of(dev);
    struct virtio_ring *ring = &net->tx.ring;
    unsigned taken = 0;
    if (!virtio_net_check(net)) {
        return -EIO;
    }
    virtio_net_take_sent(net);
    for (; taken < n; taken++) {
        int err = send_one(net, frames[taken]);
        if (err == -EIO || (err == -ENOSPC && !netdev_tx_stuck(dev))) {
            break;
        }
        if (err < 0) {
            netdev_tx_drop(&net->netdev, frames[taken]);
        }
    }
    if (virtio_ring_publish(ring)) {
        dev->stats.notifies++;
        virtio_notify(&net->tx);
    }
    /* With an error the frames are the caller's, so what was taken before it counts. */
    return virtio_net_check(net) || taken > 0 ? (int)taken : -EIO;
}
