/*
 * sources: EXT4
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 against the host's own tools: what is done here e2fsck finds nothing wrong with and debugfs
 * reads back, and the other way round. On file systems of several kinds.
 */
#define _GNU_SOURCE
#include <dirent.h>

#include "ext_disk.h"

static uint8_t pattern_byte(uint64_t seed, uint64_t i)
{
    return (uint8_t)((seed + i / 7) * 2654435761u >> 24 ^ i);
}

static void fill(uint8_t *buf, size_t len, uint64_t seed, uint64_t at)
{
    for (size_t i = 0; i < len; i++) {
        buf[i] = pattern_byte(seed, at + i);
    }
}

static int make_file(const char *path, size_t len, uint64_t seed)
{
    struct vnode *n;
    int r = do_create(path, S_IFREG | 0644, NULL, &n);
    if (r != 0) {
        return r;
    }
    uint8_t buf[10000];
    for (size_t at = 0; at < len && r >= 0;) {
        size_t part = len - at < sizeof(buf) ? len - at : sizeof(buf);
        fill(buf, part, seed, at);
        ssize_t got = write_at(n, buf, part, (off_t)at);
        r = got < 0 ? (int)got : 0;
        at += got > 0 ? (size_t)got : 0;
    }
    vnode_unref(n);
    return r;
}

static int check_file(const char *path, size_t len, uint64_t seed)
{
    struct vnode *n;
    int r = node_at(path, &n);
    if (r != 0) {
        return r;
    }
    uint8_t *buf = malloc(len + 10);
    ssize_t got = n->ops->read(n, buf, len + 10, 0);
    r = got == (ssize_t)len ? 0 : -1;
    for (size_t i = 0; i < len && r == 0; i++) {
        r = buf[i] == pattern_byte(seed, i) ? 0 : -2;
    }
    free(buf);
    vnode_unref(n);
    return r;
}

static unsigned count_entries(const char *path)
{
    struct vnode *n;
    struct fs_entry e;
    off_t cookie = 0;
    unsigned count = 0;
    if (path[0] == '\0') {
        n = vnode_ref(m->root);
    } else if (node_at(path, &n) != 0) {
        return 0;
    }
    while (n->ops->readdir(n, &cookie, &e) == 1) {
        count++;
    }
    vnode_unref(n);
    return count;
}

