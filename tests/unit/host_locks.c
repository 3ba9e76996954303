/* SPDX-License-Identifier: BSD-2-Clause */
/* The locks of libos' rooms (pith/libc.h) are this host's: linked to every test of files and network. */
#include <pthread.h>

void libc_mutex_lock(pthread_mutex_t *m);
int libc_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, unsigned attention);

void libc_mutex_lock(pthread_mutex_t *m)
{
    pthread_mutex_lock(m);
}

int libc_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, unsigned attention)
{
    (void)attention;
    return pthread_cond_wait(c, m);
}
