/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding virtio block devices, judging what they say of themselves, and setting them up. */
#include <kvm/virtio_blk.h>

#include <errno.h>
#include <string.h>

#include <pith/cmdline.h>
#include <pith/log.h>
#include <pith/page.h>
#include <pith/platform.h>
#include <x86/mem.h>
#include <x86/probe.h>

/* Feature bits (5.2.3). */
#define F_SIZE_MAX (1ULL << 1)
#define F_SEG_MAX  (1ULL << 2)
#define F_RO       (1ULL << 5)
#define F_BLK_SIZE (1ULL << 6)
#define F_FLUSH    (1ULL << 9)
#define F_DISCARD  (1ULL << 13)
#define WANTED     (F_SIZE_MAX | F_SEG_MAX | F_RO | F_BLK_SIZE | F_FLUSH | F_DISCARD | \
                    VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

/* Configuration (5.2.4). */
#define CONFIG_CAPACITY 0
#define CONFIG_SIZE_MAX 8
#define CONFIG_SEG_MAX  12
#define CONFIG_BLK_SIZE 20
#define CONFIG_MAX_DISCARD_SECTORS      36
#define CONFIG_DISCARD_SECTOR_ALIGNMENT 44

#define ONE_PIECE_BYTES (64 * 1024) /* where requests are bounced: more is hard to get */
#define ID_WAIT_NS      1000000000ULL
#define TIMEOUT_S       30

_Static_assert(sizeof(struct virtio_blk) <= 3 * PAGE_SIZE, "takes few pages");

static void blk_interrupt(void *arg)
{
    struct virtio_blk *b = arg;
    __atomic_store_n(&b->blkdev.stats.interrupts, b->blkdev.stats.interrupts + 1, __ATOMIC_RELAXED);
    virtio_blk_complete(b);
}

static void blk_config(void *arg)
{
    struct virtio_blk *b = arg;
    if (b->failing) {
        return;
    }
    if (virtio_needs_reset(b->dev)) {
        virtio_blk_give_up(b, "it asks to be reset");
        return;
    }
    uint64_t capacity;
    virtio_config(b->dev, CONFIG_CAPACITY, &capacity, sizeof capacity);
    if (capacity != b->blkdev.nsectors) {
        klog(LOG_INFO, "%s: %llu sectors now", b->blkdev.name, (unsigned long long)capacity);
        b->blkdev.nsectors = capacity;
    }
}

/*
 * Choose limits such that a request within them fits whatever its memory looks like: each segment
 * may begin and end inside of a page, and every page may be a piece of its own.
 */
static void set_limits(struct virtio_blk *b, uint32_t seg_max)
{
    /* 2.7.5.3.1: no longer than the queue, also when indirect. */
    unsigned chain = b->queue.ring.size - 2u;
    if (!virtio_has(b->dev, VIRTIO_F_INDIRECT_DESC) && chain > 64) {
        chain = 64;
    }
    b->max_pieces = seg_max == 0 ? 1 : seg_max < chain ? seg_max : chain;
    uint32_t unit = b->max_piece < PAGE_SIZE ? b->max_piece : (uint32_t)PAGE_SIZE;
    unsigned segments = b->max_pieces / 8 > 1 ? b->max_pieces / 8 : 1;
    if (b->max_pieces >= 4) {
        b->blkdev.max_segments = segments;
        b->blkdev.max_bytes = (b->max_pieces - 2 * segments) * unit;
    } else {
        /* So few that requests are bounced when their memory is scattered. */
        uint64_t most = (uint64_t)b->max_pieces * b->max_piece;
        b->blkdev.max_segments = 16;
        b->blkdev.max_bytes = most < ONE_PIECE_BYTES ? (uint32_t)most : ONE_PIECE_BYTES;
    }
    if (b->blkdev.max_bytes > VIRTIO_BLK_MAX_BYTES) {
        b->blkdev.max_bytes = VIRTIO_BLK_MAX_BYTES;
    }
    b->blkdev.max_bytes &= ~(b->blkdev.block_size - 1);
}

/* A device that offers to discard, but nothing at a time, is taken for one that doesn't offer it. */
static void read_discard(struct virtio_blk *b)
{
    uint32_t most = 0;
    uint32_t alignment = 0;
    uint32_t block = b->blkdev.block_size / BLKDEV_SECTOR;
    if (b->blkdev.readonly || !virtio_has(b->dev, F_DISCARD)) {
        return;
    }
    virtio_config(b->dev, CONFIG_MAX_DISCARD_SECTORS, &most, sizeof most);
    virtio_config(b->dev, CONFIG_DISCARD_SECTOR_ALIGNMENT, &alignment, sizeof alignment);
    b->blkdev.max_discard = most - most % block;
    b->blkdev.has_discard = b->blkdev.max_discard != 0;
    b->blkdev.discard_granularity = alignment == 0                         ? b->blkdev.block_size
                                    : alignment > UINT32_MAX / BLKDEV_SECTOR ? UINT32_MAX
                                                                             : alignment * BLKDEV_SECTOR;
}