static void test_basics(void)
{
    EXPECT(mount_disk("") == 0);
    EXPECT(make_file("small", 10, 1) == 0);
    EXPECT(make_file("medium", 100000, 2) == 0);
    EXPECT(make_file("small", 10, 1) == -EEXIST);
    EXPECT(do_create("dir", S_IFDIR | 0755, NULL, NULL) == 0);
    EXPECT(make_file("dir/inside", 5000, 3) == 0);
    EXPECT(do_create("short", S_IFLNK | 0777, "dir/inside", NULL) == 0);
    char target[300];
    memset(target, 'x', sizeof(target));
    target[299] = '\0';
    EXPECT(do_create("long", S_IFLNK | 0777, target, NULL) == 0);
    EXPECT(do_link("small", "dir/other") == 0);
    EXPECT(do_rename("medium", "dir/moved", true) == 0);
    EXPECT(do_rename("dir", "dir/inside2", true) == -EINVAL);
    EXPECT(do_create("dir2", S_IFDIR | 0755, NULL, NULL) == 0);
    EXPECT(do_rename("dir2", "dir/sub", true) == 0);
    EXPECT(do_unlink("dir", true) == -ENOTEMPTY);
    EXPECT(do_unlink("dir/sub", true) == 0);
    EXPECT(check_file("dir/moved", 100000, 2) == 0);
    EXPECT(check_file("dir/other", 10, 1) == 0);
    struct vnode *n;
    EXPECT(node_at("nothing", &n) == -ENOENT);
    char text[400];
    EXPECT(node_at("long", &n) == 0);
    EXPECT(n->ops->readlink(n, text, sizeof(text)) == 299 && memcmp(text, target, 299) == 0);
    vnode_unref(n);
    EXPECT(count_entries("dir") == 3);

    /* A file that is removed while it is open. */
    EXPECT(make_file("doomed", 50000, 4) == 0);
    EXPECT(node_at("doomed", &n) == 0);
    EXPECT(do_unlink("doomed", false) == 0);
    uint8_t buf[100];
    EXPECT(n->ops->read(n, buf, 100, 1000) == 100 && buf[0] == pattern_byte(4, 1000));
    EXPECT(n->ops->sync(n) == 0);
    vnode_unref(n);

    /* Cut, and grown again: zeroes. */
    EXPECT(make_file("cut", 30000, 5) == 0);
    EXPECT(node_at("cut", &n) == 0);
    EXPECT(n->ops->truncate(n, 10001) == 0);
    EXPECT(n->ops->truncate(n, 20000) == 0);
    EXPECT(n->ops->read(n, buf, 100, 9990) == 100);
    EXPECT(buf[10] == pattern_byte(5, 10000) && buf[11] == 0 && buf[99] == 0);
    vnode_unref(n);

    /* A hole, and blocks that were only promised. */
    EXPECT(do_create("sparse", S_IFREG | 0600, NULL, &n) == 0);
    EXPECT(write_at(n, "end", 3, 5000000000) == 3);
    EXPECT(n->ops->read(n, buf, 3, 5000000000) == 3 && memcmp(buf, "end", 3) == 0);
    EXPECT(n->ops->read(n, buf, 10, 123456789) == 10 && buf[5] == 0);
    vnode_unref(n);
    EXPECT(do_create("promised", S_IFREG | 0600, NULL, &n) == 0);
    EXPECT(n->ops->allocate(n, 0, 300000) == 0);
    EXPECT(write_at(n, "middle", 6, 150001) == 6);
    EXPECT(n->ops->read(n, buf, 10, 150000) == 10 && memcmp(buf, "\0middle\0\0\0", 10) == 0);
    EXPECT(n->ops->size(n) == 300000);
    EXPECT(n->ops->read(n, buf, 10, 299990) == 10 && memcmp(buf, "\0\0\0\0\0\0\0\0\0\0", 10) == 0);
    vnode_unref(n);

    /* Still open at the end, without a name: nothing of it may be left. */
    EXPECT(make_file("nameless", 70000, 6) == 0);
    EXPECT(node_at("nameless", &n) == 0 && do_unlink("nameless", false) == 0);
    EXPECT(do_create("nameless", S_IFDIR | 0755, NULL, NULL) == 0);
    struct vnode *dir;
    EXPECT(node_at("nameless", &dir) == 0 && do_unlink("nameless", true) == 0);
    end_program();
    EXPECT(n->ops->read(n, buf, 10, 0) == 0 && write_at(n, "x", 1, 0) == -EIO);
    vnode_unref(n);
    vnode_unref(dir);
    EXPECT(disk_is_clean());
    EXPECT(run("debugfs -R 'dump dir/moved ext4.dump' " IMAGE) == 0);
    FILE *f = fopen("ext4.dump", "rb");
    unsigned good = 0;
    for (int c, i = 0; f != NULL && (c = getc(f)) != EOF; i++) {
        good += (uint8_t)c == pattern_byte(2, (uint64_t)i);
    }
    fclose(f);
    EXPECT(good == 100000);
}

/* Many names in a directory: made, found, half of them removed, made again. */
static void test_names(unsigned count)
{
    char path[300];
    EXPECT(mount_disk("") == 0);
    EXPECT(do_create("many", S_IFDIR | 0755, NULL, NULL) == 0);
    unsigned made = 0;
    for (unsigned i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "many/%0*u", 5 + (int)(i * 37 % 100), i);
        made += make_file(path, 0, 0) == 0;
    }
    EXPECT(made == count);
    EXPECT(count_entries("many") == count);
    for (unsigned i = 0; i < count; i += 2) {
        snprintf(path, sizeof(path), "many/%0*u", 5 + (int)(i * 37 % 100), i);
        made -= do_unlink(path, false) == 0;
    }
    EXPECT(made == count / 2);
    EXPECT(count_entries("many") == count / 2);
    for (unsigned i = 0; i < count; i += 2) {
        snprintf(path, sizeof(path), "many/again-%0*u", 5 + (int)(i * 37 % 100), i);
        made += make_file(path, 0, 0) == 0;
    }
    EXPECT(made == count);
    end_program();
    EXPECT(disk_is_clean());
}

/* What the host has made, with a tree in its large directory. */
static void test_from_host(const char *options)
{
    EXPECT(run("rm -rf ext4.from; mkdir -p ext4.from/big && "
               "cd ext4.from && seq -f 'big/name-%%08g' 3000 | xargs touch && "
               "seq 100000 > numbers && ln -s numbers link && ln numbers hard && "
               "truncate -s 3G sparse") == 0);
    EXPECT(run("rm -f " IMAGE "; mke2fs -q -F -t ext4 %s -d ext4.from " IMAGE " 32768k && "
               "{ e2fsck -fyD " IMAGE "; [ $? -le 1 ]; }", options) == 0);
    disk_load(IMAGE);
    EXPECT(mount_disk("") == 0);
    struct vnode *n;
    char buf[16];
    EXPECT(node_at("hard", &n) == 0);
    EXPECT(n->ops->read(n, buf, 10, 0) == 10 && memcmp(buf, "1\n2\n3\n4\n5\n", 10) == 0);
    EXPECT(n->ops->size(n) == 588895);
    vnode_unref(n);
    EXPECT(node_at("sparse", &n) == 0);
    EXPECT(n->ops->size(n) == 3l << 30 && n->ops->read(n, buf, 5, 1l << 31) == 5 && buf[0] == 0);
    vnode_unref(n);
    EXPECT(count_entries("big") == 3000);
    EXPECT(node_at("big/name-00001234", &n) == 0);
    vnode_unref(n);
    EXPECT(make_file("big/one-more", 3, 1) == 0);
    EXPECT(do_unlink("big/name-00002000", false) == 0);
    EXPECT(count_entries("big") == 3000);
    EXPECT(do_rename("big/name-00000001", "out", true) == 0);
    EXPECT(do_rename("big", "small", true) == 0);
    end_program();
    EXPECT(disk_is_clean());
}

