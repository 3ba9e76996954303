/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading directories: while nothing happens, while they change, and with many names. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parts.h"

static int not_dots(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

void dirs_read(void)
{
    struct stat st, up;
    CHECK_EQ(mkdir("d", 0755), 0);
    put_file("d/b", "x");
    CHECK_EQ(mkdir("d/a", 0755), 0);
    CHECK_EQ(symlink("b", "d/c"), 0);
    CHECK(stat("d", &st) == 0 && stat(".", &up) == 0);
    DIR *dir = opendir("d");
    CHECK(dir != NULL);
    unsigned seen = 0;
    const struct dirent *e;
    while ((e = readdir(dir)) != NULL) {
        struct stat own;
        if (strcmp(e->d_name, ".") == 0) {
            CHECK(e->d_ino == st.st_ino && e->d_type == DT_DIR);
            seen |= 1;
        } else if (strcmp(e->d_name, "..") == 0) {
            CHECK(e->d_ino == up.st_ino && e->d_type == DT_DIR);
            seen |= 2;
        } else {
            CHECK(strlen(e->d_name) == 1 && fstatat(dirfd(dir), e->d_name, &own,
                                                    AT_SYMLINK_NOFOLLOW) == 0);
            CHECK_EQ(e->d_ino, own.st_ino);
            CHECK_EQ(e->d_type, e->d_name[0] == 'a'   ? DT_DIR
                                : e->d_name[0] == 'b' ? DT_REG
                                                      : DT_LNK);
            seen |= 4u << (e->d_name[0] - 'a');
        }
    }
    CHECK_EQ(seen, 31);
    rewinddir(dir);
    CHECK(readdir(dir) != NULL && readdir(dir) != NULL);
    long mark = telldir(dir);
    char third[256];
    e = readdir(dir);
    snprintf(third, sizeof(third), "%s", e != NULL ? e->d_name : "");
    while (readdir(dir) != NULL) {
    }
    seekdir(dir, mark);
    e = readdir(dir);
    CHECK(e != NULL && strcmp(e->d_name, third) == 0);
    CHECK_EQ(closedir(dir), 0);
    struct dirent **list;
    CHECK_EQ(scandir("d", &list, not_dots, alphasort), 3);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(list[i]->d_name[0], "abc"[i]);
        free(list[i]);
    }
    free(list);
    FAILS(ENOENT, scandir("no", &list, NULL, NULL));
    CHECK(opendir("d/b") == NULL && errno == ENOTDIR);
    CHECK(opendir("no") == NULL && errno == ENOENT);
    int fd = open("d/b", O_RDONLY);
    CHECK(fdopendir(fd) == NULL && errno == ENOTDIR);
    close(fd);
    CHECK(fdopendir(999) == NULL && errno == EBADF);
    CHECK(unlink("d/b") == 0 && rmdir("d/a") == 0 && unlink("d/c") == 0 && rmdir("d") == 0);
}

#define STAY 300

/* What is there all the time is seen exactly once, whatever comes and goes meanwhile. */
void dirs_change(void)
{
    char name[32];
    static unsigned seen[STAY];
    uint64_t rng = 88172645463325252ull;
    CHECK_EQ(mkdir("d", 0755), 0);
    for (int i = 0; i < STAY; i++) {
        snprintf(name, sizeof(name), "d/stay%d", i);
        put_file(name, "");
        snprintf(name, sizeof(name), "d/go%d", i);
        put_file(name, "");
    }
    DIR *dir = opendir("d");
    const struct dirent *e;
    int fresh = 0;
    while ((e = readdir(dir)) != NULL) {
        int i;
        if (sscanf(e->d_name, "stay%d", &i) == 1 && i >= 0 && i < STAY) {
            seen[i]++;
        }
        unsigned at = (unsigned)(next_random(&rng) % STAY);
        snprintf(name, sizeof(name), "d/go%u", at);
        if (unlink(name) == 0 && fresh < STAY) {
            snprintf(name, sizeof(name), "d/new%d", fresh++);
            put_file(name, "");
        }
    }
    closedir(dir);
    for (int i = 0; i < STAY; i++) {
        CHECK_EQ(seen[i], 1);
    }
    CHECK(fresh > STAY / 4);
    dir = opendir("d"); /* rm -r in the usual way */
    while ((e = readdir(dir)) != NULL) {
        if (not_dots(e)) {
            CHECK_EQ(unlinkat(dirfd(dir), e->d_name, 0), 0);
        }
    }
    closedir(dir);
    CHECK_EQ(rmdir("d"), 0);
}

#define MANY 10000

static void name_of(char *name, size_t size, unsigned i)
{
    snprintf(name, size, "d/name-%u-%u", i * 2654435761u, i);
}

