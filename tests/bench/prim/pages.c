/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory by the page: mapping, the first touch, changing what is allowed. */
#include "prim.h"

#include <stddef.h>
#include <sys/mman.h>

#define PAGE   4096u
#define TOUCH  256u /* pages of a mapping that is touched */

static char *area;

static char *map(size_t size)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void map_unmap(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char *p = map(16 * PAGE);
        if (p != NULL) {
            munmap(p, 16 * PAGE);
        }
    }
}

/* Per page: its part of mmap and munmap, and its first touch, be that a fault or not. */
static void map_touch(unsigned n)
{
    for (unsigned done = 0; done < n; done += TOUCH) {
        char *p = map(TOUCH * PAGE);
        if (p == NULL) {
            return;
        }
        for (unsigned i = 0; i < TOUCH; i++) {
            ((volatile char *)p)[(size_t)i * PAGE] = 1;
        }
        munmap(p, TOUCH * PAGE);
    }
}

static void protect_pair(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        mprotect(area, PAGE, PROT_READ);
        mprotect(area, PAGE, PROT_READ | PROT_WRITE);
    }
}

void measure_pages(void)
{
    measure("mmap_munmap_64k", 500, map_unmap);
    measure("mmap_touch_page", TOUCH * 2, map_touch);
    area = map(4 * PAGE);
    if (area != NULL) {
        measure("mprotect_pair", 500, protect_pair);
    }
}
