/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: entries of directories (Linux, Documentation/filesystems/ext4/directory.rst). An entry stays
 * where it is until it is removed, so that its place is a position for readdir().
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "ext.h"

#define TAIL      12u   /* the entry with the block's checksum, at its end */
#define TAIL_TYPE 0xdeu

static uint32_t entry_size(size_t name_len)
{
    return (uint32_t)(EXT_DIRENT_HEAD + name_len + 3) & ~3u;
}

static bool has_tail(const struct ext_fs *x)
{
    return ext2fs_has_feature_metadata_csum(x->fs->super);
}

/* Can all of the block's entries be walked? */
static bool is_sound(const struct ext_fs *x, uint8_t *data)
{
    uint32_t at = 0;
    while (at < x->block_size) {
        const struct ext_dirent *e = ext_dirent(data, at);
        if (x->block_size - at < EXT_DIRENT_HEAD || e->rec_len < EXT_DIRENT_HEAD ||
            e->rec_len % 4 != 0 || e->rec_len > x->block_size - at ||
            (e->ino != 0 && (e->name_len == 0 || entry_size(e->name_len) > e->rec_len ||
                             memchr(e->name, '/', e->name_len) != NULL ||
                             memchr(e->name, '\0', e->name_len) != NULL))) {
            return false;
        }
        at += e->rec_len;
    }
    return true;
}

int ext_dir_block(struct ext_node *dir, uint64_t at, struct ext_block **out)
{
    struct ext_fs *x = dir->x;
    struct ext_run run;
    struct ext_block *b;
    bool unwritten;
    int r = ext_map(dir, at, &run, &unwritten);
    if (r == 0 && (run.first == 0 || unwritten)) {
        r = ext_damaged(x, "a directory", dir->ino);
    }
    if (r == 0 && ext_block_peek(x, run.first) == NULL) {
        r = ext_cache_fill(x, NULL, run.first, run.len < 16 ? run.len : 16);
        r = r < 0 ? r : 0;
    }
    r = r != 0 ? r : ext_block_read(x, run.first, &b);
    if (r != 0) {
        return r;
    }
    if (!b->verified) {
        if (b->state == EXT_DATA || !is_sound(x, b->data) ||
            !ext2fs_dir_block_csum_verify(x->fs, dir->ino, (void *)b->data)) {
            ext_block_put(b);
            return ext_damaged(x, "a directory", dir->ino);
        }
        b->verified = true;
    }
    *out = b;
    return 0;
}

/* A block has been changed. */
static void changed(struct ext_node *dir, struct ext_block *b)
{
    if (has_tail(dir->x)) {
        ext2fs_dir_block_csum_set(dir->x->fs, dir->ino, (void *)b->data);
    }
    ext_block_changed(dir->x, b);
    b->verified = true;
}

static uint64_t blocks_of(const struct ext_node *dir)
{
    return ext_size(dir) / dir->x->block_size;
}

static int find_in_block(struct ext_node *dir, uint64_t block, uint32_t at, struct name name,
                         struct ext_entry *out)
{
    struct ext_fs *x = dir->x;
    struct ext_block *b;
    int r = ext_dir_block(dir, block, &b);
    if (r != 0) {
        return r;
    }
    r = -ENOENT;
    for (; at < x->block_size && r != 0; at += ext_dirent(b->data, at)->rec_len) {
        const struct ext_dirent *e = ext_dirent(b->data, at);
        if (ext_dirent_is(e, name)) {
            *out = (struct ext_entry){ block * x->block_size + at, e->ino, e->type };
            r = 0;
            break;
        }
    }
    ext_block_put(b);
    return r;
}

