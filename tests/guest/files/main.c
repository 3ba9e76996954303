/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files: every call, its errors, limits, and many threads at once. The program is one for Linux,
 * too: host.py runs it there, so that what is expected here is what Linux does. It works in an empty
 * directory.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"

#undef CHECK
#undef CHECK_EQ
#include "parts.h"

bool part_true(const char *file, int line, const char *text, bool good)
{
    return check_true(file, line, text, good);
}

bool part_equal(const char *file, int line, const char *text, long long a, long long b)
{
    return check_equal(file, line, text, a, b);
}

void put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

off_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

bool holds(const char *path, const char *text)
{
    char buf[256];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, buf, sizeof(buf)) : -1;
    close(fd);
    return n == (ssize_t)strlen(text) && memcmp(buf, text, strlen(text)) == 0;
}

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {
    { "open", names_open },           { "make", names_make },
    { "remove", names_remove },       { "rename", names_rename },
    { "links", names_links },         { "at", names_at },
    { "resolve", paths_resolve },     { "loops", paths_loops },
    { "deep", paths_deep },           { "cwd", paths_cwd },
    { "stat", attr_stat },            { "times", attr_times },
    { "modes", attr_modes },          { "readdir", dirs_read },
    { "readdir-change", dirs_change }, { "many-names", dirs_many },
    { "reuse", dirs_reuse },          { "walk", dirs_walk },
    { "model", data_model },          { "sparse", data_sparse },
    { "removed-open", data_removed }, { "sendfile", calls_sendfile },
    { "temporary", calls_temporary }, { "stdio", calls_stdio },
    { "devices", calls_devices },     { "append", threads_append },
    { "threads-names", threads_names }, { "threads-data", threads_readers },
    { "full", data_full },
};

int main(int argc, char **argv)
{
    const char *dir = argc > 1 ? argv[1] : "/tmp/files";
    const char *only = argc > 2 ? argv[2] : NULL;
    umask(022);
    if (mkdir(dir, 0755) != 0 || chdir(dir) != 0) {
        perror(dir);
        return 2;
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (only == NULL || strcmp(only, parts[i].name) == 0) {
            check_run(parts[i].name, parts[i].run);
        }
    }
    return check_done();
}
