/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: their end, and what others may ask about them. */
#include <errno.h>
#include <string.h>

#include <pith/attention.h>
#include <pith/exit.h>
#include <pith/panic.h>

#include "sched.h"

struct spinlock threads_lock = SPINLOCK_INIT;
struct list threads = LIST_INIT(threads);

static void (*exit_hook)(void);

void thread_set_exit_hook(void (*hook)(void))
{
    exit_hook = hook;
}

_Noreturn void thread_exit(void *result)
{
    struct thread *t = thread_current();

    if (exit_hook != NULL) {
        exit_hook();
    }
    thread_memory_trim(); /* a thread that reaps itself can't do it after its end */
    (void)spin_lock(&threads_lock);
    list_remove(&t->all);
    bool last = list_empty(&threads);
    t->result = result;
    t->exited = true;
    t->reap = t->detached;
    waitq_wake_all(&t->exitq);
    spin_release(&threads_lock);
    if (last) {
        machine_exit(0); /* POSIX: the process ends with its last thread, status 0 */
    }
    t->state = THREAD_DEAD;
    sched_block();
    PANIC("thread %u runs after its end", t->id);
}

/* Put the memory of an exited thread away that nobody else refers to any more. */
static void bury(struct thread *t)
{
    /* On another CPU it may still be on its way out, on this very stack. */
    while (__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE)) {
        __builtin_ia32_pause();
    }
    thread_memory_put(t);
    thread_memory_trim();
}

int thread_join(struct thread *t, void **result, uint64_t deadline_ns)
{
    int rc = 0;

    if (t == thread_current()) {
        return -EDEADLK;
    }
    bool was = spin_lock(&threads_lock);
    if (t->detached || t->joining) {
        spin_unlock(&threads_lock, was);
        return -EINVAL;
    }
    t->joining = true;
    while (!t->exited && rc == 0) {
        rc = waitq_wait_for(&t->exitq, &threads_lock, deadline_ns, ATTENTION_ALL);
    }
    if (!t->exited) {
        t->joining = false;
        spin_unlock(&threads_lock, was);
        return rc;
    }
    spin_unlock(&threads_lock, was);
    if (result != NULL) {
        *result = t->result;
    }
    bury(t);
    return 0;
}

int thread_detach(struct thread *t)
{
    bool was = spin_lock(&threads_lock);
    if (t->detached || t->joining) {
        spin_unlock(&threads_lock, was);
        return -EINVAL;
    }
    t->detached = true;
    bool exited = t->exited;
    spin_unlock(&threads_lock, was);
    if (exited) {
        bury(t);
    }
    return 0;
}

void *thread_libc(struct thread *t)
{
    return t->libc;
}

uint32_t thread_id(const struct thread *t)
{
    return t->id;
}

const char *thread_name(const struct thread *t)
{
    return t->name;
}

void thread_set_name(struct thread *t, const char *name)
{
    size_t len = strnlen(name, sizeof(t->name) - 1);

    memcpy(t->name, name, len);
    memset(t->name + len, 0, sizeof(t->name) - len);
}

void thread_stack(const struct thread *t, void **low, size_t *size)
{
    *low = t->memory.stack;
    *size = t->memory.stack_size;
}

unsigned thread_count(void)
{
    unsigned n = 0;

    bool was = spin_lock(&threads_lock);
    for (struct list *at = threads.next; at != &threads; at = at->next) {
        n++;
    }
    spin_unlock(&threads_lock, was);
    return n;
}

void thread_for_each(void (*fn)(struct thread *t, void *arg), void *arg)
{
    for (struct list *at = threads.next; at != &threads; at = at->next) {
        fn(LIST_ENTRY(at, struct thread, all), arg);
    }
}

const struct context *thread_context(const struct thread *t)
{
    return &t->context;
}

const struct thread *thread_guarded_at(uintptr_t addr)
{
    for (struct list *at = threads.next; at != &threads; at = at->next) {
        const struct thread *t = LIST_ENTRY(at, struct thread, all);
        if (addr - (uintptr_t)t->memory.guard < t->memory.guard_size) {
            return t;
        }
    }
    return NULL;
}
