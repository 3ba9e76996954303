/*
 * sources: EXT4
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 on disks that lie: single fields of its structures are changed and the structure's sum is
 * made right again, so that the change is really looked at. On file systems of many kinds, whose
 * journals are empty, or have something in it of ours, of debugfs or of Linux. What is mounted is
 * read, changed and ended: refused or read-only, never a crash, a hang or a byte of other memory.
 *
 *     fuzz [ROUNDS [SEED [KIND]]]     rounds for each kind; PITH_LONG=1: many, of a new seed
 */
#define _GNU_SOURCE
#include "ext_disk.h"
#include "ext_victim.h"

#define PLACES_MAX 4096u
#define SHORT_ROUNDS 25u
#define LONG_ROUNDS  1000u

enum kind { SUPER, DESCRIPTOR, BLOCK_MAP, INODE_MAP, INODE, EXTENTS, DIRECTORY, ATTRIBUTES, LIST, LINK,
            LOG_SUPER, LOG, KINDS };

struct place {
    enum kind kind;
    uint64_t off;
    uint32_t len;
    uint32_t owner; /* an inode, or a group */
};

static struct place places[PLACES_MAX];
static unsigned nplaces, kind_first[KINDS + 1];
static uint64_t log_super; /* where the journal's superblock is; 0: there is none */
static ext2_filsys good; /* of the file system as it was before it was changed */

static void add(enum kind kind, uint64_t off, uint32_t len, uint32_t owner)
{
    if (nplaces < PLACES_MAX && off + len <= disk.size) {
        places[nplaces++] = (struct place){ kind, off, len, owner };
    }
}

static uint8_t *block_at(uint64_t no)
{
    return disk.data + no * good->blocksize;
}

/* A block of a file's contents, where the format says what is in it. */
static void add_contents(uint32_t ino, mode_t mode, uint64_t no)
{
    if (S_ISDIR(mode) || S_ISLNK(mode)) {
        add(S_ISDIR(mode) ? DIRECTORY : LINK, no * good->blocksize, good->blocksize, ino);
    }
}

static void add_extents(uint32_t ino, mode_t mode, const void *node, unsigned depth)
{
    const struct ext3_extent_header *h = node;
    const struct ext3_extent *e = (const void *)(h + 1);
    const struct ext3_extent_idx *down = (const void *)(h + 1);
    for (unsigned i = 0; h->eh_magic == EXT3_EXT_MAGIC && i < h->eh_entries; i++) {
        if (h->eh_depth == 0) {
            for (unsigned k = 0; k < e[i].ee_len && k < 16; k++) {
                add_contents(ino, mode, e[i].ee_start + k);
            }
        } else if (depth < 5) {
            add(EXTENTS, (uint64_t)down[i].ei_leaf * good->blocksize, good->blocksize, ino);
            add_extents(ino, mode, block_at(down[i].ei_leaf), depth + 1);
        }
    }
}

static void add_inode(uint32_t ino)
{
    struct ext2_inode inode;
    if (ext2fs_read_inode(good, ino, &inode) != 0 || inode.i_mode == 0) {
        return;
    }
    uint32_t group = ext2fs_group_of_ino(good, ino), size = EXT2_INODE_SIZE(good->super);
    uint32_t at = (ino - 1) % EXT2_INODES_PER_GROUP(good->super);
    add(INODE, ext2fs_inode_table_loc(good, group) * good->blocksize + (uint64_t)at * size, size, ino);
    if (inode.i_file_acl != 0) {
        add(ATTRIBUTES, (uint64_t)inode.i_file_acl * good->blocksize, good->blocksize, ino);
    }
    if (inode.i_flags & EXT4_EXTENTS_FL) {
        add_extents(ino, inode.i_mode, inode.i_block, 0);
    } else if (!S_ISLNK(inode.i_mode) || inode.i_size >= sizeof(inode.i_block)) {
        for (unsigned i = 0; i < EXT2_N_BLOCKS; i++) {
            uint64_t no = inode.i_block[i];
            if (no != 0 && i < EXT2_NDIR_BLOCKS) {
                add_contents(ino, inode.i_mode, no);
            } else if (no != 0) {
                add(LIST, no * good->blocksize, good->blocksize, ino);
            }
        }
    }
}

