/*
 * sources: EXT4
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 and power cuts: random changes run while each write and flush is logged; then the power goes
 * at a random point of that log, and any of the blocks written since the last flush may be missing.
 * What is mounted then must be exactly the state after one of the changes, no earlier than the last
 * that was synced, with the contents that were synced; e2fsck must find nothing to repair, and its
 * own replaying of the journal must lead to the same. Without flushes, this must fail. Where single
 * sectors of a block are missing, the superblock's sum can be wrong: that has to be found out, too.
 */
#define _GNU_SOURCE
#include <dirent.h>

#include "ext_disk.h"

#define STEPS     260u
#define LINES_MAX 200u
#define NAMES     40u

struct line {
    char path[40];
    uint32_t ino;
    mode_t mode;
    uint64_t size, hash;
    unsigned links;
};

struct state {
    struct line line[LINES_MAX];
    unsigned n;
    uint32_t written; /* the file whose contents the step has changed */
};

struct promise { /* that contents are safe */
    unsigned step;
    uint32_t ino;
    uint64_t hash;
};

static struct state *states; /* after each step; 0: the beginning */
static struct promise *promises;
static unsigned npromises, seed_count;
static unsigned torn; /* cuts that left a superblock with a wrong sum */
static uint64_t rng;

static unsigned draw(unsigned n)
{
    return (unsigned)(unit_random(&rng) % n);
}

static uint64_t hash_bytes(const uint8_t *p, size_t len)
{
    uint64_t h = len;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ p[i]) * 1099511628211u;
    }
    return h;
}

static uint64_t hash_node(struct vnode *n, uint64_t size)
{
    static uint8_t buf[1 << 18];
    if (S_ISLNK(n->type)) {
        ssize_t len = n->ops->readlink(n, (char *)buf, sizeof(buf));
        return len < 0 ? 1 : hash_bytes(buf, (size_t)len);
    }
    if (!S_ISREG(n->type)) {
        return 0;
    }
    ssize_t len = n->ops->read(n, buf, size < sizeof(buf) ? size : sizeof(buf), 0);
    return len < 0 ? 1 : hash_bytes(buf, (size_t)len);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct line *)a)->path, ((const struct line *)b)->path);
}

static void take_dir(struct state *s, struct vnode *dir, const char *prefix)
{
    struct fs_entry e;
    off_t cookie = 0;
    while (s->n < LINES_MAX && dir->ops->readdir(dir, &cookie, &e) == 1) {
        struct vnode *n;
        struct stat st = { 0 };
        if (strcmp(e.name, "lost+found") == 0) {
            continue;
        }
        struct line *l = &s->line[s->n++];
        snprintf(l->path, sizeof(l->path), "%.12s%.24s", prefix, e.name);
        if (dir->ops->lookup(dir, name_of(e.name), &n) != 0) {
            l->ino = 0;
            continue;
        }
        n->ops->getattr(n, &st);
        *l = (struct line){ .ino = (uint32_t)st.st_ino, .mode = st.st_mode, .links = st.st_nlink,
                            .size = S_ISDIR(st.st_mode) ? 0 : (uint64_t)st.st_size };
        snprintf(l->path, sizeof(l->path), "%.12s%.24s", prefix, e.name);
        l->hash = hash_node(n, l->size);
        if (S_ISDIR(st.st_mode)) {
            char deeper[40];
            snprintf(deeper, sizeof(deeper), "%.12s/", e.name);
            take_dir(s, n, deeper);
        }
        vnode_unref(n);
    }
}

static void take_state(struct state *s)
{
    s->n = 0;
    s->written = 0;
    take_dir(s, m->root, "");
    qsort(s->line, s->n, sizeof(s->line[0]), by_path);
}

/* ---- the changes ---- */

static void random_path(char *path)
{
    unsigned where = draw(4);
    if (where < 2) {
        sprintf(path, "d%u/%u", where, draw(NAMES / 2));
    } else {
        sprintf(path, "%u", draw(NAMES));
    }
}

static uint32_t write_some(const char *path)
{
    static uint8_t buf[60000];
    struct vnode *n;
    struct stat st = { 0 };
    if (node_at(path, &n) != 0) {
        do_create(path, S_IFREG | 0644, NULL, NULL);
        if (node_at(path, &n) != 0) {
            return 0;
        }
    }
    uint32_t ino = 0;
    if (S_ISREG(n->type)) {
        size_t len = 1 + draw(draw(4) == 0 ? sizeof(buf) : 3000);
        unsigned salt = draw(256);
        for (size_t i = 0; i < len; i++) {
            buf[i] = (uint8_t)(i * 7 + salt);
        }
        off_t at = draw(2) ? -1 : (off_t)draw(30000);
        n->ops->getattr(n, &st);
        at = st.st_size > 150000 ? 0 : at;
        EXPECT(write_at(n, buf, len, at) == (ssize_t)len);
        ino = (uint32_t)st.st_ino;
    }
    vnode_unref(n);
    return ino;
}

