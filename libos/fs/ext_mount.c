/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 as a file system: `mount=/data:vda1:ext4[,ro][,discard]`.
 *
 * Boot option `disk.cache=BYTES`: how much memory the blocks of each such file system may take; an
 * eighth of what is free where it is not given.
 */
#include <errno.h>
#include <string.h>

#include <pith/cmdline.h>
#include <pith/exit.h>
#include <pith/heap.h>
#include <pith/log.h>
#include <pith/page.h>
#include <pith/thread.h>

#include "ext.h"
#include "mounts.h"

#define FIRST_DEV  0x40 /* st_dev of the first one */
#define LATE_NS    5000000000ull /* what nobody syncs is written after this */
#define STACK_SIZE (64u * 1024)

static struct ext_fs *mounted; /* changed while the tree of names is made */

const struct vnode_ops ext_ops = {
    .lookup = ext_lookup,
    .create = ext_create,
    .link = ext_link,
    .unlink = ext_unlink,
    .rename = ext_rename,
    .parent = ext_parent,
    .readdir = ext_readdir,
    .getattr = ext_getattr,
    .setattr = ext_setattr,
    .readlink = ext_readlink,
    .open = ext_open,
    .release = ext_release,
    .read = ext_read,
    .write = ext_write,
    .size = ext_size_of,
    .truncate = ext_truncate,
    .allocate = ext_allocate,
    .sync = ext_sync,
};

/* Errors: -EINVAL there is one that we don't know. */
static int read_options(struct ext_fs *x, const char *options)
{
    while (*options != '\0') {
        size_t len = strcspn(options, ",");
        if (len == 2 && memcmp(options, "ro", 2) == 0) {
            x->readonly = true;
        } else if (len == 7 && memcmp(options, "discard", 7) == 0) {
            x->discard = true;
        } else if (len != 2 || memcmp(options, "rw", 2) != 0) {
            return -EINVAL;
        }
        options += len + (options[len] == ',');
    }
    return 0;
}

/* ---- replaying, and opening what is there then ---- */

static int open_library(struct ext_fs *x)
{
    char name[20];
    int flags = EXT2_FLAG_64BITS | (x->readonly ? 0 : EXT2_FLAG_RW) |
                (x->torn ? EXT2_FLAG_IGNORE_CSUM_ERRORS : 0);
    log_format(name, sizeof(name), "%lx", (unsigned long)(uintptr_t)x);
    errcode_t e = ext2fs_open2(name, NULL, flags, 0, 0, &ext_io_manager, &x->fs);
    if (e != 0) {
        x->fs = NULL;
        return ext_errno(x, e);
    }
    x->fs->flags &= ~EXT2_FLAG_IGNORE_CSUM_ERRORS; /* of the superblock alone */
    x->fs->priv_data = x;
    return 0;
}

static int open_again(struct ext_fs *x)
{
    ext2fs_free(x->fs);
    x->fs = NULL;
    ext_cache_drop(x);
    return open_library(x);
}

static int replay(struct ext_fs *x)
{
    const struct jbd2_super *s = (const void *)x->journal.super;
    bool flag = ext2fs_has_feature_journal_needs_recovery(x->fs->super);
    if (s->start == 0 && !flag && !x->torn) {
        return 0;
    }
    if (x->dev->readonly) {
        klog(LOG_ERROR, "%s: the journal has to be replayed, and the disk is read-only", x->name);
        return -EROFS;
    }
    int r = s->start == 0 && x->torn ? ext_super_mend(x) : ext_recover(x);
    bool torn = x->torn;
    x->torn = false;
    r = r != 0 ? r : open_again(x);
    if (torn) {
        x->torn = r != 0;
        klog(r != 0 ? LOG_ERROR : LOG_WARNING, "%s: a write of the superblock was cut: %s", x->name,
             r != 0 ? "e2fsck has to repair it" : "the journal has brought it back");
    }
    if (r == 0 && ext2fs_has_feature_journal_needs_recovery(x->fs->super)) {
        ext2fs_clear_feature_journal_needs_recovery(x->fs->super);
        r = ext_super_write(x);
        r = r != 0 ? r : ext_dev_flush(x);
    }
    return r;
}

