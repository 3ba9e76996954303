/*
 * sources: libos/fs/cpio.c libos/fs/initrd.c libos/fs/ramfs.c libos/fs/ramfs_data.c
 *          libos/fs/ramfs_dir.c libos/fs/vfs.c libos/fs/vfs_attr.c libos/fs/vfs_file.c
 *          libos/fs/vfs_names.c libos/fs/vfs_open.c libos/fs/vfs_path.c libos/fs/vfs_sync.c
 *          libos/fs/file.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The initrd: archives of all kinds, whole and mutated, through the parser alone and into the tree
 * of files, which is then read and removed. Memory that isn't given back shows at the end.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/stat.h>

#include <pith/cmdline.h>
#include <pith/fs.h>
#include <pith/heap.h>
#include <pith/log.h>
#include <pith/machine.h>
#include <pith/page.h>
#include <pith/panic.h>
#include <pith/random.h>

#include "libos/fs/cpio.h"
#include "libos/fs/devfs.h"
#include "libos/fs/initrd.h"
#include "libos/fs/mounts.h"

#include "unit.h"

#include "fake_cpu.h"

/* No archive in the image. */
__asm__(".data\n.globl __initrd_start, __initrd_end\n__initrd_start:\n__initrd_end:\n.text\n");

static struct boot_info info;
static size_t pages_out;
static unsigned log_errors;

/* ---- what the sources need of the rest ---- */

const struct boot_info *machine_boot_info(void)
{
    return &info;
}

void *heap_alloc(size_t size)
{
    return malloc(size);
}

void heap_free(void *p)
{
    free(p);
}

size_t heap_usable(const void *p)
{
    return malloc_usable_size((void *)(uintptr_t)p);
}

void *page_alloc(unsigned order)
{
    pages_out += 1u << order;
    return aligned_alloc(PAGE_SIZE, PAGE_SIZE << order);
}

void page_free(void *page, unsigned order)
{
    pages_out -= 1u << order;
    free(page);
}

void page_stats(struct page_stats *out)
{
    *out = (struct page_stats){ .total = 100000, .free = 100000 - pages_out };
}

size_t page_reclaim(void)
{
    return 0;
}

uint64_t cmdline_get_u64(const char *name, uint64_t fallback)
{
    (void)name;
    return fallback;
}

/* Nothing else is mounted. */
void mounts_start(struct vnode *root)
{
    (void)root;
}

void random_bytes(void *buf, size_t len)
{
    memset(buf, 7, len);
}

void klog(enum log_level level, const char *fmt, ...)
{
    (void)fmt;
    log_errors += level == LOG_ERROR;
}

void platform_irq_replay(void)
{
}

struct file *fd_get(int fd)
{
    (void)fd;
    return NULL;
}

/* An empty /dev. */
static int dev_getattr(struct vnode *node, struct stat *st)
{
    (void)node;
    st->st_mode = S_IFDIR;
    return 0;
}

static int dev_readdir(struct vnode *dir, off_t *cookie, struct fs_entry *out)
{
    (void)dir;
    (void)cookie;
    (void)out;
    return 0;
}

static const struct vnode_ops dev_ops = { .getattr = dev_getattr, .readdir = dev_readdir };
static struct vnode dev_root = { .ops = &dev_ops, .mount = &devfs_mount, .refs = 1,
                                 .type = S_IFDIR };
struct mount devfs_mount = { .type = "devfs", .root = &dev_root };

/* ---- archives ---- */

#define ROOM 20000u

struct archive {
    char data[ROOM];
    size_t len;
};

static void append(struct archive *a, const void *data, size_t n)
{
    if (n <= ROOM - a->len) {
        memcpy(a->data + a->len, data, n);
        a->len += n;
    }
}

static void pad(struct archive *a)
{
    append(a, "\0\0\0", (4 - a->len % 4) % 4);
}

static void put(struct archive *a, const char *name, unsigned mode, const char *data, unsigned ino,
                unsigned nlink)
{
    char header[128];
    unsigned size = (unsigned)strlen(data);
    snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
             ino, mode, 1, 2, nlink, 1000, size, 3, 4, 0, 0, (unsigned)strlen(name) + 1, 0);
    append(a, header, 110);
    append(a, name, strlen(name) + 1);
    pad(a);
    append(a, data, size);
    pad(a);
}