static uint32_t one_step(void)
{
    char a[40], b[40];
    struct vnode *n;
    struct stat st = { 0 };
    uint32_t written = 0;
    random_path(a);
    random_path(b);
    switch (draw(12)) {
    case 0: do_unlink(a, false); break;
    case 1: do_rename(a, b, draw(2)); break;
    case 2: do_link(a, b); break;
    case 3: do_create(a, S_IFLNK | 0777, draw(2) ? "short" : "a target that is much longer than those "
                      "sixty bytes that an inode has room for", NULL); break;
    case 4: do_create(a, S_IFDIR | 0755, NULL, NULL); break;
    case 5: do_unlink(a, true); break;
    case 6:
        if (node_at(a, &n) == 0) {
            if (S_ISREG(n->type)) {
                n->ops->getattr(n, &st);
                n->ops->truncate(n, draw(50000));
                written = (uint32_t)st.st_ino;
            }
            vnode_unref(n);
        }
        break;
    default: written = write_some(a); break;
    }
    return written;
}

/* Sync a file, and remember what that promises. */
static void sync_some(unsigned step)
{
    char path[40];
    struct vnode *n;
    struct stat st = { 0 };
    random_path(path);
    if (node_at(path, &n) != 0) {
        return;
    }
    EXPECT(n->ops->sync(n) == 0);
    n->ops->getattr(n, &st);
    if (S_ISREG(st.st_mode)) {
        promises[npromises++] = (struct promise){ step, (uint32_t)st.st_ino,
                                                  hash_node(n, (uint64_t)st.st_size) };
        disk.promised_files = npromises;
    }
    vnode_unref(n);
    if (the_fs()->oldest_ns == 0) {
        disk.promised = step;
    }
}

static void run_steps(bool end)
{
    EXPECT(mount_disk("") == 0);
    do_create("d0", S_IFDIR | 0755, NULL, NULL);
    do_create("d1", S_IFDIR | 0755, NULL, NULL);
    EXPECT(m->sync(m) == 0);
    disk.nlog = 0; /* begin here */
    free(disk.log);
    disk.log = NULL;
    uint8_t *base = malloc(disk.size);
    memcpy(base, disk.data, disk.size);
    disk.logging = true;
    take_state(&states[0]);
    for (unsigned i = 1; i <= STEPS; i++) {
        uint32_t written = one_step();
        take_state(&states[i]);
        states[i].written = written;
        if (draw(7) == 0) {
            sync_some(i);
        } else if (draw(40) == 0) {
            EXPECT(m->sync(m) == 0);
            disk.promised = i;
        }
    }
    if (end) {
        end_program();
    }
    the_fs()->failed = true; /* nothing comes from it any more: the power is off */
    disk.logging = false;
    memcpy(disk.data, base, disk.size);
    free(base);
}

/* ---- the cut ---- */

/* Blocks of `size` bytes of a write, each with one chance in two; whole: all of it or nothing. */
static void apply(const struct disk_event *e, uint8_t *data, bool sure, size_t size)
{
    bool whole = draw(2);
    bool taken = draw(2);
    for (size_t at = 0; at < e->len; at += size) {
        size_t n = e->len - at < size ? e->len - at : size;
        if (sure || (whole ? taken : draw(2) != 0)) {
            memcpy(data + e->off + at, e->data + at, n);
        }
    }
}

/* The disk after a cut at event `point`. */
static void cut(uint8_t *data, size_t point, size_t block)
{
    size_t flushed = 0;
    for (size_t i = 0; i < point; i++) {
        flushed = disk.log[i].len == 0 ? i : flushed;
    }
    for (size_t i = 0; i < point; i++) {
        apply(&disk.log[i], data, i < flushed, block);
    }
}

static bool same_names(const struct state *a, const struct state *b)
{
    bool same = a->n == b->n;
    for (unsigned i = 0; i < a->n && same; i++) {
        const struct line *x = &a->line[i], *y = &b->line[i];
        same = strcmp(x->path, y->path) == 0 && x->ino == y->ino && x->mode == y->mode &&
               x->size == y->size && x->links == y->links;
    }
    return same;
}

static bool written_after(unsigned step, uint32_t ino)
{
    for (unsigned i = step + 1; i <= STEPS; i++) {
        if (states[i].written == ino) {
            return true;
        }
    }
    return false;
}

/* What is wrong with the mounted file system, or NULL. */
static const char *judge(unsigned promised, unsigned files)
{
    static struct state now;
    unsigned k = promised;
    take_state(&now);
    while (k <= STEPS && !same_names(&states[k], &now)) {
        k++;
    }
    if (k > STEPS) {
        return "no state that there was";
    }
    for (unsigned i = 0; i < now.n; i++) {
        const struct line *l = &now.line[i];
        if (l->hash != states[k].line[i].hash && !written_after(promised, l->ino)) {
            return "contents";
        }
        for (unsigned p = 0; p < files; p++) {
            if (promises[p].ino == l->ino && promises[p].step <= k && l->hash != promises[p].hash &&
                S_ISREG(l->mode) && !written_after(promises[p].step, l->ino)) {
                bool born_since = false; /* the number may have gone to another file */
                for (unsigned s = promises[p].step; s <= k; s++) {
                    bool there = false;
                    for (unsigned j = 0; j < states[s].n; j++) {
                        there = there || states[s].line[j].ino == l->ino;
                    }
                    born_since = born_since || !there;
                }
                if (!born_since) {
                    return "contents that were synced";
                }
            }
        }
    }
    return NULL;
}

