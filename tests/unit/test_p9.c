/*
 * sources: libos/fs/p9_attr.c libos/fs/p9_call.c libos/fs/p9_data.c libos/fs/p9_fid.c
 *          libos/fs/p9_mount.c libos/fs/p9_names.c libos/fs/p9_node.c libos/fs/p9_wire.c
 *          libos/fs/p9dev.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 9P client against a server in memory: first an honest one, which checks each message to its
 * last byte and keeps account of fids; then one that lies in every way (AddressSanitizer looks on);
 * then one that has moved and knows nothing any more.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include <pith/cmdline.h>
#include <pith/heap.h>

#include "libos/fs/p9.h"

#include "unit.h"

#include "fake_cpu.h"
#include "fake_log.h"

#include "p9_server.h"

static unsigned allocated;
static uint64_t now;

/* ---- what the sources need of the rest ---- */

void *heap_alloc(size_t size)
{
    allocated++;
    return malloc(size);
}

void heap_free(void *p)
{
    allocated -= p != NULL;
    free(p);
}

uint64_t platform_clock_ns(void)
{
    return now += 1000;
}

void platform_irq_replay(void)
{
}

uint64_t cmdline_get_u64(const char *name, uint64_t fallback)
{
    (void)name;
    return fallback;
}

int waitq_wait(struct waitq *q, struct spinlock *lock, uint64_t deadline_ns)
{
    (void)q;
    (void)lock;
    now = deadline_ns;
    return -ETIMEDOUT;
}

unsigned waitq_wake_all(struct waitq *q)
{
    (void)q;
    return 0;
}

