/* sources: libos/net/net_pool.c LWIP_HEADERS */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of the TCP/IP stack: what is freed is used again without the heap, what is kept is
 * bounded and given back, and the account agrees with the heap's under any use.
 */
#include "unit.h"

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lwip/opt.h>

#include "net_pool.h"

#define MIB    (1024u * 1024)
#define BLOCKS 3000u

/* ---- a heap of so many bytes that rounds as ours does ---- */

static size_t heap_used, heap_size = SIZE_MAX;
static unsigned heap_calls;

static size_t rounded(size_t size)
{
    return size > 2048 ? (size + 4095) / 4096 * 4096 : size > 64 ? (size + 63) / 64 * 64 : (size + 15) / 16 * 16;
}

/* Its size stands before a block: ASan's own is not to be asked. */
void *heap_alloc(size_t size)
{
    size_t bytes = rounded(size);
    size_t *p = bytes <= heap_size - heap_used ? malloc(bytes + 16) : NULL;
    heap_calls++;
    if (p == NULL) {
        return NULL;
    }
    *p = bytes;
    heap_used += bytes;
    return p + 2;
}

size_t heap_usable(const void *p)
{
    return ((const size_t *)p)[-2];
}

void heap_free(void *p)
{
    heap_calls++;
    heap_used -= heap_usable(p);
    free((size_t *)p - 2);
}

void panic_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("%s:%d: panic: ", file, line);
    vprintf(fmt, ap);
    va_end(ap);
    abort();
}

static struct net_pool_stats stats(void)
{
    struct net_pool_stats s;
    net_pool_stats(&s);
    EXPECT(s.used + s.kept == heap_used);
    EXPECT(heap_used <= s.limit);
    return s;
}

static void test_used_again(void)
{
    static const size_t sizes[] = { 1, 56, 57, 100, 700, 1000, 1500, 2040, 2041, 4088, 4089, 65000, 17 * 4096 - 8 };

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t size = sizes[i];
        void *p = net_mem_alloc(size);
        EXPECT(p != NULL && (uintptr_t)p % MEM_ALIGNMENT == 0);
        memset(p, 0xa5, size);
        net_mem_free(p);
        unsigned before = heap_calls;
        char *again = net_mem_calloc(1, size);
        EXPECT(again == p && heap_calls == before);
        EXPECT(again[0] == 0 && again[size - 1] == 0);
        net_mem_free(again);
        EXPECT(stats().used == 0);
    }
    EXPECT(stats().kept > 0 && net_pool_drain() && stats().kept == 0 && !net_pool_drain());
    net_mem_free(NULL);
}

/* What is longer than any packet is the heap's alone. */
static void test_longest(void)
{
    void *p = net_mem_alloc(17 * 4096 - 7);
    EXPECT(p != NULL && stats().used == 18 * 4096);
    net_mem_free(p);
    EXPECT(heap_used == 0);
    EXPECT(net_mem_alloc(SIZE_MAX) == NULL && net_mem_alloc(SIZE_MAX - 7) == NULL);
    EXPECT(net_mem_calloc(SIZE_MAX / 2, 3) == NULL);
    EXPECT(stats().refused == 2);
}

/* However much was in use, only a small part of the limit is kept. */
static void test_bounded(size_t size)
{
    static void *p[BLOCKS];
    unsigned n = 0;

    while (n < BLOCKS && (p[n] = net_mem_alloc(size)) != NULL) {
        n++;
    }
    size_t most = heap_used;
    while (n > 0) {
        net_mem_free(p[--n]);
    }
    struct net_pool_stats s = stats();
    EXPECT(s.used == 0 && s.kept > 0 && s.kept < most / 2 && s.kept <= s.limit / 32);
}

