/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcpy, memmove and memset of toolchain/string against a byte loop: every size up to 700 and some
 * behind, every alignment, overlaps in both directions, at both ends of pages that have none beside
 * them; with vectors, without, and as in an interrupt, where registers that they would use have to
 * stay. The functions are renamed to pith_*, see run.sh.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "search.h"

#define AREA 4096
#define MOST 1500

void *pith_memcpy(void *to, const void *from, size_t size);
void *pith_memmove(void *to, const void *from, size_t size);
void *pith_memset(void *to, int byte, size_t size);

extern uint8_t __string_wide; /* memcpy.S */
uint8_t masked;               /* in place of the CPU's interrupt mask */

static unsigned char *from, *to;
static unsigned char want[AREA];

/* A page between two that are not there. */
static unsigned char *page(void)
{
    unsigned char *p = mmap(NULL, 3 * AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + AREA, AREA, PROT_READ | PROT_WRITE) != 0) {
        perror("mmap");
        exit(1);
    }
    return p + AREA;
}

static void fill(void)
{
    for (size_t i = 0; i < AREA; i++) {
        from[i] = (unsigned char)rand();
        to[i] = want[i] = (unsigned char)rand();
    }
}

static void compare(const char *function, const void *result, const void *expected, size_t size,
                    size_t a, size_t b)
{
    if (result != expected || memcmp(to, want, AREA) != 0) {
        printf("%s is wrong: size %zu, offsets %zu %zu, vectors %d, masked %d\n", function, size, a, b,
               __string_wide, masked);
        exit(1);
    }
}

static void test_copy_and_set(size_t size, size_t a, size_t b)
{
    unsigned char *target = to + b;

    for (size_t i = 0; i < size; i++) {
        want[b + i] = from[a + i];
    }
    compare("memcpy", pith_memcpy(target, from + a, size), target, size, a, b);
    for (size_t i = 0; i < size; i++) {
        want[b + i] = (unsigned char)(a * 37 + 1);
    }
    /* Only the low byte of the value counts. */
    compare("memset", pith_memset(target, (int)(unsigned char)(a * 37 + 1) | 0x100, size), target, size, a, b);
}

static void test_move(size_t size, size_t source, size_t target)
{
    unsigned char copy[MOST];
    for (size_t i = 0; i < size; i++) {
        copy[i] = to[source + i];
    }
    for (size_t i = 0; i < size; i++) {
        want[target + i] = copy[i];
    }
    compare("memmove", pith_memmove(to + target, to + source, size), to + target, size, source,
            target);
}

static void test_all(void)
{
    for (size_t size = 0; size < MOST; size += size < 300 ? 1 : 7) {
        fill();
        for (size_t a = 0; a < 35; a += size < 40 || a > 30 ? 1 : 5) {
            for (size_t b = 0; b < 35; b += size < 40 || b > 30 ? 1 : 3) {
                test_copy_and_set(size, 64 + a, 64 + b);
            }
        }
        /* Nothing is read or written beyond either end. */
        test_copy_and_set(size, 0, AREA - size);
        test_copy_and_set(size, AREA - size, 0);
        test_copy_and_set(size, AREA - size, AREA - size);
    }
    for (size_t size = 0; size < MOST; size += size < 80 ? 1 : 13) {
        fill();
        for (size_t distance = 0; distance < 1200; distance += distance < 40 ? 1 : 17) {
            for (size_t a = 0; a < 34; a += 3) {
                test_move(size, 1024 + a, 1024 + a + distance);
                test_move(size, 1024 + a + distance, 1024 + a);
            }
        }
        test_move(size, 1, 0);
        test_move(size, AREA - size - 1, AREA - size);
    }
}

/* How many of the low vector registers' bytes change when the functions copy? */
static unsigned changed(void)
{
    unsigned char in[9 * 16], out[9 * 16];
    unsigned n = 0;
    memset(in, 0xa5, sizeof(in));
    __asm__ volatile(".irp r,0,1,2,3,4,5,6,7,8\n\tmovdqu 16*\\r(%0), %%xmm\\r\n\t.endr\n\t"
                     "mov %2, %%rdi\n\tmov %3, %%rsi\n\tmov $1000, %%edx\n\tcall pith_memcpy\n\t"
                     "lea 1(%2), %%rdi\n\tmov %2, %%rsi\n\tmov $1000, %%edx\n\tcall pith_memmove\n\t"
                     "mov %2, %%rdi\n\tmov $1000, %%edx\n\tcall pith_memset\n\t"
                     ".irp r,0,1,2,3,4,5,6,7,8\n\tmovdqu %%xmm\\r, 16*\\r(%1)\n\t.endr"
                     : : "r"(in), "r"(out), "r"(to), "r"(from)
                     : "rax", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "cc", "memory", "xmm0",
                       "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8");
    for (size_t i = 0; i < sizeof(in); i++) {
        n += in[i] != out[i];
    }
    return n;
}

int main(void)
{
    from = page();
    to = page();
    test_all();
    if (__builtin_cpu_supports("avx")) {
        __string_wide = 1;
        test_all();
        if (changed() == 0) {
            puts("nothing was copied by vectors");
            return 1;
        }
        masked = 1;
        test_all();
        if (changed() != 0) {
            puts("vector registers were used in an interrupt");
            return 1;
        }
    }
    test_search();
    if (__builtin_cpu_supports("avx2")) {
        __string_wide |= 2;
        test_search();
    }
    puts("string functions are right");
    return 0;
}