static void end(struct archive *a)
{
    put(a, "TRAILER!!!", 0, "", 0, 1);
}

/* All entries, which must lie within the archive. Returns how many, or -1. */
static int parse(const char *data, size_t len)
{
    struct cpio_reader r = { .data = data, .len = len };
    struct cpio_entry e;
    int n, count = 0;
    volatile unsigned sum = 0;
    while ((n = cpio_next(&r, &e)) == 1) {
        EXPECT(strlen(e.name) > 0 && e.name > data && e.name < data + len);
        EXPECT(e.size == 0 || (e.data > e.name && e.size <= (size_t)(data + len - e.data)));
        for (uint32_t i = 0; i < e.size; i++) {
            sum = sum + (unsigned char)e.data[i]; /* AddressSanitizer looks on */
        }
        count++;
        EXPECT(r.at <= len);
    }
    EXPECT(n == 0 || r.error != NULL);
    return n == 0 ? count : -1;
}

static void test_parse(void)
{
    static struct archive a;
    a.len = 0;
    EXPECT(parse(a.data, 0) == 0);
    end(&a);
    EXPECT(parse(a.data, a.len) == 0);
    a.len = 0;
    put(&a, "x", S_IFREG | 0644, "data", 1, 1);
    put(&a, "longer/name", S_IFREG | 0644, "", 2, 1);
    size_t without = a.len;
    end(&a);
    EXPECT(parse(a.data, a.len) == 2);
    for (size_t n = 1; n < a.len; n++) { /* cut anywhere it is damaged */
        char *exact = malloc(n);
        memcpy(exact, a.data, n);
        EXPECT(parse(exact, n) == (n > a.len - 4 && n >= without + 121 ? 2 : -1));
        free(exact);
    }
    append(&a, "\0\0\0\0", 4);
    EXPECT(parse(a.data, a.len) == 2);
    put(&a, "another", S_IFREG | 0644, "archive", 1, 1);
    EXPECT(parse(a.data, a.len) == -1);
    end(&a);
    EXPECT(parse(a.data, a.len) == 3);
    append(&a, "junk", 4);
    EXPECT(parse(a.data, a.len) == -1);
    a.len = 0;
    put(&a, "x", S_IFREG | 0644, "data", 1, 1);
    end(&a);
    memcpy(a.data, "070702", 6); /* with a sum: 'd'+'a'+'t'+'a' is 0x19a */
    EXPECT(parse(a.data, a.len) == -1);
    memcpy(a.data + 102, "0000019A", 8);
    EXPECT(parse(a.data, a.len) == 1);
    memcpy(a.data, "070707", 6);
    EXPECT(parse(a.data, a.len) == -1);
}

/* ---- into the tree and out of it ---- */

/* Read and remove all below a directory; returns how many entries there were. */
static unsigned eat(const char *path, unsigned depth)
{
    struct file *dir;
    struct fs_entry e;
    unsigned n = 0;
    EXPECT(depth < 100);
    if (fs_open(AT_FDCWD, *path ? path : "/", O_RDONLY | O_DIRECTORY, 0, &dir) != 0) {
        EXPECT(!"directory opened");
        return 0;
    }
    while (fs_readdir(dir, &e) == 1) {
        char *below = NULL;
        struct file *f;
        static char buf[5000];
        if (strcmp(e.name, ".") == 0 || strcmp(e.name, "..") == 0 || strcmp(e.name, "dev") == 0) {
            continue;
        }
        n++;
        EXPECT(asprintf(&below, "%s/%s", path, e.name) > 0);
        if (e.type == DT_DIR) {
            n += eat(below, depth + 1);
            int r = fs_unlink(AT_FDCWD, below, AT_REMOVEDIR);
            EXPECT(r == 0 || strlen(below) >= PATH_MAX || strstr(below, "/dev") != NULL);
        } else {
            if (e.type == DT_REG && fs_open(AT_FDCWD, below, O_RDWR, 0, &f) == 0) {
                while (file_read(f, buf, sizeof(buf)) > 0) {
                }
                EXPECT(file_pwrite(f, "written", 7, 3) == 7);
                file_unref(f);
            }
            EXPECT(fs_unlink(AT_FDCWD, below, 0) == 0);
        }
        free(below);
    }
    file_unref(dir);
    return n;
}

