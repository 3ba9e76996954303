/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wall between libos and the platforms: what libos may ask of the machine, and the few
 * functions of libos that a platform may call.
 *
 * No physical address, Xen or virtio word appears here. "Masked" means irq_save() is in force.
 * Errors are 0 or -Exxx of <errno.h>. A call that documents no error can't fail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/boot.h>
#include <pith/irq.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL

/* ---- time ---- */

/* Monotonic time in ns since boot; never goes back, also across CPUs. Context: any. */
uint64_t platform_clock_ns(void);

/* Wall-clock time in ns since 1970-01-01 UTC, as the host tells it. Context: thread. */
uint64_t platform_wall_ns(void);

/*
 * Call timer_interrupt() on this CPU once, at or shortly after deadline_ns (absolute, monotonic).
 * Replaces the previous deadline; UINT64_MAX cancels it. A deadline in the past fires at once.
 * Context: masked.
 */
void platform_timer_set(uint64_t deadline_ns);

/* ---- CPU ---- */

/*
 * Stop this CPU until an interrupt is recorded, then run the handlers. Returns at once when one is
 * recorded already: no wake-up is lost. Context: masked; returns masked, handlers have run.
 */
void platform_idle(void);

/*
 * Start CPU `cpu` (1..), which calls entry(arg) masked, on its own stack, with %gs set to `percpu`.
 * Errors: -ENODEV no such CPU, -EBUSY started already, -ETIMEDOUT it did not answer, -ENOSYS.
 * Context: thread.
 */
int platform_cpu_start(unsigned cpu, struct percpu *percpu, void (*entry)(void *), void *arg);

/* Interrupt CPU `cpu`: it calls cpu_interrupt(). Context: any. */
void platform_cpu_kick(unsigned cpu);

/* How many CPUs the machine has (at least 1). */
unsigned platform_cpu_count(void);

/*
 * Saved state of a thread that isn't running: its stack pointer; everything else lies on its stack.
 */
struct context {
    void *sp;
};

/*
 * Prepare `ctx` so that the first switch to it calls entry(arg) on the stack that ends at
 * stack_top, with the ABI's initial FP state. entry must not return. The new context starts as
 * switched to: masked.
 */
void platform_context_init(struct context *ctx, void *stack_top, void (*entry)(void *), void *arg);

/*
 * Save the caller's callee-saved state in `from`, continue `to` with its thread pointer (%fs base)
 * `tp`. Returns when somebody switches back. Context: masked.
 */
void platform_context_switch(struct context *from, const struct context *to, void *tp);

/* Set this CPU's thread pointer (%fs base). Context: masked or single-threaded. */
void platform_set_tp(void *tp);

/* ---- memory ---- */

#define PAGE_PROT_NONE  0u /* unmapped: an access faults */
#define PAGE_PROT_READ  1u
#define PAGE_PROT_WRITE 2u /* implies read */
#define PAGE_PROT_EXEC  4u /* never together with WRITE; refused after the seal */

/*
 * One change of the address space. `page` names the memory by the address under which the page
 * allocator handed it out (its home address); NULL with PAGE_PROT_NONE unmaps.
 * A change of protection at home has va == page.
 */
struct page_op {
    void *va;
    void *page;
    size_t npages;
    unsigned prot;
};

/*
 * Carry out ops[0..n) in order, in as few crossings as possible; stale TLB entries are gone on
 * return. Errors: -EINVAL unaligned or a range that isn't ours, -EPERM against the rules (W+X, X
 * after the seal, text, page tables or monitor), -ENOMEM no memory for page tables. On an error the
 * ops before the failing one have been done. Context: thread.
 */
int platform_page_ops(const struct page_op *ops, size_t n);

/*
 * No new executable page from now on; image text and constants are final. Called once, before main.
 */
void platform_page_seal(void);

/* ---- faults ---- */

struct trap_frame;

/*
 * Within trap_take(): let the thread go on with trap_run(copy of the frame) on the stack that ends at
 * `top`. When that returns, the code goes on with what is in the copy. There have to be
 * platform_trap_room() bytes below `top`, and what trap_run() itself needs.
 */
void platform_trap_divert(struct trap_frame *frame, void *top);
size_t platform_trap_room(void);

