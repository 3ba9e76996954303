/* SPDX-License-Identifier: BSD-2-Clause */
/* The network's one mutex, and its start. */
#include "net.h"

#include <pthread.h>

#include <lwip/opt.h>

#include <lwip/init.h>
#include <lwip/netif.h>

#include <pith/panic.h>

#include "net_memory.h"
#include "net_random.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool started; /* under the mutex, or read with acquire */

void net_lock(void)
{
    pthread_mutex_lock(&mutex);
}

/*
 * Whoever has sent to this machine's own addresses delivers it, here: no other thread has to be
 * woken for it. What is delivered calls back into sockets, which queue data and wake.
 */
static void deliver_own(void)
{
    struct netif *n;

    NETIF_FOREACH(n) {
        if (n->loop_first != NULL) {
            netif_poll(n);
        }
    }
}

void net_unlock(void)
{
    deliver_own();
    pthread_mutex_unlock(&mutex);
}

int net_start(void)
{
    if (__atomic_load_n(&started, __ATOMIC_ACQUIRE)) {
        return 0;
    }
    net_lock();
    if (!started) {
        net_random_init();
        net_memory_init();
        lwip_init();
        __atomic_store_n(&started, true, __ATOMIC_RELEASE);
    }
    net_unlock();
    return 0;
}

void net_wait_configured(void)
{
}

void net_assert_failed(const char *what, int line)
{
    PANIC("lwIP, line %d: %s", line, what);
}
