/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rest of the machine for tests of ext4: a disk in memory whose writes are logged, so that a
 * power cut can be made from the log, and what the sources need besides.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pith/blkdev.h>
#include <pith/exit.h>
#include <pith/heap.h>
#include <pith/log.h>
#include <pith/page.h>
#include <pith/random.h>
#include <pith/thread.h>

#include "libos/fs/ext.h"
#include "libos/fs/mounts.h"

#include "unit.h"

struct disk_event { /* of the log: a write, or (len 0) a flush, with how much was promised before */
    uint64_t off;
    size_t len;
    uint8_t *data;
    unsigned promised, promised_files;
};

static struct disk {
    uint8_t *data;
    size_t size;
    struct disk_event *log;
    size_t nlog;
    unsigned promised, promised_files; /* the test's counts of what fsync() has answered for */
    bool logging, no_flush;
    uint64_t fail_read, fail_write; /* the n-th from now on fails; 0: none */
    uint64_t reads, writes, flushes;
} disk;

static struct blkdev the_disk = { .name = "vda", .block_size = 512, .has_flush = true };
static void (*exit_hook)(void);
static unsigned log_errors;
static bool verbose;
static uint64_t test_clock;
static uint64_t alloc_fails_after; /* heap_alloc() fails when that many have been made; 0: never */
static uint64_t cache_bytes_option = 1u << 20;

static void disk_add(uint64_t off, size_t len, const void *data)
{
    if (!disk.logging) {
        return;
    }
    disk.log = realloc(disk.log, (disk.nlog + 1) * sizeof(disk.log[0]));
    struct disk_event *e = &disk.log[disk.nlog++];
    *e = (struct disk_event){ off, len, NULL, disk.promised, disk.promised_files };
    if (len != 0) {
        e->data = malloc(len);
        memcpy(e->data, data, len);
    }
}

struct blkdev *blkdev_get(const char *name)
{
    if (strcmp(name, "vda") != 0) {
        return NULL;
    }
    the_disk.nsectors = disk.size / 512;
    return &the_disk;
}

void blkdev_put(struct blkdev *dev)
{
    (void)dev;
}

int blkdev_rw(struct blkdev *dev, bool write, void *buf, size_t len, uint64_t off)
{
    if (off % dev->block_size != 0 || len % dev->block_size != 0 || off > disk.size ||
        len > disk.size - off) {
        return -EINVAL;
    }
    uint64_t *fail = write ? &disk.fail_write : &disk.fail_read;
    if (*fail != 0 && --*fail == 0) {
        *fail = 1; /* and all that follow */
        return -EIO;
    }
    if (write) {
        disk.writes++;
        memcpy(disk.data + off, buf, len);
        disk_add(off, len, buf);
    } else {
        disk.reads++;
        memcpy(buf, disk.data + off, len);
    }
    return 0;
}

int blkdev_flush(struct blkdev *dev)
{
    (void)dev;
    disk.flushes++;
    if (!disk.no_flush) {
        disk_add(0, 0, NULL);
    }
    return 0;
}

int blkdev_discard(struct blkdev *dev, uint64_t off, uint64_t len)
{
    (void)dev;
    memset(disk.data + off, 0xdd, len);
    return 0;
}

static bool alloc_fails(void)
{
    return alloc_fails_after != 0 && --alloc_fails_after == 0 && (alloc_fails_after = 1);
}

void *heap_alloc(size_t size)
{
    return alloc_fails() ? NULL : malloc(size != 0 ? size : 1);
}

void *heap_alloc_aligned(size_t align, size_t size)
{
    void *p = NULL;
    return alloc_fails() || posix_memalign(&p, align, size) != 0 ? NULL : p;
}

void *heap_resize(void *p, size_t size)
{
    return alloc_fails() ? NULL : realloc(p, size != 0 ? size : 1);
}

void heap_free(void *p)
{
    free(p);
}

size_t heap_trim(void)
{
    return 0;
}

void page_stats(struct page_stats *out)
{
    *out = (struct page_stats){ 4096, 4096, 4096 };
}

void page_add_reclaim(size_t (*reclaim)(void))
{
    (void)reclaim;
}

uint64_t cmdline_get_u64(const char *name, uint64_t fallback)
{
    return strcmp(name, "disk.cache") == 0 ? cache_bytes_option : fallback;
}

void klog(enum log_level level, const char *fmt, ...)
{
    va_list ap;
    log_errors += level <= LOG_WARNING;
    if (verbose) {
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
        printf("\n");
    }
}

int log_format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}

void random_bytes(void *buf, size_t len)
{
    memset(buf, 0x5a, len);
}

uint64_t platform_clock_ns(void)
{
    return test_clock += 1000;
}

int thread_create(struct thread **out, const struct thread_attr *attr, void *(*fn)(void *), void *arg)
{
    (void)out;
    (void)attr;
    (void)fn;
    (void)arg;
    return 0;
}

void program_add_last_hook(void (*hook)(void))
{
    exit_hook = hook;
}

void vnode_unref(struct vnode *node)
{
    if (node != NULL && __atomic_sub_fetch(&node->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        node->ops->release(node);
    }
}

int vnode_file_open(struct vnode *node, int flags, struct file **out)
{
    (void)node;
    (void)flags;
    *out = NULL;
    return 0;
}

/* ---- images and the host's tools ---- */

#define IMAGE "ext4.img"

static char folder[64];

/* Work in a folder in memory: the tools sync what they write. */
static inline void folder_enter(void)
{
    strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/pith-XXXXXX" : "/tmp/pith-XXXXXX");
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
        perror(folder);
        exit(1);
    }
}

