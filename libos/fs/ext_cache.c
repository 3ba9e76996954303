/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: blocks in memory, by their number on the disk.
 *
 * Their number has a bound. Where it is reached, or the heap has nothing left, the oldest clean one
 * is used again; when there is none, contents are written first, then what the journal has. Neither
 * needs memory: EXT_KEPT blocks and the buffers are taken at the start. Only metadata of the running
 * transaction can't go; ext_journal_limit() keeps it to a part of all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pith/heap.h>
#include <pith/page.h>

#include "ext.h"

#define EXT_KEPT     64u /* blocks that are taken at the start and never given back */
#define RECLAIM_STEP 256u
#define FILL_MAX     64u /* blocks that are read at once into the cache */
#define NO_BLOCK     UINT64_MAX /* the number of one that holds nothing */

static struct ext_block **bucket(struct ext_fs *x, uint64_t no)
{
    return &x->cache.hash[no * 0x9e3779b97f4a7c15u >> (64 - x->cache.hash_bits)];
}

static void unhash(struct ext_fs *x, struct ext_block *b)
{
    struct ext_block **at = bucket(x, b->no);
    while (*at != b) {
        at = &(*at)->next;
    }
    *at = b->next;
}

void ext_block_state(struct ext_fs *x, struct ext_block *b, enum ext_state state)
{
    list_remove(&b->link);
    x->cache.count[b->state]--;
    b->state = (uint8_t)state;
    x->cache.count[state]++;
    list_insert(&x->cache.list[state], &b->link);
}

struct ext_block *ext_block_peek(struct ext_fs *x, uint64_t no)
{
    struct ext_block *b = *bucket(x, no);
    while (b != NULL && b->no != no) {
        b = b->next;
    }
    return b;
}

/* The oldest clean block that nobody holds, out of the hash but on its list; NULL: none. */
static struct ext_block *oldest(struct ext_fs *x)
{
    struct list *clean = &x->cache.list[EXT_CLEAN];
    for (struct list *l = clean->next; l != clean; l = l->next) {
        struct ext_block *b = LIST_ENTRY(l, struct ext_block, link);
        if (b->pins == 0) {
            unhash(x, b);
            return b;
        }
    }
    return NULL;
}

/* A new one, on the clean list, in no hash. */
static struct ext_block *allocate(struct ext_fs *x)
{
    struct ext_block *b = heap_alloc(sizeof(*b));
    uint8_t *data = b != NULL ? heap_alloc_aligned(x->block_size, x->block_size) : NULL;
    if (data == NULL) {
        heap_free(b);
        return NULL;
    }
    *b = (struct ext_block){ .data = data };
    x->cache.total++;
    x->cache.count[EXT_CLEAN]++;
    list_insert(&x->cache.list[EXT_CLEAN], &b->link);
    return b;
}

/* Hash it under a number. */
static void rehash(struct ext_fs *x, struct ext_block *b, uint64_t no)
{
    struct ext_block **at = bucket(x, no);
    b->no = no;
    b->ino = 0;
    b->verified = false;
    b->next = *at;
    *at = b;
}

/* One that can be used for another block; on the clean list, in no hash. */
static int obtain(struct ext_fs *x, struct ext_block **out)
{
    struct ext_cache *c = &x->cache;
    struct ext_block *b = c->total < c->limit ? allocate(x) : NULL;
    if (b == NULL) {
        b = oldest(x);
    }
    bool still = !x->committing; /* else who writes has the lists: we are one who only reads */
    if (b == NULL && still && c->count[EXT_DATA] != 0) {
        int r = ext_cache_write_data(x, 0);
        if (r != 0) {
            return r;
        }
        b = oldest(x);
    }
    if (b == NULL && still && c->count[EXT_COMMITTED] != 0) {
        int r = ext_cache_write_committed(x);
        if (r != 0) {
            return r;
        }
        b = oldest(x);
    }
    if (b == NULL) {
        b = allocate(x); /* over the bound: the transaction can't be broken */
    }
    *out = b;
    return b != NULL ? 0 : -ENOMEM;
}

