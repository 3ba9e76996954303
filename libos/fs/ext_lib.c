/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: what libext2fs calls: an I/O manager over the cache, memory, and the few functions of its
 * other files, of which nothing else is needed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pith/heap.h>

#include "ext.h"

#include <ext2fs/ext2fsP.h> /* what its files have for each other */

/* With EXT2_CUSTOM_MEMORY_ROUTINES its header leaves these out. */
errcode_t ext2fs_get_mem(unsigned long size, void *ptr);
errcode_t ext2fs_get_memzero(unsigned long size, void *ptr);
errcode_t ext2fs_get_array(unsigned long count, unsigned long size, void *ptr);
errcode_t ext2fs_get_arrayzero(unsigned long count, unsigned long size, void *ptr);
errcode_t ext2fs_free_mem(void *ptr);
errcode_t ext2fs_resize_mem(unsigned long old_size, unsigned long size, void *ptr);
errcode_t ext2fs_resize_array(unsigned long size, unsigned long old_count, unsigned long count,
                              void *ptr);

/* What its header has inline, for where the compiler does not put it there. */
extern unsigned int ext2fs_div_ceil(unsigned int a, unsigned int b);
extern __u64 ext2fs_div64_ceil(__u64 a, __u64 b);

/* ---- I/O ---- */

/* Bytes by way of the cache. */
static int cache_bytes(struct ext_fs *x, bool write, uint64_t off, size_t len, uint8_t *buf)
{
    while (len != 0) {
        uint64_t no = off / x->block_size;
        size_t at = off % x->block_size, n = x->block_size - at < len ? x->block_size - at : len;
        struct ext_block *b;
        int r = n == x->block_size && write ? ext_block_new(x, no, &b) : ext_block_read(x, no, &b);
        if (r != 0) {
            return r;
        }
        if (!write) {
            memcpy(buf, b->data + at, n);
        } else {
            memcpy(b->data + at, buf, n);
            ext_block_changed(x, b);
        }
        ext_block_put(b);
        off += n;
        buf += n;
        len -= n;
    }
    return 0;
}

static errcode_t transfer(io_channel c, bool write, uint64_t block, int count, void *buf)
{
    size_t len = count < 0 ? (size_t)-count : (size_t)count * (size_t)c->block_size;
    if (block > UINT64_MAX / (uint64_t)c->block_size) {
        return EIO;
    }
    return -cache_bytes(c->private_data, write, block * (uint64_t)c->block_size, len, buf);
}

static errcode_t io_read64(io_channel c, unsigned long long block, int count, void *buf)
{
    return transfer(c, false, block, count, buf);
}

static errcode_t io_read(io_channel c, unsigned long block, int count, void *buf)
{
    return transfer(c, false, block, count, buf);
}

static errcode_t io_write64(io_channel c, unsigned long long block, int count, const void *buf)
{
    return transfer(c, true, block, count, (void *)(uintptr_t)buf); /* only read */
}

static errcode_t io_write(io_channel c, unsigned long block, int count, const void *buf)
{
    return transfer(c, true, block, count, (void *)(uintptr_t)buf);
}

static errcode_t io_set_blksize(io_channel c, int size)
{
    c->block_size = size;
    return 0;
}

static errcode_t io_flush(io_channel c)
{
    (void)c;
    return 0;
}

static errcode_t io_close(io_channel c)
{
    heap_free(c);
    return 0;
}

/* The name is the file system's address: the library hands nothing else on. */
static errcode_t io_open(const char *name, int flags, io_channel *out)
{
    struct struct_io_channel *c = heap_alloc(sizeof(*c));
    (void)flags;
    if (c == NULL) {
        return EXT2_ET_NO_MEMORY;
    }
    memset(c, 0, sizeof(*c));
    c->magic = EXT2_ET_MAGIC_IO_CHANNEL;
    c->manager = &ext_io_manager;
    c->block_size = 1024;
    c->refcount = 1;
    c->private_data = (void *)strtoul(name, NULL, 16);
    *out = c;
    return 0;
}

struct struct_io_manager ext_io_manager = {
    .magic = EXT2_ET_MAGIC_IO_MANAGER,
    .name = "cache",
    .open = io_open,
    .close = io_close,
    .set_blksize = io_set_blksize,
    .read_blk = io_read,
    .write_blk = io_write,
    .flush = io_flush,
    .read_blk64 = io_read64,
    .write_blk64 = io_write64,
};

errcode_t ext2fs_zero_blocks2(ext2_filsys fs, blk64_t first, int n, blk64_t *bad, int *nbad)
{
    struct ext_fs *x = fs != NULL ? fs->priv_data : NULL; /* ext2fs_free() means a buffer that is not */
    (void)bad;
    (void)nbad;
    for (int i = 0; i < n && x != NULL; i++) {
        struct ext_block *b;
        int r = ext_block_new(x, first + (blk64_t)i, &b);
        if (r != 0) {
            return -r;
        }
        memset(b->data, 0, x->block_size);
        ext_block_changed(x, b);
        ext_block_put(b);
    }
    return 0;
}

/* ---- memory ---- */

/*
 * A change takes little memory, but in its middle it can't do without. So some blocks lie ready; a
 * change begins only when all of them do (ext_begin()), and one is given to the heap when it has
 * nothing left. Guarded by nothing: a slot is taken by exchange.
 */
