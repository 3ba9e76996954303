/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mixed load on a file system that is full now and then: several threads create, write, map, read,
 * cut, rename and remove files whose contents they know. In epochs: after each all is removed, and the
 * program's memory and the disk's free blocks and inodes have to be what they were after the first one.
 *
 *     diskload SECONDS STEPS      at least so long, and so many steps of each thread and epoch
 */
#define _GNU_SOURCE
#include <check.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <pith/heap.h>
#include <pith/page.h>

#include "load.h"

#define THREADS    4u
#define EPOCHS     3u   /* at least */
#define SLACK      4096 /* bytes of small blocks: inodes that are kept for a while */
#define PAGE_SLACK 16   /* large blocks of these */

static struct worker worker[THREADS];
static unsigned seconds, steps;

struct state {
    struct heap_stats heap;
    unsigned long blocks, inodes; /* free ones of the disk */
};

static void *work(void *arg)
{
    struct worker *w = arg;
    bool good = true;
    for (unsigned i = 0; i < steps && good; i++) {
        good = load_step(w);
    }
    return (void *)(good && load_check(w) ? w : NULL);
}

/* What is in use when nothing is. */
static void take_state(struct state *s)
{
    struct statvfs vfs;
    sync();
    while (page_reclaim() != 0) {
    }
    heap_trim();
    heap_stats(&s->heap);
    CHECK_EQ(statvfs("/data", &vfs), 0);
    s->blocks = vfs.f_bfree;
    s->inodes = vfs.f_ffree;
}

/* One epoch; the last leaves its files for the host to look at. */
static bool epoch(unsigned number)
{
    pthread_t t[THREADS];
    bool good = true;
    for (unsigned i = 0; i < THREADS; i++) {
        good = good && load_begin(&worker[i], i);
        worker[i].rng += number * 0x2545f4914f6cdd1du;
    }
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, work, &worker[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *end = NULL;
        CHECK_EQ(pthread_join(t[i], &end), 0);
        good = good && end != NULL;
    }
    for (unsigned i = 0; i < THREADS; i++) {
        if (!CHECK(worker[i].why[0] == '\0')) {
            printf("%s\n", worker[i].why);
        }
    }
    return good;
}

static void load(void)
{
    struct timespec begin, now;
    struct state first, last;
    unsigned number = 0;
    unsigned long done[LOAD_OPS] = { 0 }, full = 0;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        if (!CHECK(epoch(number))) {
            return;
        }
        for (unsigned i = 0; i < THREADS; i++) {
            for (unsigned k = 0; k < LOAD_OPS; k++) {
                done[k] += worker[i].done[k];
            }
            full += worker[i].full;
            if (!CHECK(load_end(&worker[i]))) {
                printf("%s\n", worker[i].why);
                return;
            }
        }
        take_state(number == 0 ? &first : &last);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (number > 0 && (!CHECK(last.heap.small_bytes <= first.heap.small_bytes + SLACK) ||
                           !CHECK(last.heap.large_pages <= first.heap.large_pages + PAGE_SLACK) ||
                           !CHECK_EQ(last.blocks, first.blocks) || !CHECK_EQ(last.inodes, first.inodes))) {
            break;
        }
        number++;
    } while (number < EPOCHS || now.tv_sec - begin.tv_sec < seconds);
    printf("%u epochs in %ld s; in use after the first and the last: %zu and %zu bytes, %zu and %zu pages\n", number,
           (long)(now.tv_sec - begin.tv_sec), first.heap.small_bytes, last.heap.small_bytes,
           first.heap.large_pages, last.heap.large_pages);
    printf("no room %lu times; operations:", full);
    for (unsigned k = 0; k < LOAD_OPS; k++) {
        CHECK(done[k] != 0);
        printf(" %lu", done[k]);
    }
    printf("\n");
    CHECK(full != 0);
}

/* Once more, and what it leaves stays: e2fsck looks at it. */
static void leave(void)
{
    CHECK(epoch(1000));
    sync();
}

int main(int argc, char **argv)
{
    seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    steps = argc > 2 ? (unsigned)atoi(argv[2]) : 400;
    CHECK_EQ(mkdir("/data/load", 0755), 0);
    check_run("load", load);
    check_run("leave", leave);
    return check_done();
}