int ext_dir_find(struct ext_node *dir, struct name name, struct ext_entry *out)
{
    uint32_t size = dir->x->block_size, slot = UINT32_MAX;
    uint64_t pos;
    const struct ext_index *i = ext_index_get(dir);
    int r = -ENOENT;
    if (i != NULL) {
        while (r == -ENOENT && ext_index_next(i, name, &slot, &pos)) {
            r = find_in_block(dir, pos / size, pos % size, name, out);
        }
        return r;
    }
    for (uint64_t k = 0; k < blocks_of(dir) && r == -ENOENT; k++) {
        r = find_in_block(dir, k, 0, name, out);
    }
    return r;
}

/* ---- changing ---- */

/* An empty block, whatever it was. */
static void make_empty(struct ext_node *dir, struct ext_block *b)
{
    struct ext_fs *x = dir->x;
    uint32_t tail = has_tail(x) ? TAIL : 0;
    memset(b->data, 0, x->block_size);
    ext_dirent(b->data, 0)->rec_len = (uint16_t)(x->block_size - tail);
    if (tail != 0) {
        struct ext_dirent *t = ext_dirent(b->data, x->block_size - TAIL);
        t->rec_len = TAIL;
        t->type = TAIL_TYPE;
    }
}

/*
 * Linux keeps a tree in large directories, whose nodes look like empty blocks to who does not know
 * it. Before the first change they become such, and the directory a plain list.
 */
static int make_plain(struct ext_node *dir)
{
    struct ext_fs *x = dir->x;
    int r = 0;
    if (!(dir->inode.i_flags & EXT2_INDEX_FL)) {
        return 0;
    }
    for (uint64_t k = 0; k < blocks_of(dir) && r == 0; k++) {
        struct ext_block *b;
        r = ext_dir_block(dir, k, &b);
        if (r != 0) {
            break;
        }
        struct ext_dirent *e = ext_dirent(b->data, 0);
        if (k == 0) {
            uint32_t parent = e->rec_len == 12 ? ext_dirent(b->data, 12)->ino : 0;
            if (parent == 0) {
                ext_block_put(b);
                return ext_damaged(x, "a directory", dir->ino);
            }
            make_empty(dir, b);
            struct ext_dirent *dot = ext_dirent(b->data, 0), *up = ext_dirent(b->data, 12);
            uint16_t rest = (uint16_t)(dot->rec_len - 12);
            *dot = (struct ext_dirent){ dir->ino, 12, 1, EXT2_FT_DIR };
            memcpy(dot->name, ".", 1);
            *up = (struct ext_dirent){ parent, rest, 2, EXT2_FT_DIR };
            memcpy(up->name, "..", 2);
            changed(dir, b);
        } else if (e->ino == 0 && e->rec_len == x->block_size) {
            make_empty(dir, b);
            changed(dir, b);
        }
        ext_block_put(b);
    }
    dir->inode.i_flags &= ~(uint32_t)EXT2_INDEX_FL;
    ext_index_free(dir);
    return r;
}

static const uint16_t room_size[EXT_ROOMS] = { 16, 24, 32, 48, 64, 96, 160, 264 };

static unsigned room_class(uint32_t need)
{
    unsigned c = 0;
    while (room_size[c] < need) {
        c++;
    }
    return c;
}

/* Bytes that an entry does not need. */
static uint32_t spare(const struct ext_fs *x, const struct ext_dirent *e, uint32_t at)
{
    if (has_tail(x) && at == x->block_size - TAIL) {
        return 0;
    }
    return e->ino == 0 ? e->rec_len : e->rec_len - entry_size(e->name_len);
}

/* Put an entry behind the one at `at`, or in its place where it is not in use. */
static void put_entry(struct ext_node *dir, struct ext_block *b, uint32_t at, struct name name,
                      uint32_t ino, uint8_t type, uint64_t block)
{
    struct ext_dirent *e = ext_dirent(b->data, at);
    if (e->ino != 0) {
        uint32_t used = entry_size(e->name_len);
        struct ext_dirent *behind = ext_dirent(b->data, at + used);
        behind->rec_len = (uint16_t)(e->rec_len - used);
        e->rec_len = (uint16_t)used;
        at += used;
        e = behind;
    }
    e->ino = ino;
    e->name_len = (uint8_t)name.len;
    e->type = type;
    memcpy(e->name, name.text, name.len);
    changed(dir, b);
    ext_index_add(dir, name, block * dir->x->block_size + at);
}