#define RESERVE       8u
#define RESERVE_BYTES (16u * 1024)

static void *reserve[RESERVE];

int ext_mem_reserve(void)
{
    for (unsigned i = 0; i < RESERVE; i++) {
        if (__atomic_load_n(&reserve[i], __ATOMIC_RELAXED) == NULL) {
            void *p = heap_alloc(RESERVE_BYTES);
            if (p == NULL) {
                return -ENOMEM;
            }
            p = __atomic_exchange_n(&reserve[i], p, __ATOMIC_ACQ_REL);
            heap_free(p);
        }
    }
    return 0;
}

static bool free_one(void)
{
    for (unsigned i = 0; i < RESERVE; i++) {
        void *p = __atomic_exchange_n(&reserve[i], NULL, __ATOMIC_ACQ_REL);
        if (p != NULL) {
            heap_free(p);
            return true;
        }
    }
    return false;
}

void *ext_mem_resize(void *old, size_t size)
{
    void *p;
    while ((p = heap_resize(old, size)) == NULL && free_one()) {
    }
    return p;
}

static errcode_t get(unsigned long count, unsigned long size, bool zero, void *ptr)
{
    size_t len;
    if (__builtin_mul_overflow(count, size, &len)) {
        return EXT2_ET_NO_MEMORY;
    }
    void *p = ext_mem_resize(NULL, len);
    if (p == NULL) {
        return EXT2_ET_NO_MEMORY;
    }
    if (zero) {
        memset(p, 0, len);
    }
    memcpy(ptr, &p, sizeof(p));
    return 0;
}

errcode_t ext2fs_get_mem(unsigned long size, void *ptr)
{
    return get(1, size, false, ptr);
}

errcode_t ext2fs_get_memzero(unsigned long size, void *ptr)
{
    return get(1, size, true, ptr);
}

errcode_t ext2fs_get_array(unsigned long count, unsigned long size, void *ptr)
{
    return get(count, size, false, ptr);
}

errcode_t ext2fs_get_arrayzero(unsigned long count, unsigned long size, void *ptr)
{
    return get(count, size, true, ptr);
}

/* Only O_DIRECT of other I/O managers would need the alignment. */
errcode_t ext2fs_get_memalign(unsigned long size, unsigned long align, void *ptr)
{
    (void)align;
    return get(1, size, false, ptr);
}

errcode_t ext2fs_free_mem(void *ptr)
{
    void *p, *none = NULL;
    memcpy(&p, ptr, sizeof(p));
    heap_free(p);
    memcpy(ptr, &none, sizeof(none));
    return 0;
}

errcode_t ext2fs_resize_mem(unsigned long old_size, unsigned long size, void *ptr)
{
    void *p;
    (void)old_size;
    memcpy(&p, ptr, sizeof(p));
    p = ext_mem_resize(p, size);
    if (p == NULL) {
        return EXT2_ET_NO_MEMORY;
    }
    memcpy(ptr, &p, sizeof(p));
    return 0;
}

errcode_t ext2fs_resize_array(unsigned long size, unsigned long old_count, unsigned long count,
                              void *ptr)
{
    size_t len;
    (void)old_count;
    return __builtin_mul_overflow(count, size, &len) ? EXT2_ET_NO_MEMORY
                                                      : ext2fs_resize_mem(0, len, ptr);
}

/* ---- the rest ---- */

int ext2fs_is_fast_symlink(struct ext2_inode *inode)
{
    return LINUX_S_ISLNK(inode->i_mode) && EXT2_I_SIZE(inode) != 0 &&
           EXT2_I_SIZE(inode) < sizeof(inode->i_block);
}

errcode_t ext2fs_set_rec_len(ext2_filsys fs, unsigned int len, struct ext2_dir_entry *entry)
{
    (void)fs;
    entry->rec_len = (__u16)len; /* blocks are of up to 4096 bytes */
    return 0;
}

/* What follows belongs to features that are refused, or to functions that nobody calls. */

errcode_t ext2fs_mmp_start(ext2_filsys fs)
{
    (void)fs;
    return EXT2_ET_OP_NOT_SUPPORTED;
}

errcode_t ext2fs_mmp_stop(ext2_filsys fs)
{
    (void)fs;
    return 0;
}

errcode_t ext2fs_read_bb_inode(ext2_filsys fs, ext2_badblocks_list *list)
{
    (void)fs;
    (void)list;
    return EXT2_ET_OP_NOT_SUPPORTED;
}

errcode_t ext2fs_inline_data_ea_remove(ext2_filsys fs, ext2_ino_t ino)
{
    (void)fs;
    (void)ino;
    return EXT2_ET_OP_NOT_SUPPORTED;
}

const struct ext2fs_nls_table *ext2fs_load_nls_table(int encoding)
{
    (void)encoding;
    return NULL;
}

struct ext2fs_hashmap *ext2fs_hashmap_create(uint32_t (*hash)(const void *key, size_t len),
                                             void (*free_entry)(void *), size_t size)
{
    (void)hash;
    (void)free_entry;
    (void)size;
    return NULL;
}

void ext2fs_hashmap_free(struct ext2fs_hashmap *h)
{
    (void)h;
}

uint32_t ext2fs_djb2_hash(const void *key, size_t len)
{
    (void)key;
    (void)len;
    return 0;
}
