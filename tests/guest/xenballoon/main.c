/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that uses memory while its domain's balloon goes up and down. Five times a second it
 * prints
 *
 *   tick N free KIB away KIB held KIB steal NS
 *
 * and looks through what it holds: a wrong byte is a line "bad: ..." and fails the test. Lines on the
 * console: "take MIB", which ends with "took MIB" (less where memory ran out), "drop" and "end".
 *
 *   xenballoon [TICKS]   ends by itself after so many ticks; 0: never
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pith/page.h>
#include <pith/platform.h>

#include "check.h"

#define MIB   (1ul << 20)
#define MAX   1024u /* blocks of a MiB */
#define STEP  4096u

static unsigned char *block[MAX];
static unsigned nblocks;
static unsigned long limit;

static void look_through(void)
{
    for (unsigned i = 0; i < nblocks; i++) {
        for (unsigned long at = 0; at < MIB; at += STEP) {
            uint64_t word;
            memcpy(&word, block[i] + at, sizeof(word));
            if (word != (uint64_t)(uintptr_t)(block[i] + at)) {
                printf("bad: block %u at %lu is %llx\n", i, at, (unsigned long long)word);
                CHECK(!"nothing bad");
                return;
            }
        }
    }
}

static void take(unsigned long mib)
{
    unsigned had = nblocks;

    while (mib-- > 0 && nblocks < MAX && (block[nblocks] = malloc(MIB)) != NULL) {
        for (unsigned long at = 0; at < MIB; at += STEP) {
            uint64_t word = (uint64_t)(uintptr_t)(block[nblocks] + at);
            memcpy(block[nblocks] + at, &word, sizeof(word));
        }
        nblocks++;
    }
    printf("took %u\n", nblocks - had);
}

static void drop(void)
{
    while (nblocks > 0) {
        free(block[--nblocks]);
    }
    printf("dropped\n");
}

/* Returns whether to end. */
static bool obey(const char *line)
{
    if (strncmp(line, "take ", 5) == 0) {
        take(strtoul(line + 5, NULL, 10));
    } else if (strncmp(line, "drop", 4) == 0) {
        drop();
    }
    return strncmp(line, "end", 3) == 0;
}

static bool read_order(void)
{
    static char line[80];
    static size_t len;
    ssize_t n = read(0, line + len, sizeof(line) - 1 - len);

    if (n <= 0) {
        return false;
    }
    len += (size_t)n;
    line[len] = '\0';
    if (strpbrk(line, "\r\n") == NULL && len < sizeof(line) - 1) {
        return false;
    }
    len = 0;
    return obey(line);
}

static void run(void)
{
    const struct timespec nap = {.tv_nsec = 200000000};
    unsigned long ticks = 0;

    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    do {
        struct page_stats stats;
        page_stats(&stats);
        printf("tick %lu free %zu away %zu held %lu steal %llu\n", ++ticks, stats.free * 4,
               platform_pages_away() * 4, nblocks * (MIB >> 10),
               (unsigned long long)platform_steal_ns());
        look_through();
        nanosleep(&nap, NULL);
    } while (!read_order() && (limit == 0 || ticks < limit));
    drop();
}

int main(int argc, char **argv)
{
    limit = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    check_run("balloon", run);
    return check_done();
}
