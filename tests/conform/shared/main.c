/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs share by a name: memory (shm_open), semaphores; memory without one; mremap(). */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../conform.h"

#define PAGE 4096ul

static char name[64], other[64];
static char longest[300];

static void *map(int fd, size_t pages, int flags)
{
    void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED) {
        printf("mmap: %s\n", error_name(errno));
        exit(1);
    }
    return p;
}

static void show_file(int fd)
{
    struct stat st;
    MUST(fstat(fd, &st));
    printf("size %ld mode %o links %ld\n", (long)st.st_size, (unsigned)st.st_mode, (long)st.st_nlink);
}

static void memory_by_name(void)
{
    SAY("shm_open");
    CALL(shm_open(name, O_RDWR, 0));
    CALL(shm_unlink(name));
    int fd = FD(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0640));
    show_file(fd);
    IS(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CALL(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
    CALL(ftruncate(fd, 2 * PAGE));
    char *p = map(fd, 2, MAP_SHARED);
    int again = FD(shm_open(name + 1, O_RDWR, 0)); /* the slash is nothing */
    char *q = map(again, 2, MAP_SHARED);
    strcpy(p + PAGE, "seen by both");
    IS(p != q && strcmp(q + PAGE, "seen by both") == 0);
    int reader = FD(shm_open(name, O_RDONLY, 0));
    char text[13];
    CALL(pread(reader, text, sizeof(text), PAGE));
    IS(strcmp(text, "seen by both") == 0);
    IS(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES);
    CALL(shm_unlink(name));
    CALL(shm_unlink(name));
    show_file(fd);
    q[PAGE] = 'S';
    IS(p[PAGE] == 'S');
    CALL(close(fd) | close(again) | close(reader));
    q[PAGE] = 's';
    IS(p[PAGE] == 's');
    CALL(munmap(p, 2 * PAGE) | munmap(q, 2 * PAGE));
    fd = FD(shm_open(name, O_RDWR | O_CREAT, 0600));
    show_file(fd); /* another one */
    CALL(ftruncate(fd, 100));
    CALL(close(shm_open(name, O_RDWR | O_TRUNC, 0)));
    show_file(fd);
    CALL(shm_unlink(name) | close(fd));
    CALL(shm_open("", O_RDWR | O_CREAT, 0600));
    CALL(shm_open("/", O_RDWR | O_CREAT, 0600));
    CALL(shm_open("/a/b", O_RDWR | O_CREAT, 0600));
    CALL(shm_open(longest, O_RDWR | O_CREAT, 0600));
    CALL(shm_unlink("/a/b"));
    CALL(shm_unlink(""));
}

static void memory_without(void)
{
    SAY("memfd_create");
    int fd = FD(memfd_create("anything / at all", MFD_CLOEXEC));
    struct stat st;
    MUST(fstat(fd, &st));
    IS(S_ISREG(st.st_mode) && st.st_size == 0 && st.st_nlink == 0);
    IS(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    CALL(ftruncate(fd, 3 * PAGE));
    char *p = map(fd, 3, MAP_SHARED), *q = map(fd, 3, MAP_PRIVATE);
    CALL(pwrite(fd, "written", 7, PAGE));
    IS(memcmp(p + PAGE, "written", 7) == 0);
    q[PAGE] = 'W';
    IS(p[PAGE] == 'w');
    int second = FD(memfd_create("anything / at all", 0));
    IS(fcntl(second, F_GETFD) == 0);
    CALL(lseek(second, 0, SEEK_END));
    CALL(close(fd) | close(second));
    p[PAGE] = 'x';
    CALL(munmap(p, 3 * PAGE) | munmap(q, 3 * PAGE));
    CALL(memfd_create("x", 0x100000));
    CALL(memfd_create(longest, 0));
    CALL(close(memfd_create("", MFD_ALLOW_SEALING)));
}

static void *post_it(void *sem)
{
    sem_post(sem);
    return NULL;
}

#define OPEN(...) (errno = 0, trace_sem(__LINE__, #__VA_ARGS__, sem_open(__VA_ARGS__)))

static sem_t *trace_sem(int line, const char *text, sem_t *sem)
{
    printf("%d: sem_open(%s) = %s\n", line, text, sem == SEM_FAILED ? error_name(errno) : "opened");
    return sem;
}

static void semaphores(void)
{
    int value;
    pthread_t t;
    SAY("sem_open");
    OPEN(name, 0);
    sem_t *a = OPEN(name, O_CREAT | O_EXCL, 0600, 2);
    OPEN(name, O_CREAT | O_EXCL, 0600, 2);
    sem_t *b = OPEN(name, O_CREAT, 0600, 7);
    sem_t *c = OPEN(name + 1, 0);
    IS(a == b);
    CALL(sem_getvalue(b, &value));
    SHOW(value);
    CALL(sem_wait(a) | sem_wait(b));
    CALL(sem_trywait(c));
    MUST(-pthread_create(&t, NULL, post_it, c));
    CALL(sem_wait(a));
    pthread_join(t, NULL);
    CALL(sem_close(c));
    CALL(sem_unlink(name));
    CALL(sem_unlink(name));
    OPEN(name, 0);
    sem_t *d = OPEN(name, O_CREAT, 0600, 0); /* another one */
    IS(d != a);
    CALL(sem_post(a) | sem_trywait(a));
    CALL(sem_trywait(d));
    CALL(sem_close(a) | sem_close(b) | sem_close(d));
    d = OPEN(name, 0); /* closed is not unlinked */
    CALL(sem_getvalue(d, &value));
    CALL(sem_close(d) | sem_unlink(name));
    sem_t own;
    sem_init(&own, 0, 1);
    CALL(sem_close(&own));
    OPEN(other, O_CREAT, 0600, 0x80000000u);
    OPEN("", O_CREAT, 0600, 1);
    OPEN("/", O_CREAT, 0600, 1);
    OPEN("/a/b", O_CREAT, 0600, 1);
    OPEN(longest, O_CREAT, 0600, 1);
    CALL(sem_unlink("/a/b"));
    CALL(sem_unlink(""));
}

#define REMAP(...) (errno = 0, trace_map(__LINE__, #__VA_ARGS__, mremap(__VA_ARGS__)))

static char *trace_map(int line, const char *text, void *p)
{
    printf("%d: mremap(%s) = %s\n", line, text, p == MAP_FAILED ? error_name(errno) : "mapped");
    return p;
}

static void remapping(void)
{
    SAY("mremap");
    char *p = map(-1, 4, MAP_PRIVATE | MAP_ANONYMOUS);
    for (unsigned i = 0; i < 4; i++) {
        p[i * PAGE] = (char)('a' + i);
    }
    IS(REMAP(p, 4 * PAGE, 4 * PAGE, 0) == p);
    IS(REMAP(p, 4 * PAGE - 5, 4 * PAGE - 9, 0) == p);
    IS(REMAP(p, 4 * PAGE, 3 * PAGE, 0) == p);
    IS(p[0] == 'a' && p[2 * PAGE] == 'c');
    CALL(msync(p, 4 * PAGE, MS_ASYNC)); /* the fourth is gone */
    p = REMAP(p, 3 * PAGE, 1000 * PAGE, MREMAP_MAYMOVE);
    IS(p[0] == 'a' && p[PAGE] == 'b' && p[2 * PAGE] == 'c' && p[3 * PAGE] == 0 && p[999 * PAGE] == 0);
    p[999 * PAGE] = 'z';
    CALL(mprotect(p, 1000 * PAGE, PROT_READ));
    p = REMAP(p, 1000 * PAGE, 1500 * PAGE, MREMAP_MAYMOVE);
    IS(p[999 * PAGE] == 'z' && p[1499 * PAGE] == 0);
    CALL(munmap(p, 1500 * PAGE));

    int fd = (int)MUST(memfd_create("remapped", 0));
    MUST(ftruncate(fd, 8 * PAGE));
    MUST(pwrite(fd, "eight", 5, 7 * PAGE));
    char *s = map(fd, 2, MAP_SHARED);
    s[0] = 'S';
    s = REMAP(s, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    IS(s[0] == 'S' && memcmp(s + 7 * PAGE, "eight", 5) == 0);
    MUST(pwrite(fd, "E", 1, 7 * PAGE));
    IS(s[7 * PAGE] == 'E');
    char *q = map(fd, 2, MAP_PRIVATE);
    q[1] = 'q';
    q = REMAP(q, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    IS(q[0] == 'S' && q[1] == 'q' && q[7 * PAGE] == 'E');
    IS(s[1] == 0);
    CALL(munmap(q, 8 * PAGE) | munmap(s, 8 * PAGE) | close(fd));

    p = map(-1, 2, MAP_PRIVATE | MAP_ANONYMOUS);
    REMAP(p, 2 * PAGE, 0, MREMAP_MAYMOVE);
    REMAP(p + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
    REMAP(p, PAGE, 2 * PAGE, 0x80);
    CALL(munmap(p, 2 * PAGE));
    REMAP(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
    REMAP(p, PAGE, PAGE, 0);
}

int main(void)
{
    begin();
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    snprintf(name, sizeof(name), "/conform-%d", (int)getpid());
    snprintf(other, sizeof(other), "/conform-other-%d", (int)getpid());
    memory_by_name();
    memory_without();
    semaphores();
    remapping();
    return end();
}
