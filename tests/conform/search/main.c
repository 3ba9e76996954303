/* SPDX-License-Identifier: BSD-2-Clause */
/* <search.h>, getopt, paths and walks through folders. */
#define _GNU_SOURCE
#include "../conform.h"

#include <dirent.h>
#include <ftw.h>
#include <getopt.h>
#include <libgen.h>
#include <search.h>
#include <sys/stat.h>

static char top[64], buf[300];

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void visit(const void *node, VISIT v, int depth)
{
    (void)depth;
    if (v == postorder || v == leaf) {
        printf(" %s", *(char *const *)node);
    }
}

static void tables(void)
{
    SAY("hash table");
    CALL(hcreate(30));
    static char keys[40][8];
    int there = 0;
    for (int i = 0; i < 20; i++) {
        sprintf(keys[i], "key%d", i);
        ENTRY *e = hsearch((ENTRY){keys[i], &keys[i]}, ENTER);
        there += e != NULL && e->data == &keys[i];
    }
    SHOW(there);
    ENTRY *e = hsearch((ENTRY){.key = (char *)"key7"}, FIND);
    IS(e != NULL && e->data == &keys[7]);
    e = hsearch((ENTRY){(char *)"key7", buf}, ENTER);
    IS(e != NULL && e->data == &keys[7]);
    IS(hsearch((ENTRY){.key = (char *)"nokey"}, FIND) == NULL);
    hdestroy();
    SAY("tree");
    static const char *const words[] = {"mike", "alpha", "zulu", "kilo", "mike", "echo", "tango"};
    void *root = NULL;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char **at = tsearch(words[i], &root, by_text);
        printf("%s %s\n", *at, *at == words[i] ? "entered" : "was there");
    }
    twalk(root, visit);
    putchar('\n');
    IS(tfind("kilo", &root, by_text) != NULL);
    IS(tfind("none", &root, by_text) == NULL);
    IS(tdelete("none", &root, by_text) == NULL);
    IS(tdelete("mike", &root, by_text) != NULL);
    IS(tfind("mike", &root, by_text) == NULL);
    twalk(root, visit);
    putchar('\n');
    for (size_t i = 1; i < sizeof(words) / sizeof(words[0]); i++) {
        tdelete(words[i], &root, by_text);
    }
    IS(root == NULL);
    IS(tfind("x", NULL, by_text) == NULL);
    SAY("table");
    char table[10][8] = {"one", "two"};
    size_t n = 2;
    STR(lfind("two", table, &n, 8, by_text));
    STR(lfind("three", table, &n, 8, by_text));
    STR(lsearch("three\0\0", table, &n, 8, by_text));
    SHOW((long)n);
    STR(lsearch("one\0\0\0\0", table, &n, 8, by_text));
    SHOW((long)n);
    SAY("queue");
    struct item {
        struct item *next, *prev;
        int value;
    } a = {.value = 1}, b = {.value = 2}, c = {.value = 3};
    insque(&a, NULL);
    insque(&c, &a);
    insque(&b, &a);
    SHOW(a.next->value * 10 + b.next->value);
    IS(a.prev == NULL && c.next == NULL);
    remque(&b);
    SHOW(a.next->value);
    IS(c.prev == &a);
}

static void options(const char *spec, int argc, char **argv)
{
    int c;
    optind = 0;
    opterr = 0;
    printf("%s:", spec);
    while ((c = getopt(argc, argv, spec)) != -1) {
        printf(" %c", c);
        if (c == '?' || c == ':') {
            printf("(%c)", optopt);
        } else if (optarg != NULL) {
            printf("=%s", optarg);
        }
    }
    printf(", %d", optind);
    for (int i = optind; i < argc; i++) {
        printf(" %s", argv[i]);
    }
    putchar('\n');
}

#define OPT(spec, ...)                                                                  \
    do {                                                                                \
        char *v_[] = {(char *)(uintptr_t)"prog", __VA_ARGS__, NULL};                    \
        options(spec, (int)(sizeof(v_) / sizeof(v_[0])) - 1, v_);                       \
    } while (0)
