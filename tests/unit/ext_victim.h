/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file system to be damaged, with many kinds of what there is, and a program that tries all of it.
 * Included after ext_disk.h.
 */
#pragma once

#include <sys/resource.h>

static uint64_t rng = 88172645463325252u;

static unsigned draw(unsigned n)
{
    return (unsigned)(unit_random(&rng) % n);
}

static int make_file(const char *path, size_t len)
{
    static uint8_t buf[1 << 17];
    struct vnode *n;
    int r = do_create(path, S_IFREG | 0644, NULL, &n);
    if (r == 0) {
        memset(buf, 'm', sizeof(buf));
        ssize_t got = write_at(n, buf, len, 0);
        r = got < 0 ? (int)got : 0;
        vnode_unref(n);
    }
    return r;
}

static unsigned looks; /* entries that are still looked at: directories may be in themselves */

/* Look at all there is, to a depth. */
static void read_all(struct vnode *dir, unsigned depth)
{
    static uint8_t buf[1 << 16];
    struct fs_entry e;
    off_t cookie = 0;
    unsigned n_entries = 0;
    char name[NAME_MAX + 1];
    struct vnode *up;
    if (dir->ops->parent(dir, &up, name) == 0) {
        vnode_unref(up);
    }
    while (n_entries++ < 300 && looks != 0 && dir->ops->readdir(dir, &cookie, &e) == 1) {
        struct vnode *n;
        struct stat st = { 0 };
        looks--;
        if (dir->ops->lookup(dir, name_of(e.name), &n) != 0) {
            continue;
        }
        n->ops->getattr(n, &st);
        if (S_ISDIR(n->type) && depth != 0) {
            read_all(n, depth - 1);
        } else if (S_ISLNK(n->type)) {
            n->ops->readlink(n, (char *)buf, sizeof(buf));
        } else if (S_ISREG(n->type)) {
            n->ops->read(n, buf, sizeof(buf), 0);
            n->ops->read(n, buf, sizeof(buf), st.st_size / 2);
            n->ops->read(n, buf, 100, st.st_size > 50 ? st.st_size - 50 : 0);
        }
        vnode_unref(n);
    }
}

static void change_all(void)
{
    struct vnode *n;
    char path[40];
    make_file("new", 50000);
    make_file("dir/new", 5000);
    do_create("dir/deep", S_IFDIR | 0755, NULL, NULL);
    do_create("dir/soft", S_IFLNK | 0777, "target", NULL);
    do_rename("file", "dir/moved", true);
    do_rename("dir", "other", true);
    do_link("big", "other/hard");
    if (node_at("big", &n) == 0) {
        if (S_ISREG(n->type)) {
            write_at(n, "xyz", 3, 100000);
            write_at(n, "xyz", 3, 9000000000);
            n->ops->truncate(n, 5000);
            n->ops->allocate(n, 20000, 50000);
        }
        n->ops->sync(n);
        vnode_unref(n);
    }
    for (unsigned i = 0; i < 40; i++) {
        snprintf(path, sizeof(path), "many/%u", i * 7);
        do_unlink(path, false);
        snprintf(path, sizeof(path), "many/again%u", i);
        make_file(path, i);
    }
    do_unlink("sparse", false);
    m->sync(m);
}

static void use_it(void)
{
    if (mount_disk(draw(4) == 0 ? "ro" : draw(3) == 0 ? "discard" : "") == 0) {
        looks = 2000;
        read_all(m->root, 3);
        change_all();
        looks = 2000;
        read_all(m->root, 3);
        end_program();
    }
}

/* In a child: what went wrong ends that one, and hangs end by a limit of its own time, or an alarm. */
static bool survives(void (*test)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = { 30, 30 };
        setrlimit(RLIMIT_CPU, &limit);
        alarm(600);
        unit_failed = 0;
        test();
        fflush(stdout);
        _exit(unit_failed != 0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return status == 0;
}

/* What a victim's journal has in it. */
enum journal_state { JOURNAL_EMPTY, JOURNAL_OURS, JOURNAL_DEBUGFS, JOURNAL_LINUX, JOURNAL_STATES };

/* Changes that end without an end in order, in a child. */
static void leave_dirty(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        mount_disk("");
        change_all();
        disk_save(IMAGE);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* Every second block of a file: its extents need a tree, its lists all of their levels. */
static void make_comb(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct vnode *n;
        int r = mount_disk("");
        r = r != 0 ? r : do_create("comb", S_IFREG | 0644, NULL, &n);
        for (unsigned i = 0; i < 400 && r == 0; i++) {
            r = write_at(n, "tooth", 5, (off_t)i * 2 * the_fs()->block_size) == 5 ? 0 : -1;
        }
        if (r == 0) {
            vnode_unref(n);
            end_program();
            disk_save(IMAGE);
        }
        _exit(r != 0);
    }
    int status = -1;
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Something to be damaged: with many kinds of what a file system has. */
static void make_victim(const char *options, unsigned kib, enum journal_state state)
{
    EXPECT(run("rm -rf from; mkdir -p from/dir/sub from/many && cd from && seq 5000 > file && seq 90000 > big && "
               "ln -s file link && ln file dir/hard && truncate -s 1G sparse && echo x >> sparse && "
               "seq -f 'many/%%g' 600 | xargs touch && "
               "ln -s $(printf 'long%%.0s' $(seq 40)) dir/long") == 0);
    EXPECT(run("rm -f " IMAGE "; mke2fs -q -F -t ext4 %s -d from " IMAGE " %uk && "
               "debugfs -w -R 'ea_set /file user.small value' " IMAGE " && "
               "head -c 700 from/file > attr && debugfs -w -R 'ea_set -f attr /dir user.block' " IMAGE " && "
               "{ e2fsck -fyD " IMAGE "; [ $? -le 1 ]; }", options, kib) == 0);
    disk_load(IMAGE);
    make_comb();
    disk_load(IMAGE);
    if (state == JOURNAL_OURS) { /* one whose journal has something in it */
        leave_dirty();
    } else if (state == JOURNAL_DEBUGFS) {
        EXPECT(run("printf 'jo -c -v 3\\njw -b 600 attr\\njw -r 601\\njw -b 602,603 attr\\njc\\n' | "
                   "debugfs -w " IMAGE) == 0);
    } else if (state == JOURNAL_LINUX) {
        /* Where this host can't mount it, it stays as it is. */
        run_quietly("unshare -m sh -c 'mkdir -p at && mount -o loop " IMAGE " at && cp from/big at/b2 && "
                    "rm -r at/dir at/many/1* && mv at/file at/f2 && mkdir at/new && touch at/new/a && sync && "
                    "cp " IMAGE " dirty.img && umount at' && mv dirty.img " IMAGE);
    }
    disk_load(IMAGE);
}
