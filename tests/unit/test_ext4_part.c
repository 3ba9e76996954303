/*
 * sources: EXT4
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 in partitions: tables of both kinds, with logical partitions; and
 * tables with random changes: what is found is inside of the disk, and nothing hangs.
 */
#define _GNU_SOURCE
#include "ext_disk.h"

#define SECTOR 512u

static uint64_t rng = 20260901;

static unsigned draw(unsigned n)
{
    return (unsigned)(unit_random(&rng) % n);
}

/* Where the partition is, as sectors; {0, 0}: there is none. */
struct where {
    uint64_t first, count;
};

static struct where find(const char *name)
{
    struct ext_fs x = { 0 };
    int r = ext_part_find(&x, name);
    EXPECT(r <= 0);
    if (r != 0) {
        return (struct where){ 0, 0 };
    }
    EXPECT(x.bytes != 0 && x.start < disk.size && x.bytes <= disk.size - x.start);
    return (struct where){ x.start / SECTOR, x.bytes / SECTOR };
}

static void expect_at(const char *name, uint64_t first, uint64_t count)
{
    struct where w = find(name);
    if (w.first != first || w.count != count) {
        printf("%s: %lu + %lu\n", name, (unsigned long)w.first, (unsigned long)w.count);
    }
    EXPECT(w.first == first && w.count == count);
}

/* An entry of a master boot record. */
static void put_entry(uint64_t record, unsigned i, uint8_t type, uint32_t first, uint32_t count)
{
    uint8_t *sector = disk.data + record * SECTOR, *e = sector + 446 + (size_t)i * 16;
    e[4] = type;
    memcpy(e + 8, &first, 4);
    memcpy(e + 12, &count, 4);
    sector[510] = 0x55;
    sector[511] = 0xaa;
}

static void make_disk(void)
{
    free(disk.data);
    disk.size = 8u << 20;
    disk.data = calloc(1, disk.size);
}

/* Three, the second of which is extended and has three more. */
static void make_mbr(void)
{
    make_disk();
    put_entry(0, 0, 0x83, 64, 100);
    put_entry(0, 1, 0x0f, 200, 10000);
    put_entry(0, 2, 0x83, 11000, 50);
    put_entry(200, 0, 0x83, 64, 300);
    put_entry(200, 1, 0x05, 436, 65);
    put_entry(636, 0, 0x83, 64, 1);
    put_entry(636, 1, 0x05, 664, 9336);
    put_entry(864, 0, 0x83, 36, 9300);
}

static void put_gpt_entry(unsigned i, uint64_t first, uint64_t last)
{
    uint8_t *e = disk.data + 2 * SECTOR + (size_t)i * 128;
    memset(e, 0x11, 32);
    memcpy(e + 32, &first, 8);
    memcpy(e + 40, &last, 8);
}

static void make_gpt(void)
{
    static const uint64_t at[5] = { 1, 16383, 34, 16350, 0 };
    static const uint32_t head[3] = { 0x10000, 92, 0 }, entries[3] = { 128, 128, 0 };
    uint64_t table = 2;
    make_disk();
    put_entry(0, 0, 0xee, 1, 16383);
    memcpy(disk.data + SECTOR, "EFI PART", 8);
    memcpy(disk.data + SECTOR + 8, head, sizeof(head));
    memcpy(disk.data + SECTOR + 24, at, 32);
    memcpy(disk.data + SECTOR + 72, &table, 8);
    memcpy(disk.data + SECTOR + 80, entries, sizeof(entries));
    put_gpt_entry(0, 64, 163);
    put_gpt_entry(1, 200, 200);
    put_gpt_entry(4, 2048, 6143);
}

static void test_tables(void)
{
    make_mbr();
    expect_at("vda", 0, 16384);
    expect_at("vda1", 64, 100);
    expect_at("vda2", 200, 10000);
    expect_at("vda3", 11000, 50);
    expect_at("vda4", 0, 0);
    expect_at("vda5", 264, 300);
    expect_at("vda6", 700, 1);
    expect_at("vda7", 900, 9300);
    expect_at("vda8", 0, 0);
    expect_at("vda64", 0, 0);
    expect_at("vda0", 0, 0);
    expect_at("vda01", 0, 0);
    expect_at("vdb1", 0, 0);
    make_gpt();
    expect_at("vda1", 64, 100);
    expect_at("vda2", 200, 1);
    expect_at("vda3", 0, 0);
    expect_at("vda5", 2048, 4096);
    expect_at("vda200", 0, 0);
    memset(disk.data, 0, SECTOR);
    expect_at("vda1", 0, 0);
}

/* A chain of records that comes back to itself, and partitions that leave their extended one. */
static void test_lies(void)
{
    make_mbr();
    uint8_t *record = disk.data + 200 * SECTOR + 446;
    uint32_t zero = 0, far = 9999;
    memcpy(record + 16 + 8, &zero, 4);
    expect_at("vda5", 264, 300);
    expect_at("vda6", 264, 300); /* the same record again, and again */
    expect_at("vda64", 264, 300);
    expect_at("vda65", 0, 0);
    memcpy(record + 8, &far, 4);
    expect_at("vda5", 0, 0);
    memcpy(record + 16 + 8, &far, 4);
    expect_at("vda6", 0, 0);
}

static void test_random(void (*make)(void), unsigned rounds)
{
    make();
    uint8_t *good = malloc(disk.size);
    memcpy(good, disk.data, disk.size);
    static const unsigned tables[] = { 0, 1, 2, 3, 200, 636, 864 };
    for (unsigned i = 0; i < rounds; i++) {
        memcpy(disk.data, good, 1000 * SECTOR);
        for (unsigned k = 0; k < 3; k++) {
            unsigned sector = tables[draw(sizeof(tables) / sizeof(tables[0]))];
            unsigned at = sector * SECTOR + (sector >= 2 && sector < 4 ? 0 : draw(2) ? 440 : 0) + draw(72);
            uint64_t value = draw(3) == 0 ? 0 : draw(2) ? ~0ull : unit_random(&rng);
            memcpy(disk.data + at, &value, 1 + draw(8));
        }
        char name[16];
        snprintf(name, sizeof(name), "vda%u", 1 + draw(9));
        find(name);
    }
    free(good);
}

/* In a logical partition there is a file system. */
static void test_mounted(void)
{
    make_mbr();
    disk_save(IMAGE);
    EXPECT(run("mke2fs -q -F -t ext4 -b 1024 -J size=1 -E offset=%u " IMAGE " 4650k", 900 * SECTOR) == 0);
    disk_load(IMAGE);
    EXPECT(ext_mount("vda7", "", &m) == 0);
    EXPECT(do_create("x", S_IFREG | 0644, NULL, NULL) == 0);
    end_program();
    disk_save(IMAGE);
    EXPECT(run("tail -c +%u " IMAGE " > part && e2fsck -fn part && debugfs -R 'stat x' part | grep -q regular",
               900 * SECTOR + 1) == 0);
}

int main(int argc, char **argv)
{
    verbose = argc > 1 && argv != NULL;
    folder_enter();
    test_tables();
    test_lies();
    test_random(make_mbr, 2000);
    test_random(make_gpt, 2000);
    test_mounted();
    folder_leave();
    return unit_done();
}