static unsigned load(const char *data, size_t len)
{
    char *exact = malloc(len != 0 ? len : 1);
    memcpy(exact, data, len);
    info.nmodules = 1;
    info.module[0] = (struct boot_module){ exact, len, "" };
    initrd_load(vfs_root());
    unsigned n = eat("", 0);
    free(exact);
    return n;
}

static const char *const names[] = {
    "a", "b", "a/b", "a/b/c", ".", "/", "./a", "a/../b", "..", "dir", "dir/x", "dir/y/z", "//dir//w",
    "a/.", "dir/link/x", "dir/link", "tmp/t",
};

/* A few entries of any kind, then any bytes changed, moved or cut. */
static void test_mutations(void)
{
    static struct archive a;
    uint64_t rng = 88172645463325252ull;
    unsigned whole = 0, damaged = 0;
    for (unsigned round = 0; round < 6000; round++) {
        static const unsigned types[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFREG, S_IFCHR, 0 };
        a.len = 0;
        for (unsigned i = unit_random(&rng) % 20; i != 0; i--) {
            char text[200];
            unsigned n = (unsigned)(unit_random(&rng) % sizeof(text));
            memset(text, 'c', n);
            text[n != 0 ? n - 1 : 0] = '\0';
            put(&a, names[unit_random(&rng) % (sizeof(names) / sizeof(names[0]))],
                types[unit_random(&rng) % 6] | 0755, text, (unsigned)(unit_random(&rng) % 3),
                (unsigned)(unit_random(&rng) % 3));
        }
        end(&a);
        for (unsigned i = round % 2 ? unit_random(&rng) % 6 : 0; i != 0; i--) {
            size_t at = unit_random(&rng) % a.len;
            switch (unit_random(&rng) % 4) {
            case 0:
                a.data[at] = (char)unit_random(&rng);
                break;
            case 1:
                a.data[at] = "0f/\0.7"[unit_random(&rng) % 6];
                break;
            case 2:
                a.len = at + 1;
                break;
            default:
                memmove(a.data + at, a.data + at / 2, (a.len - at) / 2);
            }
        }
        unsigned before = log_errors;
        load(a.data, a.len);
        whole += log_errors == before;
        damaged += log_errors != before;
    }
    EXPECT(whole > 3000 && damaged > 1000);
}

/* A file in three places, with the contents in the middle one; a damaged end leaves what was read. */
static void test_tree(void)
{
    static struct archive a;
    struct stat st;
    a.len = 0;
    put(&a, "one", S_IFREG | 0600, "", 5, 3);
    put(&a, "two", S_IFREG | 0600, "contents", 5, 3);
    put(&a, "three", S_IFREG | 0600, "", 5, 3);
    put(&a, "way/to/it", S_IFREG | 0640, "x", 6, 1);
    append(&a, "damage", 6);
    char *exact = malloc(a.len);
    memcpy(exact, a.data, a.len);
    info.nmodules = 1;
    info.module[0] = (struct boot_module){ exact, a.len, "" };
    unsigned before = log_errors;
    initrd_load(vfs_root());
    EXPECT(log_errors == before + 1);
    EXPECT(fs_stat(AT_FDCWD, "/three", &st, 0) == 0 && st.st_nlink == 3 && st.st_size == 8);
    EXPECT(st.st_uid == 1 && st.st_gid == 2 && st.st_mtime == 1000);
    EXPECT(fs_stat(AT_FDCWD, "/way/to/it", &st, 0) == 0 && st.st_mode == (S_IFREG | 0640));
    struct file *f;
    const void *data;
    size_t len;
    EXPECT(fs_open(AT_FDCWD, "/one", O_RDWR, 0, &f) == 0);
    EXPECT(f->ops->extent(f, 3, &data, &len) == 0 && len == 5 && memcmp(data, "tents", 5) == 0);
    EXPECT(f->ops->extent(f, 8, &data, &len) == -ENOTSUP);
    EXPECT(file_pwrite(f, "C", 1, 0) == 1);
    EXPECT(f->ops->extent(f, 3, &data, &len) == -ENOTSUP); /* it may change from now on */
    file_unref(f);
    EXPECT(eat("", 0) == 6);
    free(exact);
}

int main(void)
{
    fake_cpu_init();
    vfs_root();
    eat("", 0); /* /tmp */
    test_parse();
    test_tree();
    test_mutations();
    EXPECT(pages_out == 0);
    return unit_done();
}