void vnode_unref(struct vnode *node)
{
    if (node != NULL && --node->refs == 0) {
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

int platform_probe_share(void)
{
    strcpy(dev.name, "share0");
    p9dev_attach(&dev);
    return 1;
}

/* ---- the device ---- */

static void dev_poll(struct p9dev *d)
{
    (void)d;
}

static void dev_fail(struct p9dev *d, const char *why)
{
    (void)why;
    broken = true;
    d->failed = true;
}

static const struct p9dev_ops dev_ops = { .submit = submit, .poll = dev_poll, .fail = dev_fail };

/* ---- tests ---- */

static struct mount *m;

static struct name name_of(const char *text)
{
    return (struct name){ text, strlen(text) };
}

static unsigned fids_in_use(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < FIDS; i++) {
        n += fids[i].node != NOTHING;
    }
    return n;
}

static void test_wire(void)
{
    EXPECT(p9_errno(39) == -ENOTEMPTY && p9_errno(36) == -ENAMETOOLONG && p9_errno(28) == -ENOSPC);
    EXPECT(p9_errno(0) == -EIO && p9_errno(77) == -EIO && p9_errno(UINT32_MAX) == -EIO);
    uint8_t buf[8];
    struct p9_out o = { .buf = buf, .cap = sizeof(buf) };
    p9_put_text(&o, "123456", 6);
    EXPECT(!o.full && o.len == 8);
    p9_put8(&o, 1);
    EXPECT(o.full && o.len == 8);
    struct p9_in in = { .at = buf, .left = 7 };
    size_t len;
    p9_get_text(&in, &len);
    EXPECT(in.bad && len == 0 && p9_get32(&in) == 0);
}

static void test_honest(void)
{
    struct vnode *root = m->root, *file, *dir, *found;
    struct file *unused;
    struct stat st = { 0 };
    struct statvfs fs;
    char buf[20000];
    struct new_node reg = { .mode = S_IFREG | 0640 }, folder = { .mode = S_IFDIR | 0750 };
    struct new_node link = { .mode = S_IFLNK | 0777, .target = "where/to", .len = 8 };
    EXPECT(p9_lookup(root, name_of("none"), &found) == -ENOENT);
    EXPECT(p9_lookup(root, name_of("file"), &file) == 0 && file->type == S_IFREG);
    EXPECT(p9_lookup(root, name_of("dir"), &dir) == 0 && dir->type == S_IFDIR);
    unsigned asked = messages[P9_TGETATTR];
    EXPECT(p9_getattr(file, &st) == 0 && messages[P9_TGETATTR] == asked); /* look-up has just asked */
    EXPECT(p9_getattr(file, &st) == 0 && messages[P9_TGETATTR] == asked + 1);
    EXPECT(st.st_size == 5000000000 && st.st_uid == 11 && st.st_gid == 12 && st.st_ino == 102);
    EXPECT(st.st_atim.tv_sec == 6 && st.st_mtim.tv_nsec == 9 && st.st_ctim.tv_sec == 10);
    EXPECT(p9_open(file, O_RDWR, &unused) == 0);
    EXPECT(p9_read(file, buf, sizeof(buf), 0) == sizeof(buf));
    EXPECT(p9_write(file, &(struct iovec){ buf, 20000 }, 1, 5, &(off_t){ 0 }) == 20000);
    struct iovec two[2] = { { "ab", 2 }, { "cde", 3 } };
    off_t end;
    again = 3;
    EXPECT(p9_write(file, two, 2, -1, &end) == 5 && end == 5000000005 && memcmp(written, "abcde", 5) == 0);
    EXPECT(again == 0);
    EXPECT(p9_sync(file) == 0 && p9_truncate(file, 77) == 0 && p9_statvfs(m, &fs) == 0);
    EXPECT(fs.f_frsize == 512 && fs.f_bavail == 1002 && fs.f_namemax == 200);
    error = 28;
    EXPECT(p9_write(file, two, 2, 0, &end) == -ENOSPC && p9_sync(file) == -ENOSPC);
    EXPECT(p9_create(root, name_of("file"), &reg, &found) == -ENOSPC);
    error = 13;
    EXPECT(p9_unlink(root, name_of("file"), false, NULL) == -EACCES);
    error = 0;
    EXPECT(p9_create(root, name_of("file"), &reg, &found) == 0 && p9_open(found, O_WRONLY | O_SYNC, &unused) == 0);
    asked = messages[P9_TFSYNC];
    EXPECT(p9_write(found, two, 2, 0, &end) == 5 && messages[P9_TFSYNC] == asked + 1);
    vnode_unref(found);
    EXPECT(p9_create(root, name_of("dir"), &folder, &found) == 0);
    vnode_unref(found);
    EXPECT(p9_create(root, name_of("link"), &link, &found) == 0 && found->type == S_IFLNK);
    EXPECT(p9_readlink(found, buf, 5) == 5 && memcmp(buf, "where", 5) == 0);
    vnode_unref(found);
    EXPECT(p9_link(dir, name_of("other"), file) == 0);
    EXPECT(p9_rename(root, name_of("file"), dir, name_of("other"), true, NULL) == 0);
    EXPECT(p9_node(file)->parent == p9_node(dir) && strcmp(p9_node(file)->name, "other") == 0);
    EXPECT(p9_rename(root, name_of("file"), root, name_of("dir"), false, NULL) == -EEXIST);
    vnode_unref(file);
    vnode_unref(dir);
    EXPECT(fids_in_use() == 1);
}

static void test_removed(void)
{
    struct vnode *file;
    struct file *unused;
    struct stat st = { 0 };
    EXPECT(p9_lookup(m->root, name_of("file"), &file) == 0 && p9_open(file, O_RDWR, &unused) == 0);
    EXPECT(p9_unlink(m->root, name_of("file"), false, NULL) == 0);
    unsigned asked = messages[P9_TGETATTR] + messages[P9_TSETATTR];
    EXPECT(p9_getattr(file, &st) == 0 && st.st_nlink == 0 && st.st_size == 5000000000);
    p9_node(file)->st.st_size = 3000;
    EXPECT(p9_truncate(file, 77) == 0 && p9_size(file) == 77);
    struct attr attr = { .set = ATTR_MODE, .mode = 0600 };
    EXPECT(p9_setattr(file, &attr) == 0);
    EXPECT(messages[P9_TGETATTR] + messages[P9_TSETATTR] == asked); /* the path is not asked any more */
    EXPECT(p9_link(m->root, name_of("other"), file) == -ENOENT);
    vnode_unref(file);
    EXPECT(fids_in_use() == 1);
}

static unsigned list(struct vnode *dir, char *names)
{
    off_t cookie = 0;
    struct fs_entry e;
    unsigned n = 0;
    names[0] = '\0';
    while (n < 50 && p9_readdir(dir, &cookie, &e) == 1) {
        strncat(names, e.name, 20);
        strcat(names, " ");
        EXPECT(cookie >= 0 && cookie <= INT64_MAX - 2);
        n++;
    }
    return n;
}

static void test_readdir(void)
{
    struct file *unused;
    char names[2000];
    EXPECT(p9_open(m->root, O_RDONLY, &unused) == 0);
    EXPECT(list(m->root, names) == 3);
    EXPECT_STR(names, "file link dir ");
    EXPECT(list(m->root, names) == 3);
}

/* Lies that chance does not find. */
static void test_chosen_lies(void)
{
    static char longer[300];
    memset(longer, 'x', sizeof(longer));
    const struct name odd[] = { { longer, 256 }, { longer, 300 }, { "a/b", 3 }, { "a\0b", 3 }, { "/", 1 } };
    struct file *unused;
    struct vnode *file;
    char names[2000], buf[100];
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        strange = odd[i];
        EXPECT(list(m->root, names) == 2);
        EXPECT_STR(names, "file dir ");
    }
    strange = (struct name){ longer, 255 };
    EXPECT(list(m->root, names) == 3);
    strange.len = 0;
    EXPECT(p9_lookup(m->root, name_of("file"), &file) == 0 && p9_open(file, O_RDONLY, &unused) == 0);
    missing = 50;
    EXPECT(p9_read(file, buf, 100, 0) == -EIO);
    missing = 0;
    EXPECT(p9_read(file, buf, 100, 0) == 100);
    vnode_unref(file);
}

