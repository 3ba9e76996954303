/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: which part of which disk. "vda" is all of it, "vda1" the first partition, by the GUID
 * partition table (UEFI 2.10, 5.3), or the master boot record's four (UEFI 2.10, 5.2.1) and from 5 on
 * those in its extended partition: a chain of such records, each of which has one partition, counted
 * from the record on, and the next record, counted from the extended partition on.
 */
#include <errno.h>
#include <string.h>

#include <pith/heap.h>
#include <pith/log.h>

#include "ext.h"

#define MBR_TABLE      446u
#define MBR_SIGNATURE  510u
#define TYPE_GPT       0xeeu
#define LOGICAL_FIRST  5u
#define LOGICAL_MAX    60u /* as Linux: a chain that is longer is a circle */
#define GPT_ENTRY_MIN  128u
#define GPT_ENTRY_MAX  4096u
#define GPT_MAX        1024u

struct mbr_entry {
    uint8_t active, chs_first[3], type, chs_last[3];
    uint32_t first, count;
};

struct gpt_header {
    char signature[8];
    uint32_t revision, size, crc, reserved;
    uint64_t self, other, first_usable, last_usable;
    uint8_t guid[16];
    uint64_t entries;
    uint32_t count, entry_size, entries_crc;
} __attribute__((packed));

struct gpt_entry {
    uint8_t type[16], guid[16];
    uint64_t first, last;
};

_Static_assert(sizeof(struct mbr_entry) == 16 && sizeof(struct gpt_header) == 92, "as in UEFI");

/* `count` blocks from `first` on are the partition. */
static int use(struct ext_fs *x, uint64_t first, uint64_t count)
{
    uint64_t size = x->dev->block_size, all = x->dev->nsectors * BLKDEV_SECTOR / size;
    if (first >= all || count == 0 || count > all - first) {
        return -EINVAL;
    }
    x->start = first * size;
    x->bytes = count * size;
    return 0;
}

static int read_blocks(struct ext_fs *x, uint64_t at, uint32_t n, void *buf)
{
    return blkdev_rw(x->dev, false, buf, (size_t)n * x->dev->block_size, at * x->dev->block_size);
}

static int find_gpt(struct ext_fs *x, unsigned number, uint8_t *block)
{
    static const uint8_t none[16];
    struct gpt_header h;
    struct gpt_entry e;
    uint32_t size = x->dev->block_size;
    int r = read_blocks(x, 1, 1, block);
    if (r != 0) {
        return r;
    }
    memcpy(&h, block, sizeof(h));
    if (memcmp(h.signature, "EFI PART", 8) != 0 || h.entry_size < GPT_ENTRY_MIN ||
        h.entry_size > GPT_ENTRY_MAX || (h.entry_size & (h.entry_size - 1)) != 0 ||
        h.entry_size > size || h.entries > UINT32_MAX) {
        return -EINVAL;
    }
    if (number > h.count || number > GPT_MAX) {
        return -ENODEV;
    }
    uint64_t at = (uint64_t)(number - 1) * h.entry_size;
    r = read_blocks(x, h.entries + at / size, 1, block);
    if (r != 0) {
        return r;
    }
    memcpy(&e, block + at % size, sizeof(e));
    if (memcmp(e.type, none, sizeof(none)) == 0) {
        return -ENODEV;
    }
    return e.last < e.first ? -EINVAL : use(x, e.first, e.last - e.first + 1);
}

/* The four entries of the record in a block of the device. */
static int read_record(struct ext_fs *x, uint64_t at, uint8_t *block, struct mbr_entry e[4])
{
    int r = read_blocks(x, at, 1, block);
    if (r == 0 && (block[MBR_SIGNATURE] != 0x55 || block[MBR_SIGNATURE + 1] != 0xaa)) {
        r = -EINVAL;
    }
    memcpy(e, block + MBR_TABLE, 4 * sizeof(*e));
    return r;
}

static bool is_extended(const struct mbr_entry *e)
{
    return e->type == 0x05 || e->type == 0x0f || e->type == 0x85;
}

static int find_logical(struct ext_fs *x, unsigned number, uint8_t *block, struct mbr_entry e[4])
{
    unsigned i = 0;
    while (i < 4 && !is_extended(&e[i])) {
        i++;
    }
    if (i == 4 || number - LOGICAL_FIRST >= LOGICAL_MAX) {
        return -ENODEV;
    }
    uint64_t begin = e[i].first, count = e[i].count, at = 0;
    for (unsigned k = LOGICAL_FIRST;; k++) {
        int r = read_record(x, begin + at, block, e);
        if (r != 0) {
            return r;
        }
        if (k == number) {
            break;
        }
        if (!is_extended(&e[1])) {
            return -ENODEV;
        }
        at = e[1].first;
        if (at >= count) {
            return -EINVAL;
        }
    }
    if (e[0].type == 0) {
        return -ENODEV;
    }
    return e[0].first > count - at || e[0].count > count - at - e[0].first
               ? -EINVAL : use(x, begin + at + e[0].first, e[0].count);
}

static int find_partition(struct ext_fs *x, unsigned number)
{
    struct mbr_entry e[4];
    uint8_t *block = heap_alloc(x->dev->block_size);
    if (block == NULL) {
        return -ENOMEM;
    }
    int r = read_record(x, 0, block, e);
    if (r == 0) {
        if (e[0].type == TYPE_GPT) {
            r = find_gpt(x, number, block);
        } else if (number >= LOGICAL_FIRST) {
            r = find_logical(x, number, block, e);
        } else if (e[number - 1].type == 0) {
            r = -ENODEV;
        } else {
            r = use(x, e[number - 1].first, e[number - 1].count);
        }
    }
    heap_free(block);
    return r;
}

/* "vda12": the number behind the disk's name, which is cut off; 0: there is none. */
static unsigned cut_number(char *name)
{
    size_t len = strlen(name), digits = 0;
    unsigned number = 0;
    while (digits < len && name[len - 1 - digits] >= '0' && name[len - 1 - digits] <= '9') {
        digits++;
    }
    if (digits == 0 || digits > 4 || digits == len || name[len - digits] == '0') {
        return 0;
    }
    for (size_t i = len - digits; i < len; i++) {
        number = number * 10 + (unsigned)(name[i] - '0');
    }
    name[len - digits] = '\0';
    return number;
}

int ext_part_find(struct ext_fs *x, const char *source)
{
    char disk[sizeof(x->name)];
    int r = -ENODEV;
    unsigned number;
    if (strlen(source) < sizeof(disk)) {
        strcpy(disk, source);
        strcpy(x->name, source);
        x->dev = blkdev_get(source); /* Xen has disks that are called like a partition */
        if (x->dev != NULL) {
            return use(x, 0, x->dev->nsectors * BLKDEV_SECTOR / x->dev->block_size);
        }
        number = cut_number(disk);
        x->dev = number != 0 ? blkdev_get(disk) : NULL;
        if (x->dev != NULL) {
            r = find_partition(x, number);
        }
    }
    if (r == -ENODEV) {
        klog(LOG_ERROR, "ext4: the machine has no disk or partition '%s'", source);
    } else if (r == -EINVAL) {
        klog(LOG_ERROR, "ext4: the partition table of '%s' can't be", source);
    }
    return r;
}