static uint8_t type_of(mode_t mode)
{
    return S_ISREG(mode)    ? EXT2_FT_REG_FILE
           : S_ISDIR(mode)  ? EXT2_FT_DIR
           : S_ISLNK(mode)  ? EXT2_FT_SYMLINK
           : S_ISCHR(mode)  ? EXT2_FT_CHRDEV
           : S_ISBLK(mode)  ? EXT2_FT_BLKDEV
           : S_ISFIFO(mode) ? EXT2_FT_FIFO
           : S_ISSOCK(mode) ? EXT2_FT_SOCK
                            : EXT2_FT_UNKNOWN;
}

/* One more block; the directory grows by it. */
static int append_block(struct ext_node *dir, struct ext_block **out)
{
    struct ext_fs *x = dir->x;
    struct ext_run run;
    int r = ext_map_fill(dir, blocks_of(dir), 1, false, &run);
    r = r != 0 ? r : ext_block_new(x, run.first, out);
    if (r == 0) {
        make_empty(dir, *out);
        ext_set_size(dir, ext_size(dir) + x->block_size);
    }
    return r;
}

int ext_dir_add(struct ext_node *dir, struct name name, uint32_t ino, mode_t mode)
{
    struct ext_fs *x = dir->x;
    struct ext_block *b;
    unsigned c = room_class(entry_size(name.len));
    int r = make_plain(dir);
    uint64_t k = dir->room_at[c];
    for (; r == 0 && k < blocks_of(dir); k++) {
        r = ext_dir_block(dir, k, &b);
        for (uint32_t at = 0; r == 0 && at < x->block_size; at += ext_dirent(b->data, at)->rec_len) {
            if (spare(x, ext_dirent(b->data, at), at) >= room_size[c]) {
                dir->room_at[c] = (uint32_t)k;
                put_entry(dir, b, at, name, ino, type_of(mode), k);
                ext_block_put(b);
                return 0;
            }
        }
        if (r == 0) {
            ext_block_put(b);
        }
    }
    if (r != 0) {
        return r;
    }
    dir->room_at[c] = (uint32_t)k;
    r = append_block(dir, &b);
    if (r == 0) {
        put_entry(dir, b, 0, name, ino, type_of(mode), k);
        ext_block_put(b);
    }
    return r;
}

int ext_dir_remove(struct ext_node *dir, struct name name, const struct ext_entry *entry)
{
    struct ext_fs *x = dir->x;
    uint32_t at = 0, before = 0, place = entry->pos % x->block_size;
    uint64_t block = entry->pos / x->block_size;
    struct ext_block *b;
    if ((dir->inode.i_flags & EXT2_INDEX_FL) && block == 0) {
        return ext_damaged(x, "a directory", dir->ino); /* the tree's root has no entries but two */
    }
    int r = make_plain(dir);
    r = r != 0 ? r : ext_dir_block(dir, block, &b);
    if (r != 0) {
        return r;
    }
    while (at < place) {
        before = at;
        at += ext_dirent(b->data, at)->rec_len;
    }
    struct ext_dirent *e = ext_dirent(b->data, place), *last = ext_dirent(b->data, before);
    if (place == 0) {
        e->ino = 0;
        last = e;
    } else {
        last->rec_len = (uint16_t)(last->rec_len + e->rec_len);
        memset(e, 0, EXT_DIRENT_HEAD);
    }
    uint32_t room = spare(x, last, place == 0 ? 0 : before);
    for (unsigned c = 0; c < EXT_ROOMS && room_size[c] <= room; c++) {
        dir->room_at[c] = dir->room_at[c] < block ? dir->room_at[c] : (uint32_t)block;
    }
    changed(dir, b);
    ext_block_put(b);
    ext_index_remove(dir, name, entry->pos);
    return 0;
}

