/*
 * sources: EXT4
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 on damaged disks and with things going wrong: metadata with random changes (with and without
 * right sums) is mounted, read, changed and ended; nothing may crash, hang, or be read outside of its
 * buffer (AddressSanitizer looks on). Then: a disk that fails, memory that runs out, features that
 * are not supported. What is promised must be kept all the same.
 */
#define _GNU_SOURCE
#include "ext_disk.h"
#include "ext_victim.h"

/* Where damage is worth while: the first MiB has nearly all metadata; else anywhere that has contents. */
static void damage(void)
{
    unsigned places = 1 + draw(6);
    for (unsigned i = 0; i < places; i++) {
        size_t at = draw(3) == 0 ? 1024 + draw(1024) : draw(3) != 0 ? draw(1u << 20) : draw((unsigned)disk.size);
        unsigned len = draw(3) == 0 ? 1 + draw(200) : 1 + draw(4);
        for (unsigned k = 0; k < len && at + k < disk.size; k++) {
            disk.data[at + k] = draw(3) == 0 ? 0xff : draw(3) == 0 ? 0 : (uint8_t)draw(256);
        }
    }
}

static void test_damage(unsigned rounds)
{
    static const char *const kinds[] = {
        "-b 1024 -O ^metadata_csum,^uninit_bg -J size=1", /* no sums that would find most of it */
        "-b 1024 -O ^metadata_csum,^extents,^64bit -J size=1", "-b 1024 -J size=1",
    };
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        make_victim(kinds[i], 8192, draw(2) ? JOURNAL_OURS : JOURNAL_EMPTY);
        uint8_t *good = malloc(disk.size);
        memcpy(good, disk.data, disk.size);
        for (unsigned k = 0; k < rounds; k++) {
            uint64_t from = rng;
            memcpy(disk.data, good, disk.size);
            damage();
            if (!survives(use_it)) {
                printf("%s, from %lu\n", kinds[i], (unsigned long)from);
                EXPECT(!"survives");
            }
        }
        free(good);
    }
}

/* ---- a disk that fails ---- */

static unsigned fail_at;

static void failing_writes(void)
{
    struct vnode *n;
    EXPECT(mount_disk("") == 0);
    EXPECT(make_file("kept", 30000) == 0);
    EXPECT(node_at("kept", &n) == 0 && n->ops->sync(n) == 0);
    disk.fail_write = fail_at;
    bool failed = false;
    for (unsigned i = 0; i < 50; i++) {
        char path[20];
        snprintf(path, sizeof(path), "%u", i);
        int r = make_file(path, 20000);
        int s = m->sync(m);
        failed = failed || s == -EIO;
        EXPECT(r == 0 || r == -EIO || r == -EROFS);
        EXPECT(s == 0 || s == -EIO);
        EXPECT(!failed || s == -EIO); /* for ever */
    }
    EXPECT(failed);
    uint8_t buf[10];
    EXPECT(n->ops->read(n, buf, 10, 20000) == 10 && buf[0] == 'm');
    struct statvfs vfs;
    EXPECT(m->statvfs(m, &vfs) == 0 && (vfs.f_flag & ST_RDONLY));
    vnode_unref(n);
    end_program();
    disk.fail_write = 0;
    disk_save(IMAGE);
}

static void kept_is_there(void)
{
    struct vnode *n;
    uint8_t buf[10];
    EXPECT(mount_disk("") == 0);
    EXPECT(node_at("kept", &n) == 0 && n->ops->size(n) == 30000);
    EXPECT(n->ops->read(n, buf, 10, 29000) == 10 && buf[9] == 'm');
    end_program();
    EXPECT(disk_is_clean());
}

static void failing_reads(void)
{
    struct vnode *n;
    uint8_t buf[10];
    EXPECT(mount_disk("") == 0);
    disk.fail_read = 1 + draw(5);
    int r = 0;
    for (unsigned i = 0; i < 20; i++) {
        r = node_at("big", &n);
        if (r == 0) {
            ssize_t got = n->ops->read(n, buf, 10, (off_t)i * 20000);
            EXPECT(got == 10 || got == -EIO);
            r = got < 0 ? (int)got : 0;
            vnode_unref(n);
        }
        EXPECT(r == 0 || r == -EIO);
    }
    EXPECT(r == -EIO);
    disk.fail_read = 0;
    EXPECT(node_at("big", &n) == 0 && n->ops->read(n, buf, 10, 300000) == 10);
    vnode_unref(n);
}

/* The heap says no from some point on: errors, but nothing half done reaches the disk. */
static void no_memory(void)
{
    EXPECT(mount_disk("") == 0);
    alloc_fails_after = fail_at;
    change_all();
    looks = 2000;
    read_all(m->root, 2);
    alloc_fails_after = 0;
    end_program();
    disk_save(IMAGE);
}