static int get(struct ext_fs *x, uint64_t no, bool read, struct ext_block **out)
{
    if (no == NO_BLOCK || (x->fs != NULL && no >= ext2fs_blocks_count(x->fs->super))) {
        return ext_damaged(x, "a block behind the end", no);
    }
    struct ext_block *b = ext_block_peek(x, no);
    if (b == NULL) {
        int r = obtain(x, &b);
        if (r == 0 && read) {
            r = ext_dev_rw(x, false, no, 1, b->data);
        }
        if (r != 0) {
            if (b != NULL) {
                rehash(x, b, NO_BLOCK);
            }
            return r;
        }
        rehash(x, b, no);
    } else if (b->loading) {
        return ext_damaged(x, "a block with two uses", no);
    }
    b->pins++;
    if (b->state == EXT_CLEAN) {
        list_remove(&b->link);
        list_insert(&x->cache.list[EXT_CLEAN], &b->link); /* the newest */
    }
    *out = b;
    return 0;
}

int ext_block_read(struct ext_fs *x, uint64_t no, struct ext_block **out)
{
    return get(x, no, true, out);
}

int ext_block_new(struct ext_fs *x, uint64_t no, struct ext_block **out)
{
    return get(x, no, false, out);
}

void ext_block_put(struct ext_block *b)
{
    if (b != NULL) {
        b->pins--;
    }
}

void ext_block_changed(struct ext_fs *x, struct ext_block *b)
{
    x->touched = true;
    b->ino = 0;
    b->verified = false; /* who knows what has changed it says that it is right */
    if (b->state != EXT_CHANGED) {
        ext_block_state(x, b, EXT_CHANGED);
    }
}

int ext_block_changed_data(struct ext_fs *x, struct ext_block *b, uint32_t ino)
{
    if (b->state == EXT_CHANGED || b->state == EXT_COMMITTED) {
        return ext_damaged(x, "contents and metadata in one block", b->no);
    }
    b->ino = ino;
    if (b->state != EXT_DATA) {
        ext_block_state(x, b, EXT_DATA);
    }
    return x->cache.count[EXT_DATA] > x->cache.limit / 2 ? ext_cache_write_data(x, 0) : 0;
}

void ext_block_forget(struct ext_fs *x, uint64_t no)
{
    struct ext_block *b = ext_block_peek(x, no);
    if (b == NULL) {
        return;
    }
    b->ino = 0;
    b->verified = false;
    if (b->state != EXT_CLEAN) {
        ext_block_state(x, b, EXT_CLEAN);
    }
    if (b->pins == 0) { /* nobody may read it from here: what comes to its place is something else */
        unhash(x, b);
        rehash(x, b, NO_BLOCK);
        list_remove(&b->link);
        list_insert(x->cache.list[EXT_CLEAN].next, &b->link); /* the next to be used */
    }
}

/* Up to n blocks from `no` on that aren't there, pinned, without contents. Returns how many. */
static uint32_t take_absent(struct ext_fs *x, uint64_t no, uint32_t n, struct ext_block **b)
{
    uint32_t got = 0;
    while (got < n && ext_block_peek(x, no + got) == NULL && ext_block_new(x, no + got, &b[got]) == 0) {
        b[got]->loading = true;
        got++;
    }
    return got;
}

int ext_cache_fill(struct ext_fs *x, struct ext_node *file, uint64_t no, uint32_t n)
{
    struct ext_block *b[FILL_MAX];
    uint32_t most = EXT_BOUNCE / x->block_size, quarter = (uint32_t)(x->cache.limit / 4);
    most = most < quarter ? most : quarter;
    most = x->filling ? 1 : most < FILL_MAX ? most : FILL_MAX;
    if (file == NULL && most == 1) {
        return 0; /* ext_block_read() does it */
    }
    uint32_t got = take_absent(x, no, n < most ? n : most, b);
    if (got == 0) {
        return 0; /* no memory: ext_block_read() says so */
    }
    bool alone = got == 1; /* without the copy */
    uint8_t *to = alone ? b[0]->data : x->fill;
    x->filling = x->filling || !alone;
    int r = file != NULL ? ext_dev_read_file(file, no, got, to) : ext_dev_rw(x, false, no, got, to);
    x->filling = x->filling && alone;
    for (uint32_t i = 0; i < got; i++) {
        if (r == 0 && !alone) {
            memcpy(b[i]->data, x->fill + (size_t)i * x->block_size, x->block_size);
        }
        b[i]->loading = false;
        ext_block_put(b[i]);
        if (r != 0) {
            ext_block_forget(x, no + i);
        }
    }
    pthread_cond_broadcast(&x->done);
    return r != 0 ? r : (int)got;
}

