/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading directories: while nothing happens, while they change, and with many names. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
    for (int i = 0; i < 10000; i++) {
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
