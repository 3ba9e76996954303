/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running handlers.
 *
 * A handler is a call that the thread itself makes: at a point of a library call (point.h) where it
 * holds nothing, or on top of an interrupt that found it in the program's own text (the linker script
 * marks that). It never runs on top of library code, whose locks it might need; a thread that is
 * interrupted there is asked again a millisecond later. Registers need no care of ours: a call keeps
 * what it has to, and the interrupt's exit restores the rest.
 */
#include <errno.h>
#include <stddef.h>

#include "signal_impl.h"

#define NESTED_MAX 8 /* handlers that begin on top of each other because all were due at once */

extern const char __program_text_start[], __program_text_end[]; /* platform/x86/link.ld */

void signal_update(struct thread_data *data)
{
    if ((data->pending.bits | signal_process.bits) & ~data->mask) {
        attention_raise(thread_current(), ATTENTION_SIGNAL);
    } else {
        attention_drop(thread_current(), ATTENTION_SIGNAL);
    }
}

void signal_set_mask(sigset_t mask)
{
    struct thread_data *data = thread_data();
    bool was = spin_lock(&signal_lock);
    sigset_t lost = mask & ~data->mask & signal_process.bits;
    data->mask = mask & ~SIGNALS_UNBLOCKABLE;
    signal_update(data);
    spin_unlock(&signal_lock, was);
    if (lost != 0) {
        signal_pass_on(lost);
    }
}

void signal_set_mask_for_call(sigset_t mask)
{
    struct thread_data *data = thread_data();
    data->kept_mask = data->mask;
    data->keeps_mask = true;
    signal_set_mask(mask);
}

void signal_end_mask_for_call(void)
{
    struct thread_data *data = thread_data();
    if (data->keeps_mask) {
        data->keeps_mask = false;
        signal_set_mask(data->kept_mask);
    }
    libc_point();
}

sigset_t signal_mask_for(const struct sigaction *a, int sig)
{
    struct thread_data *data = thread_data();
    sigset_t before = data->keeps_mask ? data->kept_mask : data->mask;
    data->keeps_mask = false;
    sigset_t more = a->sa_mask | (a->sa_flags & SA_NODEFER ? 0 : signal_bit(sig));
    data->mask = (data->mask | more) & ~SIGNALS_UNBLOCKABLE;
    signal_update(data);
    return before;
}

struct handler_call {
    const struct sigaction *action;
    siginfo_t *info;
    ucontext_t *u;
};

static void call(struct handler_call *c)
{
    if (c->action->sa_flags & SA_SIGINFO) {
        c->action->sa_sigaction(c->info->si_signo, c->info, c->u);
    } else {
        c->action->sa_handler(c->info->si_signo);
    }
}

/* The same on the stack that ends at `top`. */
static __attribute__((noinline)) void call_on(uintptr_t top, struct handler_call *c)
{
    __asm__ volatile("movq %%rsp, %%rbx\n\t"
                     "movq %1, %%rsp\n\t"
                     "call *%2\n\t"
                     "movq %%rbx, %%rsp"
                     : "+D"(c)
                     : "r"(top & ~(uintptr_t)15), "r"(call)
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
                       "memory", "cc");
}

void signal_call(const struct sigaction *a, siginfo_t *info, ucontext_t *u, bool on_alternate)
{
    struct thread_data *data = thread_data();
    struct handler_call c = { a, info, u };
    stack_t *alternate = &data->alternate;
    bool is_on = signal_on_alternate(data, (uintptr_t)__builtin_frame_address(0));
    u->uc_stack = *alternate;
    u->uc_stack.ss_flags = alternate->ss_size == 0 ? SS_DISABLE
                           : is_on && !on_alternate ? SS_ONSTACK : 0;
    if ((a->sa_flags & SA_ONSTACK) && alternate->ss_size != 0 && !is_on) {
        call_on((uintptr_t)alternate->ss_sp + alternate->ss_size, &c);
    } else {
        call(&c);
    }
    signal_set_mask(u->uc_sigmask);
}

/*
 * Run what is due for this thread, at most `nested` deep. Linux enters the handlers of signals that
 * are due together one on top of the other, so that the last one's runs first: so does this.
 */
static enum attended deliver(uintptr_t rip, unsigned nested)
{
    struct thread_data *data = thread_data();
    enum attended done = ATTENDED_NONE;
    for (;;) {
        siginfo_t info;
        sigset_t before = 0;
        bool was = spin_lock(&signal_lock);
        int sig = signal_take_own(~data->mask, &info);
        struct sigaction a = signal_actions[sig];
        bool handled = sig != 0 && a.sa_handler != SIG_DFL && a.sa_handler != SIG_IGN;
        if (handled) {
            before = signal_mask_for(&a, sig);
            if (a.sa_flags & SA_RESETHAND) {
                signal_actions[sig] = (struct sigaction){ .sa_flags = 0 };
            }
        } else {
            signal_update(data);
        }
        spin_unlock(&signal_lock, was);
        if (sig == 0) {
            return done;
        }
        if (!handled) {
            if (a.sa_handler == SIG_DFL) {
                signal_act_by_default(sig);
            }
            continue;
        }
        ucontext_t u = { .uc_sigmask = before };
        u.uc_mcontext.gregs[REG_RIP] = (greg_t)rip;
        if (nested > 0 && deliver(0, nested - 1) == ATTENDED_INTERRUPT) {
            done = ATTENDED_INTERRUPT;
        }
        signal_call(&a, &info, &u, false);
        if (done != ATTENDED_INTERRUPT) {
            done = a.sa_flags & SA_RESTART ? ATTENDED_RESTART : ATTENDED_INTERRUPT;
        }
    }
}

static enum attended at_point(void)
{
    int before = errno;
    enum attended done = deliver(0, NESTED_MAX);
    errno = before; /* the call has its own say; a handler that spoils errno does no harm here */
    return done;
}

/* On top of an interrupt. Context: masked. */
static void interrupted(uintptr_t rip)
{
    if (rip - (uintptr_t)__program_text_start >=
        (uintptr_t)(__program_text_end - __program_text_start)) {
        return;
    }
    irq_unmask();
    deliver(rip, NESTED_MAX);
    (void)irq_save();
}

/* The ending thread gets no more signals; others take what was for the process. */
static void leave(void)
{
    struct thread_data *data = thread_data();
    signal_set_mask(~0ul);
    bool was = spin_lock(&signal_lock);
    data->mask = ~0ul;
    for (int sig = 1; sig < NSIG; sig++) {
        signal_forget(&data->pending, sig);
    }
    attention_drop(thread_current(), ATTENTION_SIGNAL);
    spin_unlock(&signal_lock, was);
}

static const struct signal_ops ops = { .send = signal_send_simple, .broken_pipe = signal_broken_pipe };

void signal_start(void)
{
    if (__atomic_load_n(&signal_ops, __ATOMIC_ACQUIRE) == NULL) {
        point_signals = at_point;
        point_set_mask = signal_set_mask_for_call;
        point_end_mask = signal_end_mask_for_call;
        point_leave = leave;
        attention_set_hook(interrupted);
        signal_take_faults();
        __atomic_store_n(&signal_ops, &ops, __ATOMIC_RELEASE);
    }
}
