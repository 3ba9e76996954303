/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings where Linux can't be asked: on every bed, of a folder of the host, protection that faults,
 * memory that comes back, and copies that are written back when the program ends.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <pith/page.h>
#include <pith/platform.h>

#include "check.h"

#define PAGE 4096ul

static size_t free_pages(void)
{
    struct page_stats stats;
    page_stats(&stats);
    return stats.free;
}

/* Whether a read faults, found out without one. */
static bool readable(const void *p)
{
    unsigned char byte;
    return platform_probe_read(&byte, p, 1) == 0;
}

static void protection(void)
{
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    CHECK_EQ(mprotect(p + PAGE, PAGE, PROT_NONE), 0);
    CHECK(readable(p) && !readable(p + PAGE) && readable(p + 2 * PAGE));
    CHECK_EQ(mprotect(p + PAGE, PAGE, PROT_READ), 0);
    CHECK(readable(p + PAGE));
    CHECK_EQ(munmap(p + 2 * PAGE, PAGE), 0);
    CHECK(!readable(p + 2 * PAGE) && readable(p + 3 * PAGE));
    errno = 0;
    CHECK(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == -1 && errno == EACCES);
    errno = 0;
    CHECK(mmap(NULL, PAGE, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == EACCES);
    CHECK_EQ(munmap(p, 4 * PAGE), 0);
    p = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED && !readable(p));
    CHECK_EQ(madvise(p, PAGE, MADV_DONTNEED), 0);
    CHECK(!readable(p));
    CHECK_EQ(munmap(p, 2 * PAGE), 0);
}

static void memory_comes_back(void)
{
    int fd = open("/tmp/file", O_RDWR | O_CREAT, 0644);
    CHECK_EQ(ftruncate(fd, 64 * (long)PAGE), 0);
    for (int round = 0; round < 2; round++) { /* the first one makes what stays */
        size_t before = free_pages();
        for (int i = 0; i < 10; i++) {
            char *a = mmap(NULL, 33 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            char *b = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            char *c = mmap(NULL, 9 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
            CHECK(a != MAP_FAILED && b != MAP_FAILED && c != MAP_FAILED);
            b[5 * PAGE] = 1;
            CHECK(munmap(a + 4 * PAGE, PAGE) == 0 && munmap(a, 33 * PAGE) == 0);
            CHECK(munmap(b, 64 * PAGE) == 0 && !readable(b));
            CHECK_EQ(munmap(c, 9 * PAGE), 0);
        }
        CHECK(round == 0 || free_pages() + 4 >= before);
    }
    size_t with = free_pages();
    char *b = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    unlink("/tmp/file");
    memset(b, 7, 64 * PAGE);
    CHECK_EQ(munmap(b, 64 * PAGE), 0);
    CHECK(free_pages() >= with + 32); /* the file went with its last mapping */
    errno = 0;
    CHECK(mmap(NULL, 1ul << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == ENOMEM);
}

/* The tail of a mapping goes back at once. */
static void tails_come_back(void)
{
    size_t before = free_pages();
    char *p = mmap(NULL, 1024 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_EQ(munmap(p + 16 * PAGE, 1008 * PAGE), 0);
    CHECK(free_pages() + 64 >= before);
    p[15 * PAGE] = 1;
    CHECK_EQ(munmap(p, 16 * PAGE), 0);
}

static void processes(void)
{
    pid_t pid;
    char *argv[] = {(char *)"x", NULL};
    CHECK(fork() == -1 && errno == ENOSYS);
    CHECK(execv("/x", argv) == -1 && errno == ENOSYS);
    CHECK_EQ(posix_spawn(&pid, "/x", NULL, NULL, argv, argv), ENOSYS);
    CHECK_EQ(system(NULL), 0);
    CHECK(popen("x", "r") == NULL && errno == ENOSYS);
    CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
}

static void the_rest(void)
{
    struct rlimit limit;
    struct rusage usage;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 65536);
    limit.rlim_cur = 100;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 100);
    limit.rlim_max = 1 << 20;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == -1 && errno == EPERM);
    CHECK(getrlimit(99, &limit) == -1 && errno == EINVAL);
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0);
    CHECK(getgrgid(0) != NULL && strcmp(getgrgid(0)->gr_name, "root") == 0 && getgrgid(7) == NULL);
    CHECK(setuid(0) == 0 && setuid(33) == -1 && errno == EPERM);
    void *self = dlopen(NULL, RTLD_NOW);
    size_t (*length)(const char *) = (size_t (*)(const char *))dlsym(self, "strlen");
    CHECK(length != NULL && length("four") == 4);
    CHECK(dlsym(self, "no such thing") == NULL && dlerror() != NULL && dlerror() == NULL);
    CHECK(dlopen("libx.so", RTLD_NOW) == NULL && dlerror() != NULL);
    Dl_info info;
    CHECK(dladdr((char *)(uintptr_t)the_rest + 5, &info) != 0 && strcmp(info.dli_sname, "the_rest") == 0);
    CHECK(info.dli_saddr == (void *)(uintptr_t)the_rest && info.dli_fname != NULL);
    CHECK(dladdr(&info, &info) == 0 && dladdr(NULL, &info) == 0);
    openlog("mman", LOG_PID, LOG_DAEMON);
    errno = ENOENT;
    syslog(LOG_ERR, "it is %d%%: %m", 100);
    setlogmask(LOG_UPTO(LOG_ERR));
    syslog(LOG_INFO, "not told");
}

/* A folder of the host: copies, which host.py looks at afterwards. */
static void share(void)
{
    int fd = open("/share/file", O_RDWR);
    char text[8] = "";
    CHECK(fd >= 0);
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED && memcmp(p, "from the host", 13) == 0);
    p[0] = 'F';
    CHECK_EQ(pread(fd, text, 1, 0), 1);
    CHECK(text[0] == 'f'); /* a copy, as docs/files.md says */
    CHECK_EQ(pwrite(fd, "?", 1, 500), 1);
    CHECK_EQ(msync(p, PAGE, MS_SYNC), 0);
    CHECK_EQ(pread(fd, text, 1, 0), 1);
    CHECK(text[0] == 'F');
    int memory = open("/tmp/pages", O_RDWR | O_CREAT, 0644);
    CHECK_EQ(ftruncate(memory, PAGE), 0);
    char *q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    CHECK(pread(fd, q, PAGE, 0) == -1 && errno == EFAULT); /* pages that are shown elsewhere */
    CHECK(pwrite(fd, q, 10, 100) == -1 && errno == EFAULT);
    CHECK_EQ(munmap(q, PAGE), 0);
    close(memory);
    p[PAGE] = 'u';
    CHECK_EQ(munmap(p + PAGE, PAGE), 0);
    memcpy(p + 2 * PAGE, "at the end", 10);
    CHECK_EQ(mprotect(p, 3 * PAGE, PROT_NONE), -1); /* the middle is gone */
    close(fd);
}

int main(int argc, char **argv)
{
    (void)argv;
    check_run("protection", protection);
    check_run("memory-comes-back", memory_comes_back);
    check_run("tails-come-back", tails_come_back);
    check_run("processes", processes);
    check_run("the-rest", the_rest);
    if (argc > 1) {
        check_run("folder-of-the-host", share);
    }
    _exit(check_done()); /* what is written back doesn't need exit() */
}