#define T(s) (char *)(uintptr_t)s

static void longs(int argc, char **argv, bool only)
{
    static int flag;
    static const struct option all[] = {{"help", no_argument, NULL, 'h'}, {"file", required_argument, NULL, 'f'},
        {"color", optional_argument, NULL, 'c'}, {"flag", no_argument, &flag, 7}, {"filter", no_argument, NULL, 'F'}, {NULL, 0, NULL, 0}};
    int c, index = -1;
    flag = 0;
    optind = 0;
    opterr = 0;
    while ((c = (only ? getopt_long_only : getopt_long)(argc, argv, "hf:c::", all, &index)) != -1) {
        printf(" %d", c);
        if (index >= 0) {
            printf("[%d]", index);
        }
        if (c != '?' && optarg != NULL) {
            printf("=%s", optarg);
        }
        index = -1;
    }
    printf(", flag %d, rest", flag);
    for (int i = optind; i < argc; i++) {
        printf(" %s", argv[i]);
    }
    putchar('\n');
}

#define LONG(only, ...)                                                                 \
    do {                                                                                \
        char *v_[] = {(char *)(uintptr_t)"prog", __VA_ARGS__, NULL};                    \
        longs((int)(sizeof(v_) / sizeof(v_[0])) - 1, v_, only);                         \
    } while (0)

static void arguments(void)
{
    SAY("getopt");
    OPT("ab:c", T("-a"), T("-b"), T("x"), T("-c"), T("rest"));
    OPT("ab:c", T("-abx"), T("-c"));
    OPT("ab:c", T("-acbx"));
    OPT("ab:c", T("-b"));
    OPT(":ab:c", T("-b"));
    OPT("ab:c", T("-z"), T("-a"));
    OPT("ab:c", T("-a"), T("--"), T("-c"));
    OPT("ab:c", T("-a"), T("-"), T("-c"));
    OPT("ab:c", T("file"), T("-a"));
    OPT("+ab:c", T("file"), T("-a"));
    OPT("-ab:c", T("file"), T("-a"));
    OPT("ab::c", T("-b"), T("x"), T("-bx"));
    OPT("ab:c", T("-b"), T("--"), T("-a"));
    SAY("getopt_long");
    LONG(false, T("--help"), T("--file=x"), T("--file"), T("y"), T("rest"));
    LONG(false, T("--color"), T("red"), T("--color=blue"), T("--flag"));
    LONG(false, T("--he"), T("--fi=x"));
    LONG(false, T("--none"), T("--help=x"), T("--file"));
    LONG(false, T("a"), T("-h"), T("b"), T("--"), T("-h"));
    LONG(true, T("-help"), T("-file"), T("x"), T("-h"));
}

static void parts(void)
{
    static const char *const all[] = {"/usr/lib", "/usr/", "usr", "/", ".", "..", "", "//", "/a//b//", "a/b/"};
    SAY("dirname, basename");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char a[20], b[20];
        strcpy(a, all[i]);
        strcpy(b, all[i]);
        printf("%s: %s %s\n", all[i], dirname(a), basename(b));
    }
    STR(dirname(NULL));
    STR(basename(NULL));
    SAY("realpath");
    MUST(mkdir("d", 0755));
    close((int)MUST(open("d/f", O_CREAT | O_WRONLY, 0644)));
    MUST(symlink("d/f", "s"));
    MUST(symlink("loop", "loop"));
    static const char *const paths[] = {"d/../d/./f", "s", "d//f", ".", "d/f/", "none", "none/x", "d/none", "loop", ""};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        errno = 0;
        char *r = realpath(paths[i], NULL);
        printf("%s: %s\n", paths[i], r == NULL ? error_name(errno) : strncmp(r, top, strlen(top)) == 0 ? r + strlen(top) : r);
        free(r);
    }
    IS(realpath("/", buf) == buf && strcmp(buf, "/") == 0);
    errno = 0;
    IS(realpath(NULL, buf) == NULL && errno == EINVAL);
}

