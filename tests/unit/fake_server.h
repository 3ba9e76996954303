/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread of the code under test that serves for ever: it is not run by itself but by the test,
 * until it has done all that there is to do, which is when it waits. Included once.
 */
#pragma once

#include <setjmp.h>

#include <pith/thread.h>
#include <pith/waitq.h>

#include "unit.h"

#include "fake_cpu.h"
#include "fake_log.h"

static void *(*server)(void *);
static unsigned servers;     /* how many were made */
static unsigned sleeps;      /* how often it waited with a deadline, ... */
static uint64_t sleeps_until; /* ... the last one */
static jmp_buf server_idle;

void platform_irq_replay(void)
{
}

int thread_create(struct thread **out, const struct thread_attr *attr, void *(*fn)(void *), void *arg)
{
    (void)out;
    EXPECT(attr->detached && attr->stack_size >= THREAD_STACK_MIN && arg == NULL);
    server = fn;
    servers++;
    return 0;
}

unsigned waitq_wake_all(struct waitq *q)
{
    (void)q;
    return 0;
}

int waitq_wait(struct waitq *q, struct spinlock *lock, uint64_t deadline_ns)
{
    (void)q;
    if (deadline_ns != UINT64_MAX) {
        sleeps++;
        sleeps_until = deadline_ns;
    }
    spin_unlock(lock, false);
    longjmp(server_idle, 1);
}

static void serve(void)
{
    if (setjmp(server_idle) == 0) {
        server(NULL);
    }
    EXPECT(!irq_is_masked());
}
