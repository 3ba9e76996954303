/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libext2fs's headers lack of the format: the journal and directory entries.
 * Source: Linux, Documentation/filesystems/ext4/{journal,directory}.rst. The journal is big-endian.
 */
#pragma once

#include <stdint.h>

#define JBD2_MAGIC        0xc03b3998u
#define JBD2_DESCRIPTOR   1u
#define JBD2_COMMIT       2u
#define JBD2_SUPER_V1     3u
#define JBD2_SUPER_V2     4u
#define JBD2_REVOKE       5u

#define JBD2_INCOMPAT_REVOKE  0x1u
#define JBD2_INCOMPAT_64BIT   0x2u
#define JBD2_INCOMPAT_ASYNC   0x4u
#define JBD2_INCOMPAT_CSUM_V2 0x8u
#define JBD2_INCOMPAT_CSUM_V3 0x10u
#define JBD2_INCOMPAT_FAST    0x20u

#define JBD2_FLAG_ESCAPE    1u
#define JBD2_FLAG_SAME_UUID 2u
#define JBD2_FLAG_LAST      8u

#define JBD2_CRC32C 4u /* s_checksum_type */

struct jbd2_header {
    uint32_t magic, type, sequence;
};

struct jbd2_super {
    struct jbd2_header header;
    uint32_t block_size, maxlen, first;
    uint32_t sequence, start; /* of the first transaction; start 0: the log is empty */
    uint32_t error;
    uint32_t compat, incompat, ro_compat;
    uint8_t uuid[16];
    uint32_t nr_users, dynsuper, max_transaction, max_trans_data;
    uint8_t checksum_type, padding2[3];
    uint32_t num_fc_blocks;
    uint32_t head;
    uint32_t padding[40];
    uint32_t checksum;
    uint8_t users[16 * 48];
};

/* With JBD2_INCOMPAT_CSUM_V3. */
struct jbd2_tag3 {
    uint32_t block, flags, block_high, checksum;
};

/* Without; block_high only with JBD2_INCOMPAT_64BIT. */
struct jbd2_tag {
    uint32_t block;
    uint16_t checksum, flags;
    uint32_t block_high;
};

struct jbd2_commit {
    struct jbd2_header header;
    uint8_t checksum_type, checksum_size, padding[2];
    uint32_t checksum[8];
    uint64_t seconds;
    uint32_t nanoseconds;
} __attribute__((packed));

struct jbd2_revoke {
    struct jbd2_header header;
    uint32_t bytes; /* that are used in the block, with this */
};

_Static_assert(sizeof(struct jbd2_super) == 1024 && sizeof(struct jbd2_commit) == 60 &&
               sizeof(struct jbd2_tag3) == 16, "as in journal.rst");

/* A directory entry. Little-endian. */
struct ext_dirent {
    uint32_t ino; /* 0: not in use */
    uint16_t rec_len;
    uint8_t name_len, type;
    char name[];
};

#define EXT_DIRENT_HEAD 8u

static inline uint32_t ext_be32(uint32_t v)
{
    return __builtin_bswap32(v);
}

static inline uint16_t ext_be16(uint16_t v)
{
    return __builtin_bswap16(v);
}