/* What a file system that can't be changed safely says. */
static void only_read(struct ext_fs *x, const char *why)
{
    if (!x->readonly) {
        klog(LOG_WARNING, "%s: %s: it is mounted read-only", x->name, why);
    }
    x->readonly = true;
}

static void check_state(struct ext_fs *x)
{
    const struct ext2_super_block *s = x->fs->super;
    const char *why = ext_feature_readonly(s);
    if (why != NULL) {
        only_read(x, why);
    } else if (x->dev->readonly) {
        only_read(x, "the disk is read-only");
    } else if (s->s_state & EXT2_ERROR_FS) {
        only_read(x, "it has errors, e2fsck has to repair them");
    } else if (x->journal.run == NULL && !(s->s_state & EXT2_VALID_FS)) {
        only_read(x, "it was not ended properly and has no journal, e2fsck has to check it");
    }
}

static int start(struct ext_fs *x)
{
    struct ext_node *root;
    int r = open_library(x);
    r = r != 0 ? r : ext_journal_open(x);
    if (r == 0 && x->journal.run != NULL) {
        r = replay(x);
    }
    if (r == 0 && x->torn) {
        klog(LOG_ERROR, "%s: the superblock's sum is wrong: e2fsck has to repair it", x->name);
        r = -EBADMSG;
    }
    if (r != 0) {
        return r;
    }
    check_state(x);
    if (!x->readonly) {
        r = ext_meta_start(x);
        r = r != 0 ? r : ext_mem_reserve();
        r = r != 0 ? r : ext_orphans_finish(x);
    }
    r = r != 0 ? r : ext_node_get(x, EXT2_ROOT_INO, &root);
    if (r == 0) {
        x->mount.root = &root->v; /* for ever */
    }
    return r;
}

/* ---- in the background, and at the end ---- */

static void *write_late(void *arg)
{
    struct ext_fs *x = arg;
    libc_mutex_lock(&x->lock);
    while (!x->failed) {
        if (x->oldest_ns == 0) {
            libc_cond_wait(&x->changes, &x->lock, 0);
            continue;
        }
        uint64_t now = platform_clock_ns(), due = x->oldest_ns + LATE_NS;
        if (now >= due && !x->committing) {
            (void)ext_commit(x); /* an error was told, and is every later call's */
            continue;
        }
        pthread_mutex_unlock(&x->lock);
        uint64_t left = now < due ? due - now : 0; /* 0: a transaction is being written */
        struct timespec wait = { .tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u) };
        clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
        ext_lock_still(x);
    }
    pthread_mutex_unlock(&x->lock);
    return NULL;
}

static int ext_sync_all(struct mount *m)
{
    struct ext_fs *x = m->data;
    ext_lock_still(x);
    int r = x->readonly ? 0 : ext_commit(x);
    pthread_mutex_unlock(&x->lock);
    return r;
}

static void ext_exit(void)
{
    for (struct ext_fs *x = mounted; x != NULL; x = x->next) {
        ext_lock_still(x);
        if (!x->readonly && !x->failed && ext_orphans_end(x) == 0 && ext_journal_close(x) == 0) {
            klog(LOG_DEBUG, "%s: %lu commits, the journal was emptied %lu times", x->name,
                 (unsigned long)x->stats.commits, (unsigned long)x->stats.checkpoints);
        }
        x->stop = true;
        pthread_mutex_unlock(&x->lock);
    }
}

static size_t ext_reclaim(void)
{
    size_t n = 0;
    for (struct ext_fs *x = mounted; x != NULL; x = x->next) {
        n += ext_cache_reclaim(x);
    }
    return n;
}

/* ---- mounting ---- */