void dirs_many(void)
{
    char name[64];
    struct stat st;
    unsigned n = 0;
    long before = sysconf(_SC_AVPHYS_PAGES);
    CHECK_EQ(mkdir("d", 0755), 0);
    for (unsigned i = 0; i < MANY; i++) {
        name_of(name, sizeof(name), i);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (!CHECK(fd >= 0)) {
            break;
        }
        close(fd);
    }
    DIR *dir = opendir("d");
    while (readdir(dir) != NULL) {
        n++;
    }
    closedir(dir);
    CHECK_EQ(n, MANY + 2);
    for (unsigned i = 0; i < MANY; i++) {
        name_of(name, sizeof(name), MANY - 1 - i);
        if (!CHECK(stat(name, &st) == 0) || !CHECK(unlink(name) == 0)) {
            break;
        }
    }
    CHECK_EQ(rmdir("d"), 0);
#ifdef __pith__
    CHECK(sysconf(_SC_AVPHYS_PAGES) >= before - 32);
#else
    (void)before;
#endif
}

/* A directory in which names come and go does not grow. */
void dirs_reuse(void)
{
    long before = sysconf(_SC_AVPHYS_PAGES);
    CHECK_EQ(mkdir("d", 0755), 0);
    put_file("d/stays", "");
    for (int i = 0; i < 6000; i++) {
        put_file("d/one", "");
        put_file("d/two", "");
        if (!CHECK(unlink("d/one") == 0 && unlink("d/two") == 0)) {
            break;
        }
    }
#ifdef __pith__
    CHECK(sysconf(_SC_AVPHYS_PAGES) >= before - 16);
#else
    (void)before;
#endif
    CHECK(unlink("d/stays") == 0 && rmdir("d") == 0);
}

/* What the walk saw: a letter per kind, in order. */
static char walked[64];
static int stop_at;

static int note(const char *path, const struct stat *st, int type, struct FTW *where)
{
    static const struct {
        int type;
        char letter;
    } kinds[] = { { FTW_F, 'f' }, { FTW_D, 'd' }, { FTW_DP, 'p' }, { FTW_SL, 's' }, { FTW_SLN, 'n' } };
    size_t n = strlen(walked);
    (void)st;
    for (unsigned i = 0; i < 5; i++) {
        if (kinds[i].type == type && n + 2 < sizeof(walked)) {
            walked[n] = kinds[i].letter;
            walked[n + 1] = (char)('0' + where->level);
        }
    }
    CHECK(strchr(path + where->base, '/') == NULL && (where->base == 0 || path[where->base - 1] == '/'));
    return stop_at != 0 && n + 2 >= (size_t)stop_at * 2 ? 7 : 0;
}

static int any_kind(const char *path, const struct stat *st, int type)
{
    (void)path;
    (void)st;
    return type == FTW_NS;
}

static const char *walk_with(int flags, int result)
{
    memset(walked, 0, sizeof(walked));
    CHECK_EQ(nftw("d", note, 5, flags), result);
    return walked;
}

void dirs_walk(void)
{
    glob_t found;
    CHECK(mkdir("d", 0755) == 0 && mkdir("d/a", 0755) == 0 && mkdir("d/a/b", 0755) == 0);
    put_file("d/a/b/file", "x");
    CHECK(strcmp(walk_with(FTW_PHYS, 0), "d0d1d2f3") == 0);
    CHECK(strcmp(walk_with(FTW_PHYS | FTW_DEPTH, 0), "f3p2p1p0") == 0);
    stop_at = 2;
    CHECK(strcmp(walk_with(FTW_PHYS, 7), "d0d1") == 0);
    stop_at = 0;
    CHECK(unlink("d/a/b/file") == 0 && symlink("..", "d/a/b/up") == 0);
    CHECK(strcmp(walk_with(FTW_PHYS, 0), "d0d1d2s3") == 0);
    CHECK(strcmp(walk_with(0, 0), "d0d1d2") == 0); /* into itself: once is enough */
    CHECK(unlink("d/a/b/up") == 0 && symlink("nowhere", "d/a/b/n") == 0);
    CHECK(strcmp(walk_with(0, 0), "d0d1d2n3") == 0);
    CHECK_EQ(ftw("d", any_kind, 5), 1); /* the link to nowhere */
    FAILS(ENOENT, nftw("no", note, 5, 0));
    FAILS(ENOENT, ftw("", any_kind, 5));
    put_file("d/one.c", "");
    put_file("d/two.c", "");
    put_file("d/two.h", "");
    CHECK_EQ(glob("d/*.c", 0, NULL, &found), 0);
    CHECK(found.gl_pathc == 2 && strcmp(found.gl_pathv[1], "d/two.c") == 0);
    globfree(&found);
    CHECK_EQ(glob("d/*.x", 0, NULL, &found), GLOB_NOMATCH);
    CHECK_EQ(pathconf("d", _PC_NAME_MAX), 255);
    FAILS(ENOENT, pathconf("no", _PC_NAME_MAX));
    const char *all[] = { "d/one.c", "d/two.c", "d/two.h", "d/a/b/n" };
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(unlink(all[i]), 0);
    }
    CHECK(rmdir("d/a/b") == 0 && rmdir("d/a") == 0 && rmdir("d") == 0);
}
