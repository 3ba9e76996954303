/* SPDX-License-Identifier: BSD-2-Clause */
/* sysinfo(2), and the numbers of CPUs and pages as glibc has them. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

struct sysinfo {
    long uptime;            /* seconds since the start */
    unsigned long loads[3]; /* 0: nobody keeps them */
    unsigned long totalram; /* this and the others in units of mem_unit bytes */
    unsigned long freeram;
    unsigned long sharedram;
    unsigned long bufferram;
    unsigned long totalswap;
    unsigned long freeswap;
    unsigned short procs;
    unsigned long totalhigh;
    unsigned long freehigh;
    unsigned mem_unit;
};

int sysinfo(struct sysinfo *info);
int get_nprocs(void);
int get_nprocs_conf(void);
long get_phys_pages(void);
long get_avphys_pages(void);

#ifdef __cplusplus
}
#endif
