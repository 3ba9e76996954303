/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory mappings: anonymous, private and shared; their ends, their errors, and files below them. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/stat.h>

#include "../conform.h"

#define PAGE 4096ul

/* A mapping: its address isn't printed. */
#define MAP(...) trace_map(__LINE__, #__VA_ARGS__, mmap(__VA_ARGS__))

static char *trace_map(int line, const char *text, void *at)
{
    printf("%d: mmap(%s) = %s\n", line, text, at == MAP_FAILED ? error_name(errno) : "mapped");
    return at;
}

static char name[64];

static int new_file(const char *text, off_t size)
{
    snprintf(name, sizeof(name), "/tmp/mman-%d", (int)getpid());
    int fd = (int)MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));
    MUST(write(fd, text, strlen(text)));
    MUST(ftruncate(fd, size));
    return fd;
}

static bool all_are(const char *p, char c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != c) {
            return false;
        }
    }
    return true;
}

static void anonymous(void)
{
    SAY("anonymous");
    char *p = MAP(NULL, 5 * PAGE - 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    IS((uintptr_t)p % PAGE == 0);
    IS(all_are(p, 0, 5 * PAGE));
    memset(p, 'a', 5 * PAGE);
    CALL(mprotect(p + PAGE, PAGE, PROT_READ));
    IS(p[PAGE] == 'a');
    CALL(mprotect(p + PAGE, PAGE, PROT_NONE));
    CALL(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE));
    p[PAGE] = 'b';
    CALL(madvise(p + PAGE, PAGE, MADV_DONTNEED));
    IS(all_are(p + PAGE, 0, PAGE));
    IS(p[0] == 'a' && p[2 * PAGE] == 'a');
    CALL(munmap(p + 4 * PAGE, PAGE));
    CALL(munmap(p + 2 * PAGE, PAGE));
    CALL(msync(p, 5 * PAGE, MS_SYNC));
    CALL(msync(p, 2 * PAGE, MS_SYNC));
    CALL(madvise(p, 4 * PAGE, MADV_WILLNEED));
    CALL(mprotect(p, 3 * PAGE, PROT_READ | PROT_WRITE));
    p[0] = p[PAGE] = p[3 * PAGE] = 'c';
    CALL(munmap(p, 5 * PAGE));
    CALL(munmap(p, 5 * PAGE));
    p = MAP(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    p[0] = 'x';
    CALL(madvise(p, PAGE, MADV_DONTNEED));
    IS(p[0] == 'x');
    CALL(munmap(p, PAGE));
}

static void fixed(void)
{
    SAY("MAP_FIXED inside");
    int fd = new_file("the file", 8);
    char *p = MAP(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *q = MAP(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    IS(q == p + PAGE);
    q[5] = 'q';
    q = MAP(p + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);
    IS(q == p + 2 * PAGE && memcmp(q, "the file", 9) == 0);
    q = MAP(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    IS(q[5] == 0);
    MAP(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    MAP(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CALL(munmap(p, 4 * PAGE));
    close(fd);
}

static void private(void)
{
    SAY("private");
    int fd = new_file("0123456789", PAGE + 10);
    char *p = MAP(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *q = MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
    char text[10];
    IS(memcmp(p, "0123456789", 11) == 0);
    IS(all_are(p + PAGE, 0, PAGE) && all_are(q, 0, PAGE));
    p[0] = 'X';
    CALL(msync(p, PAGE, MS_SYNC));
    CALL(pread(fd, text, 10, 0));
    IS(text[0] == '0');
    CALL(madvise(p, PAGE, MADV_DONTNEED));
    IS(p[0] == '0');
    close(fd);
    IS(p[9] == '9');
    CALL(munmap(p, 2 * PAGE));
    CALL(munmap(q, PAGE));
}

static void shared(void)
{
    SAY("shared");
    int fd = new_file("0123456789", 2 * PAGE + 100);
    char text[16] = "";
    struct stat st;
    char *p = MAP(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *q = MAP(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    IS(p != q);
    p[0] = 'A';
    p[PAGE + 7] = 'B';
    IS(q[0] == 'A');
    CALL(pread(fd, text, 10, 0));
    IS(memcmp(text, "A123456789", 10) == 0);
    CALL(pwrite(fd, "Z", 1, 9));
    IS(p[9] == 'Z' && q[9] == 'Z');
    CALL(msync(p, 3 * PAGE, MS_SYNC));
    CALL(pwrite(fd, "end", 3, 2 * PAGE));
    IS(memcmp(p + 2 * PAGE, "end", 4) == 0);
    SAY("behind the end");
    p[2 * PAGE + 200] = 'L';
    CALL(fstat(fd, &st));
    SHOW(st.st_size);
    CALL(ftruncate(fd, 2 * PAGE + 300));
    CALL(pread(fd, text, 1, 2 * PAGE + 200));
    IS(text[0] == 0);
    CALL(ftruncate(fd, 5));
    CALL(ftruncate(fd, 20));
    CALL(pread(fd, text, 10, 0));
    IS(memcmp(text, "A1234\0\0\0\0\0", 10) == 0);
    IS(memcmp(p, "A1234\0\0\0\0\0", 10) == 0);
    CALL(ftruncate(fd, 2 * PAGE));
    CALL(pread(fd, text, 1, PAGE + 7));
    IS(text[0] == 0);
    SAY("the file goes, the mapping stays");
    close(fd);
    CALL(unlink(name));
    p[3] = '!';
    IS(q[3] == '!');
    CALL(munmap(p, 3 * PAGE));
    IS(q[3] == '!');
    CALL(munmap(q, PAGE));
}

static void write_back(void)
{
    SAY("what was written is in the file after munmap()");
    int fd = new_file("", 3 * PAGE);
    char *p = MAP(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
    strcpy(p + PAGE - 3, "across");
    CALL(munmap(p, PAGE));
    p[PAGE + 100] = 'x';
    CALL(munmap(p + PAGE, PAGE));
    char text[8] = "";
    CALL(pread(fd, text, 7, 2 * PAGE - 3));
    IS(strcmp(text, "across") == 0);
    CALL(pread(fd, text, 1, 2 * PAGE + 100));
    IS(text[0] == 'x');
    p = MAP(NULL, PAGE, PROT_NONE, MAP_SHARED, fd, 0);
    CALL(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    p[0] = 'y';
    CALL(mprotect(p, PAGE, PROT_NONE));
    CALL(munmap(p, PAGE));
    CALL(pread(fd, text, 1, 0));
    IS(text[0] == 'y');
    close(fd);
    unlink(name);
}

static void errors(void)
{
    SAY("errors");
    int fd = new_file("x", PAGE), ro = (int)MUST(open(name, O_RDONLY)), p[2];
    int wo = (int)MUST(open(name, O_WRONLY));
    unsigned char vec[4] = {0};
    MUST(pipe(p));
    MAP(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MAP(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0);
    MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0);
    MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, 1000, 0);
    MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100);
    MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, p[0], 0);
    MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0);
    MAP(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0);
    MAP(NULL, (size_t)1 << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *a = MAP(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0);
    a[0] = 'y';
    char *b = MAP(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
    CALL(mprotect(b, PAGE, PROT_READ | PROT_WRITE));
    CALL(mprotect(a + 1, PAGE, PROT_READ));
    CALL(mprotect(a, 0, PROT_READ));
    CALL(mprotect(a, PAGE, 0x100));
    CALL(munmap(a + 1, PAGE));
    CALL(munmap(a, 0));
    CALL(msync(a + 1, PAGE, MS_SYNC));
    CALL(msync(a, PAGE, MS_SYNC | MS_ASYNC));
    CALL(msync(a, PAGE, 64));
    CALL(madvise(a, PAGE, 77));
    CALL(madvise(a + 1, PAGE, MADV_NORMAL));
    CALL(posix_madvise(a, PAGE, POSIX_MADV_DONTNEED));
    IS(a[0] == 'y');
    CALL(mincore(a, PAGE, vec));
    IS(vec[0] & 1);
    CALL(mlock(a, PAGE));
    CALL(munlock(a, PAGE));
    CALL(mlockall(0));
    CALL(munmap(a, PAGE));
    CALL(munmap(b, PAGE));
    CALL(msync(a, PAGE, MS_SYNC));
    CALL(mincore(a, PAGE, vec));
    close(fd);
    close(ro);
    close(wo);
    unlink(name);
}

int main(void)
{
    anonymous();
    fixed();
    private();
    shared();
    write_back();
    errors();
    return end();
}