static char *found[50];
static int nfound;

static int take(const char *path, const struct stat *st, int kind)
{
    char line[100];
    (void)st;
    snprintf(line, sizeof(line), "%s %s", path, kind == FTW_F ? "file" : kind == FTW_D ? "folder" : kind == FTW_SL ? "symlink" : "other");
    found[nfound++] = strdup(line);
    return 0;
}

static int take_n(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    char line[100];
    (void)st;
    snprintf(line, sizeof(line), "%s %s base %d level %d", path, kind == FTW_F ? "file" : kind == FTW_D ? "folder" : kind == FTW_DP ? "left" :
             kind == FTW_SL ? "symlink" : kind == FTW_SLN ? "dangling" : "other", f->base, f->level);
    found[nfound++] = strdup(line);
    return 0;
}

static int stop(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)path, (void)st, (void)kind, (void)f;
    return 42;
}

static void tell(int line, int result)
{
    printf("%d: %d, %d found\n", line, result, nfound);
    qsort(found, (size_t)nfound, sizeof(found[0]), by_name);
    for (int i = 0; i < nfound; i++) {
        printf("  %s\n", found[i]);
        free(found[i]);
    }
    nfound = 0;
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void walks(void)
{
    struct dirent **list;
    MUST(mkdir("d/e", 0755));
    close((int)MUST(open("d/e/g", O_CREAT | O_WRONLY, 0644)));
    MUST(symlink("nowhere", "d/n"));
    MUST(symlink("f", "d/l"));
    SAY("ftw, nftw");
    tell(__LINE__, ftw("d", take, 10));
    tell(__LINE__, ftw("none", take, 10));
    tell(__LINE__, nftw("d", take_n, 10, 0));
    tell(__LINE__, nftw("d", take_n, 10, FTW_PHYS));
    tell(__LINE__, nftw("d", take_n, 10, FTW_PHYS | FTW_DEPTH));
    tell(__LINE__, nftw("d/f", take_n, 10, 0));
    SHOW(nftw("d", stop, 10, 0));
    SAY("scandir");
    int n = scandir("d", &list, not_hidden, alphasort);
    SHOW(n);
    for (int i = 0; i < n; i++) {
        printf("  %s\n", list[i]->d_name);
        free(list[i]);
    }
    free(list);
    CALL(scandir("none", &list, NULL, NULL));
    DIR *d = opendir("d");
    IS(dirfd(d) >= 0);
    long start = telldir(d);
    int first = 0, again = 0;
    while (readdir(d) != NULL) {
        first++;
    }
    seekdir(d, start);
    while (readdir(d) != NULL) {
        again++;
    }
    SHOW(first * 100 + again);
    CALL(closedir(d));
    int fd = (int)MUST(open("d", O_RDONLY | O_DIRECTORY));
    d = fdopendir(fd);
    IS(d != NULL && dirfd(d) == fd);
    CALL(closedir(d));
    CALL(fcntl(fd, F_GETFD));
    errno = 0;
    IS(fdopendir(-1) == NULL && errno == EBADF);
    fd = (int)MUST(open("d/f", O_RDONLY));
    errno = 0;
    IS(fdopendir(fd) == NULL && errno == ENOTDIR);
    CALL(fchdir(fd));
    close(fd);
    CALL(unlink("d/e/g"));
    CALL(unlink("d/n"));
    CALL(unlink("d/l"));
    CALL(unlink("d/f"));
    CALL(unlink("s"));
    CALL(unlink("loop"));
    CALL(rmdir("d/e"));
    CALL(rmdir("d"));
}

int main(void)
{
    begin();
    if (!enter_folder(top)) {
        return 1;
    }
    tables();
    arguments();
    parts();
    walks();
    CALL(chdir("/"));
    CALL(rmdir(top));
    return end();
}