/* Read and judge the configuration. Errors: -EINVAL. */
static int read_config(struct virtio_blk *b)
{
    uint32_t size_max = 0;
    uint32_t seg_max = 0;
    b->blkdev.block_size = BLKDEV_SECTOR;
    virtio_config(b->dev, CONFIG_CAPACITY, &b->blkdev.nsectors, sizeof b->blkdev.nsectors);
    if (virtio_has(b->dev, F_SIZE_MAX)) {
        virtio_config(b->dev, CONFIG_SIZE_MAX, &size_max, sizeof size_max);
    }
    if (virtio_has(b->dev, F_SEG_MAX)) {
        virtio_config(b->dev, CONFIG_SEG_MAX, &seg_max, sizeof seg_max);
    }
    if (virtio_has(b->dev, F_BLK_SIZE)) {
        virtio_config(b->dev, CONFIG_BLK_SIZE, &b->blkdev.block_size, sizeof b->blkdev.block_size);
    }
    uint32_t bs = b->blkdev.block_size;
    if (bs < BLKDEV_SECTOR || bs > PAGE_SIZE || (bs & (bs - 1)) != 0) {
        klog(LOG_WARNING, "%s: blocks of %u bytes are not driven", b->dev->name, bs);
        return -EINVAL;
    }
    b->max_piece = VIRTIO_BLK_MAX_BYTES;
    if (size_max != 0 && size_max < VIRTIO_BLK_MAX_BYTES) {
        b->max_piece = size_max & ~(bs - 1);
    }
    if (b->max_piece == 0) {
        klog(LOG_WARNING, "%s: pieces of %u bytes are not driven", b->dev->name, size_max);
        return -EINVAL;
    }
    b->blkdev.readonly = virtio_has(b->dev, F_RO);
    b->blkdev.has_flush = virtio_has(b->dev, F_FLUSH);
    read_discard(b);
    set_limits(b, seg_max);
    return b->blkdev.max_bytes == 0 ? -EINVAL : 0;
}

/* Ask for the serial number, and wait for it: probing is over when a disk can be told by it. */
static void read_serial(struct virtio_blk *b)
{
    uint64_t now = platform_clock_ns();
    uint64_t deadline = now + ID_WAIT_NS;
    bool was = spin_lock(&b->lock);
    bool notify = virtio_blk_start_id(b, now) == 0 && virtio_ring_publish(&b->queue.ring);
    spin_unlock(&b->lock, was);
    if (notify) {
        virtio_notify(&b->queue);
    }
    while (!b->id_done && !b->failing && platform_clock_ns() < deadline) {
        cpu_relax();
        virtio_blk_ops.poll(&b->blkdev);
    }
}

#define SLOTS_BYTES (VIRTIO_BLK_QUEUE * sizeof(struct virtio_blk_slot))
#define SLOTS_PAGES ((SLOTS_BYTES + VIRTIO_BLK_ID_LEN + PAGE_SIZE - 1) / PAGE_SIZE)
#define SELF_PAGES  ((sizeof(struct virtio_blk) + PAGE_SIZE - 1) / PAGE_SIZE)

static int alloc_slots(struct virtio_blk *b)
{
    size_t contiguous;
    b->slots = page_alloc_n(SLOTS_PAGES);
    b->spare = page_alloc(0);
    if (b->slots == NULL || b->spare == NULL) {
        return -ENOMEM;
    }
    memset(b->slots, 0, SLOTS_PAGES * PAGE_SIZE);
    b->slots_pa = mem_to_paddr(b->slots, SLOTS_PAGES * PAGE_SIZE, &contiguous);
    b->id = (char *)b->slots + SLOTS_BYTES;
    b->id_pa = b->slots_pa + SLOTS_BYTES;
    for (unsigned i = 0; i < VIRTIO_BLK_QUEUE; i++) {
        b->io[i].next = b->free;
        b->free = &b->io[i];
    }
    return b->slots_pa == PADDR_NONE || contiguous < SLOTS_PAGES * PAGE_SIZE ? -EIO : 0;
}

static void free_all(struct virtio_blk *b)
{
    virtio_close(b->dev);
    if (b->slots != NULL) {
        page_free_n(b->slots, SLOTS_PAGES);
    }
    if (b->spare != NULL) {
        page_free(b->spare, 0);
    }
    page_free_n(b, SELF_PAGES);
}

/* Everything up to a running device. */
static int set_up(struct virtio_blk *b)
{
    int err = virtio_open(b->dev, WANTED);
    if (err == 0) {
        err = alloc_slots(b);
    }
    if (err == 0) {
        err = virtio_queue_open(b->dev, &b->queue, 0, VIRTIO_BLK_QUEUE, blk_interrupt, b);
    }
    if (err == 0) {
        err = read_config(b);
    }
    if (err == 0) {
        b->dev->on_config = blk_config;
        b->dev->arg = b;
        err = virtio_start(b->dev);
    }
    return err;
}

static int attach(struct virtio_device *dev)
{
    struct virtio_blk *b = page_alloc_n(SELF_PAGES);
    if (b == NULL) {
        return -ENOMEM;
    }
    memset(b, 0, sizeof *b);
    b->dev = dev;
    b->blkdev.ops = &virtio_blk_ops;
    b->timeout_ns = cmdline_get_u64("blk.timeout", TIMEOUT_S) * 1000000000ULL;
    timer_init(&b->watchdog, virtio_blk_watchdog);
    int err = set_up(b);
    if (err < 0) {
        klog(LOG_ERROR, "%s: block device not driven, error %d", dev->name, -err);
        free_all(b);
        return err;
    }
    /* From here on interrupts come. */
    bool was = spin_lock(&b->lock);
    virtio_ring_arm(&b->queue.ring);
    spin_unlock(&b->lock, was);
    read_serial(b);
    blkdev_attach(&b->blkdev);
    return 0;
}

int virtio_blk_probe(void)
{
    return virtio_probe(VIRTIO_ID_BLOCK, attach);
}