/* Mount, judge, end; in a child. 0: good. */
static int mount_and_judge(unsigned promised, unsigned files, const char *image)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        const char *why = mount_disk("") == 0 ? judge(promised, files) : "not mounted";
        if (why == NULL) {
            end_program();
            disk_save(image);
        }
        if (why != NULL && !disk.no_flush) {
            printf("%s (seed %u)\n", why, seed_count);
            fflush(stdout);
        }
        _exit(why != NULL);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
}

/* Where to cut: anywhere, or with single sectors behind a write of the superblock. */
static size_t choose_point(size_t block)
{
    size_t point = draw((unsigned)disk.nlog + 1);
    while (block == 512 && (point == 0 || disk.log[point - 1].len == 0 || disk.log[point - 1].off > 1024 ||
                            disk.log[point - 1].off + disk.log[point - 1].len < 2048)) {
        point = draw((unsigned)disk.nlog + 1);
    }
    return point;
}

/* One cut; returns whether all was well. */
static bool one_cut(const uint8_t *base, size_t block)
{
    size_t point = choose_point(block);
    memcpy(disk.data, base, disk.size);
    cut(disk.data, point, block);
    unsigned promised = point != 0 ? disk.log[point - 1].promised : 0;
    unsigned files = point != 0 ? disk.log[point - 1].promised_files : 0;
    const struct ext2_super_block *super = (const void *)(disk.data + 1024);
    torn += (super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_METADATA_CSUM) &&
            super->s_checksum != ext_crc32c(~0u, super, offsetof(struct ext2_super_block, s_checksum));
    /* e2fsck replays, we look. It has no use for a superblock with a wrong sum. */
    if (block > 512 && draw(8) == 0) {
        disk_save(IMAGE);
        if (run("e2fsck -fy " IMAGE "; [ $? -le 1 ]") != 0 || run("e2fsck -fn " IMAGE) != 0) {
            return false;
        }
        disk_load(IMAGE);
        return mount_and_judge(promised, files, IMAGE) == 0;
    }
    if (mount_and_judge(promised, files, IMAGE) != 0) {
        return false;
    }
    return disk.no_flush || draw(4) != 0 || run("e2fsck -fn " IMAGE) == 0;
}

/* A history and its cuts; how many went wrong. In a child: what is mounted stays. */
static unsigned history(const char *options, unsigned kib, size_t block, unsigned cuts)
{
    int fd[2];
    unsigned bad;
    seed_count++;
    fflush(stdout);
    if (pipe(fd) != 0) {
        return cuts;
    }
    pid_t pid = fork();
    if (pid == 0) {
        rng = 0x9e3779b97f4a7c15u * seed_count;
        disk_make(options, kib);
        run_steps(block == 512 || draw(2));
        uint8_t *base = malloc(disk.size);
        memcpy(base, disk.data, disk.size);
        unsigned wrong = unit_failed;
        for (unsigned i = 0; i < cuts; i++) {
            wrong += !one_cut(base, block);
        }
        unsigned told[2] = { wrong, torn };
        if (write(fd[1], told, sizeof(told)) != sizeof(told)) {
            _exit(1);
        }
        _exit(0);
    }
    close(fd[1]);
    unsigned told[2] = { cuts, 0 };
    if (read(fd[0], told, sizeof(told)) == sizeof(told)) {
        torn += told[1];
    }
    bad = told[0];
    close(fd[0]);
    waitpid(pid, NULL, 0);
    return bad;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    verbose = argc > 2;
    folder_enter();
    states = calloc(STEPS + 1, sizeof(*states));
    promises = calloc(STEPS + 1, sizeof(*promises));
    cache_bytes_option = 256u << 10;
    for (unsigned i = 0; i < rounds; i++) {
        EXPECT(history("-b 1024 -J size=1", 8192, 1024, 20) == 0);
        EXPECT(history("-b 4096 -J size=4", 12288, 4096, 20) == 0);
        EXPECT(history("-b 1024 -O ^metadata_csum,^64bit,^extents -J size=1", 8192, 1024, 20) == 0);
    }
    for (unsigned i = 0; i < 6 && (torn == 0 || i < rounds); i++) {
        EXPECT(history("-b 1024 -J size=1", 8192, 512, 30) == 0);
    }
    EXPECT(torn != 0);
    disk.no_flush = true;
    unsigned lost = 0;
    for (unsigned i = 0; i < 4 && lost == 0; i++) {
        lost += history("-b 1024 -J size=1", 8192, 1024, 20);
    }
    EXPECT(lost != 0);
    folder_leave();
    return unit_done();
}