static void add_journal(const struct ext_journal *j)
{
    for (uint32_t i = 0; j->run != NULL && i < j->blocks; i++) {
        uint64_t no = ext_journal_place(j, i);
        uint32_t magic;
        memcpy(&magic, block_at(no), 4);
        log_super = i == 0 ? no * good->blocksize : log_super;
        if (magic == ext_be32(JBD2_MAGIC)) {
            add(i == 0 ? LOG_SUPER : LOG, no * good->blocksize, i == 0 ? 1024 : good->blocksize, 0);
        }
    }
}

static int by_kind(const void *a, const void *b)
{
    return (int)((const struct place *)a)->kind - (int)((const struct place *)b)->kind;
}

/* Where all that can be changed is. */
static void make_list(void)
{
    uint32_t per = EXT2_DESC_PER_BLOCK(good->super), size = EXT2_DESC_SIZE(good->super);
    nplaces = 0;
    add(SUPER, 1024, 1024, 0);
    for (dgrp_t g = 0; g < good->group_desc_count; g++) {
        blk64_t at = ext2fs_descriptor_block_loc2(good, good->super->s_first_data_block, g / per);
        add(DESCRIPTOR, at * good->blocksize + g % per * size, size, g);
        add(BLOCK_MAP, ext2fs_block_bitmap_loc(good, g) * good->blocksize, good->blocksize, g);
        add(INODE_MAP, ext2fs_inode_bitmap_loc(good, g) * good->blocksize, good->blocksize, g);
    }
    for (uint32_t ino = 1; ino <= good->super->s_inodes_count; ino++) {
        add_inode(ino);
    }
    log_super = 0;
    add_journal(&((struct ext_fs *)good->priv_data)->journal);
    qsort(places, nplaces, sizeof(places[0]), by_kind);
    for (unsigned k = 0, i = 0; k <= KINDS; k++) {
        while (i < nplaces && places[i].kind < k) {
            i++;
        }
        kind_first[k] = i;
    }
}

/* ---- sums ---- */

static void mend_group(uint32_t g)
{
    uint32_t per = EXT2_DESC_PER_BLOCK(good->super), size = EXT2_DESC_SIZE(good->super);
    blk64_t at = ext2fs_descriptor_block_loc2(good, good->super->s_first_data_block, g / per);
    uint8_t *raw = block_at(at) + g % per * size;
    uint8_t *own = (uint8_t *)good->group_desc + (size_t)g * size;
    memcpy(own, raw, size);
    ext2fs_group_desc_csum_set(good, g);
    memcpy(raw, own, size);
}

static void mend_bitmap(const struct place *p)
{
    uint32_t per = EXT2_DESC_PER_BLOCK(good->super), size = EXT2_DESC_SIZE(good->super), g = p->owner;
    blk64_t at = ext2fs_descriptor_block_loc2(good, good->super->s_first_data_block, g / per);
    uint8_t *raw = block_at(at) + g % per * size;
    uint8_t *own = (uint8_t *)good->group_desc + (size_t)g * size;
    memcpy(own, raw, size);
    if (p->kind == BLOCK_MAP) {
        ext2fs_block_bitmap_csum_set(good, g, (char *)disk.data + p->off,
                                     (int)EXT2_CLUSTERS_PER_GROUP(good->super) / 8);
    } else {
        ext2fs_inode_bitmap_csum_set(good, g, (char *)disk.data + p->off,
                                     (int)EXT2_INODES_PER_GROUP(good->super) / 8);
    }
    memcpy(raw, own, size);
    mend_group(g);
}

/* The library's own needs entries that can be walked. */
static void mend_directory(const struct place *p)
{
    uint8_t *at = disk.data + p->off;
    struct ext_dirent *tail = ext_dirent(at, p->len - 12);
    struct ext2_inode inode;
    if (tail->ino != 0 || tail->rec_len != 12 || tail->type != 0xde ||
        ext2fs_read_inode(good, p->owner, &inode) != 0) {
        ext2fs_dir_block_csum_set(good, p->owner, (void *)at);
        return;
    }
    uint32_t sum = ext_crc32c(ext_crc32c(good->csum_seed, &p->owner, 4), &inode.i_generation, 4);
    sum = ext_crc32c(sum, at, p->len - 12);
    memcpy(at + p->len - 4, &sum, 4);
}

