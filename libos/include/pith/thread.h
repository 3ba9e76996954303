/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: preemptible, one run queue per CPU, round robin with a time slice.
 *
 * A thread's block begins with the thread control block of the x86-64 ABI (TLS variant II), which
 * %fs points to: its own address at 0 and the stack canary at 0x28; the program's TLS data lies
 * below it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/list.h>
#include <pith/platform.h>
#include <pith/waitq.h>

struct thread; /* private to libos/core/thread*.c; see thread_*() */

struct thread_attr {
    size_t stack_size; /* bytes, rounded up to pages; 0: the default */
    void *stack;       /* the caller's own stack (stack_size bytes, no guard page), or NULL */
    size_t guard_size; /* bytes below our stack that fault; 0: one page */
    bool detached;
    const char *name;  /* for reports; copied, cut at 15 */
};

#define THREAD_STACK_DEFAULT (128UL * 1024)
#define THREAD_STACK_MIN     (16UL * 1024) /* room for a preemption with the widest vectors */

/*
 * Start fn(arg) in a new thread. attr may be NULL.
 * Errors: -ENOMEM, -EINVAL (a stack below THREAD_STACK_MIN). Context: thread.
 */
int thread_create(struct thread **out, const struct thread_attr *attr, void *(*fn)(void *),
                  void *arg);

_Noreturn void thread_exit(void *result);

/*
 * Wait for the end of `t` and release it; result may be NULL.
 * Errors: -EDEADLK (itself), -EINVAL (detached, or somebody joins it), -ETIMEDOUT (deadline_ns
 * passed), -EINTR (pith/attention.h).
 */
int thread_join(struct thread *t, void **result, uint64_t deadline_ns);

/* Let it release itself at its end. Errors: -EINVAL (detached already). */
int thread_detach(struct thread *t);

/* The calling thread. Context: any after libos_main() has set up the first one. */
static inline struct thread *thread_current(void)
{
    struct thread *t;
    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(t) : "i"(PERCPU_CURRENT));
    return t;
}

/* Give the rest of the time slice to the next ready thread of this CPU. */
void thread_yield(void);

/* Sleep until monotonic deadline_ns. Context: thread, not masked. */
void thread_sleep_until(uint64_t deadline_ns);

/* Preemption off and on, nesting; the scheduler runs at the last "on" when it was asked for. */
void thread_preempt_disable(void);
void thread_preempt_enable(void);

/* Per-thread slots for the C library. */
void *thread_libc(struct thread *t);               /* THREAD_LIBC_SIZE zeroed bytes */
#define THREAD_LIBC_SIZE 192

/* Run `hook` in each thread that ends, before its TLS is released. One hook. */
void thread_set_exit_hook(void (*hook)(void));

uint32_t thread_id(const struct thread *t);        /* 1.. , never reused soon */
const char *thread_name(const struct thread *t);
void thread_set_name(struct thread *t, const char *name);
void thread_stack(const struct thread *t, void **low, size_t *size);
unsigned thread_count(void);                       /* threads that exist, idle threads left out */

/* Call fn for each thread, for crash reports: no lock is taken. */
void thread_for_each(void (*fn)(struct thread *t, void *arg), void *arg);

/* The saved context of a thread that isn't running. */
const struct context *thread_context(const struct thread *t);

/* The thread system itself; called from libos_main(). */
void thread_init(void);
