/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: finding names in large directories: a hash table in memory from names to the places of their
 * entries, made when such a directory is first looked into, as long as its node stays. On the disk a
 * directory that was changed here is a plain list; Linux' tree in it is for one that was not.
 */
#include <errno.h>
#include <string.h>

#include <pith/heap.h>
#include <pith/random.h>

#include "ext.h"

#define MIN_BLOCKS 4u         /* smaller directories are looked through */
#define REMOVED    UINT32_MAX
#define FIRST_SIZE 256u

struct slot {
    uint32_t hash;
    uint32_t place; /* position / 4 + 1; 0: free */
};

struct ext_index {
    uint32_t mask;
    uint32_t used; /* slots that are not free */
    struct slot slot[];
};

static uint64_t seed; /* so that nobody outside can choose names that meet */

static uint32_t hash_of(struct name name)
{
    uint64_t h = seed;
    for (size_t i = 0; i < name.len; i++) {
        h = (h ^ (uint8_t)name.text[i]) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return (uint32_t)(h >> 32);
}

static struct ext_index *make(uint32_t size)
{
    struct ext_index *i = heap_alloc(sizeof(*i) + size * sizeof(i->slot[0]));
    if (i != NULL) {
        memset(i, 0, sizeof(*i) + size * sizeof(i->slot[0]));
        i->mask = size - 1;
    }
    return i;
}

static void put(struct ext_index *i, uint32_t hash, uint32_t place)
{
    uint32_t at = hash & i->mask;
    while (i->slot[at].place != 0) {
        at = (at + 1) & i->mask;
    }
    i->slot[at] = (struct slot){ hash, place };
    i->used++;
}

/* Room for one more; false: no memory, and the index is gone. */
static bool grow(struct ext_node *dir)
{
    struct ext_index *old = dir->index;
    if (old->used < old->mask / 4 * 3) {
        return true;
    }
    uint32_t live = 0;
    for (uint32_t k = 0; k <= old->mask; k++) {
        live += old->slot[k].place != 0 && old->slot[k].place != REMOVED;
    }
    struct ext_index *i = make(live > old->mask / 2 ? 2 * (old->mask + 1) : old->mask + 1);
    for (uint32_t k = 0; i != NULL && k <= old->mask; k++) {
        if (old->slot[k].place != 0 && old->slot[k].place != REMOVED) {
            put(i, old->slot[k].hash, old->slot[k].place);
        }
    }
    heap_free(old);
    dir->index = i;
    return i != NULL;
}

void ext_index_add(struct ext_node *dir, struct name name, uint64_t pos)
{
    if (dir->index != NULL && (pos / 4 >= REMOVED - 1 || !grow(dir))) {
        ext_index_free(dir);
    }
    if (dir->index != NULL) {
        put(dir->index, hash_of(name), (uint32_t)(pos / 4) + 1);
    }
}

bool ext_index_next(const struct ext_index *i, struct name name, uint32_t *slot, uint64_t *pos)
{
    uint32_t hash = hash_of(name);
    uint32_t at = *slot == UINT32_MAX ? hash & i->mask : (*slot + 1) & i->mask;
    for (; i->slot[at].place != 0; at = (at + 1) & i->mask) {
        if (i->slot[at].hash == hash && i->slot[at].place != REMOVED) {
            *slot = at;
            *pos = (uint64_t)(i->slot[at].place - 1) * 4;
            return true;
        }
    }
    return false;
}

void ext_index_remove(struct ext_node *dir, struct name name, uint64_t pos)
{
    uint32_t slot = UINT32_MAX;
    uint64_t at;
    while (dir->index != NULL && ext_index_next(dir->index, name, &slot, &at)) {
        if (at == pos) {
            dir->index->slot[slot].place = REMOVED;
            return;
        }
    }
}

void ext_index_free(struct ext_node *dir)
{
    heap_free(dir->index);
    dir->index = NULL;
}

struct ext_index *ext_index_get(struct ext_node *dir)
{
    struct ext_fs *x = dir->x;
    uint64_t blocks = ext_size(dir) / x->block_size;
    if (dir->index != NULL || blocks < MIN_BLOCKS) {
        return dir->index;
    }
    if (seed == 0) {
        random_bytes(&seed, sizeof(seed));
        seed |= 1;
    }
    dir->index = make(FIRST_SIZE);
    for (uint64_t k = 0; k < blocks && dir->index != NULL; k++) {
        struct ext_block *b;
        if (ext_dir_block(dir, k, &b) != 0) {
            ext_index_free(dir); /* the search finds the error, too */
            break;
        }
        for (uint32_t at = 0; at < x->block_size; at += ext_dirent(b->data, at)->rec_len) {
            const struct ext_dirent *e = ext_dirent(b->data, at);
            if (e->ino != 0) {
                ext_index_add(dir, (struct name){ e->name, e->name_len }, k * x->block_size + at);
            }
        }
        ext_block_put(b);
    }
    return dir->index;
}