static inline void folder_leave(void)
{
    char text[128];
    snprintf(text, sizeof(text), "cd / && rm -rf %s", folder);
    EXPECT(system(text) == 0);
}

/* Run a command of the host; its exit status. What it prints is shown if the status is not 0. */
static int run(const char *fmt, ...)
{
    char text[1024], all[1100];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    snprintf(all, sizeof(all), "(%s) >ext4.out 2>&1", text);
    int status = system(all);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
    if (status != 0) {
        printf("%s: %d\n", text, status);
        fflush(stdout);
        if (system("tail -n 20 ext4.out") != 0) {
            printf("nothing to show\n");
        }
    }
    return status;
}

/* The same where it may fail. */
static inline bool run_quietly(const char *command)
{
    char all[1100];
    snprintf(all, sizeof(all), "(%s) >ext4.out 2>&1", command);
    return system(all) == 0;
}

static inline void disk_load(const char *file)
{
    FILE *f = fopen(file, "rb");
    fseek(f, 0, SEEK_END);
    disk.size = (size_t)ftell(f);
    rewind(f);
    free(disk.data);
    disk.data = malloc(disk.size);
    EXPECT(fread(disk.data, 1, disk.size, f) == disk.size);
    fclose(f);
}

static inline void disk_save(const char *file)
{
    FILE *f = fopen(file, "wb");
    EXPECT(fwrite(disk.data, 1, disk.size, f) == disk.size);
    fclose(f);
}

static inline void disk_make(const char *options, unsigned kib)
{
    EXPECT(run("rm -f " IMAGE "; mke2fs -q -F -t ext4 %s " IMAGE " %uk", options, kib) == 0);
    disk_load(IMAGE);
}

/* Is the file system on the disk right, without anything to be replayed or repaired? */
static inline bool disk_is_clean(void)
{
    disk_save(IMAGE);
    return run("e2fsck -fn " IMAGE) == 0;
}

/* ---- names, without the tree of names ---- */

static struct mount *m;

static inline int mount_disk(const char *options)
{
    return ext_mount("vda", options, &m);
}

static inline struct ext_fs *the_fs(void)
{
    return m->data;
}

static inline struct name name_of(const char *text)
{
    return (struct name){ text, strlen(text) };
}

/* The directory of a path and the last component; the directory has a reference. */
static inline int walk(const char *path, struct vnode **dir, struct name *last)
{
    *dir = vnode_ref(m->root);
    for (;;) {
        size_t n = strcspn(path, "/");
        *last = (struct name){ path, n };
        if (path[n] == '\0') {
            return 0;
        }
        struct vnode *next;
        int r = (*dir)->ops->lookup(*dir, *last, &next);
        vnode_unref(*dir);
        if (r != 0) {
            return r;
        }
        *dir = next;
        path += n + 1;
    }
}

static inline int node_at(const char *path, struct vnode **out)
{
    struct vnode *dir;
    struct name last;
    int r = walk(path, &dir, &last);
    if (r == 0) {
        r = dir->ops->lookup(dir, last, out);
        vnode_unref(dir);
    }
    return r;
}

static inline int do_create(const char *path, mode_t mode, const char *target, struct vnode **out)
{
    struct vnode *dir, *n = NULL;
    struct name last;
    struct new_node what = { .mode = mode, .target = target, .len = target ? strlen(target) : 0 };
    int r = walk(path, &dir, &last);
    if (r == 0) {
        r = dir->ops->create(dir, last, &what, &n);
        vnode_unref(dir);
    }
    if (r == 0 && out != NULL) {
        *out = n;
    } else if (r == 0) {
        vnode_unref(n);
    }
    return r;
}

static inline int do_unlink(const char *path, bool directory)
{
    struct vnode *dir, *gone = NULL;
    struct name last;
    int r = walk(path, &dir, &last);
    if (r == 0) {
        r = dir->ops->unlink(dir, last, directory, &gone);
        vnode_unref(gone);
        vnode_unref(dir);
    }
    return r;
}

static inline int do_rename(const char *from, const char *to, bool replace)
{
    struct vnode *a, *b, *gone = NULL;
    struct name from_last, to_last;
    int r = walk(from, &a, &from_last);
    if (r != 0) {
        return r;
    }
    r = walk(to, &b, &to_last);
    if (r == 0) {
        r = a->ops->rename(a, from_last, b, to_last, replace, &gone);
        vnode_unref(gone);
        vnode_unref(b);
    }
    vnode_unref(a);
    return r;
}

static inline int do_link(const char *from, const char *to)
{
    struct vnode *n, *dir;
    struct name last;
    int r = node_at(from, &n);
    if (r != 0) {
        return r;
    }
    r = S_ISDIR(n->type) ? -EPERM : walk(to, &dir, &last); /* as the tree of names does */
    if (r == 0) {
        r = dir->ops->link(dir, last, n);
        vnode_unref(dir);
    }
    vnode_unref(n);
    return r;
}

static inline ssize_t write_at(struct vnode *n, const void *data, size_t len, off_t pos)
{
    struct iovec v = { (void *)(uintptr_t)data, len };
    off_t end;
    return n->ops->write(n, &v, 1, pos, &end);
}

/* Leave the file system as a program that ends does. */
static inline void end_program(void)
{
    exit_hook();
}