static void mend_log(const struct place *p)
{
    const struct ext_journal *j = &((struct ext_fs *)good->priv_data)->journal;
    uint8_t *block = disk.data + p->off;
    struct jbd2_commit *c = (void *)block;
    uint32_t sum = 0;
    if (p->kind == LOG_SUPER) {
        struct jbd2_super *s = (void *)block;
        s->checksum = 0;
        s->checksum = ext_be32(ext_crc32c(~0u, s, sizeof(*s)));
    } else if (c->header.type == ext_be32(JBD2_COMMIT)) {
        c->checksum[0] = 0;
        c->checksum[0] = ext_be32(ext_crc32c(j->seed, block, p->len));
    } else {
        memcpy(block + p->len - 4, &sum, 4);
        sum = ext_be32(ext_crc32c(j->seed, block, p->len));
        memcpy(block + p->len - 4, &sum, 4);
    }
}

/* The right sum for what is there now. */
static void mend(const struct place *p)
{
    void *at = disk.data + p->off;
    switch (p->kind) {
    case SUPER:
        ext2fs_superblock_csum_set(good, at);
        break;
    case DESCRIPTOR:
        mend_group(p->owner);
        break;
    case BLOCK_MAP:
    case INODE_MAP:
        mend_bitmap(p);
        break;
    case INODE:
        ext2fs_inode_csum_set(good, p->owner, at);
        break;
    case EXTENTS:
        ext2fs_extent_block_csum_set(good, p->owner, at);
        break;
    case DIRECTORY:
        mend_directory(p);
        break;
    case ATTRIBUTES:
        ext2fs_ext_attr_block_csum_set(good, p->owner, p->off / good->blocksize, at);
        break;
    case LOG_SUPER:
    case LOG:
        mend_log(p);
        break;
    default:
        break;
    }
}

/* ---- changes ---- */

/* A value that somebody may not have thought of. */
static uint64_t new_value(uint64_t old, unsigned width)
{
    uint64_t sign = 1ull << (8 * width - 1);
    switch (draw(13)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return ~0ull;
    case 3:
        return sign;
    case 4:
        return sign - 1;
    case 5:
        return old + 1;
    case 6:
        return old - 1;
    case 7:
        return old ^ 1ull << draw(8 * width);
    case 8:
        return old << 1;
    case 9: /* something that is somewhere else, in its byte order or the journal's */
        return places[draw(nplaces)].off / good->blocksize;
    case 10:
        return __builtin_bswap32((uint32_t)(places[draw(nplaces)].off / good->blocksize));
    case 11:
        return 1 + draw(good->super->s_inodes_count + 1);
    default:
        return unit_random(&rng);
    }
}

/* The number, length or name's length of an entry of a directory. */
static uint32_t entry_field(const struct place *p)
{
    static const uint8_t fields[] = { 0, 4, 4, 6 };
    uint32_t at = 0;
    for (unsigned skip = draw(6); skip != 0; skip--) {
        uint32_t len = ext_dirent(disk.data + p->off, at)->rec_len;
        if (len < 12 || at + len + 12 > p->len) {
            break;
        }
        at += len;
    }
    return at + fields[draw(sizeof(fields))];
}

/* Most fields of interest are at the beginning; of an inode, where its blocks are. */
static uint32_t field_of(const struct place *p, unsigned width)
{
    if (p->kind == DIRECTORY && width <= 4 && draw(4) != 0) {
        return entry_field(p);
    }
    if (p->kind == INODE && draw(2)) {
        return (40 + draw(60)) / width * width;
    }
    uint32_t part = draw(2) ? p->len : draw(2) ? 64 : 256;
    part = part < p->len ? part : p->len;
    return draw(part - width + 1) / width * width;
}

