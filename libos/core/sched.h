/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the thread system share: the thread's block, the CPU's scheduler data, and the
 * scheduler's calls. Private to libos/core.
 *
 * Order of locks: a wait queue's (the caller's), threads_lock, then a CPU's `lock`, then its
 * `timer_lock`. A thread belongs to one CPU (`cpu`) and is only queued and run there.
 */
#pragma once

#include <pith/attention.h>
#include <pith/list.h>
#include <pith/percpu.h>
#include <pith/spinlock.h>
#include <pith/thread.h>
#include <pith/timer.h>
#include <pith/waitq.h>

enum thread_state {
    THREAD_RUNNING, /* on its CPU */
    THREAD_READY,   /* in its CPU's ready list (idle threads: nowhere) */
    THREAD_BLOCKED, /* waits for sched_wake() */
    THREAD_DEAD,    /* never runs again */
};

/*
 * What a thread lies in: [block: TLS data, struct thread][guard][stack], in one piece, so that an
 * overflow ends in the guard and an overrun upwards doesn't reach the thread's own block. The
 * user's own stack lies elsewhere.
 */
struct thread_memory {
    char *block;
    size_t npages;     /* of the whole piece */
    char *guard;
    size_t guard_size; /* bytes; 0: no guard */
    char *stack;
    size_t stack_size;
};

struct thread {
    /* The thread control block: offsets by the x86-64 psABI supplement for TLS and GCC's canary. */
    void *self;
    uintptr_t abi_reserved[4];
    uintptr_t canary;
    uint8_t attention;          /* ATTENTION_*; atomic; at THREAD_ATTENTION */

    struct context context;
    struct percpu *cpu;
    uint8_t state;   /* enum thread_state; changed by the thread itself and by who wakes it */
    uint8_t on_cpu;  /* its stack is in use; 0 after the switch away: a joiner may free it */
    bool reap;       /* decided at the exit: nobody joins, sched_finish() puts the memory away */
    bool detached;   /* the following five: threads_lock */
    bool joining;
    bool exited;
    struct waitq exitq;
    void *result;

    struct list run;            /* ready list; after death the cache of blocks */
    struct list wait;           /* in a wait queue: under that queue's lock */
    struct spinlock *wait_lock; /* of the queue it waits in, NULL while it only sleeps */
    int wait_result;
    uint8_t hears;              /* the bits that end the wait it is in; atomic */
    uint8_t held_off;           /* no handler may run on top of what it does; its own */
    struct timer timeout;

    struct list all; /* threads_lock */
    void *(*fn)(void *arg);
    void *arg;
    uint32_t id;
    char name[16];

    struct thread_memory memory;

    uint64_t libc[THREAD_LIBC_SIZE / 8];
};

_Static_assert(offsetof(struct thread, canary) == 0x28, "GCC reads the canary at %fs:0x28");
_Static_assert(offsetof(struct thread, attention) == THREAD_ATTENTION, "attention_now() reads it");

/* Scheduler data of a CPU, in percpu.libos. */
struct __attribute__((may_alias)) cpu_sched {
    struct spinlock lock;       /* guards ready */
    struct spinlock timer_lock; /* guards timers, programmed_ns */
    bool slice_armed;           /* own CPU, masked */
    bool switched;              /* own CPU: since the last tick there was a voluntary switch */
    bool in_timer;              /* own CPU: timer_interrupt() programs the clock at its end */
    bool idling;                /* own CPU: the current thread is blocked and does the idle one's work */
    struct list ready;
    struct thread *idle;
    struct thread *from;        /* own CPU: who ran before the switch under way */
    struct timer slice;
    struct timer *timers;
    uint64_t programmed_ns;     /* what the platform's clock is set to; UINT64_MAX: nothing */
};

_Static_assert(sizeof(struct cpu_sched) <= sizeof(((struct percpu *)0)->libos), "percpu.libos");

static inline struct cpu_sched *cpu_sched(struct percpu *cpu)
{
    return (struct cpu_sched *)(void *)cpu->libos;
}

/* All threads but the idle ones, oldest first. */
extern struct spinlock threads_lock;
extern struct list threads;

/* Set this CPU's scheduler up; `idle` is what runs now. Context: boot, masked. */
void sched_init_cpu(struct percpu *cpu, struct thread *idle);

/*
 * Run something else until sched_wake(); state must be THREAD_BLOCKED or THREAD_DEAD. Context:
 * masked.
 */
void sched_block(void);

/* Make a blocked or new thread ready. Context: masked. */
void sched_wake(struct thread *t);

/* attention.c: called at the end of each preemption where there is somebody; atomic. */
extern void (*sched_attention_hook)(uintptr_t rip);

/* The second half of every switch, on the new stack. Context: masked. */
void sched_finish(void);

/* Whether no other thread of this CPU is ready. Context: masked. */
static inline bool sched_alone(void)
{
    return list_empty(&cpu_sched(percpu_this())->ready);
}

/* The loop of the idle thread. Context: masked. */
_Noreturn void sched_idle(void);

/* Timer function of thread.timeout: ends the wait or the sleep. */
void waitq_timeout(struct timer *timer);

/* Sizes of the TLS part, from the image; called once. */
void tls_init(void);

/*
 * Where struct thread lies in its block (the TLS data is below it), and bytes of block up to its
 * end.
 */
size_t tls_thread_offset(void);
size_t tls_block_size(void);

/* Fill a block: the program's initial TLS data, a zeroed struct thread with self and canary set. */
struct thread *tls_prepare(char *block);

/*
 * Memory for a thread; sizes in bytes, 0 for the defaults. With `own_stack` false the block alone.
 * Errors: -ENOMEM. Context: thread.
 */
int thread_memory_get(struct thread_memory *out, size_t stack_size, size_t guard_size,
                      bool own_stack);

/*
 * Keep a dead thread's memory for the next one. Context: any; thread_memory_trim() follows
 * sometime.
 */
void thread_memory_put(struct thread *t);

/* Give memory back until at most what suits the machine is kept. Context: thread. */
void thread_memory_trim(void);

/* Called once; from then on the page allocator gets it all back when it has nothing else. */
void thread_memory_init(void);

/* The thread whose guard page contains addr, or NULL. Takes no lock: for crash reports. */
const struct thread *thread_guarded_at(uintptr_t addr);
