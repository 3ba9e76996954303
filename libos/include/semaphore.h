/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX semaphores. There are no processes to share one with, so `pshared` makes no difference, and
 * a name is known to this program alone.
 */
#pragma once

#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEM_VALUE_MAX 0x7fffffff
#define SEM_FAILED    ((sem_t *)0)

typedef struct {
    int __value;           /* never below 0 */
    unsigned int __nwait;  /* threads that wait or are about to */
    unsigned char __guard;
    void *__wait[2];
} sem_t;

int sem_init(sem_t *sem, int pshared, unsigned int value);
int sem_destroy(sem_t *sem);
sem_t *sem_open(const char *name, int flags, ...); /* with O_CREAT: mode_t, unsigned value */
int sem_close(sem_t *sem);
int sem_unlink(const char *name);
int sem_wait(sem_t *sem);
int sem_trywait(sem_t *sem);
int sem_timedwait(sem_t *__restrict sem, const struct timespec *__restrict abstime);
int sem_clockwait(sem_t *__restrict sem, clockid_t clock,
                  const struct timespec *__restrict abstime);
int sem_post(sem_t *sem);
int sem_getvalue(sem_t *__restrict sem, int *__restrict value);

#ifdef __cplusplus
}
#endif
