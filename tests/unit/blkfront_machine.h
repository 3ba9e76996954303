/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine of the block front end's test: pages with frame numbers, a grant table, a timer, and a
 * xenstore of two directories. Included once, by blkfront_peer.h.
 */
#pragma once

#include <errno.h>

#include <pith/cmdline.h>
#include <pith/machine.h>
#include <pith/page.h>
#include <pith/timer.h>
#include <pith/waitq.h>
#include <x86/mem.h>
#include <x86/probe.h>
#include <xenplat/blkfront.h>
#include <xenplat/evtchn.h>
#include <xenplat/frontend.h>
#include <xenplat/grant.h>
#include <xenplat/suspend.h>

#include <xen/grant_table.h>

#include "unit.h"

#include "fake_cpu.h"
#include "fake_log.h"

#define SECTORS 8192u
#define DOMAIN  3u
#define NUMBER  51712u

static uint64_t seed = 0xb10cf, now_ns = 1000;
static unsigned releases;
static long pages_out;
static bool no_pages;
static struct timer *armed;
static const char *options = "";

/* ---- the machine ---- */

void *page_alloc_n(size_t n)
{
    if (no_pages) {
        return NULL;
    }
    pages_out += (long)n;
    void *p = aligned_alloc(PAGE_SIZE, n * PAGE_SIZE);
    memset(p, 0xa5, n * PAGE_SIZE);
    return p;
}

void page_free_n(void *p, size_t n)
{
    pages_out -= (long)n;
    free(p);
}

void *page_alloc(unsigned order)
{
    return page_alloc_n(1UL << order);
}

void page_free(void *p, unsigned order)
{
    page_free_n(p, 1UL << order);
}

/* Frame numbers are places in a table of the pages that were ever asked for. */
#define FRAMES (1u << 20)
static uintptr_t frames[FRAMES];

paddr_t mem_to_paddr(const void *p, size_t want, size_t *len)
{
    uintptr_t va = (uintptr_t)p, page = va & ~(PAGE_SIZE - 1);
    size_t i = (page >> PAGE_SHIFT) * 0x9E3779B9u % FRAMES;
    while (frames[i] != 0 && frames[i] != page) {
        i = (i + 1) % FRAMES;
    }
    frames[i] = page;
    *len = want;
    return (i + 1) * PAGE_SIZE + va % PAGE_SIZE;
}

void *mem_from_paddr(paddr_t pa, size_t len)
{
    (void)len;
    return (void *)(frames[pa / PAGE_SIZE - 1] + pa % PAGE_SIZE);
}

static struct grant_entry_v1 *table[8];

unsigned grant_frames_limit(void)
{
    return 8;
}

void *grant_frame_map(unsigned index)
{
    table[index] = calloc(512, sizeof(struct grant_entry_v1));
    return table[index];
}

void grant_frames_resume(unsigned n)
{
    (void)n;
}

void xen_resume_add(struct xen_resume_hook *hook)
{
    (void)hook; /* moves are made by hand: test_moves() */
}

uint64_t platform_clock_ns(void)
{
    return now_ns += 1000;
}

void platform_irq_replay(void)
{
}

const struct boot_info *machine_boot_info(void)
{
    static const struct boot_info info = { .ram_total = 16 << 20 };
    return &info;
}

const char *cmdline_get(const char *name)
{
    return strcmp(name, "xen.blk") == 0 ? options : NULL;
}

uint64_t cmdline_get_u64(const char *name, uint64_t fallback)
{
    return strcmp(name, "blk.timeout") == 0 ? 5 : fallback;
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
    *t = (struct timer){ .fn = fn };
}

void timer_arm(struct timer *t, uint64_t deadline_ns)
{
    t->deadline_ns = deadline_ns;
    t->cpu = &fake_percpu;
    armed = t;
}

bool timer_cancel(struct timer *t)
{
    bool was = armed == t;
    armed = was ? NULL : armed;
    t->cpu = NULL;
    return was;
}

static void pass(uint64_t ns)
{
    uint64_t until = now_ns + ns;
    while (armed != NULL && armed->deadline_ns <= until) {
        struct timer *t = armed;
        now_ns = now_ns > t->deadline_ns ? now_ns : t->deadline_ns;
        armed = NULL;
        t->cpu = NULL;
        irq_save();
        t->fn(t);
        irq_unmask();
    }
    now_ns = until;
}

/* ---- xenstore, as far as it matters ---- */

static struct {
    char key[32];
    uint64_t value;
} front[32], back[32];

static uint64_t *node(bool of_back, const char *key, bool make)
{
    unsigned i = 0;
    while (i < 31 && (of_back ? back : front)[i].key[0] != '\0' &&
           strcmp((of_back ? back : front)[i].key, key) != 0) {
        i++;
    }
    if ((of_back ? back : front)[i].key[0] == '\0' && !make) {
        return NULL;
    }
    snprintf((of_back ? back : front)[i].key, 32, "%s", key);
    return &(of_back ? back : front)[i].value;
}

static void tell(const char *key, uint64_t value)
{
    *node(true, key, true) = value;
}

int xenstore_read_u64(uint32_t tx, const char *dir, const char *key, uint64_t *value)
{
    const uint64_t *n = node(dir[0] == '/', key, false);
    (void)tx;
    if (n != NULL) {
        *value = *n;
    }
    return n != NULL ? 0 : -ENOENT;
}

int xenstore_write_u64(uint32_t tx, const char *dir, const char *key, uint64_t value)
{
    EXPECT(tx == 1 && dir[0] != '/');
    *node(false, key, true) = value;
    return 0;
}

int xenstore_write(uint32_t tx, const char *dir, const char *key, const char *value)
{
    EXPECT(strcmp(key, "protocol") != 0 || strcmp(value, "x86_64-abi") == 0);
    return xenstore_write_u64(tx, dir, key, 0);
}
