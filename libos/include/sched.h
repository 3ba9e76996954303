/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling: one policy, no priorities. Sets of CPUs as glibc has them, sched(7), CPU_SET(3). */
#pragma once

#include <stddef.h>
#include <string.h>
#include <sys/sched.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

int sched_yield(void);
int sched_get_priority_max(int policy);
int sched_get_priority_min(int policy);
int sched_getparam(pid_t pid, struct sched_param *param);
int sched_setparam(pid_t pid, const struct sched_param *param);
int sched_getscheduler(pid_t pid);
int sched_setscheduler(pid_t pid, int policy, const struct sched_param *param);
int sched_rr_get_interval(pid_t pid, struct timespec *interval);

#if __GNU_VISIBLE

#define SCHED_BATCH 3
#define SCHED_IDLE  5

#define CPU_SETSIZE 1024

typedef struct {
    unsigned long __bits[CPU_SETSIZE / 64];
} cpu_set_t;

#define CPU_ALLOC_SIZE(n)       (((size_t)(n) + 63) / 64 * 8)
#define CPU_ALLOC(n)            ((cpu_set_t *)__builtin_calloc(1, CPU_ALLOC_SIZE(n)))
#define CPU_FREE(set)           __builtin_free(set)
#define CPU_ZERO_S(size, set)   ((void)memset(set, 0, size))
#define CPU_SET_S(cpu, size, set) \
    ((void)((size_t)(cpu) / 8 < (size) ? (set)->__bits[(cpu) / 64] |= 1ul << (cpu) % 64 : 0))
#define CPU_CLR_S(cpu, size, set) \
    ((void)((size_t)(cpu) / 8 < (size) ? (set)->__bits[(cpu) / 64] &= ~(1ul << (cpu) % 64) : 0))
#define CPU_ISSET_S(cpu, size, set) \
    ((size_t)(cpu) / 8 < (size) && ((set)->__bits[(cpu) / 64] >> (cpu) % 64 & 1) != 0)
#define CPU_COUNT_S(size, set)  __sched_cpu_count(size, set)
#define CPU_EQUAL_S(size, a, b) (memcmp(a, b, size) == 0)

#define CPU_ZERO(set)       CPU_ZERO_S(sizeof(cpu_set_t), set)
#define CPU_SET(cpu, set)   CPU_SET_S(cpu, sizeof(cpu_set_t), set)
#define CPU_CLR(cpu, set)   CPU_CLR_S(cpu, sizeof(cpu_set_t), set)
#define CPU_ISSET(cpu, set) CPU_ISSET_S(cpu, sizeof(cpu_set_t), set)
#define CPU_COUNT(set)      CPU_COUNT_S(sizeof(cpu_set_t), set)
#define CPU_EQUAL(a, b)     CPU_EQUAL_S(sizeof(cpu_set_t), a, b)

static inline int __sched_cpu_count(size_t size, const cpu_set_t *set)
{
    int n = 0;
    for (size_t i = 0; i < size / 8; i++) {
        n += __builtin_popcountl(set->__bits[i]);
    }
    return n;
}

/*
 * The CPUs that threads may run on. A set with one of the machine's CPUs in it is accepted, and
 * threads go on running anywhere.
 */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set);
int sched_getcpu(void);

#endif

#ifdef __cplusplus
}
#endif