/* Kept blocks don't stand in the way of others, neither at the limit nor where the heap has no more. */
static void test_short(void)
{
    enum { N = 64 };
    void *p[N];

    for (unsigned i = 0; i < N; i++) {
        EXPECT((p[i] = net_mem_alloc(1700)) != NULL);
    }
    for (unsigned i = 0; i < N; i++) {
        net_mem_free(p[i]);
    }
    struct net_pool_stats s = stats();
    EXPECT(s.kept > 0);
    void *all = net_mem_alloc(s.limit - 4096);
    EXPECT(all != NULL && stats().kept == 0);
    EXPECT(net_mem_alloc(8192) == NULL && stats().refused == s.refused + 1);
    net_mem_free(all);

    net_mem_free(net_mem_alloc(1700));
    heap_size = heap_used;
    void *other = net_mem_alloc(1000); /* fits into what the kept one gives back */
    EXPECT(other != NULL && stats().kept == 0);
    EXPECT(net_mem_alloc(2000) == NULL);
    heap_size = SIZE_MAX;
    net_mem_free(other);
}

/* Lengths of segments change: the ones that nobody wants any more make room for others. */
static void test_lengths_change(void)
{
    enum { N = 600 };
    static void *p[N];
    size_t sizes[] = { 30000, 50000 };

    for (unsigned s = 0; s < 2; s++) {
        for (unsigned i = 0; i < N; i++) {
            EXPECT((p[i] = net_mem_alloc(sizes[s])) != NULL);
        }
        for (unsigned i = 0; i < N; i++) {
            net_mem_free(p[i]);
        }
    }
    unsigned before = heap_calls;
    for (unsigned i = 0; i < 100; i++) {
        net_mem_free(net_mem_alloc(50000));
    }
    EXPECT(heap_calls == before);
}

static void test_random(void)
{
    static struct { unsigned char *p; size_t size; unsigned char fill; } b[BLOCKS];
    uint64_t seed = 7;

    for (unsigned turn = 0; turn < 300000; turn++) {
        unsigned i = (unsigned)(unit_random(&seed) % BLOCKS);
        if (b[i].p != NULL) {
            /* Both ends are as they were written: no other block lies there. */
            EXPECT(b[i].p[0] == b[i].fill && b[i].p[b[i].size - 1] == b[i].fill);
            net_mem_free(b[i].p);
            b[i].p = NULL;
        } else {
            uint64_t r = unit_random(&seed);
            b[i].size = r % 50 == 0 ? 1 + (r >> 8) % 80000 : 1 + (r >> 8) % 2100;
            b[i].fill = (unsigned char)(r >> 40);
            b[i].p = net_mem_alloc(b[i].size);
            if (b[i].p != NULL) {
                b[i].p[0] = b[i].p[b[i].size - 1] = b[i].fill;
            }
        }
        if (turn % 20000 == 0) {
            net_pool_drain();
            EXPECT(stats().kept == 0);
        }
        if (turn % 1000 == 0) {
            stats();
        }
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        net_mem_free(b[i].p);
    }
    EXPECT(stats().used == 0);
    net_pool_drain();
    EXPECT(heap_used == 0);
}

/* A block that is freed twice, or was none, ends the program: 1 tells that it did not. */
static int wrong_free(unsigned kind)
{
    char *p = net_mem_alloc(kind == 1 ? 5000 : 500);
    if (kind == 2) {
        net_mem_free(p + 16);
        return 1;
    }
    net_mem_free(p);
    net_mem_free(p);
    return 1;
}

static void test_wrong_free(void)
{
    for (unsigned kind = 0; kind < 3; kind++) {
        int status = 0;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            freopen("/dev/null", "w", stdout);
            _exit(wrong_free(kind));
        }
        EXPECT(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
               WTERMSIG(status) == SIGABRT);
    }
}

int main(void)
{
    net_pool_init(64 * MIB);
    test_used_again();
    test_longest();
    test_bounded(100);
    net_pool_drain();
    test_bounded(1500);
    net_pool_drain();
    test_bounded(65000);
    net_pool_drain();
    test_short();
    test_lengths_change();
    test_random();
    test_wrong_free();
    return unit_done();
}