/* ---- console ---- */

/* Write all of it, waiting for the device where it has to. Context: any, also a crash. */
void platform_console_write(const char *data, size_t len);

/* Read what has arrived, up to len bytes; 0 when nothing has. Never waits. Context: any. */
size_t platform_console_read(char *data, size_t len);

/* How many bytes the host may send before they are read, without any being lost. Context: any. */
size_t platform_console_window(void);

/*
 * Call console_input() when bytes arrive, from now on. Returns -ENOSYS where input has to be
 * polled.
 */
int platform_console_listen(void);

struct condev;

/*
 * Have the machine's console go to a device (pith/condev.h) from now on, for ever; output that it
 * does not take goes where it went before. Context: thread.
 */
void platform_console_use(struct condev *dev);

/* ---- the rest ---- */

/*
 * Fill buf with up to len random bytes of the CPU's generator; returns how many (0: it has none).
 */
size_t platform_entropy(void *buf, size_t len);

enum platform_stop {
    PLATFORM_POWEROFF,
    PLATFORM_REBOOT,
    PLATFORM_CRASH,
};

/* End the machine; status is handed to the host where it has a channel for it. Context: any. */
_Noreturn void platform_stop(enum platform_stop how, int status);

/*
 * Before the first program thread: set up what platform_stop_listen() needs a thread for. Called
 * once. Context: thread.
 */
void platform_stop_prepare(void);

/*
 * Call stop_requested() when the host asks the machine to end, by whatever it has for that, from
 * now on. Called once. Errors: -ENODEV no such device was found, -ENOSYS. Context: any, masked or
 * not.
 */
int platform_stop_listen(void);

/*
 * How long our CPUs, all together, were ready to run while the host ran others, in ns since the boot
 * (after a migration: on this host); 0 where it does not say. A call to the host. Context: thread.
 */
uint64_t platform_steal_ns(void);

/*
 * How many pages the host has taken back for now. To the page allocator they are in use. Context: any.
 */
size_t platform_pages_away(void);

/*
 * Copy n bytes from an address that may be bad. Returns 0, or -EFAULT with part of it copied.
 * Context: any, also a crash.
 */
int platform_probe_read(void *dst, const void *src, size_t n);

/*
 * Device classes: each looks for its devices on every bus the machine has and attaches what it
 * finds (blkdev_attach() and so on). Called once, by the subsystem that needs the class, so that an
 * image without that subsystem does not contain the drivers. Returns how many were found. Context:
 * thread.
 */
int platform_probe_block(void);
int platform_probe_net(void);
int platform_probe_console(void);
int platform_probe_entropy(void);
int platform_probe_share(void);

/* ---- what a platform may call upward (besides log.h, page.h, random.h, thread.h, waitq.h, *_attach) ---- */

/* Entry of libos, once per machine, on the boot stack, masked. */
_Noreturn void libos_main(const struct boot_info *info);

/* The timer set by platform_timer_set() has fired. Context: interrupt, masked. */
void timer_interrupt(void);

/* Another CPU kicked this one. Context: interrupt, masked. */
void cpu_interrupt(void);

/* The host asks for the end of the machine. Context: interrupt, masked. */
void stop_requested(void);

/* Console input has arrived. Context: interrupt, masked. */
void console_input(void);

/*
 * The scheduler's turn at the end of an interrupt: need_resched was set and preempt_count is 0. The
 * whole FP state has been saved. `rip` is where the thread was interrupted, 0 where it did not run
 * the program. Context: masked, on the interrupted thread's stack; returns masked, or never.
 */
void thread_preempt(uintptr_t rip);

/*
 * A fault that no fixup covers, in code that may be interrupted: whether libos deals with it. Then
 * it has called platform_trap_divert(). Context: masked, on whatever stack faults are taken on.
 */
bool trap_take(struct trap_frame *frame);

/* What a diverted fault goes on with; `fp` is the saved FP state. Context: thread, unmasked. */
void trap_run(struct trap_frame *frame, void *fp);

/* A fault that nobody deals with: print the crash report and end the machine. Context: masked. */
_Noreturn void panic_trap(const struct trap_frame *frame);
