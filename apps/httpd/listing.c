/* SPDX-License-Identifier: BSD-2-Clause */
/* The page for a directory that has no index.html: its entries, sorted, with size and date. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server.h"
#include "target.h"

#define ENTRIES_MAX 1000u /* more aren't shown; the page says so */
#define NAME_ROOM   1600u /* a name of 255 bytes, escaped */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The visible names, each from the heap. Returns how many; *more: there are others. */
static size_t read_names(DIR *dir, char **names, size_t max, bool *more)
{
    size_t n = 0;
    const struct dirent *e;
    *more = false;
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.') {
            continue;
        }
        names[n] = n < max ? strdup(e->d_name) : NULL;
        if (names[n] == NULL) {
            *more = true;
            break;
        }
        n++;
    }
    return n;
}

static void add_entry(struct text *page, int dir, const char *name)
{
    struct stat st;
    char link[NAME_ROOM], shown[NAME_ROOM], when[32] = "";
    struct tm tm;
    if (fstatat(dir, name, &st, 0) < 0 || !(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))) {
        return; /* gone meanwhile, or nothing that is served */
    }
    bool directory = S_ISDIR(st.st_mode);
    target_encode(name, directory, link, sizeof(link));
    text_escape(name, shown, sizeof(shown));
    if (gmtime_r(&st.st_mtim.tv_sec, &tm) != NULL) {
        struct text t;
        text_fixed(&t, when, sizeof(when));
        text_printf(&t, "%04d-%02d-%02d %02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                    tm.tm_hour, tm.tm_min);
    }
    text_printf(page, "<tr><td><a href=\".%s\">%s%s</a></td><td>%s</td><td>", link, shown,
                directory ? "/" : "", when);
    if (!directory) {
        text_printf(page, "%" PRIu64, (uint64_t)st.st_size);
    }
    text_add(page, "</td></tr>\n");
}

static void add_page(struct text *page, int dir, const char *path, char *const *names, size_t n,
                     bool more)
{
    char title[6 * TARGET_PATH_MAX];
    bool is_root = strcmp(path, ".") == 0;
    text_escape(is_root ? "" : path, title, sizeof(title));
    text_printf(page,
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<title>/%s</title>\n<style>body{font:16px sans-serif;margin:2em}"
                "td{padding:.1em 1.5em .1em 0}td:last-child{text-align:right}</style></head>\n"
                "<body><h1>/%s</h1>\n<table>\n",
                title, title);
    if (!is_root) {
        text_add(page, "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
    }
    for (size_t i = 0; i < n; i++) {
        add_entry(page, dir, names[i]);
    }
    text_printf(page, "</table>%s</body></html>\n",
                more ? "\n<p>There are more entries, which are not shown.</p>" : "");
}

int listing_page(int fd, const char *path, struct text *page)
{
    bool more = false;
    char **names = malloc((ENTRIES_MAX + 1) * sizeof(*names));
    DIR *dir = names != NULL ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        int error = names != NULL ? errno : ENOMEM;
        close(fd);
        free(names);
        return -error;
    }
    size_t n = read_names(dir, names, ENTRIES_MAX, &more);
    qsort(names, n, sizeof(*names), compare);
    add_page(page, dirfd(dir), path, names, n, more);
    for (size_t i = 0; i < n; i++) {
        free(names[i]);
    }
    free(names);
    closedir(dir); /* fd with it */
    if (page->failed) {
        free(page->p); /* half a page of broken markup helps nobody */
        return -ENOMEM;
    }
    return 0;
}
