/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine in the words of sysinfo(2). */
#include <sys/sysinfo.h>

#include <unistd.h>

#include <pith/page.h>
#include <pith/platform.h>

int sysinfo(struct sysinfo *info)
{
    struct page_stats stats;
    page_stats(&stats);
    *info = (struct sysinfo){
        .uptime = (long)(platform_clock_ns() / 1000000000u),
        .totalram = stats.total * PAGE_SIZE,
        .freeram = stats.free * PAGE_SIZE,
        .procs = 1,
        .mem_unit = 1,
    };
    return 0;
}

int get_nprocs(void)
{
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

int get_nprocs_conf(void)
{
    return (int)sysconf(_SC_NPROCESSORS_CONF);
}

long get_phys_pages(void)
{
    return sysconf(_SC_PHYS_PAGES);
}

long get_avphys_pages(void)
{
    return sysconf(_SC_AVPHYS_PAGES);
}
