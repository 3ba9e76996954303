/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: what a file system has to be like (Linux, Documentation/filesystems/ext4/super.rst). What is
 * not known by name here is refused: it would be changed wrongly, or read wrongly.
 */
#include <errno.h>

#include <pith/log.h>

#include "ext.h"

struct feature {
    uint32_t bit;
    const char *name;
};

#define KNOWN_INCOMPAT (EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_RECOVER | \
                        EXT2_FEATURE_INCOMPAT_META_BG | EXT3_FEATURE_INCOMPAT_EXTENTS | \
                        EXT4_FEATURE_INCOMPAT_64BIT | EXT4_FEATURE_INCOMPAT_FLEX_BG | \
                        EXT4_FEATURE_INCOMPAT_CSUM_SEED | EXT4_FEATURE_INCOMPAT_LARGEDIR)

/* Names as in the manual page ext4(5). */
static const struct feature incompat[] = {
    { EXT2_FEATURE_INCOMPAT_COMPRESSION, "compression" },
    { EXT3_FEATURE_INCOMPAT_JOURNAL_DEV, "journal_dev" },
    { EXT4_FEATURE_INCOMPAT_MMP, "mmp" },
    { EXT4_FEATURE_INCOMPAT_EA_INODE, "ea_inode" },
    { EXT4_FEATURE_INCOMPAT_DIRDATA, "dirdata" },
    { EXT4_FEATURE_INCOMPAT_INLINE_DATA, "inline_data" },
    { EXT4_FEATURE_INCOMPAT_ENCRYPT, "encrypt" },
    { EXT4_FEATURE_INCOMPAT_CASEFOLD, "casefold" },
};

#define KNOWN_RO_COMPAT (EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | \
                         EXT2_FEATURE_RO_COMPAT_LARGE_FILE | EXT4_FEATURE_RO_COMPAT_HUGE_FILE | \
                         EXT4_FEATURE_RO_COMPAT_GDT_CSUM | EXT4_FEATURE_RO_COMPAT_DIR_NLINK | \
                         EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE | EXT4_FEATURE_RO_COMPAT_METADATA_CSUM)

static const struct feature ro_compat[] = {
    { EXT4_FEATURE_RO_COMPAT_QUOTA, "it has the feature quota" },
    { EXT4_FEATURE_RO_COMPAT_BIGALLOC, "it has the feature bigalloc" },
    { EXT4_FEATURE_RO_COMPAT_READONLY, "it has the feature read-only" },
    { EXT4_FEATURE_RO_COMPAT_PROJECT, "it has the feature project" },
    { EXT4_FEATURE_RO_COMPAT_VERITY, "it has the feature verity" },
    { EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT, "it has orphaned inodes, for e2fsck or Linux to free" },
};

static int refuse_incompat(struct ext_fs *x, uint32_t bits)
{
    for (unsigned i = 0; i < sizeof(incompat) / sizeof(incompat[0]); i++) {
        if (bits & incompat[i].bit) {
            klog(LOG_ERROR, "%s: file systems with the feature %s can't be used", x->name,
                 incompat[i].name);
            bits &= ~incompat[i].bit;
        }
    }
    if (bits != 0) {
        klog(LOG_ERROR, "%s: the file system has features that are not known here (%#x)", x->name,
             bits);
    }
    return -ENOTSUP;
}

/*
 * Sizes that the library takes as they are, and makes its bitmaps of (Linux, fs/ext4/super.c, asks for
 * the same). Clusters, which only bigalloc has, are blocks otherwise.
 */
static bool is_possible(const struct ext2_super_block *s)
{
    uint32_t size = 1024u << s->s_log_block_size, bits = 8 * size;
    uint32_t inode = s->s_rev_level == 0 ? EXT2_GOOD_OLD_INODE_SIZE : s->s_inode_size;
    bool bigalloc = s->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_BIGALLOC;
    return s->s_inodes_per_group != 0 && s->s_inodes_per_group <= bits && s->s_inodes_per_group % 8 == 0 &&
           inode >= EXT2_GOOD_OLD_INODE_SIZE && inode <= size && (inode & (inode - 1)) == 0 &&
           s->s_inodes_per_group >= size / inode &&
           (bigalloc || (s->s_blocks_per_group != 0 && s->s_blocks_per_group <= bits &&
                         s->s_blocks_per_group % 8 == 0 &&
                         s->s_clusters_per_group == s->s_blocks_per_group &&
                         s->s_log_cluster_size == s->s_log_block_size &&
                         s->s_first_data_block == (size == 1024)));
}

int ext_feature_check(struct ext_fs *x, const struct ext2_super_block *s)
{
    if (s->s_magic != EXT2_SUPER_MAGIC) {
        klog(LOG_ERROR, "%s: there is no ext4 file system on it", x->name);
        return -EINVAL;
    }
    if (s->s_feature_incompat & ~KNOWN_INCOMPAT) {
        return refuse_incompat(x, s->s_feature_incompat & ~KNOWN_INCOMPAT);
    }
    if (!(s->s_feature_incompat & EXT2_FEATURE_INCOMPAT_FILETYPE) || s->s_rev_level == 0) {
        klog(LOG_ERROR, "%s: file systems without the feature filetype can't be used", x->name);
        return -ENOTSUP;
    }
    if (s->s_log_block_size > 2 || 1024u << s->s_log_block_size < x->dev->block_size ||
        x->start % x->dev->block_size != 0) {
        klog(LOG_ERROR, "%s: blocks must be of 1024, 2048 or 4096 bytes, and no smaller than the "
             "disk's (%u)", x->name, x->dev->block_size);
        return -ENOTSUP;
    }
    if (!is_possible(s)) {
        klog(LOG_ERROR, "%s: the superblock is damaged: e2fsck has to repair it", x->name);
        return -EINVAL;
    }
    uint64_t blocks = s->s_blocks_count;
    if (s->s_feature_incompat & EXT4_FEATURE_INCOMPAT_64BIT) {
        blocks |= (uint64_t)s->s_blocks_count_hi << 32;
    }
    if (blocks > x->bytes >> (10 + s->s_log_block_size)) {
        klog(LOG_ERROR, "%s: the file system is larger than the disk", x->name);
        return -EINVAL;
    }
    return 0;
}

const char *ext_feature_readonly(const struct ext2_super_block *s)
{
    uint32_t bits = s->s_feature_ro_compat & ~KNOWN_RO_COMPAT;
    for (unsigned i = 0; i < sizeof(ro_compat) / sizeof(ro_compat[0]); i++) {
        if (bits & ro_compat[i].bit) {
            return ro_compat[i].name;
        }
    }
    return bits != 0 ? "it has features that are not known here" : NULL;
}
