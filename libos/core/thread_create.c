/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread system's start, and the creation of threads. */
#include <errno.h>
#include <string.h>

#include "sched.h"

#define STACK_ALIGN 16u

static uint32_t last_id; /* threads_lock */

/* The boot stack goes on as CPU 0's idle thread: it has no TLS data and is in no list. */
static struct thread boot_idle;

static uintptr_t current_canary(void)
{
    uintptr_t v;

    __asm__ volatile("movq %%fs:0x28, %0" : "=r"(v));
    return v;
}

/* First code of every thread. Context: masked, on its own stack. */
static void thread_start(void *arg)
{
    struct thread *t = arg;

    sched_finish();
    irq_unmask();
    thread_exit(t->fn(t->arg));
}

static void enter(struct thread *t, struct thread **out)
{
    bool was = spin_lock(&threads_lock);
    t->id = ++last_id;
    t->cpu = percpu_this();
    list_insert(&threads, &t->all);
    *out = t; /* before it runs: it may look there */
    sched_wake(t);
    spin_unlock(&threads_lock, was);
}

int thread_create(struct thread **out, const struct thread_attr *attr, void *(*fn)(void *),
                  void *arg)
{
    static const struct thread_attr defaults;
    const struct thread_attr *a = attr != NULL ? attr : &defaults;
    struct thread_memory memory;

    if (a->stack_size < THREAD_STACK_MIN && (a->stack_size != 0 || a->stack != NULL)) {
        return -EINVAL;
    }
    int rc = thread_memory_get(&memory, a->stack_size, a->guard_size, a->stack == NULL);
    if (rc != 0) {
        return rc;
    }
    struct thread *t = tls_prepare(memory.block);
    if (a->stack != NULL) {
        memory.stack = a->stack;
        memory.stack_size = a->stack_size;
    }
    t->memory = memory;
    t->fn = fn;
    t->arg = arg;
    t->detached = a->detached;
    list_init(&t->run);
    list_init(&t->wait);
    waitq_init(&t->exitq);
    timer_init(&t->timeout, waitq_timeout);
    thread_set_name(t, a->name != NULL ? a->name : "");
    uintptr_t top = (uintptr_t)memory.stack + memory.stack_size;
    top &= ~(uintptr_t)(STACK_ALIGN - 1);
    platform_context_init(&t->context, (void *)top, thread_start, t);
    enter(t, out);
    return 0;
}

void thread_init(void)
{
    tls_init();
    thread_memory_init();
    boot_idle.self = &boot_idle;
    /* The functions that are under way on this stack have the boot block's canary. */
    boot_idle.canary = current_canary();
    thread_set_name(&boot_idle, "idle");
    sched_init_cpu(percpu_this(), &boot_idle);
    platform_set_tp(&boot_idle);
}