static int by_number(const void *a, const void *b)
{
    const struct ext_block *l = *(struct ext_block *const *)a, *r = *(struct ext_block *const *)b;
    return l->no < r->no ? -1 : l->no > r->no;
}

/* Write the blocks of a list, neighbours together; they are clean then. */
static int write_list(struct ext_fs *x, enum ext_state state, uint32_t ino)
{
    struct ext_cache *c = &x->cache;
    struct list *l = c->list[state].next;
    int r = 0;
    while (l != &c->list[state] && r == 0) {
        struct ext_gather g = { .x = x };
        size_t n = 0;
        for (; l != &c->list[state] && n < EXT_SORT; l = l->next) {
            struct ext_block *b = LIST_ENTRY(l, struct ext_block, link);
            if (ino == 0 || b->ino == ino) {
                c->sort[n++] = b;
            }
        }
        qsort(c->sort, n, sizeof(c->sort[0]), by_number);
        for (size_t i = 0; i < n && r == 0; i++) {
            r = ext_gather_add(&g, c->sort[i]->no, c->sort[i]->data);
        }
        r = r != 0 ? r : ext_gather_end(&g);
        for (size_t i = 0; i < n && r == 0; i++) {
            ext_block_state(x, c->sort[i], EXT_CLEAN);
        }
    }
    return r;
}

int ext_cache_write_data(struct ext_fs *x, uint32_t ino)
{
    return write_list(x, EXT_DATA, ino);
}

int ext_cache_write_committed(struct ext_fs *x)
{
    return write_list(x, EXT_COMMITTED, 0);
}

/* Free clean blocks until `keep` are left; returns how many went. */
static size_t shrink(struct ext_fs *x, size_t keep, size_t most)
{
    size_t n = 0;
    struct ext_block *b;
    while (n < most && x->cache.total > keep && (b = oldest(x)) != NULL) {
        list_remove(&b->link);
        x->cache.count[EXT_CLEAN]--;
        x->cache.total--;
        heap_free(b->data);
        heap_free(b);
        n++;
    }
    return n;
}

void ext_cache_drop(struct ext_fs *x)
{
    shrink(x, 0, SIZE_MAX);
    while (x->cache.total < EXT_KEPT) {
        struct ext_block *b = allocate(x);
        if (b == NULL) {
            return;
        }
        rehash(x, b, NO_BLOCK);
    }
}

int ext_cache_init(struct ext_fs *x, uint64_t bytes)
{
    struct ext_cache *c = &x->cache;
    for (int i = 0; i < EXT_STATES; i++) {
        list_init(&c->list[i]);
    }
    c->limit = bytes / x->block_size;
    c->limit = c->limit > 2 * EXT_KEPT ? c->limit : 2 * EXT_KEPT;
    c->hash_bits = 6;
    while (c->hash_bits < 20 && 1ull << c->hash_bits < c->limit) {
        c->hash_bits++;
    }
    c->hash = heap_alloc(sizeof(c->hash[0]) << c->hash_bits);
    c->sort = heap_alloc(sizeof(c->sort[0]) * EXT_SORT);
    if (c->hash == NULL || c->sort == NULL) {
        return -ENOMEM;
    }
    memset(c->hash, 0, sizeof(c->hash[0]) << c->hash_bits);
    ext_cache_drop(x);
    return c->total < EXT_KEPT ? -ENOMEM : 0;
}

void ext_cache_free(struct ext_fs *x)
{
    if (x->cache.list[0].next != NULL) {
        shrink(x, 0, SIZE_MAX);
    }
    heap_free(x->cache.hash);
    heap_free(x->cache.sort);
}

size_t ext_cache_reclaim(struct ext_fs *x)
{
    if (pthread_mutex_trylock(&x->lock) != 0) {
        return 0;
    }
    size_t n = shrink(x, EXT_KEPT, RECLAIM_STEP);
    pthread_mutex_unlock(&x->lock);
    if (n != 0) {
        heap_trim();
    }
    return n;
}
