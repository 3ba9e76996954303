/* SPDX-License-Identifier: BSD-2-Clause */
/* Files, folders and links: what calls answer, in a fresh folder below /tmp. */
#define _GNU_SOURCE
#include "../conform.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/uio.h>

static char top[64], buf[256];

static void put(const char *name, const char *text)
{
    int fd = (int)MUST(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    MUST(write(fd, text, strlen(text)));
    close(fd);
}

/* Type, size, links and mode of a name. */
static void show(int line, const char *name)
{
    struct stat st;
    if (lstat(name, &st) != 0) {
        printf("%d: %s: %s\n", line, name, error_name(errno));
        return;
    }
    printf("%d: %s: %s mode %o links %ld size %ld\n", line, name,
           S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "folder"
                                      : S_ISLNK(st.st_mode) ? "symlink" : "other",
           (unsigned)st.st_mode & 07777, (long)st.st_nlink, S_ISDIR(st.st_mode) ? 0 : (long)st.st_size);
}

#define STAT(name) show(__LINE__, name)

static void opening(void)
{
    char name[300];
    SAY("open");
    FD(open("nothing", O_RDONLY));
    FD(open("nothing/below", O_RDONLY));
    FD(open("", O_RDONLY));
    FD(open("nothing/below", O_WRONLY | O_CREAT, 0644));
    int fd = FD(open("file", O_RDWR | O_CREAT | O_EXCL, 0640));
    STAT("file");
    FD(open("file", O_RDWR | O_CREAT | O_EXCL, 0640));
    FD(open("file/", O_RDONLY));
    FD(open("file/below", O_RDONLY));
    FD(open("file", O_RDONLY | O_DIRECTORY));
    FD(open(".", O_WRONLY));
    FD(open(".", O_RDONLY | O_CREAT, 0644));
    memset(name, 'n', sizeof(name));
    name[255] = '\0';
    close(FD(open(name, O_WRONLY | O_CREAT, 0644)));
    CALL(unlink(name));
    name[255] = 'n';
    name[256] = '\0';
    FD(open(name, O_WRONLY | O_CREAT, 0644));
    char *path = malloc(5000);
    memset(path, '/', 4998);
    path[4998] = 'x';
    path[4999] = '\0';
    FD(open(path, O_RDONLY));
    free(path);
    SAY("read and write");
    CALL(write(fd, "0123456789", 10));
    CALL(lseek(fd, 4, SEEK_SET));
    CALL(read(fd, buf, 3));
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(lseek(fd, -2, SEEK_END));
    CALL(lseek(fd, -20, SEEK_CUR));
    CALL(lseek(fd, 0, 99));
    CALL(pread(fd, buf, 4, 8));
    CALL(pread(fd, buf, 4, 100));
    CALL(pread(fd, buf, 4, -1));
    CALL(pwrite(fd, "XY", 2, 20)); /* a hole before it */
    STAT("file");
    CALL(pread(fd, buf, 20, 9));
    IS(buf[0] == '9' && buf[1] == 0 && buf[10] == 0 && buf[11] == 'X');
    CALL(lseek(fd, 1000, SEEK_SET));
    CALL(read(fd, buf, 1));
    CALL(ftruncate(fd, 5));
    STAT("file");
    CALL(ftruncate(fd, 8));
    CALL(pread(fd, buf, 20, 0));
    IS(memcmp(buf, "01234\0\0\0", 8) == 0);
    CALL(ftruncate(fd, -1));
    CALL(truncate("file", 3));
    CALL(truncate("nothing", 3));
    CALL(truncate(".", 3));
    CALL(close(fd));
    SAY("modes of opening");
    fd = FD(open("file", O_RDONLY));
    CALL(write(fd, "x", 1));
    CALL(ftruncate(fd, 1));
    CALL(close(fd));
    fd = FD(open("file", O_WRONLY));
    CALL(read(fd, buf, 1));
    CALL(close(fd));
    fd = FD(open("file", O_WRONLY | O_APPEND));
    CALL(write(fd, "end", 3));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(write(fd, "!", 1));
    CALL(close(fd));
    STAT("file");
    close(FD(open("file", O_WRONLY | O_TRUNC)));
    STAT("file");
    fd = FD(open(".", O_RDONLY | O_DIRECTORY));
    CALL(read(fd, buf, 1));
    CALL(write(fd, buf, 1));
    CALL(close(fd));
    CALL(poll(&(struct pollfd){-1, 0, 0}, 1, 0));
    fd = FD(open("file", O_RDWR));
    BITS(fd);
    CALL(close(fd));
    CALL(unlink("file"));
}

static void names(void)
{
    struct stat a, b;
    SAY("folders");
    CALL(mkdir("d", 0755));
    CALL(mkdir("d", 0755));
    CALL(mkdir("x/y", 0755));
    CALL(mkdir("d/e", 0700));
    CALL(mkdir("", 0755));
    STAT("d");
    STAT("d/e");
    CALL(rmdir("d"));
    CALL(rmdir("nothing"));
    put("f", "text");
    CALL(rmdir("f"));
    CALL(mkdir("f/below", 0755));
    CALL(rmdir("."));
    CALL(rmdir("d/e/."));
    CALL(rmdir("d/e/.."));
    CALL(unlink("d"));
    CALL(unlink("nothing"));
    CALL(unlink("f/"));
    CALL(remove("d/e"));
    STAT("d");
    SAY("hard links");
    CALL(link("f", "g"));
    CALL(link("f", "g"));
    CALL(link("nothing", "h"));
    CALL(link("d", "dd"));
    CALL(link("f", "x/y"));
    STAT("f");
    MUST(stat("f", &a));
    MUST(stat("g", &b));
    IS(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    CALL(unlink("f"));
    STAT("g");
    STAT("f");
    SAY("rename");
    CALL(rename("nothing", "h"));
    CALL(rename("g", "f"));
    STAT("g");
    STAT("f");
    CALL(rename("f", "f"));
    CALL(rename("f", "d"));
    CALL(rename("d", "f"));
    CALL(rename("f", "x/y"));
    CALL(rename("f", "d/f"));
    STAT("d/f");
    CALL(mkdir("d/sub", 0755));
    CALL(rename("d", "d/sub/d"));
    CALL(mkdir("empty", 0755));
    CALL(rename("empty", "d"));
    CALL(rename("d", "empty"));
    STAT("empty/f");
    STAT("d");
    CALL(rename("empty", "d"));
    put("one", "1");
    put("two", "22");
    CALL(rename("one", "two"));
    STAT("two");
    CALL(rename("two", "two/"));
    put("one", "1");
    CALL(link("one", "same"));
    CALL(rename("one", "same")); /* the same file: nothing happens */
    STAT("one");
    CALL(renameat2(AT_FDCWD, "one", AT_FDCWD, "two", 1 /* RENAME_NOREPLACE */));
    CALL(unlink("one"));
    CALL(unlink("same"));
    CALL(unlink("two"));
    CALL(unlink("d/f"));
    CALL(rmdir("d/sub"));
    CALL(rmdir("d"));
}

static void links(void)
{
    SAY("symlinks");
    put("f", "text");
    CALL(symlink("f", "s"));
    CALL(symlink("f", "s"));
    CALL(symlink("", "t"));
    CALL(symlink("f", "x/y"));
    STAT("s");
    CALL(readlink("s", buf, sizeof(buf)));
    CALL(readlink("s", buf, 0));
    CALL(readlink("f", buf, sizeof(buf)));
    CALL(readlink("nothing", buf, sizeof(buf)));
    CALL(symlink("longer than that", "l"));
    CALL(readlink("l", buf, 6));
    FD(open("l", O_RDONLY));
    int fd = FD(open("s", O_RDONLY));
    CALL(read(fd, buf, 10));
    close(fd);
    FD(open("s", O_RDONLY | O_NOFOLLOW));
    FD(open("s", O_WRONLY | O_CREAT | O_EXCL, 0644));
    FD(open("s/", O_RDONLY));
    CALL(symlink("loop2", "loop1"));
    CALL(symlink("loop1", "loop2"));
    FD(open("loop1", O_RDONLY));
    CALL(access("loop1", F_OK));
    CALL(mkdir("loop1", 0755));
    CALL(unlink("loop1"));
    CALL(unlink("loop2"));
    SAY("through a symlink");
    CALL(symlink("new", "dangling"));
    close(FD(open("dangling", O_WRONLY | O_CREAT, 0600)));
    STAT("new");
    CALL(mkdir("d", 0755));
    CALL(symlink("d", "sd"));
    put("sd/f", "1");
    STAT("d/f");
    CALL(rmdir("sd"));
    CALL(unlink("sd/"));
    CALL(unlink("sd"));
    CALL(unlink("d/f"));
    CALL(rmdir("d"));
    CALL(unlink("s"));
    CALL(unlink("l"));
    CALL(unlink("dangling"));
    CALL(unlink("new"));
    CALL(unlink("f"));
}

static void at_calls(void)
{
    struct stat st;
    SAY("the ...at calls");
    CALL(mkdirat(AT_FDCWD, "d", 0755));
    int d = FD(open("d", O_RDONLY | O_DIRECTORY));
    int f = FD(openat(d, "f", O_RDWR | O_CREAT, 0644));
    STAT("d/f");
    FD(openat(-1, "f", O_RDONLY));
    FD(openat(f, "f", O_RDONLY));
    close(FD(openat(-1, "/", O_RDONLY)));
    CALL(fstatat(d, "f", &st, 0));
    CALL(fstatat(d, "", &st, AT_EMPTY_PATH));
    CALL(fstatat(d, "", &st, 0));
    CALL(faccessat(d, "f", R_OK, 0));
    CALL(linkat(d, "f", d, "g", 0));
    CALL(symlinkat("f", d, "s"));
    CALL(readlinkat(d, "s", buf, sizeof(buf)));
    CALL(renameat(d, "g", AT_FDCWD, "g"));
    STAT("g");
    CALL(fchmod(f, 0600));
    CALL(fchmodat(d, "f", 0400, 0));
    STAT("d/f");
    CALL(chmod("nothing", 0600));
    CALL(unlinkat(d, "f", AT_REMOVEDIR));
    CALL(unlinkat(d, "f", 0));
    CALL(unlinkat(d, "s", 0));
    CALL(unlinkat(d, "s", 12345));
    SAY("open, and gone");
    CALL(write(f, "alive", 5));
    CALL(pread(f, buf, 10, 0));
    CALL(fstat(f, &st));
    SHOW(st.st_nlink);
    close(f);
    CALL(rmdir("d"));
    FD(openat(d, "f", O_WRONLY | O_CREAT, 0644));
    close(d);
    CALL(unlink("g"));
    SAY("where we are");
    CALL(mkdir("d", 0755));
    CALL(chdir("d"));
    IS(getcwd(buf, sizeof(buf)) != NULL && strncmp(buf, top, strlen(top)) == 0 &&
       strcmp(buf + strlen(top), "/d") == 0);
    IS(getcwd(buf, 3) == NULL && errno == ERANGE);
    CALL(chdir("nothing"));
    CALL(chdir(".."));
    put("f", "");
    CALL(chdir("f"));
    CALL(access("f", F_OK));
    CALL(access("nothing", F_OK));
    CALL(access("f", 99));
    CALL(unlink("f"));
    CALL(rmdir("d"));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void listing(const char *path)
{
    char *found[64];
    int n = 0;
    DIR *d = opendir(path);
    if (d == NULL) {
        printf("opendir of %s: %s\n", path, error_name(errno));
        return;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL && n < 64;) {
        char line[300];
        snprintf(line, sizeof(line), "%s %s", e->d_name,
                 e->d_type == DT_DIR ? "folder" : e->d_type == DT_REG ? "file"
                                              : e->d_type == DT_LNK ? "symlink" : "?");
        found[n++] = strdup(line);
    }
    qsort(found, (size_t)n, sizeof(found[0]), by_name);
    for (int i = 0; i < n; i++) {
        printf("  %s\n", found[i]);
        free(found[i]);
    }
    rewinddir(d);
    int again = 0;
    while (readdir(d) != NULL) {
        again++;
    }
    IS(again == n);
    CALL(closedir(d));
}

static void folders(void)
{
    struct stat st;
    SAY("listing");
    CALL(mkdir("d", 0755));
    put("d/b", "");
    put("d/a", "");
    CALL(symlink("a", "d/c"));
    CALL(mkdir("d/d", 0755));
    listing("d");
    listing("nothing");
    listing("d/a");
    CALL(stat("d/..", &st));
    CALL(unlink("d/a"));
    CALL(unlink("d/b"));
    CALL(unlink("d/c"));
    CALL(rmdir("d/d"));
    listing("d");
    CALL(rmdir("d"));
    SAY("times");
    put("f", "");
    struct timespec t[2] = {{1000, 5}, {2000, 7}};
    CALL(utimensat(AT_FDCWD, "f", t, 0));
    CALL(stat("f", &st));
    SHOW(st.st_atime);
    SHOW(st.st_mtime);
    t[0].tv_nsec = UTIME_OMIT;
    t[1].tv_nsec = UTIME_NOW;
    CALL(utimensat(AT_FDCWD, "f", t, 0));
    CALL(stat("f", &st));
    SHOW(st.st_atime);
    IS(st.st_mtime > 1000000000);
    t[1].tv_nsec = 2000000000;
    CALL(utimensat(AT_FDCWD, "f", t, 0));
    CALL(unlink("f"));
}

int main(void)
{
    begin();
    if (!enter_folder(top)) {
        return 1;
    }
    opening();
    names();
    links();
    at_calls();
    folders();
    CALL(chdir("/"));
    CALL(rmdir(top));
    return end();
}