int ext_dir_change(struct ext_node *dir, const struct ext_entry *entry, uint32_t ino, mode_t mode)
{
    struct ext_fs *x = dir->x;
    struct ext_block *b;
    int r = make_plain(dir);
    r = r != 0 ? r : ext_dir_block(dir, entry->pos / x->block_size, &b);
    if (r == 0) {
        struct ext_dirent *e = ext_dirent(b->data, entry->pos % x->block_size);
        e->ino = ino;
        e->type = type_of(mode);
        changed(dir, b);
        ext_block_put(b);
    }
    return r;
}

int ext_dir_make(struct ext_node *dir, uint32_t parent)
{
    struct ext_block *b;
    int r = append_block(dir, &b);
    if (r == 0) {
        put_entry(dir, b, 0, (struct name){ ".", 1 }, dir->ino, EXT2_FT_DIR, 0);
        put_entry(dir, b, 0, (struct name){ "..", 2 }, parent, EXT2_FT_DIR, 0);
        ext_block_put(b);
    }
    return r;
}

/* ---- reading ---- */

static bool is_dots(const struct ext_dirent *e)
{
    return e->name[0] == '.' && (e->name_len == 1 || (e->name_len == 2 && e->name[1] == '.'));
}

/* The first entry at or behind *pos, which moves behind it: 1, 0 at the end. */
static int next_entry(struct ext_node *dir, uint64_t *pos, struct fs_entry *out)
{
    static const uint8_t types[] = { DT_UNKNOWN, DT_REG, DT_DIR, DT_CHR, DT_BLK, DT_FIFO, DT_SOCK,
                                     DT_LNK };
    uint32_t size = dir->x->block_size;
    while (*pos < ext_size(dir)) {
        struct ext_block *b;
        uint64_t base = *pos - *pos % size;
        int r = ext_dir_block(dir, base / size, &b);
        if (r != 0) {
            return r;
        }
        /* From the beginning: what was at the position may have become part of what is before. */
        for (uint32_t at = 0; at < size; at += ext_dirent(b->data, at)->rec_len) {
            const struct ext_dirent *e = ext_dirent(b->data, at);
            if (base + at < *pos || e->ino == 0 || is_dots(e)) {
                continue;
            }
            out->ino = e->ino;
            out->type = e->type < sizeof(types) ? types[e->type] : DT_UNKNOWN;
            memcpy(out->name, e->name, e->name_len);
            out->name[e->name_len] = '\0';
            *pos = base + at + 1; /* an entry that is made in this one's rest is behind it */
            ext_block_put(b);
            return 1;
        }
        ext_block_put(b);
        *pos = base + size;
    }
    return 0;
}

int ext_readdir(struct vnode *v, off_t *cookie, struct fs_entry *out)
{
    struct ext_node *dir = ext_node(v);
    libc_mutex_lock(&dir->x->lock);
    uint64_t pos = (uint64_t)*cookie;
    int r = dir->inode.i_links_count == 0 ? 0 : next_entry(dir, &pos, out);
    if (r == 1) {
        *cookie = (off_t)pos;
    }
    pthread_mutex_unlock(&dir->x->lock);
    return r;
}

int ext_dir_is_empty(struct ext_node *dir)
{
    struct fs_entry e;
    uint64_t pos = 0;
    int r = next_entry(dir, &pos, &e);
    return r < 0 ? r : r == 0;
}

int ext_dir_name_of(struct ext_node *dir, uint32_t ino, char *name)
{
    struct fs_entry e;
    uint64_t pos = 0;
    int r;
    while ((r = next_entry(dir, &pos, &e)) == 1) {
        if (e.ino == ino) {
            strcpy(name, e.name); /* NAME_MAX + 1 bytes, as in struct fs_entry */
            return 0;
        }
    }
    return r < 0 ? r : -ENOENT;
}
