/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the machine below the server counts: memory by owner, network cards with their rings and
 * interrupts, the network. The only file of httpd that is Pith's alone; each subsystem is asked by
 * its public header, so the list of them is this file.
 */
#include <inttypes.h>
#include <stddef.h>

#include <pith/heap.h>
#include <pith/netdev.h>
#include <pith/netstats.h>
#include <pith/page.h>
#include <pith/platform.h>
#include <pith/thread.h>

#include "counters.h"

#define NS_PER_S 1000000000u

static void describe(struct text *page, const char *name, const char *type, const char *help)
{
    text_printf(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(struct text *page, const char *name, const char *help, uint64_t value)
{
    describe(page, name, "gauge", help);
    text_printf(page, "%s %" PRIu64 "\n", name, value);
}

static void add_memory(struct text *page)
{
    struct page_stats pages;
    struct heap_stats heap;
    size_t away = platform_pages_away();
    page_stats(&pages);
    heap_stats(&heap);
    size_t known = pages.free + heap.pages + away; /* not all of the same moment */
    gauge(page, "pith_memory_bytes", "Memory that the page allocator manages.",
          pages.total * PAGE_SIZE);
    gauge(page, "pith_memory_free_bytes", "Of it, free.", pages.free * PAGE_SIZE);
    gauge(page, "pith_memory_free_low_bytes", "The least that was ever free.",
          pages.low * PAGE_SIZE);
    describe(page, "pith_memory_used_bytes", "gauge", "Memory in use, by owner.");
    text_printf(page, "pith_memory_used_bytes{owner=\"heap\"} %zu\n", heap.pages * PAGE_SIZE);
    text_printf(page, "pith_memory_used_bytes{owner=\"other\"} %zu\n",
                (pages.total > known ? pages.total - known : 0) * PAGE_SIZE);
    text_printf(page, "pith_memory_used_bytes{owner=\"host\"} %zu\n", away * PAGE_SIZE);
    gauge(page, "pith_heap_small_bytes", "Bytes in use in blocks of at most 2 KiB.",
          heap.small_bytes);
    gauge(page, "pith_heap_large_bytes", "Bytes in use in larger blocks.",
          heap.large_pages * PAGE_SIZE);
    gauge(page, "pith_threads", "Threads.", thread_count());
    describe(page, "pith_cpu_steal_seconds_total", "counter",
             "Time that the CPUs were ready and the host ran others; 0 where it does not say.");
    uint64_t steal = platform_steal_ns();
    text_printf(page, "pith_cpu_steal_seconds_total %" PRIu64 ".%09" PRIu64 "\n",
                steal / NS_PER_S, steal % NS_PER_S);
}

/* One family of metrics with a line for each card, as the format wants it. */
static void add_cards(struct text *page)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } fields[] = {
        { "pith_net_rx_frames_total", "Frames received.",
          offsetof(struct netdev_stats, rx_frames) },
        { "pith_net_rx_bytes_total", "Bytes received.", offsetof(struct netdev_stats, rx_bytes) },
        { "pith_net_rx_dropped_total", "Frames dropped: malformed, or no memory.",
          offsetof(struct netdev_stats, rx_dropped) },
        { "pith_net_rx_nobuf_total", "Times that the receive ring was out of buffers.",
          offsetof(struct netdev_stats, rx_nobuf) },
        { "pith_net_tx_frames_total", "Frames sent.", offsetof(struct netdev_stats, tx_frames) },
        { "pith_net_tx_bytes_total", "Bytes sent.", offsetof(struct netdev_stats, tx_bytes) },
        { "pith_net_tx_dropped_total", "Frames not sent.",
          offsetof(struct netdev_stats, tx_dropped) },
        { "pith_net_interrupts_total", "Interrupts of the card.",
          offsetof(struct netdev_stats, interrupts) },
        { "pith_net_notifies_total", "Notifications of the host, each an exit.",
          offsetof(struct netdev_stats, notifies) },
    };
    struct netdev dev; /* a copy: devices may be taken away meanwhile */
    bool any = netdev_copy(0, &dev);
    for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]) && any; f++) {
        describe(page, fields[f].name, "counter", fields[f].help);
        for (unsigned i = 0; netdev_copy(i, &dev); i++) {
            const char *stats = (const char *)&dev.stats;
            text_printf(page, "%s{device=\"%s\"} %" PRIu64 "\n", fields[f].name, dev.name,
                        *(const uint64_t *)(const void *)(stats + fields[f].offset));
        }
    }
    if (any) {
        describe(page, "pith_net_rx_lent", "gauge", "Receive buffers that the stack holds.");
        for (unsigned i = 0; netdev_copy(i, &dev); i++) {
            text_printf(page, "pith_net_rx_lent{device=\"%s\"} %u\n", dev.name, dev.rx_lent);
        }
    }
}

static void add_stack(struct text *page)
{
    static struct net_stat stats[NET_STATS_MAX]; /* one thread makes pages */
    unsigned n = net_stats(stats);
    for (unsigned i = 0; i < n; i++) {
        char name[96];
        struct text t;
        text_fixed(&t, name, sizeof(name));
        text_printf(&t, "pith_%s%s", stats[i].name, stats[i].counter ? "_total" : "");
        describe(page, name, stats[i].counter ? "counter" : "gauge", stats[i].help);
        text_printf(page, "%s %" PRIu64 "\n", name, stats[i].value);
    }
}

void metrics_machine(struct text *page)
{
    add_memory(page);
    add_cards(page);
    add_stack(page);
}