/*
 * With nearly nothing left: what has blocks can be written to, new ones leave room for the mapping of
 * a file with many holes, and no change is given up in its middle.
 */
static void full_disk(void)
{
    static uint8_t buf[300000];
    struct vnode *comb, *filler, *first;
    size_t block = the_fs()->block_size;
    EXPECT(node_at("filler", &filler) == 0 && node_at("first", &first) == 0);
    off_t size = filler->ops->size(filler);
    for (unsigned left = 14; left < 120; left += 9) {
        size -= 150 * (off_t)block;
        size = size > 0 ? size : 0;
        EXPECT(filler->ops->truncate(filler, size) == 0);
        char path[20];
        snprintf(path, sizeof(path), "comb%u", left);
        EXPECT(do_create(path, S_IFREG | 0644, NULL, &comb) == 0);
        for (unsigned i = 0; i < 4; i++) {
            EXPECT(write_at(comb, "tooth", 5, (off_t)(2 * i * block)) == 5);
        }
        EXPECT(m->sync(m) == 0);
        while (ext_free_blocks(the_fs()) > left && write_at(filler, buf, block, size) == (ssize_t)block) {
            size += (off_t)block;
        }
        ssize_t r = write_at(comb, buf, sizeof(buf), (off_t)(100 * block));
        EXPECT(r > 0 || r == -ENOSPC);
        EXPECT(write_at(first, buf, 5000, 1000) == 5000);
        vnode_unref(comb);
        EXPECT(do_unlink(path, false) == 0 && m->sync(m) == 0);
    }
    while (write_at(filler, buf, sizeof(buf), size) == sizeof(buf)) {
        size += sizeof(buf);
    }
    EXPECT(write_at(filler, buf, sizeof(buf), 0) == sizeof(buf));
    fill(buf, 6000, 1, 0);
    EXPECT(write_at(first, buf, 6000, 0) == 6000 && first->ops->sync(first) == 0);
    vnode_unref(first);
    vnode_unref(filler);
}

static void test_full(void)
{
    EXPECT(mount_disk("") == 0);
    EXPECT(make_file("first", 100000, 1) == 0);
    EXPECT(make_file("filler", 1u << 30, 2) == -ENOSPC);
    EXPECT(make_file("more", 100000, 3) == -ENOSPC);
    full_disk();
    EXPECT(check_file("first", 100000, 1) == 0);
    EXPECT(do_unlink("filler", false) == 0);
    EXPECT(make_file("again", 1000000, 4) == 0);
    EXPECT(check_file("again", 1000000, 4) == 0);
    end_program();
    EXPECT(disk_is_clean());
}

/* In a process of its own: what a test leaves in memory is nobody's. */
static void in_child(void (*test)(const char *), const char *options)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        unit_passed = unit_failed = 0;
        test(options);
        printf("  %s: %u passed\n", options, unit_passed);
        fflush(stdout);
        _exit(unit_failed != 0);
    }
    int status = -1;
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
}

static void basics_on(const char *options)
{
    disk_make(options, 16384);
    test_basics();
}

static void names_on(const char *options)
{
    disk_make(options, 32768);
    test_names(2000);
}

static void full_on(const char *options)
{
    disk_make(options, 8192);
    test_full();
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {
        "-b 4096", "-b 1024", "-b 2048 -I 128 -O ^metadata_csum,^64bit", "-b 4096 -O ^has_journal",
        "-b 1024 -O ^extents,^64bit,^flex_bg,^metadata_csum,uninit_bg", "-b 4096 -O ^metadata_csum,^uninit_bg",
        "-b 1024 -O meta_bg,^resize_inode", "-b 4096 -O ^dir_index,^huge_file,^dir_nlink -N 4096",
    };
    verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    folder_enter();
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (argc > 2 && strcmp(argv[2], kinds[i]) != 0) {
            continue;
        }
        in_child(basics_on, kinds[i]);
        in_child(full_on, kinds[i]);
        if (i < 2 || argc > 2) {
            in_child(names_on, kinds[i]);
            in_child(test_from_host, kinds[i]);
        }
    }
    folder_leave();
    return unit_done();
}