static void destroy(struct ext_fs *x)
{
    if (x->held != NULL) {
        ext2fs_free_block_bitmap(x->held);
    }
    if (x->fs != NULL) {
        ext2fs_free(x->fs);
        x->fs = NULL;
    }
    ext_cache_free(x);
    heap_free(x->journal.run);
    heap_free(x->journal.super);
    heap_free(x->journal.block);
    heap_free(x->dirty_group);
    heap_free(x->bounce);
    heap_free(x->fill);
    heap_free(x->scratch);
    if (x->dev != NULL) {
        blkdev_put(x->dev);
    }
    heap_free(x);
}

/* What is known before the library looks at it. */
static int check_super(struct ext_fs *x)
{
    uint8_t *raw = heap_alloc(8192);
    if (raw == NULL) {
        return -ENOMEM;
    }
    int r = x->bytes >= 8192 ? ext_dev_bytes(x, false, 0, 8192, raw) : -EINVAL;
    const struct ext2_super_block *s = (const void *)(raw + 1024);
    if (r == 0) {
        r = ext_feature_check(x, s);
    }
    if (r == 0) {
        x->block_size = 1024u << s->s_log_block_size;
        x->torn = (s->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_METADATA_CSUM) &&
                  s->s_checksum != ext_crc32c(~0u, s, offsetof(struct ext2_super_block, s_checksum));
    }
    heap_free(raw);
    return r;
}

static int prepare(struct ext_fs *x)
{
    struct page_stats pages;
    page_stats(&pages);
    int r = ext_cache_init(x, cmdline_get_u64("disk.cache", pages.free / 8 * PAGE_SIZE));
    x->bounce = heap_alloc_aligned(PAGE_SIZE, EXT_BOUNCE);
    x->fill = heap_alloc_aligned(PAGE_SIZE, EXT_BOUNCE);
    x->scratch = heap_alloc(x->block_size);
    return r != 0 || x->bounce == NULL || x->fill == NULL || x->scratch == NULL ? -ENOMEM : 0;
}

static int start_writer(struct ext_fs *x)
{
    struct thread_attr attr = { .stack_size = STACK_SIZE, .detached = true, .name = "ext4" };
    struct thread *t;
    if (mounted == NULL) {
        program_add_last_hook(ext_exit);
        page_add_reclaim(ext_reclaim);
    }
    x->next = mounted;
    mounted = x;
    return x->readonly ? 0 : thread_create(&t, &attr, write_late, x);
}

int ext_mount(const char *source, const char *options, struct mount **out)
{
    static unsigned mounts; /* called by one thread */
    struct ext_fs *x = heap_alloc(sizeof(*x));
    if (x == NULL) {
        return -ENOMEM;
    }
    memset(x, 0, sizeof(*x));
    x->running = 1;
    x->mount = (struct mount){ .type = "ext4", .dev = (dev_t)(FIRST_DEV + mounts++),
                               .statvfs = ext_statvfs, .sync = ext_sync_all, .data = x };
    pthread_mutex_init(&x->mount.names, NULL);
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->changes, NULL);
    pthread_cond_init(&x->done, NULL);
    list_init(&x->idle);
    for (int i = 0; i < 64; i++) {
        list_init(&x->nodes[i]);
    }
    int r = read_options(x, options);
    r = r != 0 ? r : ext_part_find(x, source);
    r = r != 0 ? r : check_super(x);
    r = r != 0 ? r : prepare(x);
    r = r != 0 ? r : start(x);
    r = r != 0 ? r : start_writer(x);
    if (r != 0) {
        destroy(x);
        return r;
    }
    klog(LOG_INFO, "ext4: %s is mounted%s, %lu MiB, blocks of %u bytes, %lu KiB of memory for them",
         x->name, x->readonly ? " read-only" : "", (unsigned long)(x->bytes >> 20), x->block_size,
         (unsigned long)(x->cache.limit * x->block_size >> 10));
    *out = &x->mount;
    return 0;
}

MOUNT_TYPE mount_ext4 = { .name = "ext4", .mount = ext_mount };