static void change_one(void)
{
    /* What the log has comes over what is in place: there, changes of the log itself are seen. */
    bool dirty = ext_be32(((struct jbd2_super *)(void *)(disk.data + log_super))->start) != 0;
    unsigned kind;
    do {
        kind = log_super != 0 && dirty && draw(2) ? LOG_SUPER + draw(2) : draw(KINDS);
    } while (kind_first[kind] == kind_first[kind + 1]);
    const struct place *p = &places[kind_first[kind] + draw(kind_first[kind + 1] - kind_first[kind])];
    unsigned fields = 1 + draw(3);
    for (unsigned i = 0; i < fields; i++) {
        unsigned width = 1u << draw(4);
        uint64_t value = 0;
        uint8_t *at = disk.data + p->off + field_of(p, width);
        memcpy(&value, at, width);
        value = new_value(value, width);
        memcpy(at, &value, width);
    }
    if (verbose) {
        printf("kind %u at %lu of %u\n", kind, (unsigned long)p->off, p->owner);
    }
    if (draw(8) != 0) {
        mend(p);
    }
}

static void change_and_use(void)
{
    unsigned changes = 1 + draw(3);
    for (unsigned i = 0; i < changes; i++) {
        change_one();
    }
    use_it();
}

/* ---- kinds of file systems ---- */

static const struct victim {
    const char *options;
    unsigned kib;
    enum journal_state journal;
} victims[] = {
    { "-b 1024 -J size=1", 8192, JOURNAL_EMPTY },
    { "-b 1024 -J size=1", 8192, JOURNAL_OURS },
    { "-b 1024 -J size=1", 8192, JOURNAL_DEBUGFS },
    { "-b 1024 -J size=1", 8192, JOURNAL_LINUX },
    { "-b 1024 -I 128 -J size=1 -O ^metadata_csum,^uninit_bg", 8192, JOURNAL_OURS },
    { "-b 1024 -J size=1 -O ^metadata_csum,^extents,^64bit", 8192, JOURNAL_LINUX },
    { "-b 1024 -O ^has_journal,meta_bg,^resize_inode -g 2048", 8192, JOURNAL_EMPTY },
    { "-b 2048 -J size=2 -O ^metadata_csum,uninit_bg", 8192, JOURNAL_LINUX },
    { "-b 2048 -J size=2 -O 64bit,flex_bg -G 4 -g 1024", 8192, JOURNAL_OURS },
    { "-b 4096 -N 2048 -O ^has_journal", 16384, JOURNAL_EMPTY },
    { "-b 4096 -N 2048 -J size=4", 16384, JOURNAL_OURS },
    { "-b 4096 -N 2048 -J size=4 -O ^metadata_csum,^64bit,^huge_file", 16384, JOURNAL_LINUX },
};

/* One kind, in a child. */
static void fuzz(const struct victim *v, unsigned rounds)
{
    uint64_t from = rng;
    make_victim(v->options, v->kib, v->journal);
    rng = from;
    uint8_t *was = malloc(disk.size);
    memcpy(was, disk.data, disk.size);
    /* To be read, a dirty journal is replayed: of a copy. */
    EXPECT(mount_disk("ro") == 0);
    good = the_fs()->fs;
    memcpy(disk.data, was, disk.size);
    make_list();
    uint64_t rounds_rng = rng;
    for (unsigned i = 0; i < rounds; i++) {
        from = i == 0 && rounds == 1 ? rng : unit_random(&rounds_rng) * 0x9e3779b97f4a7c15u;
        rng = from;
        memcpy(disk.data, was, disk.size);
        if (!survives(change_and_use)) {
            printf("%s, journal %d: fuzz 1 %lu %u\n", v->options, v->journal, (unsigned long)from,
                   (unsigned)(v - victims));
            EXPECT(!"survives");
        }
    }
    free(was);
}

int main(int argc, char **argv)
{
    bool many = getenv("PITH_LONG") != NULL;
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : many ? LONG_ROUNDS : SHORT_ROUNDS;
    unsigned only = argc > 3 ? (unsigned)atoi(argv[3]) : UINT32_MAX;
    rng = argc > 2 ? strtoul(argv[2], NULL, 10) : many ? (uint64_t)time(NULL) : 4711;
    verbose = argc > 4;
    uint64_t seed = rng;
    printf("seed %lu\n", (unsigned long)seed);
    folder_enter();
    for (unsigned i = 0; i < sizeof(victims) / sizeof(victims[0]); i++) {
        if (only != UINT32_MAX && only != i) {
            continue;
        }
        rng = only != UINT32_MAX ? seed : seed * 31 + i;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            fuzz(&victims[i], rounds);
            fflush(stdout);
            _exit(unit_failed != 0);
        }
        int status = -1;
        EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
    }
    folder_leave();
    return unit_done();
}