static void test_failures(void)
{
    make_victim("-b 1024 -J size=1", 8192, JOURNAL_EMPTY);
    uint8_t *good = malloc(disk.size);
    memcpy(good, disk.data, disk.size);
    for (fail_at = 1; fail_at < 30; fail_at += 3) {
        memcpy(disk.data, good, disk.size);
        EXPECT(survives(failing_writes));
        disk_load(IMAGE);
        EXPECT(survives(kept_is_there));
        memcpy(disk.data, good, disk.size);
        EXPECT(survives(failing_reads));
    }
    for (fail_at = 1; fail_at < 600; fail_at += 37) {
        memcpy(disk.data, good, disk.size);
        EXPECT(survives(no_memory));
        EXPECT(run("e2fsck -fy " IMAGE "; [ $? -le 1 ] && e2fsck -fn " IMAGE) == 0);
    }
    free(good);
}

static void refused(void)
{
    EXPECT(mount_disk("") != 0);
}

static void read_only(void)
{
    EXPECT(mount_disk("") == 0);
    EXPECT(do_create("x", S_IFREG | 0644, NULL, NULL) == -EROFS);
}

/* Something is changed, and it doesn't end. */
static void crashed(void)
{
    EXPECT(mount_disk("") == 0);
    EXPECT(make_file("file", 3000) == 0);
    EXPECT(m->sync(m) == 0);
    disk_save(IMAGE);
}

static void unchanged(void)
{
    EXPECT(mount_disk("") == 0);
    EXPECT(m->sync(m) == 0);
    disk_save(IMAGE);
}

/* Without a journal: after a crash it can only be read, until e2fsck has looked at it. */
static void test_no_journal(void)
{
    disk_make("-O ^has_journal", 16384);
    EXPECT(survives(unchanged));
    disk_load(IMAGE);
    EXPECT(survives(crashed));
    disk_load(IMAGE);
    EXPECT(survives(read_only));
    EXPECT(run("e2fsck -fy " IMAGE "; [ $? -le 1 ]") == 0);
    disk_load(IMAGE);
    EXPECT(survives(unchanged));
}

/* Superblocks whose sum is right and whose sizes can't be: the library makes its bitmaps of them. */
static void test_sizes(void)
{
    static const struct {
        size_t at;
        uint32_t value;
    } bad[] = {
        { offsetof(struct ext2_super_block, s_first_data_block), 0 },
        { offsetof(struct ext2_super_block, s_first_data_block), 2 },
        { offsetof(struct ext2_super_block, s_blocks_per_group), 8200 },
        { offsetof(struct ext2_super_block, s_blocks_per_group), 0 },
        { offsetof(struct ext2_super_block, s_blocks_per_group), 2044 },
        { offsetof(struct ext2_super_block, s_clusters_per_group), 4096 },
        { offsetof(struct ext2_super_block, s_log_cluster_size), 1 },
        { offsetof(struct ext2_super_block, s_inodes_per_group), 0 },
        { offsetof(struct ext2_super_block, s_inodes_per_group), 8200 },
        { offsetof(struct ext2_super_block, s_inode_size), 96 },
    };
    disk_make("-b 1024 -J size=1", 16384);
    uint8_t *good = malloc(disk.size);
    memcpy(good, disk.data, disk.size);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memcpy(disk.data, good, disk.size);
        struct ext2_super_block *s = (void *)(disk.data + 1024);
        bool half = bad[i].at == offsetof(struct ext2_super_block, s_inode_size);
        memcpy(disk.data + 1024 + bad[i].at, &bad[i].value, half ? 2 : 4);
        s->s_checksum = ext_crc32c(~0u, s, offsetof(struct ext2_super_block, s_checksum));
        EXPECT(survives(refused));
    }
    free(good);
}

static void test_features(void)
{
    static const char *const bad[] = { "-O inline_data", "-O encrypt", "-O casefold", "-O mmp", "-O ea_inode" };
    static const char *const only_read[] = { "-O quota", "-O bigalloc", "-O project,quota" };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        disk_make(bad[i], 16384);
        EXPECT(survives(refused));
    }
    for (unsigned i = 0; i < sizeof(only_read) / sizeof(only_read[0]); i++) {
        disk_make(only_read[i], 16384);
        EXPECT(survives(read_only));
    }
    disk_make("", 16384);
    EXPECT(run("tune2fs -E force_fsck " IMAGE) == 0);
    disk_load(IMAGE);
    EXPECT(survives(read_only));
    disk_make("", 16384);
    disk.size /= 2;
    EXPECT(survives(refused));
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 30;
    if (argc > 2) {
        rng = strtoul(argv[2], NULL, 10);
    }
    verbose = argc > 3;
    folder_enter();
    test_features();
    test_no_journal();
    test_sizes();
    test_failures();
    test_damage(rounds);
    folder_leave();
    return unit_done();
}
