/* SPDX-License-Identifier: BSD-2-Clause */
/* The network's one mutex, its start, and the work that its engine does. */
#include "net.h"

#include <errno.h>
#include <pthread.h>

#include <lwip/opt.h>

#include <lwip/init.h>
#include <lwip/netif.h>

#include <pith/heap.h>
#include <pith/iowait.h>
#include <pith/libc.h>
#include <pith/page.h>
#include <pith/panic.h>

#include "net_config.h"
#include "net_card.h"
#include "net_memory.h"
#include "net_poll.h"
#include "net_pool.h"
#include "net_random.h"
#include "net_timers.h"
#include "net_wait.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool started; /* under the mutex, or read with acquire */

void net_lock(void)
{
    libc_mutex_lock(&mutex);
}

/*
 * Whoever has sent to this machine's own addresses delivers it, here: no other thread has to be
 * woken for it. What is delivered calls back into sockets, which queue data and wake. A device's
 * interface does not check sums then: where the device would have made them, nobody has.
 */
static void deliver_own(void)
{
    struct netif *n;

    NETIF_FOREACH(n) {
        if (n->loop_first != NULL) {
            uint16_t flags = n->chksum_flags;
            n->chksum_flags &= (uint16_t)~(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP);
            netif_poll(n);
            n->chksum_flags = flags;
        }
    }
}

static void finish_section(void)
{
    deliver_own();
    if (!net_card_nothing_left()) {
        net_card_flush();
        net_card_collect();
        net_card_free_removed();
    }
}

void net_unlock(void)
{
    finish_section();
    bool kick = net_timers_changed();
    pthread_mutex_unlock(&mutex);
    if (kick) {
        io_engine_kick();
    }
}

/* Frames that have arrived, timers that are due, and when to come again. */
static uint64_t pass(bool arm)
{
    net_lock();
    bool more = net_card_receive();
    uint64_t next = net_timers_run();
    finish_section();
    /* What was delivered to ourselves just now may have started a timer that `next` knows not of. */
    more = net_timers_changed() || more || (arm && net_card_arm());
    pthread_mutex_unlock(&mutex);
    return more ? 0 : next;
}

/* ---- the engine ---- */

static uint64_t work(void)
{
    return pass(true);
}

static uint64_t look(void)
{
    return pass(false);
}

static bool arm(void)
{
    net_lock();
    bool more = net_card_arm();
    pthread_mutex_unlock(&mutex);
    return more;
}

/*
 * The machine is short of memory. Where it is the stack that asks, or another thread uses it, it has
 * none to spare now: net_mem_alloc() drains the pool by itself.
 */
static size_t reclaim(void)
{
    if (pthread_mutex_trylock(&mutex) != 0) {
        return 0;
    }
    bool some = net_pool_drain();
    pthread_mutex_unlock(&mutex);
    return some ? heap_trim() : 0; /* the heap has been asked before, and holds the blocks now */
}

static int start(void)
{
    static const struct io_engine engine = { .work = work, .look = look, .arm = arm };

    net_random_init();
    net_memory_init();
    lwip_init();
    int r = net_card_attach_all();
    if (r != 0) {
        return r;
    }
    page_add_reclaim(reclaim);
    net_config_start();
    net_wait_start();
    net_poll_start();
    return io_engine_start(&engine);
}

bool net_started(void)
{
    return __atomic_load_n(&started, __ATOMIC_ACQUIRE);
}

int net_start(void)
{
    static bool failed;
    int r = 0;

    if (net_started()) {
        return 0;
    }
    net_lock();
    if (failed) {
        r = -ENOMEM;
    } else if (!started) {
        r = start();
        failed = r != 0;
        __atomic_store_n(&started, r == 0, __ATOMIC_RELEASE);
    }
    net_unlock();
    if (r == 0) {
        io_engine_kick(); /* arms the devices and the first deadline */
    }
    return r;
}

void net_assert_failed(int line)
{
    PANIC("lwIP: the assertion of line %d is false, in the function that the backtrace names", line);
}