/* Another server: all fids are new ones, and open files go on. */
static void test_moved(void)
{
    struct vnode *dir, *inner;
    struct file *unused;
    char buf[10], names[2000];
    struct stat st;
    EXPECT(p9_lookup(m->root, name_of("dir"), &dir) == 0);
    EXPECT(p9_lookup(dir, name_of("inner"), &inner) == 0 && p9_open(inner, O_RDWR, &unused) == 0);
    vnode_unref(dir);
    for (unsigned i = 0; i < 3; i++) {
        memset(fids, 0, sizeof(fids));
        dev.generation++;
        unsigned versions = messages[P9_TVERSION];
        EXPECT(p9_read(inner, buf, 10, 0) == 10);
        EXPECT(p9_write(inner, &(struct iovec){ "x", 1 }, 1, 0, &(off_t){ 0 }) == 1);
        EXPECT(p9_getattr(inner, &st) == 0);
        EXPECT(messages[P9_TVERSION] == versions + 1);
        EXPECT(list(m->root, names) == 3);
    }
    vnode_unref(inner);
    EXPECT(fids_in_use() == 2); /* the root's, and its open one */
}

/* A bit of everything; what comes out does not matter, as long as nothing else happens. */
static void step(void)
{
    static char buf[40000];
    struct vnode *root = m->root, *file = NULL, *dir = NULL;
    struct file *unused;
    struct stat st;
    struct statvfs fs;
    struct new_node reg = { .mode = S_IFREG | 0640 };
    off_t end;
    char names[2000];
    if (p9_lookup(root, name_of("dir"), &dir) == 0 && S_ISDIR(dir->type)) {
        struct vnode *inner;
        if (p9_lookup(dir, name_of("inner"), &inner) == 0) {
            vnode_unref(inner);
        }
    }
    if (p9_lookup(root, name_of("link"), &file) == 0) {
        ssize_t n = S_ISLNK(file->type) ? p9_readlink(file, buf, sizeof(buf)) : 0;
        EXPECT(n <= PATH_MAX + 16);
        vnode_unref(file);
    }
    if (p9_create(root, name_of("file"), &reg, &file) == 0) {
        p9_getattr(file, &st);
        if (p9_open(file, O_RDWR, &unused) == 0) {
            ssize_t n = p9_read(file, buf, sizeof(buf), 0);
            EXPECT(n <= (ssize_t)sizeof(buf));
            n = p9_write(file, &(struct iovec){ buf, 9000 }, 1, unit_random(&rng) % 2 ? 0 : -1, &end);
            EXPECT(n <= 9000);
            p9_sync(file);
            p9_truncate(file, 77);
        }
        vnode_unref(file);
    }
    list(root, names);
    p9_statvfs(m, &fs);
    vnode_unref(dir);
}

static void test_hostile(void)
{
    unsigned before = warnings_logged;
    p9_node(m->root)->c->lies = 0;
    for (unsigned i = 0; i < 20000; i++) {
        lies = 1 + i % 7;
        step();
        lies = 0;
    }
    EXPECT(p9_node(m->root)->c->lies > 1000);
    EXPECT(warnings_logged == before + 1); /* the first one is told */
}

static void test_silent(void)
{
    struct stat st;
    again = UINT32_MAX;
    EXPECT(p9_getattr(m->root, &st) == -EIO && broken);
    EXPECT(p9_getattr(m->root, &st) == -EIO);
}

int main(void)
{
    fake_cpu_init();
    dev.ops = &dev_ops;
    dev.max_message = 65536;
    test_wire();
    EXPECT(p9_mount("none", "", &m) == -ENODEV);
    EXPECT(p9_mount("share0", "ro,oops", &m) == -EINVAL);
    for (unsigned i = 0; i < 2000; i++) { /* servers that don't get as far as a root */
        lies = 1;
        if (p9_mount("share0", "", &m) == 0) {
            p9_release(m->root); /* and their like that do */
            heap_free(((struct p9_client *)m->data)->free_fids);
            heap_free(m->data);
        }
    }
    lies = 0;
    EXPECT(allocated == 0);
    EXPECT(p9_mount("share0", "", &m) == 0);
    test_honest();
    test_removed();
    test_readdir();
    test_chosen_lies();
    test_moved();
    unsigned before = allocated;
    test_hostile();
    EXPECT(allocated <= before + 1); /* the list of free fids may be new */
    test_silent();
    return unit_done();
}
